"""A patient's lesions over time, as recorded: what every criterion reads its own course from.

Lengths are recorded to 0.1 mm and volumes to 0.001 mL (R11.NUM); the criteria decide on these exact decimals. Days
count from baseline, which is the first timepoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.brain_inputs import Trend, TumourComponent
from studies.tracking.criteria.errors import BaselineMissingError
from studies.tracking.criteria.inputs import (
    Certainty,
    ClinicalStatus,
    LesionKind,
    LesionRole,
    SteroidDose,
    check_days,
)
from studies.tracking.criteria.lugano_pet import UptakeTrend

LENGTH_STEP_MM = Decimal("0.1")
VOLUME_STEP_ML = Decimal("0.001")


class FollowedState(StrEnum):
    """What is known of a lesion at a timepoint; `UNMARKED` where nobody said anything."""

    MEASURED = "measured"
    PRESENT = "present"
    TOO_SMALL = "too_small_to_measure"
    ABSENT = "absent"
    MERGED = "merged"
    NOT_EVALUABLE = "not_evaluable"
    UNMARKED = "unmarked"


SEEN = frozenset({FollowedState.MEASURED, FollowedState.PRESENT, FollowedState.TOO_SMALL})
NOT_SEEN = frozenset({FollowedState.NOT_EVALUABLE, FollowedState.UNMARKED, FollowedState.PRESENT})
"""States that leave a target without a value."""


@dataclass(frozen=True, slots=True)
class FollowedLesion:
    """One lesion; `name` is unique within the patient. `role` holds for what is there at baseline.

    `component` is the part of a glioma that is measured, None where nobody said.
    """

    name: str
    organ: str = ""
    kind: LesionKind = LesionKind.NON_NODAL
    role: LesionRole = LesionRole.NON_TARGET
    certainty: Certainty = Certainty.EQUIVOCAL
    is_growing: bool = False
    component: TumourComponent | None = None


@dataclass(frozen=True, slots=True)
class FollowedPart:
    """What is measured of a lesion, or of one of its fragments, with the ends of the grid's 95 % intervals."""

    longest_diameter_mm: Decimal
    perpendicular_diameter_mm: Decimal
    volume_ml: Decimal
    longest_interval_mm: tuple[Decimal, Decimal | None]
    perpendicular_interval_mm: tuple[Decimal, Decimal | None]
    volume_interval_ml: tuple[Decimal, Decimal | None]
    sul_peak: Decimal | None = None
    total_glycolysis: Decimal | None = None

    @property
    def product_mm2(self) -> Decimal:
        return self.longest_diameter_mm * self.perpendicular_diameter_mm


@dataclass(frozen=True, slots=True)
class FollowedObservation:
    """What was seen of one lesion; `parts` is not empty exactly where it is measured."""

    lesion: str
    state: FollowedState
    parts: tuple[FollowedPart, ...] = ()
    is_unequivocal_progression: bool = False
    is_confirmed: bool = False

    def __post_init__(self) -> None:
        if (self.state is FollowedState.MEASURED) != bool(self.parts):
            raise ValueError(f"{self.lesion} is {self.state} and has {len(self.parts)} measurements.")


@dataclass(frozen=True, slots=True)
class FollowedTimepoint:
    """One timepoint; a lesion without an observation here was not evaluated.

    Liver and blood pool are in SUL.
    """

    day: int
    observations: tuple[FollowedObservation, ...]
    clinical_status: ClinicalStatus = ClinicalStatus.NOT_RECORDED
    steroid: SteroidDose | None = None
    is_tumour_marker_elevated: bool | None = None
    non_measurable: Trend | None = None
    flair: Trend | None = None
    liver_mean: Decimal | None = None
    liver_sd: Decimal | None = None
    blood_mean: Decimal | None = None
    blood_sd: Decimal | None = None
    deauville_score: int | None = None
    uptake_trend: UptakeTrend | None = None

    def observation_of(self, lesion: str) -> FollowedObservation:
        """Return what was seen of a lesion; unmarked where there is nothing."""
        nothing = FollowedObservation(lesion, FollowedState.UNMARKED)
        return next((each for each in self.observations if each.lesion == lesion), nothing)


@dataclass(frozen=True, slots=True)
class FollowedPatient:
    """Lesions, timepoints with baseline first, and the days of therapy that criteria ask for.

    Raises
    ------
    CriteriaInputError
        If there is no timepoint, the first is not day 0, days do not rise, or two share a day.
    """

    lesions: tuple[FollowedLesion, ...]
    timepoints: tuple[FollowedTimepoint, ...]
    radiotherapy_end_day: int | None = None
    new_therapy_day: int | None = None

    def __post_init__(self) -> None:
        if not self.timepoints:
            raise BaselineMissingError("There is no baseline: choose the study that the others are compared with.")
        check_days(timepoint.day for timepoint in self.timepoints)

    @property
    def baseline(self) -> FollowedTimepoint:
        return self.timepoints[0]

    def role_of(self, lesion: FollowedLesion) -> LesionRole:
        """Return the part a lesion plays: new is what was not there at baseline."""
        is_there = self.baseline.observation_of(lesion.name).state in SEEN
        return lesion.role if is_there else LesionRole.NEW

    def in_role(self, role: LesionRole) -> tuple[FollowedLesion, ...]:
        """Return the lesions that play a part, in their order."""
        return tuple(lesion for lesion in self.lesions if self.role_of(lesion) is role)


def recorded_mm(value: float) -> Decimal:
    """Return a length as it is recorded: to 0.1 mm, halves to even."""
    return Decimal(repr(value)).quantize(LENGTH_STEP_MM)


def recorded_ml(value: float) -> Decimal:
    """Return a volume as it is recorded: to 0.001 mL, halves to even."""
    return Decimal(repr(value)).quantize(VOLUME_STEP_ML)
