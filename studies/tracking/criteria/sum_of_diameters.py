"""The sum of diameters, its references, and the facts a rule about targets may ask for.

Every target counts with its real value at every timepoint (R11.T.SUM, R11.N.SUM): a node of 7 mm adds 7 mm, a vanished
lesion adds nothing, a missing one makes the sum incomplete, and an incomplete sum is never a reference (R11.T.NADIRNE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import MeasurementMissingError
from studies.tracking.criteria.exact import difference, is_at_least, is_at_most, percent_change, plain, total
from studies.tracking.criteria.inputs import LesionKind, TargetLesion, TargetObservation, TargetState, Timepoint
from studies.tracking.criteria.verdict import Numbers

NORMAL_NODE_MM = Decimal(10)


@dataclass(frozen=True, slots=True)
class CountedTarget:
    """One target with the value it adds to the sum; None where it was not evaluated."""

    target: TargetLesion
    state: TargetState
    value_mm: Decimal | None

    @property
    def is_gone(self) -> bool:
        """Whether it no longer counts as disease: a node below 10 mm, anything else at 0 mm (R11.N.CR)."""
        if self.value_mm is None:
            return False
        return self.value_mm < NORMAL_NODE_MM if self.target.kind is LesionKind.NODE else self.value_mm == 0


@dataclass(frozen=True, slots=True)
class CountedTimepoint:
    """All targets of one timepoint, in the order of the baseline."""

    day: int
    counted: tuple[CountedTarget, ...]
    evaluated_sum_mm: Decimal

    @property
    def is_complete(self) -> bool:
        return all(c.value_mm is not None for c in self.counted)

    @property
    def sum_of_diameters_mm(self) -> Decimal | None:
        """The sum, or None where there are no targets or one is missing."""
        return self.evaluated_sum_mm if self.counted and self.is_complete else None


@dataclass(frozen=True, slots=True)
class DiameterLimits:
    """The thresholds of a criterion; equality counts for each."""

    partial_share: Fraction = Fraction(7, 10)
    progression_share: Fraction = Fraction(12, 10)
    sum_growth_mm: Decimal | None = None
    lesion_growth_mm: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What a rule about targets may ask for at one timepoint."""

    limits: DiameterLimits
    now: CountedTimepoint
    baseline: CountedTimepoint
    nadir: CountedTimepoint
    had_overall_complete_response: bool = False
    is_partial_response_established: bool = False

    @property
    def has_targets(self) -> bool:
        return bool(self.baseline.counted)

    @property
    def missing_ids(self) -> tuple[str, ...]:
        return tuple(c.target.lesion_id for c in self.now.counted if c.value_mm is None)

    @property
    def growth_mm(self) -> Decimal:
        return difference(self.now.evaluated_sum_mm, self.nadir.evaluated_sum_mm)

    @property
    def largest_lesion_growth_mm(self) -> Decimal:
        """The most any one lesion grew since the timepoint of the nadir."""
        pairs = [(n.value_mm, r.value_mm) for n, r in zip(self.now.counted, self.nadir.counted, strict=True)]
        rises = (difference(now, then) for now, then in pairs if now is not None and then is not None)
        return max(rises, default=Decimal(0))

    @property
    def is_relative_growth_reached(self) -> bool:
        """Whether the sum rose by the share needed; a rise from 0 is infinite (R11.T.NADIR0)."""
        now, nadir = self.now.evaluated_sum_mm, self.nadir.evaluated_sum_mm
        return now > nadir and is_at_least(now, self.limits.progression_share, nadir)

    @property
    def is_absolute_growth_reached(self) -> bool:
        limits = self.limits
        by_sum = limits.sum_growth_mm is None or self.growth_mm >= limits.sum_growth_mm
        return by_sum and (limits.lesion_growth_mm is None or self.largest_lesion_growth_mm >= limits.lesion_growth_mm)

    @property
    def is_progression(self) -> bool:
        any_evaluated = any(c.value_mm is not None for c in self.now.counted)
        return any_evaluated and self.is_relative_growth_reached and self.is_absolute_growth_reached

    @property
    def is_partial(self) -> bool:
        return is_at_most(self.now.evaluated_sum_mm, self.limits.partial_share, self.baseline.evaluated_sum_mm)

    @property
    def are_all_gone(self) -> bool:
        return all(c.is_gone for c in self.now.counted)

    @property
    def reappeared_ids(self) -> tuple[str, ...]:
        """Targets that count as disease now although the overall response was complete before."""
        if not self.had_overall_complete_response:
            return ()
        return tuple(c.target.lesion_id for c in self.now.counted if c.value_mm is not None and not c.is_gone)

    def said(self) -> str:
        """Return the sum with both references, as sentences use it."""
        now, first, nadir = (t.evaluated_sum_mm for t in (self.now, self.baseline, self.nadir))
        return (
            f"the sum is {plain(now)} mm, {percent_change(now, first)} from baseline ({plain(first)} mm) and "
            f"{percent_change(now, nadir)} from the smallest sum before ({plain(nadir)} mm on day {self.nadir.day})"
        )

    def numbers(self) -> Numbers:
        """Return the numbers a verdict shows."""
        return Numbers(
            quantity="sum of diameters",
            unit="mm",
            value=self.now.sum_of_diameters_mm,
            baseline=self.baseline.sum_of_diameters_mm,
            baseline_day=self.baseline.day if self.has_targets else None,
            nadir=self.nadir.sum_of_diameters_mm,
            nadir_day=self.nadir.day if self.has_targets else None,
            composition=tuple((c.target.lesion_id, c.value_mm) for c in self.now.counted),
        )


def count_timepoint(
    timepoint: Timepoint, targets: Sequence[TargetLesion], configuration: CriteriaConfiguration
) -> CountedTimepoint:
    """Return what each target adds to the sum; one without an observation was not evaluated."""
    seen = {observation.lesion_id: observation for observation in timepoint.targets}
    counted = []
    for target in targets:
        found = seen.get(target.lesion_id)
        state = found.state if found else TargetState.NOT_EVALUABLE
        value = _value_mm(found, target, configuration) if found else None
        counted.append(CountedTarget(target=target, state=state, value_mm=value))
    evaluated = total(c.value_mm for c in counted if c.value_mm is not None)
    return CountedTimepoint(timepoint.days_from_baseline, tuple(counted), evaluated)


def _value_mm(
    observation: TargetObservation, target: TargetLesion, configuration: CriteriaConfiguration
) -> Decimal | None:
    """Return the value of section 1.3: R11.M.TSTM, R11.M.SPLIT, R11.M.MERGE."""
    fixed = {
        TargetState.TOO_SMALL_TO_MEASURE: configuration.too_small_mm,
        TargetState.ABSENT: Decimal(0),
        TargetState.MERGED: Decimal(0),
        TargetState.NOT_EVALUABLE: None,
    }
    if observation.state in fixed:
        return fixed[observation.state]
    if observation.fragment_diameters_mm:
        return total(observation.fragment_diameters_mm)
    is_node = target.kind is LesionKind.NODE
    value = observation.short_axis_mm if is_node else observation.longest_diameter_mm
    if value is None:
        needed = "short axis" if is_node else "longest diameter"
        raise MeasurementMissingError(f"Lesion {target.lesion_id} counts with its {needed}, which was not measured.")
    return value


def find_nadir(earlier: Sequence[CountedTimepoint]) -> CountedTimepoint:
    """Return the earliest of the timepoints with the smallest complete sum; the present one is not among them."""
    return min((t for t in earlier if t.is_complete), key=lambda t: t.evaluated_sum_mm)
