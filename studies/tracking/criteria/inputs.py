"""What a reader recorded: lesions, what was seen of each at each timepoint, and how the patient was.

Diameters are millimetres as recorded (exact decimals); days count from baseline, which is day 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.errors import (
    BaselineMissingError,
    MeasurementMissingError,
    NotANumberError,
    SameDayError,
    TimepointOrderError,
    UnknownLesionError,
)
from studies.tracking.criteria.exact import exact_or_none


class LesionRole(StrEnum):
    """The part a lesion plays in a criterion."""

    TARGET = "target"
    NON_TARGET = "non_target"
    NEW = "new"


class LesionKind(StrEnum):
    """Nodes are measured along their short axis, everything else along its longest diameter."""

    NON_NODAL = "non_nodal"
    NODE = "node"


class TargetState(StrEnum):
    """What was seen of a target lesion."""

    MEASURED = "measured"
    TOO_SMALL_TO_MEASURE = "too_small_to_measure"
    ABSENT = "absent"
    MERGED = "merged"
    NOT_EVALUABLE = "not_evaluable"


class NonTargetState(StrEnum):
    """What was seen of a non-target lesion."""

    PRESENT = "present"
    ABSENT = "absent"
    UNEQUIVOCAL_PROGRESSION = "unequivocal_progression"
    NOT_EVALUABLE = "not_evaluable"


class Certainty(StrEnum):
    """How sure the reader is that a finding is a new lesion."""

    EQUIVOCAL = "equivocal"
    UNEQUIVOCAL = "unequivocal"


class ClinicalStatus(StrEnum):
    """How the patient is; worse counts only where the tumour is the cause."""

    IMPROVED = "improved"
    STABLE = "stable"
    WORSE_FROM_TUMOUR = "worse_from_tumour"
    WORSE_FROM_OTHER_CAUSE = "worse_from_other_cause"
    NOT_RECORDED = "not_recorded"


@dataclass(frozen=True, slots=True)
class TargetLesion:
    """A lesion chosen at baseline to be measured at every timepoint."""

    lesion_id: str
    organ: str
    kind: LesionKind = LesionKind.NON_NODAL


@dataclass(frozen=True, slots=True)
class TargetObservation:
    """What was seen of one target at one timepoint.

    A measured node carries ``short_axis_mm``, any other lesion ``longest_diameter_mm``; a lesion that fell apart
    carries ``fragment_diameters_mm`` (R11.M.SPLIT), one value per fragment.
    """

    lesion_id: str
    state: TargetState = TargetState.MEASURED
    longest_diameter_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    fragment_diameters_mm: tuple[Decimal, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        for name in ("longest_diameter_mm", "short_axis_mm"):
            object.__setattr__(self, name, exact_or_none(getattr(self, name), name=f"{self.lesion_id} {name}"))
        fragments = tuple(exact_or_none(d, name=f"{self.lesion_id} fragment") for d in self.fragment_diameters_mm)
        object.__setattr__(self, "fragment_diameters_mm", fragments)
        has_number = self.longest_diameter_mm is not None or self.short_axis_mm is not None or bool(fragments)
        if self.state is TargetState.MEASURED and not has_number:
            raise MeasurementMissingError(
                f"Lesion {self.lesion_id} is said to be measured but has no diameter. "
                "Record the diameter, or say that it is absent, too small to measure or not evaluable."
            )
        if self.state is not TargetState.MEASURED and has_number:
            raise NotANumberError(f"Lesion {self.lesion_id} is {self.state.value} and has a diameter. Record only one.")


@dataclass(frozen=True, slots=True)
class NonTargetObservation:
    """What was seen of one non-target lesion; a node is judged by its short axis where that was measured."""

    lesion_id: str
    state: NonTargetState = NonTargetState.PRESENT
    short_axis_mm: Decimal | None = None

    def __post_init__(self) -> None:
        short_axis_mm = exact_or_none(self.short_axis_mm, name=f"{self.lesion_id} short_axis_mm")
        object.__setattr__(self, "short_axis_mm", short_axis_mm)


@dataclass(frozen=True, slots=True)
class NewLesion:
    """A lesion that was not there at baseline; with a diameter it can be a new-lesion target of iRECIST."""

    lesion_id: str
    certainty: Certainty = Certainty.UNEQUIVOCAL
    kind: LesionKind = LesionKind.NON_NODAL
    diameter_mm: Decimal | None = None
    is_growing: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "diameter_mm", exact_or_none(self.diameter_mm, name=f"{self.lesion_id} diameter_mm"))


@dataclass(frozen=True, slots=True)
class SteroidDose:
    """Corticosteroid as its dexamethasone equivalent; a dose that only replaces what the body lacks does not count."""

    dexamethasone_mg: Decimal
    is_physiological_replacement: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "dexamethasone_mg", exact_or_none(self.dexamethasone_mg, name="dexamethasone_mg"))


@dataclass(frozen=True, slots=True)
class Timepoint:
    """One assessment. ``non_targets`` are those seen now; one that is missing here counts as not evaluated."""

    days_from_baseline: int
    targets: tuple[TargetObservation, ...] = ()
    non_targets: tuple[NonTargetObservation, ...] = ()
    new_lesions: tuple[NewLesion, ...] = ()
    is_tumour_marker_elevated: bool | None = None
    is_non_target_burden_increased: bool = False
    clinical_status: ClinicalStatus = ClinicalStatus.NOT_RECORDED
    steroid: SteroidDose | None = None


@dataclass(frozen=True, slots=True)
class DiameterCourse:
    """A patient's targets and timepoints, baseline first.

    Raises
    ------
    CriteriaInputError
        If timepoints are out of order or share a day, the baseline is missing or incomplete, or a lesion is unknown.
    """

    targets: tuple[TargetLesion, ...]
    timepoints: tuple[Timepoint, ...]
    new_therapy_day: int | None = None

    def __post_init__(self) -> None:
        check_days(timepoint.days_from_baseline for timepoint in self.timepoints)
        known = _unique((target.lesion_id for target in self.targets), "targets at baseline")
        for timepoint in self.timepoints:
            seen = _unique((o.lesion_id for o in timepoint.targets), f"targets on day {timepoint.days_from_baseline}")
            _unique((o.lesion_id for o in timepoint.non_targets), f"non-targets on day {timepoint.days_from_baseline}")
            if strangers := sorted(seen - known):
                raise UnknownLesionError(
                    f"Day {timepoint.days_from_baseline} measures {', '.join(strangers)}, no target at baseline. "
                    "Targets are fixed at baseline: record it as a non-target or as a new lesion."
                )
        self._check_baseline()

    @property
    def baseline(self) -> Timepoint:
        return self.timepoints[0]

    def _check_baseline(self) -> None:
        observed = {o.lesion_id: o for o in self.baseline.targets}
        for target in self.targets:
            found = observed.get(target.lesion_id)
            if found is None or found.state is not TargetState.MEASURED:
                raise MeasurementMissingError(
                    f"Target {target.lesion_id} has no measurement at baseline. "
                    "Measure it there, or make it a non-target: without a baseline value no change can be computed."
                )


def check_days(days: Iterable[int]) -> None:
    """Refuse days that do not start at a baseline and rise from there."""
    listed = list(days)
    if not listed or listed[0] != 0:
        first = f"the first timepoint is day {listed[0]}" if listed else "there is no timepoint"
        raise BaselineMissingError(f"The baseline is missing: {first}. Record it as day 0, before the others.")
    for earlier, later in itertools.pairwise(listed):
        if earlier == later:
            raise SameDayError(
                f"Two timepoints lie on day {later}. Merge them into one, or correct the date of one of them."
            )
        if later < earlier:
            raise TimepointOrderError(f"Day {later} follows day {earlier}. Put the timepoints in order of their dates.")


def _unique(names: Iterable[str], where: str) -> set[str]:
    listed = list(names)
    if len(listed) != len(set(listed)):
        twice = sorted({name for name in listed if listed.count(name) > 1})
        raise UnknownLesionError(f"{', '.join(twice)} occurs twice among the {where}. Each lesion is recorded once.")
    return set(listed)
