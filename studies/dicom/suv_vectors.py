"""Acceptance vectors about SUV, run through the same gate as a PET series: a header is written and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset

from studies.dicom.suv import SuvFactor, read_suv_factor
from studies.tracking.acceptance.schema import Fields

_DATE_DIGITS = 8


def run_suv(body: Fields) -> Mapping[str, Any]:
    """Run one vector; a header that does not pass the gate gives null, never a number."""
    body.part("config")
    found = body.part("input")
    header = _header(found)
    factor = read_suv_factor([header])
    if not isinstance(factor, SuvFactor):
        return {"result": None, "reason": factor.problem.value}
    return {"result": float(found.need("stored_value")) * float(header.RescaleSlope) * factor.factor}


def _header(found: Fields) -> Dataset:
    header, isotope = Dataset(), Dataset()
    header.Modality = "PT"
    header.CorrectedImage = list(found.take("corrected_image", default=["ATTN", "DECAY"]))
    header.Units = found.take("units", default="BQML")
    header.DecayCorrection = found.take("decay_correction", default="START")
    _set_moment(header, found.take("scan_datetime"))
    _set(isotope, "RadiopharmaceuticalStartDateTime", found.take("inj_datetime"))
    _set(isotope, "RadiopharmaceuticalStartTime", found.take("inj_time"))
    _set(isotope, "RadionuclideTotalDose", found.take("dose_bq"))
    _set(isotope, "RadionuclideHalfLife", found.take("half_life_s"))
    _set(header, "PatientWeight", found.take("weight_kg"))
    _set(header, "RescaleSlope", found.take("slope"))
    header.RadiopharmaceuticalInformationSequence = [isotope]
    return header


def _set_moment(header: Dataset, moment: str | None) -> None:
    if moment is None:
        return
    for keyword in ("Series", "Acquisition"):
        setattr(header, f"{keyword}Date", moment[:_DATE_DIGITS])
        setattr(header, f"{keyword}Time", moment[_DATE_DIGITS:])


def _set(dataset: Dataset, keyword: str, value: Any) -> None:
    if value is not None:
        setattr(dataset, keyword, value if isinstance(value, str) else str(value))
