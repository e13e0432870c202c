"""Figures of archived series: a beating ventricle, a fetal head, an organ over dates; each known from geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from django.test import Client
from pydicom import dcmread

from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, Patient, SegmentationRevision, Series, User
from studies.services import figures
from studies.services.figures import HEAD, LEFT_VENTRICLE, find_figures
from studies.services.segmentations import create_segmentation
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, centre_mm, sphere, write_beating, write_cine, write_series

pytestmark = pytest.mark.django_db

HEART = SeriesSpec(name="sax", modality="MR", shape=(9, 96, 96), spacing_mm=(10.0, 1.4, 1.4))
RADII_MM = np.array([28.0, 25.0, 20.0, 17.0, 21.0, 26.0])
VENTRICLE = SegmentDescription(1, "Left-ventricle cavity", type=(LEFT_VENTRICLE, "SCT", "Left ventricle"))
FETAL_HEAD = SegmentDescription(1, "Fetal head", type=(HEAD, "SCT", "Head"))
ORGAN = SegmentDescription(1, "Hippocampus, head", type=("5366008", "SCT", "Hippocampus"))
OFF_GRID_MM = (0.37, 0.21, 0.6)
BALL = SeriesSpec(shape=(21, 48, 47), spacing_mm=(2.0, 1.0, 1.0))


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def patient(person: User) -> Patient:
    return PatientFactory(home_team=person.teams.all()[0])


def outline(series: Series, voxels: npt.NDArray[np.uint8], segment: SegmentDescription) -> SegmentationRevision:
    return create_segmentation(
        series,
        name="Outline",
        label_map=LabelMap(voxels, describe_grid(series), (segment,)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=None,
    )


def beat() -> npt.NDArray[np.bool_]:
    """Cylinders over the seven inner slices whose radius changes with the phase: (phase, slice, row, column)."""
    rows, columns = np.mgrid[:96, :96] * 1.4
    square = (rows - 66.0) ** 2 + (columns - 68.3) ** 2
    masks = np.zeros((len(RADII_MM), 9, 96, 96), bool)
    masks[:, 1:8] = (square <= RADII_MM[:, None, None] ** 2)[:, None]
    return masks


def by_kind(revision: SegmentationRevision) -> dict[str, dict]:
    return {figure["kind"]: dict(figure) for figure in find_figures(revision).figures}


@pytest.mark.parametrize("interval_ms", [40.0, None])
def test_a_beating_ventricle_has_the_ejection_fraction_of_its_cylinders(
    patient: Patient, tmp_path: Path, interval_ms: float | None
) -> None:
    masks = beat()
    paths = write_beating(tmp_path / "sax", HEART, np.where(masks, 800, 100), interval_ms=interval_ms)
    series = archive_series(paths, study__patient=patient)
    assert series.geometry_verdict == "duplicates", "several times at each place: no volume"
    in_order = masks.transpose(1, 0, 2, 3).reshape(-1, 96, 96)  # as written, and shown: place by place
    found = by_kind(outline(series, in_order.astype(np.uint8), VENTRICLE))

    large, small = (np.pi * radius**2 * 70.0 / 1000.0 for radius in (RADII_MM.max(), RADII_MM.min()))
    assert found["end_diastolic_volume"]["value"] == pytest.approx(large, rel=0.01)
    assert found["end_systolic_volume"]["value"] == pytest.approx(small, rel=0.01)
    fraction = found["ejection_fraction"]
    assert fraction["value"] == pytest.approx(100 * (1 - small / large), abs=0.5)
    assert fraction["interval"]["low"] < 100 * (1 - small / large) < fraction["interval"]["high"]
    assert (found["end_diastolic_volume"]["phase"], found["end_systolic_volume"]["phase"]) == (1, 4)
    assert fraction["cautions"] == ([] if interval_ms else ["figure.phases_by_image_number"])


def test_one_phase_alone_says_why_there_is_no_ejection_fraction(patient: Patient, tmp_path: Path) -> None:
    series = archive_series(write_series(tmp_path / "sax", HEART), study__patient=patient)
    found = by_kind(outline(series, beat()[0].astype(np.uint8), VENTRICLE))
    assert {figure["unknown"] for figure in found.values()} == {"figure.one_phase"}


def ellipse(shape: tuple[int, int], semi: tuple[float, float]) -> npt.NDArray[np.bool_]:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    return ((columns - shape[1] / 2) / semi[0]) ** 2 + ((rows - shape[0] / 2) / semi[1]) ** 2 <= 1.0


def test_a_fetal_head_is_measured_in_millimetres_where_the_header_gives_the_pixel_size(
    patient: Patient, tmp_path: Path, person: User, client: Client
) -> None:
    mask = ellipse((300, 400), (170.0, 130.0))  # pixels of 0.2 mm
    frames = np.repeat(np.where(mask, 200, 30).astype(np.uint8)[None, ..., None], 3, axis=-1)
    series = archive_series([write_cine(tmp_path / "us.dcm", frames)], study__patient=patient)
    revision = outline(series, mask[None].astype(np.uint8), FETAL_HEAD)
    client.force_login(person)
    answer = client.get(f"/api/revisions/{revision.pk}/figures").json()
    assert answer["volumes"] == []
    values = {figure["kind"]: figure for figure in answer["figures"]}
    assert values["occipitofrontal_diameter"]["value"] == pytest.approx(68.0, rel=0.005)
    assert values["biparietal_diameter"]["value"] == pytest.approx(52.0, rel=0.005)
    h = ((34.0 - 26.0) / (34.0 + 26.0)) ** 2
    ramanujan = np.pi * 60.0 * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    circumference = values["head_circumference"]
    assert circumference["value"] == pytest.approx(ramanujan, rel=0.003)
    assert circumference["interval"]["low"] < ramanujan < circumference["interval"]["high"]
    assert circumference["frame_index"] == 0


def test_without_a_pixel_size_a_fetal_head_has_no_circumference(patient: Patient, tmp_path: Path) -> None:
    mask = ellipse((300, 400), (170.0, 130.0))
    frames = np.repeat(np.where(mask, 200, 30).astype(np.uint8)[None, ..., None], 3, axis=-1)
    path = write_cine(tmp_path / "us.dcm", frames)
    dataset = dcmread(path)
    del dataset.SequenceOfUltrasoundRegions
    dataset.save_as(path)
    series = archive_series([path], study__patient=patient)
    found = by_kind(outline(series, mask[None].astype(np.uint8), FETAL_HEAD))
    assert {(figure["value"], figure["unknown"]) for figure in found.values()} == {(None, "figure.no_pixel_size")}


def test_what_was_computed_once_is_read_the_second_time(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = archive_series(write_series(tmp_path / "ct", BALL), study__patient=patient)
    revision = outline(series, sphere(BALL, 9.0).astype(np.uint8), ORGAN)
    first = find_figures(revision)
    assert first.volumes[1]["value"] == pytest.approx(revision.segments.get().volume_ml)
    true_ml = 4 / 3 * np.pi * 9.0**3 / 1000
    assert first.volumes[1]["interval"]["low"] <= true_ml <= first.volumes[1]["interval"]["high"]
    monkeypatch.setattr(figures, "load_label_map", None)  # would fail if it were called again
    assert find_figures(revision) == first


@pytest.fixture
def examine(patient: Patient, tmp_path: Path) -> Callable[..., SegmentationRevision]:
    """Archive a ball on a date and outline it; return the outline."""

    def come(
        day: str, radius_mm: float, *, segment: SegmentDescription = ORGAN, name: str = "t1"
    ) -> SegmentationRevision:
        spec = replace(BALL, name=name, study_date=day, study_description=f"Study {day}")
        series = archive_series(
            write_series(tmp_path / f"{day}-{name}", spec),
            study__patient=patient,
            study__study_date=f"{day[:4]}-{day[4:6]}-{day[6:]}",
            series_description=name,
        )
        ball = sphere(spec, radius_mm, centre_mm(spec) + OFF_GRID_MM) if radius_mm > 0 else np.zeros(spec.shape, bool)
        return outline(series, ball.astype(np.uint8), segment)

    return come


def test_an_organ_is_followed_over_dates_with_the_change_and_what_the_grids_leave_open(
    examine: Callable[..., SegmentationRevision], person: User, client: Client
) -> None:
    examine("20260101", 9.0)
    examine("20260301", 7.0, segment=SegmentDescription(1, "Another organ"), name="other")
    examine("20260301", 8.0)
    newest = examine("20260601", 8.5)
    client.force_login(person)
    dates = client.get(f"/api/revisions/{newest.pk}/segments/1/course").json()["results"]
    assert [each["study_date"] for each in dates] == ["2026-01-01", "2026-03-01", "2026-06-01"]
    assert [each["is_open"] for each in dates] == [False, False, True]
    assert dates[0]["change"] is None
    for (old, new), each in zip([(9.0, 8.0), (8.0, 8.5)], dates[1:], strict=True):
        truth = 100.0 * ((new / old) ** 3 - 1.0)
        assert each["change"]["percent"] == pytest.approx(truth, abs=3.0)
        assert each["change"]["interval"]["low"] < truth < each["change"]["interval"]["high"]
    assert client.get(f"/api/revisions/{newest.pk}/segments/7/course").status_code == 404


def test_of_two_series_of_one_date_that_of_the_same_description_counts(
    examine: Callable[..., SegmentationRevision], person: User, client: Client
) -> None:
    examine("20260101", 9.0, name="left")
    examine("20260101", 6.0, name="right")
    newest = examine("20260601", 8.5, name="left")
    client.force_login(person)
    dates = client.get(f"/api/revisions/{newest.pk}/segments/1/course").json()["results"]
    assert [each["series_description"] for each in dates] == ["left", "left"]


def test_an_organ_that_was_not_there_before_has_no_change_in_percent(
    examine: Callable[..., SegmentationRevision], person: User, client: Client
) -> None:
    first, second = examine("20260101", -1.0), examine("20260601", 8.5)
    assert find_figures(first).volumes[1]["value"] == 0.0
    client.force_login(person)
    dates = client.get(f"/api/revisions/{second.pk}/segments/1/course").json()["results"]
    assert [each["change"] for each in dates] == [None, None]
