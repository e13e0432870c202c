"""The standardised uptake value: a factor from activity concentration to SUV, or no number and the reason.

The gate asks for everything the formula needs and for nothing it does not. A header that lacks a value, or holds one
that cannot be right, gives a `SuvRefusal` with a code that never changes; a number is never guessed.

References
----------
QIBA FDG-PET/CT profile, SUV pseudo-code (vendor-neutral part); DICOM PS3.3 C.8.9.1 (PET Series), C.8.9.2 (PET Isotope);
C.8.22 (Enhanced PET), read by `suv_enhanced`.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset

from studies.dicom.suv_enhanced import is_enhanced, read_scale
from studies.dicom.suv_times import ScanTime, read_decay_time, read_injection_time, read_scan_time
from studies.dicom.values import ValueReader

PLAUSIBLE_WEIGHT_KG = (0.3, 600.0)
PLAUSIBLE_HEIGHT_M = (0.2, 2.6)
SMALLEST_DOSE_BQ = 1.0e6
"""Below this the dose is most likely written in MBq: children are given no less than 10 MBq."""
MOST_HALF_LIVES = 10.0
"""After ten half-lives a thousandth of the dose is left: no image is taken then, a date was shifted."""


class SuvProblem(StrEnum):
    """Why there is no SUV; the codes never change."""

    NOT_PET = "suv.not_pet"
    NOT_ATTENUATION_CORRECTED = "suv.not_attenuation_corrected"
    NOT_DECAY_CORRECTED = "suv.not_decay_corrected"
    DECAY_CORRECTION_UNKNOWN = "suv.decay_correction_unknown"
    UNITS_UNKNOWN = "suv.units_unknown"
    SLOPE_MISSING = "suv.rescale_slope_missing"
    SUV_TYPE_OTHER = "suv.type_not_body_weight"
    VALUES_DIFFER = "suv.values_differ_within_series"
    ISOTOPE_MISSING = "suv.radiopharmaceutical_missing"
    DOSE_MISSING = "suv.dose_missing"
    DOSE_IMPLAUSIBLE = "suv.dose_implausible"
    HALF_LIFE_MISSING = "suv.half_life_missing"
    WEIGHT_MISSING = "suv.weight_missing"
    WEIGHT_IMPLAUSIBLE = "suv.weight_implausible"
    SCAN_TIME_MISSING = "suv.scan_time_missing"
    SCAN_TIME_UNSURE = "suv.series_time_after_acquisition"
    INJECTION_TIME_MISSING = "suv.injection_time_missing"
    INJECTION_AFTER_SCAN = "suv.injection_after_scan"
    DECAY_TIME_IMPLAUSIBLE = "suv.decay_time_implausible"
    HEIGHT_MISSING = "sul.height_missing"
    HEIGHT_IMPLAUSIBLE = "sul.height_implausible"
    SEX_MISSING = "sul.sex_missing"


@dataclass(frozen=True, slots=True)
class SuvRefusal:
    """No SUV, and why."""

    problem: SuvProblem
    explanation: str


@dataclass(frozen=True, slots=True)
class SuvFactor:
    """What modality values are multiplied by.

    Attributes
    ----------
    factor
        SUV (g/mL) per modality value; modality values are stored values after each slice's own rescale slope.
    weight_kg
        Patient weight, None where the scanner had already applied it and it is not recorded.
    decay_s
        Seconds of decay applied to the dose; 0 where the images refer to the time of administration.
    basis
        How the factor came about, in words for the reader.
    """

    factor: float
    weight_kg: float | None
    decay_s: float
    basis: str


DecayReader = Callable[[Sequence[ValueReader], ValueReader, float], float]
_ALIKE = (
    *("Modality", "SOPClassUID", "PatientWeight", "SUVType"),
    *("Units", "DecayCorrection", "CorrectedImage"),
    *("AttenuationCorrected", "DecayCorrected", "DecayCorrectionDateTime"),
)
"""What may not differ between the images of a series."""


class _RefusedError(Exception):
    """Carries a refusal out of nested checks to `read_suv_factor`."""

    def __init__(self, problem: SuvProblem, explanation: str) -> None:
        super().__init__(explanation)
        self.refusal = SuvRefusal(problem, explanation)


def compute_suv_factor(*, weight_kg: float, dose_bq: float, half_life_s: float, decay_s: float) -> float:
    """Return SUVbw per Bq/mL: W[g] / (D[Bq] 2^(-t / T)).

    References
    ----------
    criteria.md section 5, SUV.BW.
    """
    return weight_kg * 1000.0 / (dose_bq * math.exp2(-decay_s / half_life_s))


def compute_lean_body_mass_kg(*, weight_kg: float, height_m: float, is_male: bool) -> float:
    """Return the lean body mass.

    References
    ----------
    Janmahasatian S et al., Clin Pharmacokinet 2005;44:1051-1065. DOI 10.2165/00003088-200544100-00004.
    """
    body_mass_index = weight_kg / height_m**2
    offset, slope = (6680.0, 216.0) if is_male else (8780.0, 244.0)
    return 9270.0 * weight_kg / (offset + slope * body_mass_index)


def read_suv_factor(datasets: Sequence[Dataset]) -> SuvFactor | SuvRefusal:
    """Return the factor from modality values to SUVbw for a PET series, or the reason why there is none.

    Parameters
    ----------
    datasets
        Headers of all images of one series. Scanners write one acquisition time per bed position; the earliest counts.
    """
    if not datasets:
        return SuvRefusal(SuvProblem.NOT_PET, "The series has no images.")
    try:
        return _read_factor(datasets)
    except _RefusedError as error:
        return error.refusal


def read_sul_factor(datasets: Sequence[Dataset]) -> SuvFactor | SuvRefusal:
    """Return the factor from modality values to SUL, the uptake normalised by lean body mass (Janmahasatian)."""
    by_weight = read_suv_factor(datasets)
    if isinstance(by_weight, SuvRefusal):
        return by_weight
    reader = ValueReader(datasets[0])
    try:
        weight_kg = by_weight.weight_kg or _weight_kg(reader)
        height_m = _height_m(reader)
        sex = reader.text("PatientSex").upper()
        if sex not in ("M", "F"):
            raise _RefusedError(SuvProblem.SEX_MISSING, "Patient's Sex is neither M nor F; lean body mass needs it.")
    except _RefusedError as error:
        return error.refusal
    lean_kg = compute_lean_body_mass_kg(weight_kg=weight_kg, height_m=height_m, is_male=sex == "M")
    basis = f"{by_weight.basis} Lean body mass {lean_kg:.1f} kg (Janmahasatian)."
    return SuvFactor(by_weight.factor * lean_kg / weight_kg, weight_kg, by_weight.decay_s, basis)


def _read_factor(datasets: Sequence[Dataset]) -> SuvFactor:
    readers = [ValueReader(dataset) for dataset in datasets]
    _require_alike(readers)
    first = readers[0]
    if first.text("Modality") != "PT":
        raise _RefusedError(SuvProblem.NOT_PET, "SUV is defined for PET images only.")
    if is_enhanced(first):
        return _from_enhanced(readers)
    _require_corrections(first)
    if any(not reader.number("RescaleSlope") for reader in readers):
        raise _RefusedError(SuvProblem.SLOPE_MISSING, "Rescale Slope is missing or zero in at least one image.")
    units = first.text("Units", limit=16)
    if units == "GML":
        return _already_suv(first)
    if units == "CNTS":
        return _philips(readers)
    if units != "BQML":
        raise _RefusedError(SuvProblem.UNITS_UNKNOWN, f"Units {units or 'are missing'}: neither BQML, CNTS nor GML.")
    return _from_activity(readers, 1.0, "Bq/mL.")


def _require_alike(readers: Sequence[ValueReader]) -> None:
    for keyword in _ALIKE:
        if len({reader.text(keyword) for reader in readers}) > 1:
            raise _RefusedError(SuvProblem.VALUES_DIFFER, f"{keyword} differs between the images of the series.")


def _from_enhanced(readers: Sequence[ValueReader]) -> SuvFactor:
    """Activity by the mapping of the frames, the dose decayed to the moment the header names."""
    first = readers[0]
    if first.text("AttenuationCorrected").upper() != "YES":
        raise _RefusedError(SuvProblem.NOT_ATTENUATION_CORRECTED, "The images are not corrected for attenuation.")
    if first.text("DecayCorrected").upper() != "YES":
        raise _RefusedError(SuvProblem.NOT_DECAY_CORRECTED, "The images are not corrected for decay.")
    scale = read_scale(readers)
    if isinstance(scale, str):
        raise _RefusedError(SuvProblem.UNITS_UNKNOWN, scale)
    if scale.is_suv:
        already = _already_suv(first)
        return SuvFactor(scale.factor, already.weight_kg, 0.0, f"The frames are mapped to SUV already ({scale.unit}).")
    return _from_activity(readers, scale.factor, f"Frames mapped to {scale.unit}.", _enhanced_decay_seconds)


def _enhanced_decay_seconds(readers: Sequence[ValueReader], isotope: ValueReader, half_life_s: float) -> float:
    corrected_to = read_decay_time(readers[0])
    if corrected_to is None:
        raise _RefusedError(SuvProblem.SCAN_TIME_MISSING, "Decay Correction DateTime is missing or no date and time.")
    return _seconds_between(corrected_to, read_injection_time(readers[0], isotope), half_life_s)


def _require_corrections(reader: ValueReader) -> None:
    corrections = {str(word).strip().upper() for word in reader.values("CorrectedImage")}
    if "ATTN" not in corrections:
        raise _RefusedError(SuvProblem.NOT_ATTENUATION_CORRECTED, "The images are not corrected for attenuation.")
    if not corrections & {"DECY", "DECAY"}:
        raise _RefusedError(SuvProblem.NOT_DECAY_CORRECTED, "The images are not corrected for decay.")


def _already_suv(reader: ValueReader) -> SuvFactor:
    kind = reader.text("SUVType").upper()
    if kind not in ("", "BW"):
        raise _RefusedError(SuvProblem.SUV_TYPE_OTHER, f"The images hold SUV of type {kind}, not by body weight.")
    weight_kg = reader.number("PatientWeight")
    is_plausible = weight_kg is not None and PLAUSIBLE_WEIGHT_KG[0] <= weight_kg <= PLAUSIBLE_WEIGHT_KG[1]
    return SuvFactor(1.0, weight_kg if is_plausible else None, 0.0, "The images hold SUV already (GML).")


def _philips(readers: Sequence[ValueReader]) -> SuvFactor:
    """Counts with Philips' own factors: (7053,1000) to SUV, (7053,1009) to Bq/mL."""
    to_suv = _private_number(readers, 0x00)
    if to_suv:
        weight_kg = readers[0].number("PatientWeight")
        return SuvFactor(to_suv, weight_kg, 0.0, "Counts times the scanner's SUV factor (7053,1000).")
    to_activity = _private_number(readers, 0x09)
    if to_activity:
        return _from_activity(readers, to_activity, "Counts times the scanner's activity factor (7053,1009).")
    raise _RefusedError(SuvProblem.UNITS_UNKNOWN, "The images hold counts without a factor to activity or SUV.")


def _private_number(readers: Sequence[ValueReader], element: int) -> float | None:
    found = set()
    for reader in readers:
        try:
            block = reader.dataset.private_block(0x7053, "Philips PET Private Group")
            found.add(float(block[element].value))
        except (KeyError, TypeError, ValueError):
            found.add(0.0)
    if len(found) > 1:
        raise _RefusedError(SuvProblem.VALUES_DIFFER, "The scanner's own factor differs between the images.")
    number = found.pop()
    return number if 0.0 < number < float("inf") else None


def _from_activity(
    readers: Sequence[ValueReader], activity_factor: float, basis: str, read_decay: DecayReader | None = None
) -> SuvFactor:
    first = readers[0]
    weight_kg = _weight_kg(first)
    isotopes = first.items("RadiopharmaceuticalInformationSequence")
    if len(isotopes) != 1:
        raise _RefusedError(SuvProblem.ISOTOPE_MISSING, "The header does not name exactly one radiopharmaceutical.")
    isotope = first.within(isotopes[0])
    dose_bq = isotope.number("RadionuclideTotalDose") or 0.0
    if dose_bq <= 0.0:
        raise _RefusedError(SuvProblem.DOSE_MISSING, "The injected dose is missing or zero.")
    if dose_bq < SMALLEST_DOSE_BQ:
        raise _RefusedError(SuvProblem.DOSE_IMPLAUSIBLE, f"The injected dose reads {dose_bq:g} Bq: the unit is unsure.")
    half_life_s = isotope.number("RadionuclideHalfLife") or 0.0
    if half_life_s <= 0.0:
        raise _RefusedError(SuvProblem.HALF_LIFE_MISSING, "The half-life is missing or zero.")
    decay_s = (read_decay or _decay_seconds)(readers, isotope, half_life_s)
    factor = compute_suv_factor(weight_kg=weight_kg, dose_bq=dose_bq, half_life_s=half_life_s, decay_s=decay_s)
    words = f"{basis} {weight_kg:g} kg, {dose_bq / 1e6:g} MBq, decayed for {decay_s / 60:.1f} min."
    return SuvFactor(factor * activity_factor, weight_kg, decay_s, words)


def _decay_seconds(readers: Sequence[ValueReader], isotope: ValueReader, half_life_s: float) -> float:
    correction = readers[0].text("DecayCorrection").upper()
    if correction == "ADMIN":
        return 0.0
    if correction != "START":
        raise _RefusedError(SuvProblem.DECAY_CORRECTION_UNKNOWN, "Decay Correction is neither START nor ADMIN.")
    scan = read_scan_time(readers)
    if scan is ScanTime.MISSING:
        raise _RefusedError(SuvProblem.SCAN_TIME_MISSING, "The date or time of the scan is missing.")
    if scan is ScanTime.AFTER_ACQUISITION:
        raise _RefusedError(
            SuvProblem.SCAN_TIME_UNSURE, "The series is dated after its acquisition: the start of the scan is unsure."
        )
    return _seconds_between(scan, read_injection_time(readers[0], isotope), half_life_s)


def _seconds_between(scan: datetime.datetime, injection: datetime.datetime | None, half_life_s: float) -> float:
    if injection is None:
        raise _RefusedError(SuvProblem.INJECTION_TIME_MISSING, "The time of injection is missing.")
    decay_s = (scan - injection).total_seconds()
    if decay_s < 0.0:
        raise _RefusedError(SuvProblem.INJECTION_AFTER_SCAN, "The injection is dated after the scan.")
    if decay_s > MOST_HALF_LIVES * half_life_s:
        raise _RefusedError(
            SuvProblem.DECAY_TIME_IMPLAUSIBLE, f"The scan is dated {decay_s / 3600:.1f} h after the injection."
        )
    return decay_s


def _weight_kg(reader: ValueReader) -> float:
    weight_kg = reader.number("PatientWeight") or 0.0
    if weight_kg <= 0.0:
        raise _RefusedError(
            SuvProblem.WEIGHT_MISSING, "Patient's Weight is missing or zero (often de-identified away)."
        )
    if not PLAUSIBLE_WEIGHT_KG[0] <= weight_kg <= PLAUSIBLE_WEIGHT_KG[1]:
        raise _RefusedError(SuvProblem.WEIGHT_IMPLAUSIBLE, f"Patient's Weight reads {weight_kg:g} kg.")
    return weight_kg


def _height_m(reader: ValueReader) -> float:
    height_m = reader.number("PatientSize") or 0.0
    if height_m <= 0.0:
        raise _RefusedError(SuvProblem.HEIGHT_MISSING, "Patient's Size is missing or zero.")
    if not PLAUSIBLE_HEIGHT_M[0] <= height_m <= PLAUSIBLE_HEIGHT_M[1]:
        raise _RefusedError(SuvProblem.HEIGHT_IMPLAUSIBLE, f"Patient's Size reads {height_m:g} m.")
    return height_m
