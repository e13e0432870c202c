"""RECIST 1.1: response evaluation criteria in solid tumours.

The target response, in this order:

1. R11.O.TABLE1: without targets at baseline it is not applicable.
2. R11.T.REAPPEAR: a target seen again after an overall complete response is progression, whatever else is missing.
3. R11.T.NEPD: with a target missing, it is progression if the evaluated ones alone reach it.
4. R11.T.NE: with a target missing, it is not evaluable otherwise.
5. R11.T.CR, R11.N.CR, R11.N.NORMAL: all targets gone and every node below 10 mm is a complete response.
6. R11.T.PD, R11.T.PD5, R11.T.NADIR: at least 20 % and 5 mm above the smallest earlier sum is progression.
7. R11.T.PR: at least 30 % below the baseline sum is a partial response.
8. R11.T.PERSIST: an established partial response lasts until progression.
9. R11.T.SUM: anything else is stable disease.

The overall response, in this order:

1. R11.O.TABLE1: progression of the targets.
2. R11.NT.RANK: unequivocal progression of the non-targets.
3. R11.O.NEW: an unequivocal new lesion.
4. R11.O.REAPPEAR: a non-target seen again after an overall complete response.
5. R11.O.TABLE2: without targets, the non-targets decide; never "stable disease".
6. R11.O.TABLE1: targets and non-targets completely gone, tumour marker normal: complete response.
7. R11.O.TABLE1: targets gone, anything else remains or was not evaluated: partial response.
8. R11.O.TABLE1: otherwise the response of the targets.

References: Eisenhauer 2009, EJC 45:228-247, sections 4.3-4.4, Tables 1-3; EORTC RECIST questions and answers.
"""

from __future__ import annotations

from decimal import Decimal

from studies.tracking.criteria.configuration import CriteriaConfiguration, NonTargetReappearance
from studies.tracking.criteria.diameter_course import DiameterCriterion, OverallFacts, follow_course
from studies.tracking.criteria.exact import plain
from studies.tracking.criteria.inputs import DiameterCourse
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.sum_of_diameters import DiameterLimits, TargetFacts
from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response

NO_TARGETS: Rule[TargetFacts] = Rule(
    "R11.O.TABLE1",
    Response.NA,
    lambda f: not f.has_targets,
    lambda f: "There were no target lesions at baseline.",
)
REAPPEARED: Rule[TargetFacts] = Rule(
    "R11.T.REAPPEAR",
    Response.PD,
    lambda f: bool(f.reappeared_ids),
    lambda f: f"After a complete response {', '.join(f.reappeared_ids)} is seen again: progression at any size.",
)
PARTIAL_SUM_PROGRESSED: Rule[TargetFacts] = Rule(
    "R11.T.NEPD",
    Response.PD,
    lambda f: bool(f.missing_ids) and f.is_progression,
    lambda f: f"{', '.join(f.missing_ids)} is missing, but the others alone show progression: {f.said()}.",
)
NOT_EVALUABLE: Rule[TargetFacts] = Rule(
    "R11.T.NE",
    Response.NE,
    lambda f: bool(f.missing_ids),
    lambda f: f"Not evaluable, because {', '.join(f.missing_ids)} was not evaluated and could change the response.",
)
ALL_GONE: Rule[TargetFacts] = Rule(
    "R11.T.CR",
    Response.CR,
    lambda f: f.are_all_gone,
    lambda f: f"All targets are gone, every node is below 10 mm (nodes leave {plain(f.now.evaluated_sum_mm)} mm).",
)
STABLE: Rule[TargetFacts] = Rule(
    "R11.T.SUM",
    Response.SD,
    always,
    lambda f: f"Neither response nor progression: {f.said()}.",
)

TARGET_RULES: tuple[Rule[TargetFacts], ...] = (
    NO_TARGETS,
    REAPPEARED,
    PARTIAL_SUM_PROGRESSED,
    NOT_EVALUABLE,
    ALL_GONE,
    Rule(
        "R11.T.PD",
        Response.PD,
        lambda f: f.is_progression,
        lambda f: f"At least 20 % and 5 mm above the smallest earlier sum (+{plain(f.growth_mm)} mm): {f.said()}.",
    ),
    Rule(
        "R11.T.PR",
        Response.PR,
        lambda f: f.is_partial,
        lambda f: f"At least 30 % below baseline: {f.said()}.",
    ),
    Rule(
        "R11.T.PERSIST",
        Response.PR,
        lambda f: f.is_partial_response_established,
        lambda f: f"A partial response lasts until progression, which is not reached: {f.said()}.",
    ),
    STABLE,
)


def _by_non_targets(response: Response) -> Rule[OverallFacts]:
    return Rule(
        "R11.O.TABLE2",
        response,
        lambda f: f.target.response is Response.NA and f.non_target.response is response,
        lambda f: f"There are only non-targets. {f.non_target.clause.sentence}",
    )


def _by_targets(response: Response) -> Rule[OverallFacts]:
    return Rule(
        "R11.O.TABLE1",
        response,
        lambda f: f.target.response is response,
        lambda f: f"The targets decide. {f.target.clause.sentence}",
    )


OVERALL_RULES: tuple[Rule[OverallFacts], ...] = (
    Rule(
        "R11.O.TABLE1",
        Response.PD,
        lambda f: f.target.response is Response.PD,
        lambda f: f"The targets progressed. {f.target.clause.sentence}",
    ),
    Rule(
        "R11.O.TABLE1",
        Response.PD,
        lambda f: f.non_target.response is Response.PD,
        lambda f: f"The non-targets progressed. {f.non_target.clause.sentence}",
    ),
    Rule(
        "R11.O.NEW",
        Response.PD,
        lambda f: bool(f.unequivocal_new),
        lambda f: f"Unequivocal new lesion: {', '.join(n.lesion_id for n in f.unequivocal_new)}.",
    ),
    Rule(
        "R11.O.REAPPEAR",
        Response.PD,
        lambda f: bool(f.reappeared_non_target_ids) and f.configuration.nt_reappearance is NonTargetReappearance.E09,
        lambda f: f"After a complete response non-target {', '.join(f.reappeared_non_target_ids)} is seen again.",
    ),
    *(_by_non_targets(response) for response in (Response.CR, Response.NON_CR_NON_PD, Response.NE)),
    Rule(
        "R11.O.TABLE2",
        Response.NE,
        lambda f: f.target.response is Response.NA,
        lambda f: "Not evaluable, because neither targets nor non-targets were recorded at baseline.",
    ),
    Rule(
        "R11.O.TABLE1",
        Response.CR,
        lambda f: (
            f.target.response is Response.CR
            and f.non_target.response in (Response.CR, Response.NA)
            and f.non_target_facts.is_marker_normal
        ),
        lambda f: f"Targets and non-targets are gone. {f.target.clause.sentence}",
    ),
    Rule(
        "R11.O.TABLE1",
        Response.PR,
        lambda f: f.target.response is Response.CR,
        lambda f: (
            "The targets are gone, but the response is partial, because "
            + ("a tumour marker is elevated." if f.non_target.response is Response.NA else _rest(f))
        ),
    ),
    *(_by_targets(response) for response in (Response.PR, Response.SD, Response.NE)),
)


def _rest(facts: OverallFacts) -> str:
    reason = "not all non-targets were evaluated" if facts.non_target.response is Response.NE else "non-targets remain"
    return f"{reason}. {facts.non_target.clause.sentence}"


RECIST = DiameterCriterion(
    criterion=Criterion.RECIST_1_1,
    limits=DiameterLimits(sum_growth_mm=Decimal(5)),
    target_rules=TARGET_RULES,
    overall_rules=OVERALL_RULES,
    configuration_names=(
        "pr_persistence",
        "nt_reappearance",
        "confirmation_required",
        "min_sd_days",
        "min_confirm_days",
        "confirm_tolerance_days",
        "confirm_max_ne",
        "confirm_max_sd",
        "too_small_mm",
    ),
)


def assess_recist(course: DiameterCourse, configuration: CriteriaConfiguration | None = None) -> CourseVerdict:
    """Judge a course by RECIST 1.1."""
    return follow_course(course, RECIST, configuration or CriteriaConfiguration())
