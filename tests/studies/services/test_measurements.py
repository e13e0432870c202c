"""A revision's measurements: those of geometry, computed once, refused where there is no geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, SegmentationRevision, Series, User
from studies.services import measurements
from studies.services.measurements import NotMeasurableError, TooManyPartsError, measure_revision
from studies.services.segmentations import create_segmentation
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, sphere, tilted_gantry, write_series

pytestmark = pytest.mark.django_db

SPEC = SeriesSpec(shape=(21, 48, 47), spacing_mm=(2.0, 1.0, 1.0))
RADIUS_MM = 9.0


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


def segmented(person: User, folder: Path, spec: SeriesSpec) -> SegmentationRevision:
    patient = PatientFactory(home_team=person.teams.all()[0])
    series: Series = archive_series(write_series(folder, spec), study__patient=patient)
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


def test_a_tilted_series_is_refused_in_words(person: User, tmp_path: Path) -> None:
    revision = segmented(person, tmp_path / "dicom", tilted_gantry(SPEC))
    with pytest.raises(NotMeasurableError, match="not measured"):
        measure_revision(revision)


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
