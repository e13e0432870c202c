"""How the patient with a brain tumour is: clinical status and steroid dose, which may overrule the images."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from studies.tracking.criteria.exact import plain
from studies.tracking.criteria.inputs import ClinicalStatus, SteroidDose


@dataclass(frozen=True, slots=True)
class BrainStatus:
    """Clinical status and steroid dose now, and the dose at baseline."""

    clinical_status: ClinicalStatus
    steroid: SteroidDose | None
    baseline_steroid: SteroidDose | None

    @property
    def is_worse_from_tumour(self) -> bool:
        return self.clinical_status is ClinicalStatus.WORSE_FROM_TUMOUR

    @property
    def is_worse_from_other_cause(self) -> bool:
        return self.clinical_status is ClinicalStatus.WORSE_FROM_OTHER_CAUSE

    @property
    def is_off_steroids(self) -> bool:
        """Whether a complete response is possible: no steroid, or only a physiological replacement dose."""
        return _counting_mg(self.steroid) == 0

    @property
    def is_dose_increased(self) -> bool:
        return _counting_mg(self.steroid) > _counting_mg(self.baseline_steroid)

    @property
    def said(self) -> str:
        now, then = (plain(_counting_mg(dose)) for dose in (self.steroid, self.baseline_steroid))
        return f"{now} mg dexamethasone equivalent now, {then} mg at baseline"

    def warnings(self) -> tuple[str, ...]:
        """Return what was assumed because it was not recorded."""
        found = []
        if self.clinical_status is ClinicalStatus.NOT_RECORDED:
            found.append("The clinical status is not recorded; it was taken as stable.")
        if self.steroid is None or self.baseline_steroid is None:
            found.append("The steroid dose is not recorded at this scan or at baseline; it was taken as none there.")
        return tuple(found)

    def review_flags(self, *, is_complete_response: bool) -> tuple[str, ...]:
        """Return what a reader must supply before a complete response stands."""
        if is_complete_response and (self.steroid is None or self.clinical_status is ClinicalStatus.NOT_RECORDED):
            return ("A complete response needs a patient off steroids and clinically stable: record both.",)
        return ()


def _counting_mg(dose: SteroidDose | None) -> Decimal:
    return Decimal(0) if dose is None or dose.is_physiological_replacement else dose.dexamethasone_mg
