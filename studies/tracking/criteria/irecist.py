"""iRECIST: progression under immunotherapy is unconfirmed until a later scan confirms it.

Targets and non-targets are judged as in RECIST 1.1 (progression is then called iUPD); new lesions are measured apart
and never added to the sum of the baseline targets. The overall response, in this order:

1. I.CONF.T, I.CONF.ADD: targets grew another 5 mm since their unconfirmed progression, at once or in steps: iCPD.
2. I.CONF.NT: non-targets that had progressed grew further, by however little: iCPD.
3. I.CONF.NL: new lesions grew by 5 mm in sum, or grew visibly, or became more: iCPD.
4. I.CONF.OTHER: progression in a category that had none at the unconfirmed progression: iCPD.
   All four need at least 28 days since the first unconfirmed progression (I.CONF.WIN).
5. I.NL.IUPD: a new lesion, none of them known: iUPD.
6. I.STAY, I.TABLE2: targets or non-targets are in progression: iUPD (again).
7. I.CONF.NE: what had progressed was not evaluated: not evaluable, and the unconfirmed progression stays.
8. I.NL.IPR: new lesions persist unchanged, but the targets newly reach a response: iPR.
9. I.NL.STABLE: new lesions persist unchanged: iUPD again.
10. I.TABLE2, I.RESET: otherwise iCR, iPR, iSD or non-target disease as in RECIST 1.1; an unconfirmed progression is
    forgotten, and the next one must be confirmed anew, judged from the same nadir.

Progression is dated at the first iUPD of the unbroken row that ends in iCPD.

References: Seymour 2017, Lancet Oncol 18:e143-152, Tables 2 and 3; EORTC iRECIST questions and answers.
"""

from __future__ import annotations

from collections.abc import Callable

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.exact import plain
from studies.tracking.criteria.immune_course import ImmuneCriterion, follow_immune_course
from studies.tracking.criteria.immune_facts import Category, ImmuneFacts
from studies.tracking.criteria.inputs import DiameterCourse
from studies.tracking.criteria.recist import RECIST
from studies.tracking.criteria.rules import Rule, always
from studies.tracking.criteria.verdict import CourseVerdict, Response

_RESPONDS = (Response.ICR, Response.IPR)


def _needs(category: Category, test: Callable[[ImmuneFacts], bool]) -> Callable[[ImmuneFacts], bool]:
    return lambda f: f.may_confirm and f.was_pending(category) and test(f)


def _row(response: Response, holds: Callable[[ImmuneFacts], bool], reason: str) -> tuple[Rule[ImmuneFacts], ...]:
    """Return one row of Table 2, once as a reset of an unconfirmed progression and once without."""

    def sentence(facts: ImmuneFacts) -> str:
        return f"{reason} {facts.target.clause.sentence} {facts.non_target.clause.sentence}"

    reset: Rule[ImmuneFacts] = Rule(
        "I.RESET",
        response,
        lambda f: f.pending is not None and holds(f),
        lambda f: f"The unconfirmed progression is not confirmed and no longer stands. {sentence(f)}",
    )
    return reset, Rule("I.TABLE2", response, holds, sentence)


OVERALL_RULES: tuple[Rule[ImmuneFacts], ...] = (
    Rule(
        "I.CONF.T",
        Response.ICPD,
        _needs(Category.TARGET, lambda f: f.target_growth_since_last_mm >= 5 and f.target_growth_since_pending_mm >= 5),
        lambda f: f"The targets grew another {plain(f.target_growth_since_pending_mm)} mm since day {f.pending_day}.",
    ),
    Rule(
        "I.CONF.ADD",
        Response.ICPD,
        _needs(Category.TARGET, lambda f: f.target_growth_since_pending_mm >= 5),
        lambda f: f"In steps the targets grew {plain(f.target_growth_since_pending_mm)} mm since day {f.pending_day}.",
    ),
    Rule(
        "I.CONF.NT",
        Response.ICPD,
        _needs(Category.NON_TARGET, lambda f: f.has_non_target_growth),
        lambda f: f"The non-targets that had progressed by day {f.pending_day} grew further.",
    ),
    Rule(
        "I.CONF.NL",
        Response.ICPD,
        _needs(Category.NEW_LESION, lambda f: f.has_new_lesion_growth),
        lambda f: f"The new lesions of day {f.pending_day} grew or became more.",
    ),
    Rule(
        "I.CONF.OTHER",
        Response.ICPD,
        lambda f: f.may_confirm and bool(f.other_categories),
        lambda f: f"Progression also of {', '.join(sorted(f.other_categories))}, not yet on day {f.pending_day}.",
    ),
    Rule(
        "I.NL.IUPD",
        Response.IUPD,
        lambda f: f.has_unknown_new_lesion and not f.was_pending(Category.NEW_LESION),
        lambda f: f"New lesion: {', '.join(f.new.lesion_ids)}. Unconfirmed; it is not added to the sum of the targets.",
    ),
    Rule(
        "I.STAY",
        Response.IUPD,
        lambda f: f.pending is not None and f.is_in_progression,
        lambda f: f"Still in progression as on day {f.pending_day}, but not confirmed{f.too_early}.",
    ),
    Rule(
        "I.TABLE2",
        Response.IUPD,
        lambda f: f.is_in_progression,
        lambda f: f"Progression, unconfirmed. {f.progressing_sentence}",
    ),
    Rule(
        "I.CONF.NE",
        Response.NE,
        lambda f: f.is_pending_unseen,
        lambda f: (
            f"Not evaluable, because what had progressed on day {f.pending_day} was not evaluated; it may still be "
            "confirmed later."
        ),
    ),
    Rule(
        "I.NL.IPR",
        Response.IPR,
        lambda f: f.has_unknown_new_lesion and f.target.response in _RESPONDS and f.is_target_response_new,
        lambda f: f"The new lesions persist unchanged, but the targets now respond. {f.target.clause.sentence}",
    ),
    Rule(
        "I.NL.STABLE",
        Response.IUPD,
        lambda f: f.has_unknown_new_lesion,
        lambda f: f"The new lesions persist unchanged in size and number{f.too_early}: unconfirmed as before.",
    ),
    *_row(
        Response.ICR,
        lambda f: (
            (f.target.response is Response.ICR or not f.has_targets)
            and f.non_target.response in ((Response.ICR, Response.NA) if f.has_targets else (Response.ICR,))
            and f.is_marker_normal
            and not f.new.lesion_ids
        ),
        "Everything is gone.",
    ),
    *_row(Response.IPR, lambda f: f.target.response in _RESPONDS, "The targets respond."),
    *_row(Response.ISD, lambda f: f.target.response is Response.ISD, "The targets are stable."),
    *_row(
        Response.NON_ICR_NON_IUPD,
        lambda f: not f.has_targets and f.non_target.response in (Response.NON_ICR_NON_IUPD, Response.ICR),
        "There are only non-targets.",
    ),
    Rule(
        "I.TABLE2",
        Response.NE,
        always,
        lambda f: f"{f.target.clause.sentence} {f.non_target.clause.sentence}",
    ),
)

IRECIST = ImmuneCriterion(
    limits=RECIST.limits,
    target_rules=RECIST.target_rules,
    non_target_rules=RECIST.non_target_rules,
    overall_rules=OVERALL_RULES,
    configuration_names=(
        "min_confirm_days",
        "confirm_tolerance_days",
        "late_confirm_days",
        "ipr_persistence",
        "confirmation_required",
        "min_sd_days",
        "too_small_mm",
    ),
)


def assess_irecist(course: DiameterCourse, configuration: CriteriaConfiguration | None = None) -> CourseVerdict:
    """Judge a course by iRECIST; RECIST 1.1 should be shown beside it."""
    return follow_immune_course(course, IRECIST, configuration or CriteriaConfiguration())
