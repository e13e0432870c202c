"""mRECIST for hepatocellular carcinoma: only the viable, arterially enhancing part of each target is measured.

The target response, in this order:

1. R11.O.TABLE1: without targets at baseline it is not applicable.
2. R11.T.NEPD: with a target missing, it is progression if the evaluated ones alone reach it.
3. R11.T.NE: with a target missing, it is not evaluable otherwise.
4. MR.T: no viable tumour in any target is a complete response.
5. MR.PD: at least 20 % above the smallest earlier viable sum is progression; there is no 5 mm rule.
6. MR.T: at least 30 % below the baseline viable sum is a partial response.
7. R11.T.PERSIST: an established partial response lasts, where the configuration says so.
8. MR.T: anything else is stable disease.

The overall response follows RECIST 1.1, except that

1. MR.NEW: a new nodule counts from 10 mm with a typical vascular pattern, else once it grew by 10 mm.

References: Lencioni 2010, Semin Liver Dis 30:52-60 (thresholds from memory of the paper, see the specification).
"""

from __future__ import annotations

from studies.tracking.criteria import recist
from studies.tracking.criteria.configuration import CriteriaConfiguration, ResponsePersistence
from studies.tracking.criteria.diameter_course import DiameterCriterion, OverallFacts, follow_course
from studies.tracking.criteria.inputs import DiameterCourse, NewLesion
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.sum_of_diameters import DiameterLimits, TargetFacts
from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response

NEW_NODULE_MM = 10
DEFAULTS = CriteriaConfiguration(pr_persistence=ResponsePersistence.STRICT)

TARGET_RULES: tuple[Rule[TargetFacts], ...] = (
    recist.NO_TARGETS,
    recist.PARTIAL_SUM_PROGRESSED,
    recist.NOT_EVALUABLE,
    Rule("MR.T", Response.CR, lambda f: f.are_all_gone, lambda f: "No target shows viable tumour."),
    Rule(
        "MR.PD",
        Response.PD,
        lambda f: f.is_progression,
        lambda f: f"At least 20 % above the smallest earlier viable sum (no 5 mm rule here): {f.said()}.",
    ),
    Rule(
        "MR.T",
        Response.PR,
        lambda f: f.is_partial,
        lambda f: f"The viable part is at least 30 % below baseline: {f.said()}.",
    ),
    Rule(
        "R11.T.PERSIST",
        Response.PR,
        lambda f: f.is_partial_response_established,
        lambda f: f"A partial response lasts until progression, which is not reached: {f.said()}.",
    ),
    Rule("MR.T", Response.SD, always, lambda f: f"Neither response nor progression of the viable part: {f.said()}."),
)


def _new_nodules(facts: OverallFacts) -> tuple[NewLesion, ...]:
    return tuple(n for n in facts.unequivocal_new if n.diameter_mm is None or n.diameter_mm >= NEW_NODULE_MM)


NEW_NODULE: Rule[OverallFacts] = Rule(
    "MR.NEW",
    Response.PD,
    lambda f: bool(_new_nodules(f)),
    lambda f: f"New nodule with a typical pattern: {', '.join(n.lesion_id for n in _new_nodules(f))}.",
)

OVERALL_RULES = tuple(NEW_NODULE if rule.rule_id == "R11.O.NEW" else rule for rule in recist.OVERALL_RULES)

MRECIST_HCC = DiameterCriterion(
    criterion=Criterion.MRECIST_HCC,
    limits=DiameterLimits(),
    target_rules=TARGET_RULES,
    overall_rules=OVERALL_RULES,
    configuration_names=recist.RECIST.configuration_names,
)


def assess_mrecist_hcc(course: DiameterCourse, configuration: CriteriaConfiguration = DEFAULTS) -> CourseVerdict:
    """Judge a course of viable diameters by mRECIST; the default judges each scan on its own."""
    return follow_course(course, MRECIST_HCC, configuration)
