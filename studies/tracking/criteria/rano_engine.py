"""Follow a brain tumour through the composite table of one RANO scheme, preliminary progression included.

The schemes differ only in their tables: each has a file of its own that names its rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from studies.tracking.criteria.brain_inputs import BrainCourse, BrainTimepoint
from studies.tracking.criteria.configuration import (
    ConfirmationRule,
    CriteriaConfiguration,
    ProgressionConfirmation,
)
from studies.tracking.criteria.exact import is_at_least, percent_change
from studies.tracking.criteria.rano_best import best_rano_response
from studies.tracking.criteria.rano_facts import RanoFacts, target_rules
from studies.tracking.criteria.rules import Finding, Rule, first_match
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Response, TimepointVerdict

CLINICAL_RULE_ID = "RN.CLIN"
_UNSEEN = (Response.NE, Response.UNDETERMINED)  # such a scan neither confirms nor refutes


@dataclass(frozen=True, slots=True)
class RanoScheme:
    """One member of the family: its composite table and how its progression is confirmed."""

    criterion: Criterion
    composite_rules: tuple[Rule[RanoFacts], ...]
    configuration_names: tuple[str, ...]
    minor_rule_id: str = "RN.MR"
    is_stable_second_scan_pseudoprogression: bool = False


@dataclass(frozen=True, slots=True)
class _Preliminary:
    """A progression that waits for a later scan."""

    day: int
    value: Decimal | None
    rule_id: str


@dataclass(frozen=True, slots=True)
class _Step:
    """The response of one scan after confirmation was considered."""

    finding: Finding
    preliminary: _Preliminary | None
    progression_day: int | None = None
    pseudoprogression_day: int | None = None
    review_flags: tuple[str, ...] = ()


def follow_brain_course(course: BrainCourse, scheme: RanoScheme, configuration: CriteriaConfiguration) -> CourseVerdict:
    """Judge every scan in order and return the course's verdict."""
    verdicts = [_baseline_verdict(course, scheme, configuration)]
    rules = target_rules(course.mode, minor_rule_id=scheme.minor_rule_id)
    preliminary, progression_days, pseudoprogression_days = None, [], []
    for index, timepoint in enumerate(course.timepoints[1:], 1):
        facts = _gather(course, timepoint, course.timepoints[:index], configuration)
        target = first_match(rules, facts)
        facts = replace(facts, target_response=target.response, target_sentence=target.clause.sentence)
        composite = _decisive(target, first_match(scheme.composite_rules, facts))
        step = _consider_confirmation(facts, composite, preliminary, scheme)
        preliminary = step.preliminary
        progression_days += [step.progression_day] if step.progression_day is not None else []
        pseudoprogression_days += [step.pseudoprogression_day] if step.pseudoprogression_day is not None else []
        verdicts.append(_verdict(facts, target, step, scheme))
    scans = [(v.days_from_baseline, v.overall_response) for v in verdicts[1:]]
    return CourseVerdict(
        criterion=scheme.criterion,
        timepoints=tuple(verdicts),
        best_overall_response=best_rano_response(scans, configuration, new_therapy_day=course.new_therapy_day),
        progression_day=progression_days[0] if progression_days else None,
        unconfirmed_progression_day=preliminary.day if preliminary else None,
        pseudoprogression_days=tuple(pseudoprogression_days),
        configuration_version=configuration.version,
    )


def _gather(
    course: BrainCourse,
    timepoint: BrainTimepoint,
    earlier: Sequence[BrainTimepoint],
    configuration: CriteriaConfiguration,
) -> RanoFacts:
    """Return the facts of one scan; the nadir is the smallest value of the scans before it (RN.NADIR)."""
    values = [(t.burden(course.mode), t.days_from_baseline) for t in earlier]
    nadir, nadir_day = min((value, day) for value, day in values if value is not None)
    baseline = values[0][0]
    return RanoFacts(
        course=course,
        timepoint=timepoint,
        value=timepoint.burden(course.mode),
        baseline=nadir if baseline is None else baseline,
        nadir=nadir,
        nadir_day=nadir_day,
        configuration=configuration,
    )


def _consider_confirmation(
    facts: RanoFacts, composite: Finding, preliminary: _Preliminary | None, scheme: RanoScheme
) -> _Step:
    """Make a radiographic progression preliminary, confirm it, or relabel it (RN.PPD, RN.PSEUDO, MRANO.CONF)."""
    day = facts.timepoint.days_from_baseline
    if composite.response in _UNSEEN:
        return _Step(composite, preliminary)
    if composite.clause.rule_id == CLINICAL_RULE_ID:
        return _Step(composite, None, progression_day=day)
    if preliminary is not None:
        return _resolve(facts, composite, preliminary, scheme)
    if composite.response is not Response.PD:
        return _Step(composite, None)
    if not _must_be_confirmed(facts):
        return _Step(composite, None, progression_day=day)
    waiting = _Preliminary(day, facts.value, composite.clause.rule_id)
    return _Step(_preliminary_finding(composite, "a later scan must confirm it"), waiting)


def _must_be_confirmed(facts: RanoFacts) -> bool:
    """Tell whether a radiographic progression is preliminary: always, or inside the window after radiotherapy."""
    if facts.configuration.confirm_pd is ProgressionConfirmation.ALWAYS:
        return True
    end = facts.course.radiotherapy_end_day
    if facts.configuration.confirm_pd is ProgressionConfirmation.NEVER or end is None:
        return False
    is_inside = facts.timepoint.days_from_baseline - end <= facts.configuration.radiotherapy_window_days
    return is_inside and not facts.timepoint.is_outside_radiation_field


def _resolve(facts: RanoFacts, composite: Finding, preliminary: _Preliminary, scheme: RanoScheme) -> _Step:
    days = facts.timepoint.days_from_baseline - preliminary.day
    if composite.response is not Response.PD:
        return _Step(composite, None, pseudoprogression_day=preliminary.day)
    if days < facts.configuration.confirm_days:
        early = f"{days} days after day {preliminary.day} is too early to confirm it"
        return _Step(_preliminary_finding(composite, early), preliminary)
    if _is_confirmed(facts, composite, preliminary):
        sentence = (
            f"The progression of day {preliminary.day} is confirmed after {days} days. {composite.clause.sentence}"
        )
        clause = Clause("MRANO.CONF" if scheme.is_stable_second_scan_pseudoprogression else "RN.PPD", sentence)
        return _Step(Finding(Response.PD, clause), None, progression_day=preliminary.day)
    if scheme.is_stable_second_scan_pseudoprogression and preliminary.value is not None and facts.value is not None:
        grown = percent_change(facts.value, preliminary.value)
        sentence = f"Only {grown} since the preliminary progression of day {preliminary.day}: it was pseudoprogression."
        finding = Finding(Response.SD, Clause("MRANO.CONF", sentence))
        return _Step(finding, None, pseudoprogression_day=preliminary.day, review_flags=(_ASK,))
    still = f"it persists since day {preliminary.day} without growing far enough to confirm it"
    return _Step(_preliminary_finding(composite, still), preliminary, review_flags=(_ASK,))


_ASK = (
    "The increase persists but did not grow further (open point 2): decide whether this is progression. "
    "If it is, it is dated to the preliminary scan."
)


def _is_confirmed(facts: RanoFacts, composite: Finding, preliminary: _Preliminary) -> bool:
    if facts.configuration.confirm_rule is ConfirmationRule.PERSIST_VS_NADIR:
        return True
    now, then = facts.value, preliminary.value
    if now is not None and then is not None and now > then and is_at_least(now, facts.limits.progression_share, then):
        return True
    return composite.clause.rule_id == preliminary.rule_id and facts.target_response is not Response.PD


def _preliminary_finding(composite: Finding, why: str) -> Finding:
    return Finding(Response.PPD, Clause("RN.PPD", f"Preliminary progression: {why}. {composite.clause.sentence}"))


def _decisive(target: Finding, composite: Finding) -> Finding:
    """Let a composite row that only passes the target response on give way to the rule that made it."""
    return Finding(composite.response, target.clause) if composite.clause.rule_id == "RN.TARGET" else composite


def _verdict(facts: RanoFacts, target: Finding, step: _Step, scheme: RanoScheme) -> TimepointVerdict:
    is_complete = step.finding.response is Response.CR
    return TimepointVerdict(
        criterion=scheme.criterion,
        days_from_baseline=facts.timepoint.days_from_baseline,
        target_response=target.response,
        non_target_response=None,
        overall_response=step.finding.response,
        clause=step.finding.clause,
        clauses=(target.clause, step.finding.clause),
        numbers=facts.numbers(),
        configuration=facts.configuration.shown(*scheme.configuration_names),
        warnings=facts.status.warnings(),
        review_flags=(*step.review_flags, *facts.status.review_flags(is_complete_response=is_complete)),
    )


def _baseline_verdict(
    course: BrainCourse, scheme: RanoScheme, configuration: CriteriaConfiguration
) -> TimepointVerdict:
    facts = _gather(course, course.baseline, (course.baseline,), configuration)
    clause = Clause("R11.NUM", "Baseline: later timepoints are compared with this one.")
    return TimepointVerdict(
        criterion=scheme.criterion,
        days_from_baseline=0,
        target_response=Response.BASELINE,
        non_target_response=None,
        overall_response=Response.BASELINE,
        clause=clause,
        clauses=(clause,),
        numbers=replace(facts.numbers(), baseline=None, baseline_day=None, nadir=None, nadir_day=None),
        configuration=configuration.shown(*scheme.configuration_names),
    )
