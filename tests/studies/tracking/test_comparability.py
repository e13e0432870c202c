"""The gate between two dates: what differs, what weighs, and what a header leaves open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.tracking.acquisition_facts import AcquisitionFacts, ContrastPhase, Weighting
from studies.tracking.comparability import Concern, MismatchCode, Severity, compare_acquisitions

CT = AcquisitionFacts(
    "CT",
    has_contrast=True,
    phase=ContrastPhase.PORTAL_VENOUS,
    kernel="Br38f",
    slice_thickness_mm=3.0,
    slice_distance_mm=2.0,
    plane_normal=(0.0, 0.0, 1.0),
    manufacturer="SIEMENS",
    model="mCT",
    body_region="CHEST",
)
MR = replace(CT, modality="MR", weighting=Weighting.T1, field_strength_t=1.5, kernel="", phase=None)
PET = replace(CT, modality="PT", tracer="FDG", uptake_min=60.0, units="BQML")


def tilted(degrees: float) -> tuple[float, float, float]:
    angle = np.radians(degrees)
    return (0.0, float(np.sin(angle)), float(np.cos(angle)))


@pytest.mark.parametrize("facts", [CT, MR, PET], ids=["CT", "MR", "PET"])
def test_the_same_series_twice_is_comparable_and_nothing_is_open(facts: AcquisitionFacts) -> None:
    found = compare_acquisitions(facts, facts, smallest_lesion_mm=6.0)
    assert (found.mismatches, found.notes) == ((), ())
    assert found.is_evaluable()


@pytest.mark.parametrize(
    ("facts", "change", "code", "severity", "concern"),
    [
        (CT, {"has_contrast": False}, "cmp.contrast", "lowers_confidence", "everything"),
        (CT, {"phase": ContrastPhase.ARTERIAL}, "cmp.phase", "lowers_confidence", "everything"),
        (CT, {"kernel": "Br64"}, "cmp.kernel", "lowers_confidence", "everything"),
        (CT, {"slice_thickness_mm": 5.0}, "cmp.slice.differs", "lowers_confidence", "everything"),
        (CT, {"model": "Force"}, "cmp.scanner", "lowers_confidence", "everything"),
        (CT, {"body_region": "PELVIS"}, "cmp.region", "lowers_confidence", "everything"),
        (CT, {"plane_normal": tilted(20.5)}, "cmp.plane", "not_evaluable", "diameters"),
        (CT, {"modality": "MR"}, "cmp.modality", "not_evaluable", "everything"),
        (MR, {"weighting": Weighting.FLAIR}, "cmp.weighting", "not_evaluable", "everything"),
        (MR, {"has_contrast": False}, "cmp.contrast", "not_evaluable", "everything"),
        (MR, {"field_strength_t": 3.0}, "cmp.field", "lowers_confidence", "everything"),
        (PET, {"tracer": "PSMA-11"}, "cmp.tracer", "not_evaluable", "uptake"),
        (PET, {"uptake_min": 75.1}, "cmp.uptake", "not_evaluable", "uptake"),
        (PET, {"suv_problem": "The dose is missing."}, "cmp.suv", "not_evaluable", "uptake"),
    ],
)
def test_each_mismatch(facts: AcquisitionFacts, change: dict, code: str, severity: str, concern: str) -> None:
    for pair in ((facts, replace(facts, **change)), (replace(facts, **change), facts)):
        found = compare_acquisitions(*pair)
        assert [(m.code, m.severity, m.concern) for m in found.mismatches] == [(code, severity, concern)]
        assert found.is_confidence_lowered
        assert found.is_evaluable(Concern(concern)) == (severity == "lowers_confidence")


@pytest.mark.parametrize(
    ("facts", "change"),
    [
        (CT, {"plane_normal": tilted(19.5)}),
        (CT, {"plane_normal": (0.0, 0.0, -1.0)}),
        (CT, {"slice_thickness_mm": 4.5}),
        (CT, {"kernel": "BR38F"}),
        (PET, {"uptake_min": 75.0}),
        (PET, {"tracer": "FDG -- fluorodeoxyglucose"}),
        (PET, {"tracer": "[18F]Fluorodeoxyglucose"}),
        (replace(CT, has_contrast=False, phase=None), {}),
        (MR, {"field_strength_t": 1.494}),
    ],
)
def test_small_differences_pass(facts: AcquisitionFacts, change: dict) -> None:
    found = compare_acquisitions(facts, replace(facts, **change))
    assert (found.mismatches, found.notes) == ((), ())


def test_contrast_of_an_mr_that_is_no_t1_lowers_only() -> None:
    flair = replace(MR, weighting=Weighting.FLAIR)
    (found,) = compare_acquisitions(flair, replace(flair, has_contrast=False)).mismatches
    assert found.severity is Severity.LOWERS_CONFIDENCE


def test_another_plane_leaves_volumes_comparable() -> None:
    found = compare_acquisitions(CT, replace(CT, plane_normal=tilted(90)))
    assert not found.is_evaluable(Concern.DIAMETERS)
    assert found.is_evaluable(Concern.UPTAKE)
    assert found.is_evaluable()


def test_a_lesion_below_twice_the_slice() -> None:
    thick = replace(CT, slice_distance_mm=5.0)
    (found,) = [
        each
        for each in compare_acquisitions(thick, thick, smallest_lesion_mm=9.9).mismatches
        if each.code is MismatchCode.COARSE_SLICES
    ]
    assert found.severity is Severity.NOT_EVALUABLE
    assert compare_acquisitions(thick, thick, smallest_lesion_mm=10.0).mismatches == ()


def test_what_makes_it_not_evaluable_comes_first() -> None:
    found = compare_acquisitions(MR, replace(MR, model="Prisma", field_strength_t=3.0, weighting=Weighting.T2))
    assert [each.severity for each in found.mismatches].index(Severity.NOT_EVALUABLE) == 0
    assert len(found.mismatches) == 3


@given(st.sampled_from([CT, MR, PET]), st.booleans())
def test_a_silent_header_gives_notes_and_no_mismatch(facts: AcquisitionFacts, is_baseline: bool) -> None:
    silent = AcquisitionFacts(facts.modality)
    pair = (silent, facts) if is_baseline else (facts, silent)
    found = compare_acquisitions(*pair)
    assert found.mismatches == ()
    said = "the baseline" if is_baseline else "this date"
    least = {"CT": 7, "MR": 7, "PT": 6}[facts.modality]
    assert len(found.notes) == least
    assert all(f"unknown, because the header of {said} does not say" in note for note in found.notes)
