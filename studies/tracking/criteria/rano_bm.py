"""RANO-BM: brain metastases, scored apart from disease outside the brain (which RECIST 1.1 scores).

The target response, in this order:

1. R11.O.TABLE1: without targets at baseline it is not applicable.
2. R11.T.NEPD: with a target missing, it is progression if the evaluated ones alone reach it.
3. R11.T.NE: with a target missing, it is not evaluable otherwise.
4. BM.PD5: all targets gone is a complete response.
5. BM.PD5: at least 20 % above the smallest earlier sum *and* at least one lesion 5 mm larger is progression.
6. BM.PD5: at least 30 % below the baseline sum is a partial response.
7. R11.T.PERSIST: an established partial response lasts, where the configuration says so.
8. BM.PD5: anything else is stable disease.

The overall response, in this order:

1. BM.CLIN: clinical deterioration caused by the tumour is progression.
2. R11.O.TABLE1: progression of targets or non-targets is progression.
3. R11.O.NEW: so is a new lesion, except that under immunotherapy it is not enough alone.
4. R11.O.TABLE2: without targets, the non-targets decide.
5. R11.T.NE: targets that were not evaluable leave it not evaluable.
6. BM.STEROID: a higher steroid dose than at baseline leaves it undetermined: no response, not stable, no progression.
7. BM.CLIN: a patient who is worse from another cause cannot have a response: stable disease.
8. BM.STEROID: everything gone and no steroids is a complete response.
9. R11.O.TABLE1: targets gone or at least 30 % smaller is a partial response.
10. R11.O.TABLE1: otherwise stable disease.

References: Lin 2015, Lancet Oncol 16:e270-278.
"""

from __future__ import annotations

from decimal import Decimal

from studies.tracking.criteria import recist
from studies.tracking.criteria.brain_status import BrainStatus
from studies.tracking.criteria.configuration import CriteriaConfiguration, ResponsePersistence
from studies.tracking.criteria.diameter_course import DiameterCriterion, OverallFacts, follow_course
from studies.tracking.criteria.exact import plain
from studies.tracking.criteria.inputs import DiameterCourse
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.sum_of_diameters import DiameterLimits, TargetFacts
from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response

DEFAULTS = CriteriaConfiguration(pr_persistence=ResponsePersistence.STRICT, confirmation_required=True)

TARGET_RULES: tuple[Rule[TargetFacts], ...] = (
    recist.NO_TARGETS,
    recist.PARTIAL_SUM_PROGRESSED,
    recist.NOT_EVALUABLE,
    Rule("BM.PD5", Response.CR, lambda f: f.are_all_gone, lambda f: "All targets are gone."),
    Rule(
        "BM.PD5",
        Response.PD,
        lambda f: f.is_progression,
        lambda f: (
            f"At least 20 % above the smallest earlier sum, and one lesion grew by "
            f"{plain(f.largest_lesion_growth_mm)} mm (5 mm needed): {f.said()}."
        ),
    ),
    Rule("BM.PD5", Response.PR, lambda f: f.is_partial, lambda f: f"At least 30 % below baseline: {f.said()}."),
    Rule(
        "R11.T.PERSIST",
        Response.PR,
        lambda f: f.is_partial_response_established,
        lambda f: f"A partial response lasts until progression, which is not reached: {f.said()}.",
    ),
    Rule(
        "BM.PD5",
        Response.SD,
        always,
        lambda f: (
            f"Neither response nor progression: {f.said()}; the lesion that grew most grew by "
            f"{plain(f.largest_lesion_growth_mm)} mm."
        ),
    ),
)


def _status(facts: OverallFacts) -> BrainStatus:
    return BrainStatus(facts.timepoint.clinical_status, facts.timepoint.steroid, facts.baseline.steroid)


OVERALL_RULES: tuple[Rule[OverallFacts], ...] = (
    Rule(
        "BM.CLIN",
        Response.PD,
        lambda f: _status(f).is_worse_from_tumour,
        lambda f: "The patient is clinically worse because of the tumour: progression whatever the images show.",
    ),
    *(rule for rule in recist.OVERALL_RULES if rule.response is Response.PD and rule.rule_id == "R11.O.TABLE1"),
    Rule(
        "R11.O.NEW",
        Response.PD,
        lambda f: bool(f.unequivocal_new) and not f.configuration.is_immunotherapy,
        lambda f: f"New brain lesion: {', '.join(n.lesion_id for n in f.unequivocal_new)}.",
    ),
    *(rule for rule in recist.OVERALL_RULES if rule.rule_id == "R11.O.TABLE2"),
    Rule(
        "R11.T.NE",
        Response.NE,
        lambda f: f.target.response is Response.NE,
        lambda f: f.target.clause.sentence,
    ),
    Rule(
        "BM.STEROID",
        Response.UNDETERMINED,
        lambda f: _status(f).is_dose_increased,
        lambda f: f"Undetermined, because the steroid dose is higher than at baseline ({_status(f).said}).",
    ),
    Rule(
        "BM.CLIN",
        Response.SD,
        lambda f: _status(f).is_worse_from_other_cause,
        lambda f: "Stable at best, because the patient is clinically worse, though not from the tumour.",
    ),
    Rule(
        "BM.STEROID",
        Response.CR,
        lambda f: (
            f.target.response is Response.CR
            and f.non_target.response in (Response.CR, Response.NA)
            and _status(f).is_off_steroids
        ),
        lambda f: "Everything is gone and no steroids are given.",
    ),
    Rule(
        "R11.O.TABLE1",
        Response.PR,
        lambda f: f.target.response in (Response.CR, Response.PR),
        lambda f: f"A response, not a complete one. {f.target.clause.sentence} {f.non_target.clause.sentence}",
    ),
    Rule("R11.O.TABLE1", Response.SD, always, lambda f: f.target.clause.sentence),
)

RANO_BM = DiameterCriterion(
    criterion=Criterion.RANO_BM,
    limits=DiameterLimits(lesion_growth_mm=Decimal(5)),
    target_rules=TARGET_RULES,
    overall_rules=OVERALL_RULES,
    configuration_names=(*recist.RECIST.configuration_names, "is_immunotherapy"),
    status_of=lambda timepoint, baseline: BrainStatus(timepoint.clinical_status, timepoint.steroid, baseline.steroid),
)


def assess_rano_bm(course: DiameterCourse, configuration: CriteriaConfiguration = DEFAULTS) -> CourseVerdict:
    """Judge brain metastases by RANO-BM; the default needs a response to be sustained for four weeks."""
    return follow_course(course, RANO_BM, configuration)
