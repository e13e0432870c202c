"""What a reader recorded of a brain tumour: products or volume, and everything the images and the patient add to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.errors import MeasurementMissingError
from studies.tracking.criteria.exact import exact, exact_or_none, total
from studies.tracking.criteria.inputs import Certainty, ClinicalStatus, NewLesion, SteroidDose, check_days


class MeasurementMode(StrEnum):
    """Two diameters in one slice, or the volume: each has its own thresholds."""

    PRODUCTS_2D = "2D"
    VOLUME_3D = "3D"


class TumourComponent(StrEnum):
    """The part of the tumour that is measured."""

    ENHANCING = "CE"
    NON_ENHANCING = "nonCE"


class Trend(StrEnum):
    """How something that is not measured changed."""

    ABSENT = "absent"
    BETTER = "better"
    STABLE = "stable"
    WORSE = "worse"
    NOT_EVALUABLE = "not_evaluable"


@dataclass(frozen=True, slots=True)
class BrainTimepoint:
    """One assessment of one tumour component.

    ``products_mm2`` holds the product of the two perpendicular diameters of each measurable target, a vanished one as
    0; ``volume_ml`` the total volume. Neither means that the scan was not evaluable (RN.NE).
    """

    days_from_baseline: int
    products_mm2: tuple[Decimal, ...] | None = None
    volume_ml: Decimal | None = None
    new_lesions: tuple[NewLesion, ...] = ()
    non_measurable: Trend | None = None
    flair: Trend | None = None
    is_enhancement_new_or_increased: bool = False
    is_outside_radiation_field: bool = False
    clinical_status: ClinicalStatus = ClinicalStatus.NOT_RECORDED
    steroid: SteroidDose | None = None

    def __post_init__(self) -> None:
        if self.products_mm2 is not None:
            products = tuple(exact(product, name="product in mm2") for product in self.products_mm2)
            object.__setattr__(self, "products_mm2", products)
        object.__setattr__(self, "volume_ml", exact_or_none(self.volume_ml, name="volume_ml"))

    @property
    def unequivocal_new_ids(self) -> tuple[str, ...]:
        return tuple(n.lesion_id for n in self.new_lesions if n.certainty is Certainty.UNEQUIVOCAL)

    def burden(self, mode: MeasurementMode) -> Decimal | None:
        """Return the sum of products or the volume (RN.SUM); None where this scan has none."""
        if mode is MeasurementMode.VOLUME_3D:
            return self.volume_ml
        return None if self.products_mm2 is None else total(self.products_mm2)


@dataclass(frozen=True, slots=True)
class BrainCourse:
    """The timepoints of one tumour component, baseline first.

    ``radiotherapy_end_day`` counts from baseline and is usually negative: the baseline of a newly treated tumour is the
    first scan after radiotherapy.
    """

    timepoints: tuple[BrainTimepoint, ...]
    mode: MeasurementMode = MeasurementMode.PRODUCTS_2D
    component: TumourComponent = TumourComponent.ENHANCING
    radiotherapy_end_day: int | None = None
    new_therapy_day: int | None = None

    def __post_init__(self) -> None:
        check_days(timepoint.days_from_baseline for timepoint in self.timepoints)
        if self.timepoints[0].burden(self.mode) is None:
            needed = "volume in mL" if self.mode is MeasurementMode.VOLUME_3D else "products in mm2"
            raise MeasurementMissingError(
                f"The baseline has no {needed}. Measure it, or record 0 where there is no measurable disease."
            )

    @property
    def baseline(self) -> BrainTimepoint:
        return self.timepoints[0]
