"""Follow a course through iRECIST, timepoint by timepoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from studies.tracking.criteria.best_response import Assessed, best_overall_response
from studies.tracking.criteria.configuration import CriteriaConfiguration, ResponsePersistence
from studies.tracking.criteria.diameter_course import baseline_verdict, decisive_clause
from studies.tracking.criteria.immune_facts import ImmuneFacts, ImmuneState, NewLesions, Pending
from studies.tracking.criteria.inputs import DiameterCourse, Timepoint
from studies.tracking.criteria.non_targets import NonTargetFacts, gather_non_targets
from studies.tracking.criteria.rules import Finding, Rule, first_match
from studies.tracking.criteria.sum_of_diameters import (
    CountedTimepoint,
    DiameterLimits,
    TargetFacts,
    count_timepoint,
    find_nadir,
)
from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response, TimepointVerdict
from studies.tracking.criteria.warnings import collect_review_flags, collect_warnings

_IMMUNE = {
    Response.CR: Response.ICR,
    Response.PR: Response.IPR,
    Response.SD: Response.ISD,
    Response.PD: Response.IUPD,
    Response.NON_CR_NON_PD: Response.NON_ICR_NON_IUPD,
}
_PROGRESSION = (Response.IUPD, Response.ICPD)
_MOST_NEW_TARGETS = 5


@dataclass(frozen=True, slots=True)
class ImmuneCriterion:
    """The tables and thresholds of iRECIST."""

    limits: DiameterLimits
    target_rules: tuple[Rule[TargetFacts], ...]
    non_target_rules: tuple[Rule[NonTargetFacts], ...]
    overall_rules: tuple[Rule[ImmuneFacts], ...]
    configuration_names: tuple[str, ...]


def follow_immune_course(
    course: DiameterCourse, criterion: ImmuneCriterion, configuration: CriteriaConfiguration
) -> CourseVerdict:
    """Judge every timepoint in order; the state between them is the unconfirmed progression."""
    state, progression_day = ImmuneState(), None
    counted: list[CountedTimepoint] = []
    verdicts: list[TimepointVerdict] = []
    for timepoint in course.timepoints:
        now = count_timepoint(timepoint, course.targets, configuration)
        if not counted:
            verdicts.append(baseline_verdict(now, Criterion.IRECIST, criterion.configuration_names, configuration))
            state = replace(state, last_sum_mm=now.sum_of_diameters_mm)
        else:
            facts = _gather(timepoint, course, (*counted, now), verdicts, state, criterion, configuration)
            finding = first_match(criterion.overall_rules, facts)
            verdicts.append(_verdict(facts, finding, criterion))
            if finding.response is Response.ICPD and progression_day is None:
                progression_day = facts.pending_day
            state = _next_state(facts, finding.response)
        counted.append(now)
    scans = [Assessed(v.days_from_baseline, v.overall_response) for v in verdicts[1:]]
    return CourseVerdict(
        criterion=Criterion.IRECIST,
        timepoints=tuple(verdicts),
        best_overall_response=best_overall_response(scans, configuration, new_therapy_day=course.new_therapy_day),
        progression_day=progression_day,
        unconfirmed_progression_day=state.pending.day if state.pending else None,
        configuration_version=configuration.version,
    )


def _gather(
    timepoint: Timepoint,
    course: DiameterCourse,
    counted: Sequence[CountedTimepoint],
    verdicts: Sequence[TimepointVerdict],
    state: ImmuneState,
    criterion: ImmuneCriterion,
    configuration: CriteriaConfiguration,
) -> ImmuneFacts:
    earlier, now = counted[:-1], counted[-1]
    target_facts = TargetFacts(
        limits=criterion.limits,
        now=now,
        baseline=earlier[0],
        nadir=find_nadir(earlier),
        had_overall_complete_response=any(v.overall_response is Response.ICR for v in verdicts),
        is_partial_response_established=_is_established(verdicts, configuration),
    )
    non_target_facts = gather_non_targets(timepoint, course.baseline)
    return ImmuneFacts(
        target=_immune(first_match(criterion.target_rules, target_facts)),
        non_target=_immune(first_match(criterion.non_target_rules, non_target_facts)),
        target_facts=target_facts,
        non_target_facts=non_target_facts,
        new=NewLesions.of(timepoint),
        timepoint=timepoint,
        state=state,
        configuration=configuration,
    )


def _immune(finding: Finding) -> Finding:
    return Finding(_IMMUNE.get(finding.response, finding.response), finding.clause)


def _is_established(verdicts: Sequence[TimepointVerdict], configuration: CriteriaConfiguration) -> bool:
    """Tell whether an immune partial response persists: only where the configuration says so (open point 5)."""
    if configuration.ipr_persistence is ResponsePersistence.STRICT:
        return False
    kept: list[Response] = []
    for verdict in verdicts:
        kept = [] if verdict.overall_response in _PROGRESSION else [*kept, verdict.target_response]
    return Response.IPR in kept or Response.ICR in kept


def _next_state(facts: ImmuneFacts, response: Response) -> ImmuneState:
    """Return what the next timepoint needs to know."""
    is_measured = facts.target.response is not Response.NE
    sum_mm = facts.target_facts.now.sum_of_diameters_mm
    state = ImmuneState(
        pending=facts.pending,
        accepted_new=facts.state.accepted_new,
        last_sum_mm=facts.state.last_sum_mm if sum_mm is None else sum_mm,
        last_target_response=facts.target.response if is_measured else facts.state.last_target_response,
    )
    if response is Response.NE:
        return state
    if response is Response.IUPD:
        return replace(state, pending=state.pending or _start_pending(facts))
    if response is Response.ICPD:
        return replace(state, pending=None, accepted_new=None)
    return replace(state, pending=None, accepted_new=_accept_new(facts))


def _start_pending(facts: ImmuneFacts) -> Pending:
    return Pending(
        day=facts.timepoint.days_from_baseline,
        categories=facts.categories,
        sum_mm=facts.target_facts.now.sum_of_diameters_mm,
        new=facts.new,
        progressed_non_target_ids=frozenset(facts.non_target_facts.progressed_ids),
    )


def _accept_new(facts: ImmuneFacts) -> NewLesions | None:
    """Return the new lesions a response set aside, at the smallest they have been since."""
    if not facts.new.lesion_ids:
        return None
    known = facts.state.accepted_new
    return replace(facts.new, sum_mm=min(facts.new.sum_mm, known.sum_mm if known else facts.new.sum_mm))


def _verdict(facts: ImmuneFacts, finding: Finding, criterion: ImmuneCriterion) -> TimepointVerdict:
    return TimepointVerdict(
        criterion=Criterion.IRECIST,
        days_from_baseline=facts.timepoint.days_from_baseline,
        target_response=facts.target.response,
        non_target_response=facts.non_target.response,
        overall_response=finding.response,
        clause=decisive_clause(facts.target, facts.non_target, finding),
        clauses=(facts.target.clause, facts.non_target.clause, finding.clause),
        numbers=facts.target_facts.numbers(),
        configuration=facts.configuration.shown(*criterion.configuration_names),
        warnings=(*collect_warnings(facts.target_facts, facts.timepoint), *_confirmation_warnings(facts, finding)),
        review_flags=(*collect_review_flags(facts.target_facts, facts.timepoint, ()), *_flags(facts, finding)),
    )


def _confirmation_warnings(facts: ImmuneFacts, finding: Finding) -> tuple[str, ...]:
    found = []
    if finding.response is Response.ICPD and facts.days_since_pending > facts.configuration.late_confirm_days:
        found.append(f"Confirmed after {facts.days_since_pending} days; 4 to 8 weeks are recommended (I.CONF.WIN).")
    if finding.response is Response.IUPD:
        first = facts.pending_day if facts.pending_day is not None else facts.timepoint.days_from_baseline
        window = f"{first + facts.configuration.confirm_days} to {first + facts.configuration.late_confirm_days}"
        found.append(f"A confirming scan is due between days {window}.")
    if sum(1 for n in facts.timepoint.new_lesions if n.diameter_mm is not None) > _MOST_NEW_TARGETS:
        found.append(f"More than {_MOST_NEW_TARGETS} new lesions carry a diameter: choose {_MOST_NEW_TARGETS} of them.")
    return tuple(found)


def _flags(facts: ImmuneFacts, finding: Finding) -> tuple[str, ...]:
    if finding.response is Response.IUPD and not facts.may_confirm and facts.pending and facts.has_new_lesion_growth:
        return ("More new lesions on an early scan may confirm progression (open point 5): decide, and record why.",)
    if finding.clause.rule_id == "I.NL.IPR":
        return ("The targets respond while a new lesion persists (I.NL.IPR): decide whether this is a response.",)
    return ()
