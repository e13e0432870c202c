"""SUV: the factor from a header, and every reason why there is none."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from studies.dicom.suv import (
    SuvFactor,
    SuvProblem,
    SuvRefusal,
    compute_lean_body_mass_kg,
    read_sul_factor,
    read_suv_factor,
)

HALF_LIFE_S = 6586.2
AFTER_AN_HOUR = 70_000 / (350e6 * 2 ** (-3600 / HALF_LIFE_S))
"""70 kg, 350 MBq, decayed for 60 minutes."""


def pet_header(**changes: object) -> Dataset:
    """A header for which SUV is defined; a change to None takes an attribute away."""
    isotope = Dataset()
    isotope.RadionuclideTotalDose, isotope.RadionuclideHalfLife = "350000000", str(HALF_LIFE_S)
    isotope.RadiopharmaceuticalStartDateTime = "20260101100000"
    header = Dataset()
    header.Modality, header.Units, header.DecayCorrection = "PT", "BQML", "START"
    header.CorrectedImage, header.PatientWeight, header.PatientSize = ["DECY", "ATTN", "SCAT"], "70", "1.75"
    header.PatientSex, header.RescaleSlope = "F", "2"
    header.SeriesDate = header.AcquisitionDate = "20260101"
    header.SeriesTime, header.AcquisitionTime = "110000", "110000.5"
    header.RadiopharmaceuticalInformationSequence = Sequence([isotope])
    for keyword, value in changes.items():
        holder = isotope if keyword.startswith("Radio") and keyword[-8:] != "Sequence" else header
        if value is None:
            delattr(holder, keyword)
        else:
            setattr(holder, keyword, value)
    return header


def factor_of(*headers: Dataset) -> SuvFactor:
    found = read_suv_factor(headers)
    assert isinstance(found, SuvFactor), found
    return found


def test_the_dose_decays_to_the_start_of_the_series():
    found = factor_of(pet_header())
    assert found.factor == pytest.approx(AFTER_AN_HOUR, rel=1e-12)
    assert found.decay_s == 3600
    assert found.factor * 10_000 * 2.0 == pytest.approx(5.842546984887314)


@pytest.mark.parametrize(
    "changes",
    [
        {  # over midnight
            "SeriesDate": "20260102",
            "AcquisitionDate": "20260102",
            "SeriesTime": "003000",
            "AcquisitionTime": "003000",
            "RadiopharmaceuticalStartDateTime": "20260101233000",
        },
        {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": "100000.00"},
        {"RadiopharmaceuticalStartDateTime": "20260101090000+0000", "TimezoneOffsetFromUTC": "+0100"},
        {"CorrectedImage": ["ATTN", "DECAY"]},
    ],
)
def test_an_hour_is_an_hour_however_it_is_written(changes):
    assert factor_of(pet_header(**changes)).factor == pytest.approx(AFTER_AN_HOUR, rel=1e-12)


def test_the_earliest_bed_position_counts():
    beds = [pet_header(AcquisitionTime=time) for time in ("111500", "110000", "110730")]
    assert factor_of(*beds).decay_s == 3600


def test_images_referred_to_the_injection_need_no_decay():
    assert factor_of(pet_header(DecayCorrection="ADMIN")).factor == pytest.approx(70_000 / 350e6)


def test_values_that_are_suv_already():
    assert factor_of(pet_header(Units="GML")).factor == 1.0
    refused = read_suv_factor([pet_header(Units="GML", SUVType="LBM")])
    assert isinstance(refused, SuvRefusal)
    assert refused.problem is SuvProblem.SUV_TYPE_OTHER


def test_counts_need_the_scanners_factor():
    header = pet_header(Units="CNTS")
    assert read_suv_factor([header]) == SuvRefusal(
        SuvProblem.UNITS_UNKNOWN, "The images hold counts without a factor to activity or SUV."
    )
    block = header.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x09, "DS", "3.5")
    assert factor_of(header).factor == pytest.approx(3.5 * AFTER_AN_HOUR)
    block.add_new(0x00, "DS", "0.0004")
    assert factor_of(header).factor == 0.0004


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Modality": "CT"}, SuvProblem.NOT_PET),
        ({"CorrectedImage": ["DECY"]}, SuvProblem.NOT_ATTENUATION_CORRECTED),
        ({"CorrectedImage": None}, SuvProblem.NOT_ATTENUATION_CORRECTED),
        ({"CorrectedImage": "ATTN"}, SuvProblem.NOT_DECAY_CORRECTED),
        ({"DecayCorrection": "NONE"}, SuvProblem.DECAY_CORRECTION_UNKNOWN),
        ({"DecayCorrection": None}, SuvProblem.DECAY_CORRECTION_UNKNOWN),
        ({"Units": None}, SuvProblem.UNITS_UNKNOWN),
        ({"Units": "PROPCPS"}, SuvProblem.UNITS_UNKNOWN),
        ({"RescaleSlope": "0"}, SuvProblem.SLOPE_MISSING),
        ({"RadiopharmaceuticalInformationSequence": None}, SuvProblem.ISOTOPE_MISSING),
        ({"RadionuclideTotalDose": None}, SuvProblem.DOSE_MISSING),
        ({"RadionuclideTotalDose": "0"}, SuvProblem.DOSE_MISSING),
        ({"RadionuclideTotalDose": "350"}, SuvProblem.DOSE_IMPLAUSIBLE),
        ({"RadionuclideHalfLife": "0"}, SuvProblem.HALF_LIFE_MISSING),
        ({"PatientWeight": None}, SuvProblem.WEIGHT_MISSING),
        ({"PatientWeight": "0"}, SuvProblem.WEIGHT_MISSING),
        ({"PatientWeight": "70000"}, SuvProblem.WEIGHT_IMPLAUSIBLE),
        ({"SeriesTime": None}, SuvProblem.SCAN_TIME_MISSING),
        ({"AcquisitionDate": ""}, SuvProblem.SCAN_TIME_MISSING),
        ({"SeriesTime": "150000"}, SuvProblem.SCAN_TIME_UNSURE),
        ({"RadiopharmaceuticalStartDateTime": None}, SuvProblem.INJECTION_TIME_MISSING),
        ({"RadiopharmaceuticalStartDateTime": "yesterday"}, SuvProblem.INJECTION_TIME_MISSING),
        ({"RadiopharmaceuticalStartDateTime": "20260101110500"}, SuvProblem.INJECTION_AFTER_SCAN),
        ({"RadiopharmaceuticalStartDateTime": "20251201100000"}, SuvProblem.DECAY_TIME_IMPLAUSIBLE),
    ],
)
def test_no_number_and_the_reason(changes, problem):
    found = read_suv_factor([pet_header(**changes)])
    assert isinstance(found, SuvRefusal)
    assert found.problem is problem
    assert found.explanation.endswith(".")


def test_one_image_of_another_kind_refuses_the_series():
    found = read_suv_factor([pet_header(), pet_header(Units="CNTS")])
    assert isinstance(found, SuvRefusal)
    assert found.problem is SuvProblem.VALUES_DIFFER
    assert isinstance(read_suv_factor([]), SuvRefusal)


def test_lean_body_mass():
    index = 70 / 1.75**2
    assert compute_lean_body_mass_kg(weight_kg=70, height_m=1.75, is_male=True) == pytest.approx(
        9270 * 70 / (6680 + 216 * index)
    )
    found = read_sul_factor([pet_header()])
    assert isinstance(found, SuvFactor)
    assert found.factor == pytest.approx(AFTER_AN_HOUR * 9270 / (8780 + 244 * index), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"PatientSize": None}, SuvProblem.HEIGHT_MISSING),
        ({"PatientSize": "175"}, SuvProblem.HEIGHT_IMPLAUSIBLE),
        ({"PatientSex": "O"}, SuvProblem.SEX_MISSING),
        ({"Units": "GML", "PatientWeight": "0"}, SuvProblem.WEIGHT_MISSING),
        ({"RadionuclideTotalDose": "0"}, SuvProblem.DOSE_MISSING),
    ],
)
def test_lean_body_mass_needs_more_of_the_header(changes, problem):
    found = read_sul_factor([pet_header(**changes)])
    assert isinstance(found, SuvRefusal)
    assert found.problem is problem
