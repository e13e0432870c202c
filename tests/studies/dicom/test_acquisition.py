"""How a series was taken: from plain headers, from functional groups, and from real files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from studies.dicom.acquisition import read_acquisition
from studies.tracking.acquisition_facts import AcquisitionFacts, ContrastPhase, Weighting
from studies.tracking.comparability import compare_acquisitions
from tests.phantoms import SeriesSpec, oblique, one_item, write_enhanced, write_pet, write_series


def read(paths: list[Path]) -> AcquisitionFacts:
    return read_acquisition([pydicom.dcmread(path, stop_before_pixels=True) for path in paths])


def header(modality: str = "MR", **values: object) -> Dataset:
    dataset = Dataset()
    dataset.Modality = modality
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def test_a_ct_phantom(tmp_path: Path) -> None:
    spec = SeriesSpec(
        name="Abdomen portal venous",
        shape=(5, 8, 8),
        spacing_mm=(2.5, 0.8, 0.7),
        extra={"ConvolutionKernel": ["Br38f", "3"], "ContrastBolusAgent": "Iohexol", "SliceThickness": "3"},
    )
    facts = read(write_series(tmp_path, spec))
    assert (facts.modality, facts.kernel, facts.contrast_agent) == ("CT", "Br38f\\3", "Iohexol")
    assert facts.has_contrast is True
    assert facts.phase is ContrastPhase.PORTAL_VENOUS
    assert (facts.slice_thickness_mm, facts.slice_distance_mm, facts.slice_mm) == (3.0, 2.5, 3.0)
    assert facts.plane_normal == pytest.approx((0, 0, 1))
    assert facts.weighting is None


def test_an_oblique_series_is_as_oblique_as_it_was_made(tmp_path: Path) -> None:
    straight = SeriesSpec(shape=(4, 8, 8))
    found = compare_acquisitions(
        read(write_series(tmp_path / "a", straight)), read(write_series(tmp_path / "b", oblique(straight, 25.0)))
    )
    assert ["25 degrees" in each.sentence for each in found.mismatches] == [True]


def test_slices_in_any_order_and_one_missing(tmp_path: Path) -> None:
    spec = SeriesSpec(shape=(7, 8, 8), spacing_mm=(2.0, 1.0, 1.0), missing=frozenset({3}))
    assert read(write_series(tmp_path, spec)[::-1]).slice_distance_mm == pytest.approx(2.0)


def test_functional_groups_of_an_enhanced_object(tmp_path: Path) -> None:
    spec = SeriesSpec(name="axial", modality="MR", shape=(6, 8, 8), spacing_mm=(1.5, 1.0, 1.0))
    dataset = pydicom.dcmread(write_enhanced(tmp_path / "enhanced.dcm", spec), stop_before_pixels=True)
    dataset.MagneticFieldStrength = 3.0
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.MREchoSequence = one_item(EffectiveEchoTime=120.0)
    shared.MRTimingAndRelatedParametersSequence = one_item(RepetitionTime=9000.0)
    shared.MRModifierSequence = one_item(InversionTimes=[2500.0])
    dataset.ContrastBolusAgentSequence = one_item(CodeMeaning="Gadobutrol")
    facts = read_acquisition([dataset])
    assert facts.weighting is Weighting.FLAIR
    assert (facts.slice_thickness_mm, facts.slice_distance_mm) == (1.5, 1.5)
    assert facts.plane_normal == pytest.approx((0, 0, 1))
    assert (facts.field_strength_t, facts.contrast_agent, facts.has_contrast) == (3.0, "Gadobutrol", True)


@pytest.mark.parametrize(
    ("values", "weighting"),
    [
        ({"EchoTime": 2.97, "RepetitionTime": 1900, "InversionTime": 1100, "ScanningSequence": ["GR", "IR"]}, "T1"),
        ({"EchoTime": 12, "RepetitionTime": 550, "ScanningSequence": "SE"}, "T1"),
        ({"EchoTime": 100, "RepetitionTime": 4500, "ScanningSequence": "SE"}, "T2"),
        ({"EchoTime": 120, "RepetitionTime": 9000, "InversionTime": 2500}, "FLAIR"),
        ({"EchoTime": 80, "RepetitionTime": 5000, "DiffusionBValue": 1000.0}, "diffusion"),
        ({"SeriesDescription": "AX T2 FLAIR FS"}, "FLAIR"),
        ({"SeriesDescription": "ep2d_diff_ADC"}, "ADC"),
        ({"SeriesDescription": "ep2d_diff", "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "ADC"),
        ({"SeriesDescription": "ep2d_diff_TRACEW"}, "diffusion"),
        ({"SeriesDescription": "SAG T1 FLAIR", "EchoTime": 20, "RepetitionTime": 2400, "InversionTime": 860}, "T1"),
        ({"SeriesDescription": "AX T2*", "EchoTime": 20, "RepetitionTime": 600, "ScanningSequence": "GR"}, "T2*"),
        ({"EchoTime": 20, "RepetitionTime": 600, "ScanningSequence": "GR"}, "T2*"),
        ({"SeriesDescription": "TOF_3D_multi-slab", "EchoTime": 4, "ScanningSequence": "GR"}, "angiography"),
        ({"SeriesDescription": "ep2d_perf", "EchoTime": 30, "RepetitionTime": 1500}, "perfusion"),
        ({"SeriesDescription": "PD FS cor", "EchoTime": 30, "RepetitionTime": 3000}, "PD"),
        ({"SeriesDescription": "t1_mpr_sag"}, "T1"),
        ({"EchoTime": 12, "RepetitionTime": 550, "SeriesDescription": "called T2"}, "T1"),
        ({"EchoTime": 15, "RepetitionTime": 3000}, None),
        ({"SeriesDescription": "localizer"}, None),
    ],
)
def test_weighting(values: dict, weighting: str | None) -> None:
    assert read_acquisition([header(**values)]).weighting == weighting


@pytest.mark.parametrize(
    ("values", "purpose"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"SeriesDescription": "3-pl scout"}, "localizer"),
        ({"SeriesDescription": "t1_fl3d_SUB"}, "subtraction"),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]}, "reformat"),
        ({"ImageType": ["DERIVED", "PRIMARY", "M", "NORM", "DIS3D"]}, None),
        ({"SeriesDescription": "t1_mpr_sag"}, None),
        ({"SeriesDescription": "T1 local shim", "ImageType": ["ORIGINAL", "PRIMARY", "M"]}, None),
    ],
)
def test_purpose(values: dict, purpose: str | None) -> None:
    assert read_acquisition([header(**values)]).purpose == purpose


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ({"ContrastBolusAgent": "NONE"}, False),
        ({"ContrastBolusAgent": "APPLIED"}, True),
        ({"SeriesDescription": "T1 post Gd"}, True),
        ({"SeriesDescription": "Abdomen w/o contrast"}, False),
        ({"SeriesDescription": "Thorax nativ"}, False),
        ({"SeriesDescription": "Leber arteriell"}, True),
        ({"SeriesDescription": "CT Body 3.0"}, None),
        ({}, None),
    ],
)
def test_contrast(values: dict, given: bool | None) -> None:
    assert read_acquisition([header("CT", **values)]).has_contrast is given


def test_a_pet_says_its_tracer_and_uptake_time(tmp_path: Path) -> None:
    """Injected at 9:05, scanned at 10:15: 70 minutes. Without a weight there is no SUV, and the reason is kept."""
    isotope = Dataset()
    isotope.Radiopharmaceutical, isotope.RadiopharmaceuticalStartTime = "Fluorodeoxyglucose", "090500"
    spec = SeriesSpec(shape=(3, 8, 8), extra={"RadiopharmaceuticalInformationSequence": Sequence([isotope])})
    facts = read(write_pet(tmp_path, replace(spec, voxels=np.ones(spec.shape)), lambda index: 1.0))
    assert (facts.modality, facts.tracer, facts.units) == ("PT", "Fluorodeoxyglucose", "BQML")
    assert facts.uptake_min == pytest.approx(70.0)
    assert facts.suv_problem


def test_a_nuclide_is_no_tracer() -> None:
    isotope = Dataset()
    isotope.RadionuclideCodeSequence = one_item(CodeMeaning="^18^Fluorine")
    pet = header("PT", RadiopharmaceuticalInformationSequence=Sequence([isotope]))
    assert read_acquisition([pet]).tracer == ""
    isotope.RadiopharmaceuticalCodeSequence = one_item(CodeMeaning="Fluorodeoxyglucose F^18^")
    assert read_acquisition([pet]).tracer == "Fluorodeoxyglucose F^18^"


def test_a_silent_or_spoilt_header_is_unknown_and_never_an_error() -> None:
    spoilt = header("MR", ImageOrientationPatient=[1, 0, 0], SliceThickness="", EchoTime="")
    assert read_acquisition([spoilt]) == AcquisitionFacts("MR")
    assert read_acquisition([Dataset()]) == AcquisitionFacts("")
    with pytest.raises(ValueError, match="one image"):
        read_acquisition([])


@pytest.mark.real_data
def test_a_real_mr(shared_data: Path) -> None:
    facts = read(sorted((shared_data / "mr_vs_seg_001/dicom").glob("*.dcm")))
    assert (facts.model, facts.field_strength_t, facts.weighting) == ("Avanto", 1.5, Weighting.T1)
    assert (facts.slice_thickness_mm, facts.slice_distance_mm) == (1.5, pytest.approx(1.5))
    assert facts.has_contrast is None  # the header does not say, though the series was taken after contrast


@pytest.mark.real_data
def test_a_real_ct(shared_data: Path) -> None:
    facts = read(sorted((shared_data / "ct_torso_dicom").glob("CT.*")))
    assert (facts.kernel, facts.contrast_agent, facts.has_contrast) == ("Br38f\\3", "APPLIED", True)
    assert facts.slice_distance_mm is not None
    assert facts.plane_normal == pytest.approx((0, 0, 1))
