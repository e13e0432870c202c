"""What a lesion takes up on PET, in SUV where the headers allow it and with the reason where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studies.dicom.suv import SuvFactor, SuvRefusal, read_sul_factor, read_suv_factor
from studies.imaging.volume import Volume
from studies.models import Series
from studies.services.exports import read_sources
from studies.tracking.components import Lesion
from studies.tracking.uptake import measure_uptake

SUV_BW, SUL = "SUVbw g/mL", "SUL g/mL"


@dataclass(frozen=True, slots=True)
class UptakeScale:
    """A way from the image's values to uptake, or why there is none."""

    unit: str
    factor: SuvFactor | SuvRefusal

    def plain(self) -> dict[str, Any]:
        """Return it as JSON: the unit, and the refusal's code and sentence where there is no factor."""
        found = self.factor
        if isinstance(found, SuvRefusal):
            return {"unit": self.unit, "refusal_code": str(found.problem), "refusal": found.explanation, "basis": ""}
        return {"unit": self.unit, "refusal_code": "", "refusal": "", "basis": found.basis}


def read_scales(series: Series) -> tuple[UptakeScale, ...]:
    """Return SUVbw and SUL for a PET series, nothing for any other."""
    if series.modality != "PT":
        return ()
    headers = list({id(dataset): dataset for dataset, _frame in read_sources(series)}.values())
    return UptakeScale(SUV_BW, read_suv_factor(headers)), UptakeScale(SUL, read_sul_factor(headers))


def measure_scales(lesion: Lesion, image: Volume, scales: Sequence[UptakeScale]) -> list[dict[str, Any]]:
    """Return the uptake of a lesion as drawn, on each scale that can be read."""
    found = [
        measure_uptake(lesion, image, factor=scale.factor.factor, unit=scale.unit)
        for scale in scales
        if isinstance(scale.factor, SuvFactor)
    ]
    return [asdict(uptake) for uptake in found if uptake is not None]
