"""A revision's measurements: those of geometry, computed once, refused where there is no geometry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, SegmentationRevision, Series, User
from studies.services import measurements
from studies.services.measurements import NotMeasurableError, TooManyPartsError, measure_revision
from studies.services.segmentations import create_empty, create_segmentation
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.enhanced_pet import SUV_PER_BECQUEREL, write_enhanced_pet
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, one_item, sphere, tilted_gantry, write_pet, write_series

pytestmark = pytest.mark.django_db

SPEC = SeriesSpec(shape=(21, 48, 47), spacing_mm=(2.0, 1.0, 1.0))
RADIUS_MM = 9.0
INJECTED = {
    "PatientWeight": "70",
    "SeriesDate": "20260102",
    "AcquisitionDate": "20260102",
    "SeriesTime": "110000",
    "AcquisitionTime": "110000.5",
    "RadiopharmaceuticalInformationSequence": one_item(
        RadionuclideTotalDose="2e8",
        RadionuclideHalfLife="6586.2",
        RadiopharmaceuticalStartDateTime="20260102091013.8",
    ),
}
"""200 MBq of fluorine-18, one half-life of 6586.2 s before the scan."""


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


def segmented(person: User, folder: Path, spec: SeriesSpec) -> SegmentationRevision:
    return segmented_paths(person, write_series(folder, spec), spec)


def segmented_by_hand(person: User, folder: Path, spec: SeriesSpec) -> SegmentationRevision:
    patient = PatientFactory(home_team=person.teams.all()[0])
    series = archive_series(write_series(folder, spec), study__patient=patient)
    return create_empty(series, name="By hand", segments=(SegmentDescription(1, "Lesion"),), created_by=person)


def segmented_paths(person: User, paths: list[Path], spec: SeriesSpec) -> SegmentationRevision:
    patient = PatientFactory(home_team=person.teams.all()[0])
    series: Series = archive_series(paths, study__patient=patient)
    ball = sphere(spec, RADIUS_MM).astype(np.uint8)
    return create_segmentation(
        series,
        name="Ball",
        label_map=LabelMap(ball, describe_grid(series), (SegmentDescription(1, "Lesion"),)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=person,
    )


def test_a_ball_measures_what_geometry_says(person: User, tmp_path: Path) -> None:
    revision = segmented(person, tmp_path / "dicom", SPEC)
    measured = measure_revision(revision)
    assert (measured.revision_digest, measured.plane) == (revision.digest, "axial")
    (lesion,) = measured.lesions
    true_ml = 4 / 3 * np.pi * RADIUS_MM**3 / 1000
    assert lesion["volume"]["interval"]["low"] <= true_ml <= lesion["volume"]["interval"]["high"]
    diameter = lesion["longest_diameter"]
    assert diameter["interval"]["low"] <= 2 * RADIUS_MM <= diameter["interval"]["high"]
    assert lesion["volume"]["value"] == pytest.approx(revision.segments.get().volume_ml)


def test_what_was_measured_once_is_read_the_second_time(
    person: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = segmented(person, tmp_path / "dicom", SPEC)
    first = measure_revision(revision)
    monkeypatch.setattr(measurements, "measure_lesion", None)  # would fail if it were called again
    assert measure_revision(revision) == first


def test_a_label_map_in_crumbs_is_refused_in_words(
    person: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurements, "MOST_LESIONS", 0)
    with pytest.raises(TooManyPartsError, match="falls into 1 separate parts"):
        measure_revision(segmented(person, tmp_path / "dicom", SPEC))


def test_a_tilted_series_is_measured_on_its_sheared_grid(person: User, tmp_path: Path) -> None:
    revision = segmented(person, tmp_path / "dicom", tilted_gantry(SPEC))
    (lesion,) = measure_revision(revision).lesions
    true_ml = 4 / 3 * np.pi * RADIUS_MM**3 / 1000
    assert lesion["volume"]["interval"]["low"] <= true_ml <= lesion["volume"]["interval"]["high"]
    assert lesion["cautions"] == ["measurement.slices_are_tilted"]
    assert revision.segments.get().volume_ml == pytest.approx(lesion["volume"]["value"])


def test_a_series_with_a_gap_is_refused_in_words(person: User, tmp_path: Path) -> None:
    with pytest.raises(NotMeasurableError, match="not measured"):
        measure_revision(segmented_by_hand(person, tmp_path / "dicom", replace(SPEC, missing=frozenset({9}))))


def test_a_pet_says_what_is_taken_up_or_why_that_is_unknown(person: User, tmp_path: Path) -> None:
    spec = replace(SPEC, modality="PT", voxels=np.where(sphere(SPEC, RADIUS_MM), 20000.0, 1000.0), extra=INJECTED)
    measured = measure_revision(segmented_paths(person, write_pet(tmp_path / "pet", spec, lambda _: 1.0), spec))
    (lesion,) = measured.lesions
    weight, lean = (each["unit"] for each in measured.scales)
    assert (weight, lean) == ("SUVbw g/mL", "SUL g/mL")
    assert measured.scales[1]["refusal_code"] == "sul.height_missing"
    (uptake,) = lesion["uptake"]
    # one half-life between injection and scan: half of 200 MBq over 70 kg
    assert uptake["maximum"] == pytest.approx(20000.0 * 70_000 / 1.0e8, rel=1e-3)
    assert uptake["peak"]["value"] == pytest.approx(uptake["maximum"], rel=1e-3)
    assert uptake["total_glycolysis"] == pytest.approx(uptake["mean"] * uptake["metabolic_volume_ml"])
    unknown = replace(spec, name="bare", extra={})
    found = measure_revision(segmented_paths(person, write_pet(tmp_path / "bare", unknown, lambda _: 1.0), unknown))
    (lesion,) = found.lesions
    assert lesion["uptake"] == []
    assert all(scale["refusal_code"] for scale in found.scales)


def test_an_enhanced_pet_is_measured_in_suv_too(person: User, tmp_path: Path) -> None:
    """20,000 Bq/mL in a ball, frames with slopes of their own: 5.8 g/mL after an hour's decay of the dose."""
    spec = replace(SPEC, modality="PT", intercept=0.0, voxels=np.where(sphere(SPEC, RADIUS_MM), 20000.0, 1000.0))
    path = write_enhanced_pet(tmp_path / "pet" / "enhanced.dcm", spec, lambda index: 1.0 + index % 3)
    measured = measure_revision(segmented_paths(person, [path], spec))
    assert [each["refusal"] for each in measured.scales] == ["", ""]
    weight, lean = measured.lesions[0]["uptake"]
    assert weight["mean"] == pytest.approx(20000.0 * SUV_PER_BECQUEREL, rel=1e-3)
    assert weight["peak"]["value"] == pytest.approx(5.8425, rel=1e-3)
    assert lean["mean"] < weight["mean"]


def test_the_door_gives_numbers_to_the_team_and_404_to_others(client: Client, person: User, tmp_path: Path) -> None:
    revision = segmented(person, tmp_path / "dicom", SPEC)
    address = f"/api/revisions/{revision.pk}/measurements"
    client.force_login(person)
    answer = client.get(address)
    assert answer.status_code == 200
    (lesion,) = answer.json()["lesions"]
    assert lesion["in_plane"]["slice_index"] == 10
    client.force_login(UserFactory(teams=[TeamFactory()]))
    assert client.get(address).status_code == 404
