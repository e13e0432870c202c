"""Follow a course of diameters through the tables of one criterion, timepoint by timepoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from studies.tracking.criteria.best_response import Assessed, best_overall_response, confirmed_pair
from studies.tracking.criteria.brain_status import BrainStatus
from studies.tracking.criteria.configuration import CriteriaConfiguration, ResponsePersistence
from studies.tracking.criteria.inputs import Certainty, DiameterCourse, LesionKind, NewLesion, Timepoint
from studies.tracking.criteria.non_targets import NON_TARGET_RULES, NonTargetFacts, gather_non_targets
from studies.tracking.criteria.rules import Finding, Rule, first_match
from studies.tracking.criteria.sum_of_diameters import (
    CountedTimepoint,
    DiameterLimits,
    TargetFacts,
    count_timepoint,
    find_nadir,
)
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Response, TimepointVerdict
from studies.tracking.criteria.warnings import collect_review_flags, collect_warnings


@dataclass(frozen=True, slots=True)
class OverallFacts:
    """What a rule about the overall response may ask for."""

    target: Finding
    non_target: Finding
    target_facts: TargetFacts
    non_target_facts: NonTargetFacts
    timepoint: Timepoint
    baseline: Timepoint
    configuration: CriteriaConfiguration

    @property
    def unequivocal_new(self) -> tuple[NewLesion, ...]:
        return unequivocal_new_lesions(self.timepoint)

    @property
    def reappeared_non_target_ids(self) -> tuple[str, ...]:
        """Non-targets seen again although the overall response was complete before (R11.O.REAPPEAR)."""
        had = self.target_facts.had_overall_complete_response
        return self.non_target_facts.remaining_ids if had else ()


@dataclass(frozen=True, slots=True)
class DiameterCriterion:
    """A criterion on sums of diameters: its thresholds, its tables, and the configuration it depends on."""

    criterion: Criterion
    limits: DiameterLimits
    target_rules: tuple[Rule[TargetFacts], ...]
    overall_rules: tuple[Rule[OverallFacts], ...]
    configuration_names: tuple[str, ...]
    non_target_rules: tuple[Rule[NonTargetFacts], ...] = NON_TARGET_RULES
    status_of: Callable[[Timepoint, Timepoint], BrainStatus] | None = None


@dataclass(slots=True)
class _History:
    """What happened so far: counted sums and verdicts, baseline first."""

    counted: list[CountedTimepoint] = field(default_factory=list)
    verdicts: list[TimepointVerdict] = field(default_factory=list)

    def since_progression(self) -> list[TimepointVerdict]:
        """Return the verdicts after the last progression: what came before it does not persist."""
        kept: list[TimepointVerdict] = []
        for verdict in self.verdicts[1:]:
            kept = [] if verdict.overall_response is Response.PD else [*kept, verdict]
        return kept

    def had_overall_complete_response(self) -> bool:
        return any(v.overall_response is Response.CR for v in self.verdicts)


def unequivocal_new_lesions(timepoint: Timepoint) -> tuple[NewLesion, ...]:
    """Return the new lesions that make progression: unequivocal, and a measured node from 10 mm (R11.O.NEW)."""
    return tuple(
        lesion
        for lesion in timepoint.new_lesions
        if lesion.certainty is Certainty.UNEQUIVOCAL
        and not (lesion.kind is LesionKind.NODE and lesion.diameter_mm is not None and lesion.diameter_mm < 10)
    )


def is_partial_response_established(verdicts: Sequence[TimepointVerdict], configuration: CriteriaConfiguration) -> bool:
    """Tell whether a partial response lasts until progression (R11.T.PERSIST).

    With confirmation required it lasts only once it was confirmed.
    """
    if configuration.pr_persistence is ResponsePersistence.STRICT:
        return False
    if not configuration.confirmation_required:
        return any(v.target_response in (Response.CR, Response.PR) for v in verdicts)
    scans = [Assessed(v.days_from_baseline, v.overall_response) for v in verdicts]
    return any(confirmed_pair(scans, response, configuration) for response in (Response.CR, Response.PR))


def follow_course(
    course: DiameterCourse, criterion: DiameterCriterion, configuration: CriteriaConfiguration
) -> CourseVerdict:
    """Judge every timepoint in order and return the course's verdict."""
    history = _History()
    for timepoint in course.timepoints:
        counted = count_timepoint(timepoint, course.targets, configuration)
        if history.counted:
            facts = TargetFacts(
                limits=criterion.limits,
                now=counted,
                baseline=history.counted[0],
                nadir=find_nadir(history.counted),
                had_overall_complete_response=history.had_overall_complete_response(),
                is_partial_response_established=is_partial_response_established(
                    history.since_progression(), configuration
                ),
            )
            history.verdicts.append(_judge(timepoint, course, criterion, facts, configuration))
        else:
            history.verdicts.append(
                baseline_verdict(counted, criterion.criterion, criterion.configuration_names, configuration)
            )
        history.counted.append(counted)
    scans = [Assessed(v.days_from_baseline, v.overall_response) for v in history.verdicts[1:]]
    progression = next((s.day for s in scans if s.response is Response.PD), None)
    first_seen = _first_seen(course, progression)
    return CourseVerdict(
        criterion=criterion.criterion,
        timepoints=tuple(history.verdicts),
        best_overall_response=best_overall_response(scans, configuration, new_therapy_day=course.new_therapy_day),
        progression_day=first_seen,
        configuration_version=configuration.version,
        review_flags=_backdating_flags(progression, first_seen),
    )


def baseline_verdict(
    counted: CountedTimepoint, criterion: Criterion, names: Sequence[str], configuration: CriteriaConfiguration
) -> TimepointVerdict:
    """Return the verdict of the baseline: nothing to compare with yet."""
    facts = TargetFacts(limits=DiameterLimits(), now=counted, baseline=counted, nadir=counted)
    clause = Clause("R11.NUM", "Baseline: later timepoints are compared with this one.")
    return TimepointVerdict(
        criterion=criterion,
        days_from_baseline=counted.day,
        target_response=Response.BASELINE,
        non_target_response=None,
        overall_response=Response.BASELINE,
        clause=clause,
        clauses=(clause,),
        numbers=replace(facts.numbers(), baseline=None, baseline_day=None, nadir=None, nadir_day=None),
        configuration=configuration.shown(*names),
    )


def _judge(
    timepoint: Timepoint,
    course: DiameterCourse,
    criterion: DiameterCriterion,
    facts: TargetFacts,
    configuration: CriteriaConfiguration,
) -> TimepointVerdict:
    non_target_facts = gather_non_targets(timepoint, course.baseline)
    target = first_match(criterion.target_rules, facts)
    non_target = first_match(criterion.non_target_rules, non_target_facts)
    overall_facts = OverallFacts(target, non_target, facts, non_target_facts, timepoint, course.baseline, configuration)
    overall = first_match(criterion.overall_rules, overall_facts)
    status = criterion.status_of(timepoint, course.baseline) if criterion.status_of else None
    flags = collect_review_flags(facts, timepoint, overall_facts.reappeared_non_target_ids)
    return TimepointVerdict(
        criterion=criterion.criterion,
        days_from_baseline=timepoint.days_from_baseline,
        target_response=target.response,
        non_target_response=non_target.response,
        overall_response=overall.response,
        clause=decisive_clause(target, non_target, overall),
        clauses=(target.clause, non_target.clause, overall.clause),
        numbers=facts.numbers(),
        configuration=configuration.shown(*criterion.configuration_names),
        warnings=(*collect_warnings(facts, timepoint), *(status.warnings() if status else ())),
        review_flags=(
            (*flags, *status.review_flags(is_complete_response=overall.response is Response.CR)) if status else flags
        ),
    )


def decisive_clause(target: Finding, non_target: Finding, overall: Finding) -> Clause:
    """Return the clause that decided: a row that only passes a response on gives way to the rule that made it."""
    if overall.clause.rule_id not in ("R11.O.TABLE1", "R11.O.TABLE2", "I.TABLE2"):
        return overall.clause
    for part in (target, non_target):
        if part.response is overall.response:
            return part.clause
    return overall.clause


def _first_seen(course: DiameterCourse, progression_day: int | None) -> int | None:
    """Return the day of progression; a lesion first equivocal, later proven, dates it back (R11.O.NEWEQ)."""
    if progression_day is None:
        return None
    at_progression = next(t for t in course.timepoints if t.days_from_baseline == progression_day)
    proven = {lesion.lesion_id for lesion in unequivocal_new_lesions(at_progression)}
    return min(
        t.days_from_baseline
        for t in course.timepoints
        if t is at_progression
        or (t.days_from_baseline <= progression_day and any(n.lesion_id in proven for n in t.new_lesions))
    )


def _backdating_flags(progression_day: int | None, first_seen_day: int | None) -> tuple[str, ...]:
    if progression_day == first_seen_day:
        return ()
    return (
        f"Progression was proven on day {progression_day} and is dated to day {first_seen_day}, where the new lesion "
        "was first seen as equivocal (R11.O.NEWEQ): decide whether the responses read since then still stand.",
    )
