"""SUV of Enhanced PET Images: by the frames' mappings and the moment of decay correction, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from studies.dicom.suv import SuvFactor, SuvProblem, SuvRefusal, read_sul_factor, read_suv_factor
from tests.enhanced_pet import SUV_PER_BECQUEREL, describe_enhanced_pet
from tests.phantoms import SeriesSpec

SPEC = SeriesSpec(name="pet", shape=(3, 8, 8), intercept=0.0)


def header(unit: str = "Bq/ml") -> Dataset:
    return describe_enhanced_pet(SPEC, lambda index: 0.5 + index, unit)


def frames(dataset: Dataset) -> list[Dataset]:
    return list(dataset.PerFrameFunctionalGroupsSequence)


def factor_of(dataset: Dataset) -> SuvFactor:
    found = read_suv_factor([dataset])
    assert isinstance(found, SuvFactor), found
    return found


def test_the_dose_decays_to_the_moment_the_header_names() -> None:
    found = factor_of(header())
    assert found.factor == pytest.approx(SUV_PER_BECQUEREL, rel=1e-12)
    assert found.decay_s == 3600
    assert found.factor * 10_000 == pytest.approx(2.9212734924436572)  # as of a plain PET of the same patient
    assert "Frames mapped to Bq/ml. 70 kg, 350 MBq, decayed for 60.0 min." in found.basis


def test_corrected_to_the_injection_nothing_decays() -> None:
    dataset = header()
    dataset.DecayCorrectionDateTime = f"{SPEC.study_date}100000"
    assert factor_of(dataset).factor == pytest.approx(70_000 / 350e6)


def test_lean_body_mass_counts_as_ever() -> None:
    """9270 x 70 / (8780 + 244 x 70 / 1.75^2) = 45.2 kg."""
    found = read_sul_factor([header()])
    assert isinstance(found, SuvFactor)
    lean_kg = 9270 * 70 / (8780 + 244 * 70 / 1.75**2)
    assert found.factor == pytest.approx(SUV_PER_BECQUEREL * lean_kg / 70)


def test_thousands_of_becquerel_and_suv_that_is_there_already() -> None:
    assert factor_of(header("kBq/ml")).factor == pytest.approx(1000 * SUV_PER_BECQUEREL)
    already = factor_of(header("g/ml{SUVbw}"))
    assert (already.factor, already.decay_s) == (1.0, 0.0)
    assert "SUV already" in already.basis


def test_a_mapping_is_of_stored_values_and_shared_by_all_frames_where_it_stands_once() -> None:
    """Values rescaled by 0.5 + index, stored values mapped by four times that: a modality value is 4 Bq/mL."""
    dataset = header()
    for frame in frames(dataset):
        mapping = frame.RealWorldValueMappingSequence[0]
        mapping.RealWorldValueSlope = 4.0 * mapping.RealWorldValueSlope
    assert factor_of(dataset).factor == pytest.approx(4.0 * SUV_PER_BECQUEREL)
    shared = describe_enhanced_pet(SPEC, lambda _: 2.0)
    once = shared.SharedFunctionalGroupsSequence[0]
    for frame in frames(shared):
        once.RealWorldValueMappingSequence = frame.RealWorldValueMappingSequence
        once.PixelValueTransformationSequence = frame.PixelValueTransformationSequence
        del frame.RealWorldValueMappingSequence, frame.PixelValueTransformationSequence
    assert factor_of(shared).factor == pytest.approx(SUV_PER_BECQUEREL)


def _without(keyword: str) -> Callable[[Dataset], None]:
    return lambda dataset: delattr(dataset, keyword)


def _with(keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(dataset, keyword, value)


def _lose_a_mapping(dataset: Dataset) -> None:
    del frames(dataset)[1].RealWorldValueMappingSequence


def _map_one_otherwise(dataset: Dataset) -> None:
    frames(dataset)[2].RealWorldValueMappingSequence[0].RealWorldValueSlope = 7.0


def _shift_one(dataset: Dataset) -> None:
    frames(dataset)[0].RealWorldValueMappingSequence[0].RealWorldValueIntercept = 12.0


def _count(dataset: Dataset) -> None:
    for frame in frames(dataset):
        frame.RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "{counts}"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_without("AttenuationCorrected"), SuvProblem.NOT_ATTENUATION_CORRECTED),
        (_with("DecayCorrected", "NO"), SuvProblem.NOT_DECAY_CORRECTED),
        (_without("DecayCorrectionDateTime"), SuvProblem.SCAN_TIME_MISSING),
        (_with("DecayCorrectionDateTime", "20260102"), SuvProblem.SCAN_TIME_MISSING),
        (_with("DecayCorrectionDateTime", "20260102093000"), SuvProblem.INJECTION_AFTER_SCAN),
        (_with("DecayCorrectionDateTime", "20260105093000"), SuvProblem.DECAY_TIME_IMPLAUSIBLE),
        (_without("RadiopharmaceuticalInformationSequence"), SuvProblem.ISOTOPE_MISSING),
        (_without("PatientWeight"), SuvProblem.WEIGHT_MISSING),
        (_lose_a_mapping, SuvProblem.UNITS_UNKNOWN),
        (_map_one_otherwise, SuvProblem.UNITS_UNKNOWN),
        (_shift_one, SuvProblem.UNITS_UNKNOWN),
        (_count, SuvProblem.UNITS_UNKNOWN),
    ],
)
def test_what_is_missing_or_contradicts_itself_gives_no_number(
    spoil: Callable[[Dataset], None], problem: SuvProblem
) -> None:
    dataset = header()
    spoil(dataset)
    found = read_suv_factor([dataset])
    assert isinstance(found, SuvRefusal)
    assert found.problem is problem
    assert found.explanation.endswith(".")
