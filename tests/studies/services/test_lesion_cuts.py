"""Lesions that touch, parted by a line: no voxel is lost, and the halves are measured, followed and exported apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from studies.errors import InvalidInputError
from studies.label_maps.codec import encode_brick
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, AuditEntry, Role, SegmentationRevision, Series, User
from studies.permissions import RoleForbiddenError
from studies.services import registrations
from studies.services.exports import ExportFormat, export_revision
from studies.services.lesion_cuts import DrawnLine, cut_lesion
from studies.services.lesion_edits import confirm_observation
from studies.services.measurements import NotMeasurableError, measure_revision
from studies.services.segmentations import StaleBaseError, create_segmentation, load_label_map, save_revision
from studies.services.volumes import describe_grid
from studies.tracking.components import CutError, CutMissesError
from tests import followed
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.followed import DATES, A, Ball, Course
from tests.phantoms import SeriesSpec, centre_mm, oblique, sphere, write_series

pytestmark = pytest.mark.django_db

SPEC = oblique(SeriesSpec(shape=(40, 60, 90), spacing_mm=(1.0, 0.7, 0.7)))
LARGE_MM, SMALL_MM = 12.0, 9.0
TUMOUR = SegmentDescription(3, "Tumour", type=("108369006", "SCT", "Neoplasm"), colour="#0072b2")


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(registrations, "_is_same_place", lambda prior, current: True)


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def series(tmp_path: Path, person: User) -> Series:
    patient = PatientFactory(home_team=person.teams.all()[0])
    return archive_series(write_series(tmp_path / "dicom", SPEC), study__patient=patient)


def along(millimetres: float, direction: tuple[float, float, float] = SPEC.row_direction) -> np.ndarray:
    """A place so far from the middle of the grid."""
    return centre_mm(SPEC) + millimetres * np.asarray(direction)


def balls() -> np.ndarray:
    """A large and a small ball along the rows whose surfaces pass 1 mm into each other at the middle of the grid."""
    return sphere(SPEC, LARGE_MM, along(0.5 - LARGE_MM)) | sphere(SPEC, SMALL_MM, along(SMALL_MM - 0.5))


@pytest.fixture
def revision(series: Series, person: User) -> SegmentationRevision:
    return create_segmentation(
        series,
        name="By hand",
        label_map=LabelMap(balls().astype(np.uint8) * 3, describe_grid(series), (TUMOUR,)),
        algorithm_type=AlgorithmType.AUTOMATIC,
        provenance={},
        created_by=person,
    )


def down_between(at_mm: float = 0.0, *, reach_mm: float = 15.0) -> DrawnLine:
    """A line down the columns, seen through the acquired image."""
    down = reach_mm * np.asarray(SPEC.column_direction)
    ends = [tuple(float(x) for x in along(at_mm) + sign * down) for sign in (-1.0, 1.0)]
    return DrawnLine((ends[0], ends[1]), tuple(float(x) for x in SPEC.normal))


def cut(base: SegmentationRevision, person: User, line: DrawnLine | None = None, segment: int = 3) -> Any:
    return cut_lesion(base, segment_number=segment, line=line or down_between(), created_by=person)


def ball_ml(radius_mm: float) -> float:
    return 4.0 / 3.0 * np.pi * radius_mm**3 / 1000.0


def test_the_smaller_of_two_touching_balls_gets_a_segment_of_its_own(
    revision: SegmentationRevision, person: User
) -> None:
    [whole] = measure_revision(revision).lesions
    parted = cut(revision, person)
    voxels = load_label_map(parted).voxels
    np.testing.assert_array_equal(voxels > 0, balls())
    large, small = parted.segments.order_by("segment_number")
    assert [(each.segment_number, each.segment_label) for each in (large, small)] == [(3, "Tumour"), (4, "Tumour 2")]
    assert small.type_code == large.type_code == list(TUMOUR.type)
    assert small.colour != large.colour
    # a cap of 0.5 mm beyond the plane goes to the other ball: pi h^2 (3 r - h) / 3 is 9 mm3 at most
    assert large.volume_ml == pytest.approx(ball_ml(LARGE_MM), rel=0.02)
    assert small.volume_ml == pytest.approx(ball_ml(SMALL_MM), rel=0.02)
    assert large.volume_ml + small.volume_ml == pytest.approx(whole["volume"]["value"], rel=1e-9)
    measured = {each["segment_number"]: each for each in measure_revision(parted).lesions}
    assert sorted(measured) == [3, 4]
    diagonal = np.hypot(0.7, 0.7)
    assert measured[3]["longest_diameter"]["value"] == pytest.approx(2 * LARGE_MM, abs=2 * diagonal)
    assert measured[4]["longest_diameter"]["value"] == pytest.approx(2 * SMALL_MM, abs=2 * diagonal)
    assert (parted.number, parted.base_id, parted.algorithm_type) == (2, revision.pk, AlgorithmType.SEMIAUTOMATIC)
    assert {name: parted.provenance[name] for name in ("act", "segment", "part")} == {
        "act": "cut",
        "segment": 3,
        "part": 4,
    }
    assert AuditEntry.objects.filter(act="revision.saved", subject_id=str(parted.pk)).exists()


def test_a_part_can_be_cut_again_and_is_counted_on(revision: SegmentationRevision, person: User) -> None:
    parted = cut(revision, person)
    again = cut(parted, person, down_between(SMALL_MM), segment=4)
    assert list(again.segments.order_by("segment_number").values_list("segment_label", flat=True)) == [
        "Tumour",
        "Tumour 2",
        "Tumour 3",
    ]
    np.testing.assert_array_equal(load_label_map(again).voxels > 0, balls())


def test_the_halves_are_exported_apart(revision: SegmentationRevision, person: User, tmp_path: Path) -> None:
    parted = cut(revision, person)
    counts = dict(parted.segments.values_list("segment_number", "voxel_count"))
    nifti = export_revision(parted, file_format=ExportFormat.NIFTI, exported_by=person)
    values = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(nifti.path)))
    assert {int(n): int(np.count_nonzero(values == n)) for n in np.unique(values) if n} == counts
    seg = dcmread(export_revision(parted, file_format=ExportFormat.DICOM_SEG, exported_by=person).path)
    assert [item.SegmentLabel for item in seg.SegmentSequence] == ["Tumour", "Tumour 2"]
    meanings = {item.SegmentedPropertyTypeCodeSequence[0].CodeMeaning for item in seg.SegmentSequence}
    assert meanings == {"Neoplasm"}


def test_a_cut_that_is_taken_back_leaves_nothing_behind(revision: SegmentationRevision, person: User) -> None:
    parted = cut(revision, person)
    back = save_revision(
        parted, patch_bricks=encode_brick(load_label_map(revision).voxels, slice_start=0), created_by=person
    )
    assert back.digest == revision.digest
    exported = export_revision(back, file_format=ExportFormat.DICOM_SEG, exported_by=person)
    assert [item.SegmentLabel for item in dcmread(exported.path).SegmentSequence] == ["Tumour"]
    again = cut(back, person)
    assert again.digest == parted.digest
    assert again.segments.count() == 2


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        (down_between(200.0), CutMissesError, "crosses no lesion"),
        (down_between(2 * SMALL_MM + 3.0), CutMissesError, "crosses no lesion"),
        (DrawnLine(down_between().ends_mm, SPEC.column_direction), CutError, "no length"),
    ],
)
def test_a_line_that_parts_nothing_is_refused_and_nothing_is_saved(
    revision: SegmentationRevision, person: User, line: DrawnLine, error: type[CutError], words: str
) -> None:
    with pytest.raises(error, match=words):
        cut(revision, person, line)
    with pytest.raises(InvalidInputError, match="no segment 9"):
        cut(revision, person, segment=9)
    assert SegmentationRevision.objects.count() == 1


def test_who_may_not_edit_or_holds_an_old_revision_cuts_nothing(revision: SegmentationRevision, person: User) -> None:
    with pytest.raises(RoleForbiddenError):
        cut(revision, UserFactory(role=Role.VIEWER, teams=[TeamFactory()]))
    latest = cut(revision, person)
    with pytest.raises(StaleBaseError) as refusal:
        cut(revision, person)
    assert refusal.value.latest.pk == latest.pk


def test_where_lines_have_no_place_lesions_are_not_cut(tmp_path: Path, person: User) -> None:
    gapped = replace(SPEC, name="gapped", missing=frozenset({11, 12}))
    patient = PatientFactory(home_team=person.teams.all()[0])
    series = archive_series(write_series(tmp_path / "gapped", gapped), study__patient=patient)
    grid = describe_grid(series)
    marked = create_segmentation(
        series,
        name="By hand",
        label_map=LabelMap(np.full(grid.shape, 3, np.uint8), grid, (TUMOUR,)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=person,
    )
    with pytest.raises(NotMeasurableError, match="not cut"):
        cut(marked, person)


def test_a_number_beyond_a_byte_widens_the_label_map(series: Series, person: User) -> None:
    last = replace(TUMOUR, segment_number=255)
    voxels = balls().astype(np.uint8) * 255
    marked = create_segmentation(
        series,
        name="By hand",
        label_map=LabelMap(voxels, describe_grid(series), (last,)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=person,
    )
    parted = load_label_map(cut(marked, person, segment=255)).voxels
    assert set(np.unique(parted)) == {0, 255, 256}


TOUCHING: Ball = ((8.0, 30.0, 44.0), 6.0)


def part(course: Course, timepoint: Any) -> SegmentationRevision:
    """Cut where the two balls of a date touch: between columns 38 and 39."""
    base = timepoint.segmentation.revisions.last()
    ends = [(followed.SPEC.index_to_patient_mm @ [8.0, row, 38.5, 1.0])[:3] for row in (10.0, 50.0)]
    line = DrawnLine((tuple(map(float, ends[0])), tuple(map(float, ends[1]))), (0.0, 0.0, 1.0))
    parted = cut_lesion(base, segment_number=1, line=line, created_by=course.person)
    course.match()
    return parted


def test_the_halves_are_followed_apart_though_they_touch_and_change_their_segments(tmp_path: Path) -> None:
    course = Course(tmp_path)
    first = course.date(DATES[0], [A, TOUCHING])
    assert set(course.seen(first)) == {"L1"}
    part(course, first)
    seen = course.seen(first)
    assert {name: each.components for name, each in seen.items()} == {"L1": [[1, 1]], "L2": [[2, 1]]}
    assert {each.lesion.segment_label for each in seen.values()} == {"Lesion"}
    for each in seen.values():
        confirm_observation(each, by=course.person)

    # On the next date the ball that was the smaller has grown, stands alone, and is drawn with the first segment.
    second = course.date(DATES[1], [(TOUCHING[0], 7.0)])
    assert course.seen(second)["L2"].components == [[1, 1]]
    assert course.seen(second)["L1"].state == "unmarked"

    # Touching again they are one component until a reader cuts them again.
    third = course.date(DATES[2], [A, TOUCHING])
    assert course.seen(third)["L2"].state == "merged"
    part(course, third)
    apart = course.seen(third)
    assert {name: each.components for name, each in apart.items()} == {"L1": [[1, 1]], "L2": [[2, 1]]}
    volume = {name: each.measurements[0]["volume"]["value"] for name, each in apart.items()}
    assert volume["L2"] == pytest.approx(ball_ml(6.0), rel=0.08)
