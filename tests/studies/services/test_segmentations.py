"""Label maps: stored once, measured, never changed, corrected on a stated base, exported in the right place."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from django.db import DatabaseError, connection, transaction
from pydicom import dcmread

from studies.label_maps.codec import BrickError, decode_brick, encode_brick
from studies.label_maps.label_map import LabelMap, SegmentDescription, digest_voxels
from studies.models import AlgorithmType, AuditEntry, Role, Segment, SegmentationRevision, Series, User
from studies.permissions import RoleForbiddenError
from studies.services import segmentations
from studies.services.exports import ExportFormat, export_revision
from studies.services.segmentations import (
    PatchError,
    StaleBaseError,
    create_empty,
    create_segmentation,
    load_label_map,
    save_revision,
)
from studies.services.volumes import NotAVolumeError, describe_grid
from studies.storage import blob_store
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, oblique, sphere, tilted_gantry, write_series

pytestmark = pytest.mark.django_db

SPEC = oblique(SeriesSpec(shape=(9, 20, 24), spacing_mm=(2.5, 0.8, 0.7)))
LESION = SegmentDescription(1, "Lesion")


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def series(tmp_path: Path, person: User) -> Series:
    patient = PatientFactory(home_team=person.teams.all()[0])
    return archive_series(write_series(tmp_path / "dicom", SPEC), study__patient=patient)


@pytest.fixture
def ball() -> np.ndarray:
    return sphere(SPEC, 6.0).astype(np.uint8)


@pytest.fixture
def revision(series: Series, person: User, ball: np.ndarray) -> SegmentationRevision:
    return create_segmentation(
        series,
        name="Ball",
        label_map=LabelMap(ball, describe_grid(series), (LESION,)),
        algorithm_type=AlgorithmType.AUTOMATIC,
        provenance={"act": "segmented", "model_name": "otsu", "model_version": "1", "method": "otsu"},
        created_by=person,
    )


def test_a_label_map_comes_back_bit_for_bit_and_measured(revision: SegmentationRevision, ball: np.ndarray) -> None:
    np.testing.assert_array_equal(load_label_map(revision).voxels, ball)
    segment = revision.segments.get()
    assert revision.digest == digest_voxels(ball)
    assert segment.voxel_count == int(ball.sum())
    assert segment.volume_ml == pytest.approx(ball.sum() * 2.5 * 0.8 * 0.7 / 1000)
    stored = decode_brick(blob_store().path(revision.blob_id).read_bytes())
    assert (stored.slice_start, stored.voxels.shape) == (0, SPEC.shape)


def test_equal_label_maps_are_stored_once(revision: SegmentationRevision, series: Series, ball: np.ndarray) -> None:
    again = create_segmentation(
        series,
        name="Again",
        label_map=LabelMap(ball, describe_grid(series), (LESION,)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=None,
    )
    assert again.blob_id == revision.blob_id


def test_neither_a_revision_nor_its_segments_can_be_changed(revision: SegmentationRevision) -> None:
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        SegmentationRevision.objects.filter(pk=revision.pk).update(digest="0" * 64)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Segment.objects.filter(revision=revision).update(volume_ml=0.0)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        revision.save()


def test_a_correction_is_a_new_revision_with_the_patched_slices(
    revision: SegmentationRevision, person: User, ball: np.ndarray
) -> None:
    patch = encode_brick(np.ones((2, 20, 24), np.uint8), slice_start=3) + encode_brick(
        np.zeros((1, 20, 24), np.uint8), slice_start=8
    )
    corrected = save_revision(revision, patch_bricks=patch, created_by=person)
    expected = ball.copy()
    expected[3:5], expected[8] = 1, 0
    np.testing.assert_array_equal(load_label_map(corrected).voxels, expected)
    np.testing.assert_array_equal(load_label_map(revision).voxels, ball)
    assert (corrected.number, corrected.base_id) == (2, revision.pk)
    assert corrected.algorithm_type == AlgorithmType.SEMIAUTOMATIC
    assert corrected.provenance == {"act": "edited", "slices": [3, 4, 8]}
    assert corrected.segments.get().voxel_count == int(expected.sum())
    assert AuditEntry.objects.filter(act="revision.saved", subject_id=str(corrected.pk)).exists()


def test_another_base_is_refused_and_told_of_the_latest(revision: SegmentationRevision, person: User) -> None:
    patch = encode_brick(np.ones((1, 20, 24), np.uint8), slice_start=0)
    latest = save_revision(revision, patch_bricks=patch, created_by=person)
    with pytest.raises(StaleBaseError) as refusal:
        save_revision(revision, patch_bricks=patch, created_by=person)
    assert refusal.value.latest.pk == latest.pk
    assert SegmentationRevision.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_on_one_base_at_once_one_is_kept(revision: SegmentationRevision, person: User) -> None:
    gate, saved, refused = threading.Barrier(3), [], []

    def save(slice_index: int) -> None:
        patch = encode_brick(np.ones((1, 20, 24), np.uint8), slice_start=slice_index)
        base = SegmentationRevision.objects.select_related("segmentation__series__study__patient").get(pk=revision.pk)
        gate.wait()
        try:
            saved.append(save_revision(base, patch_bricks=patch, created_by=person))
        except StaleBaseError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(saved), len(refused)) == (1, 2)
    assert SegmentationRevision.objects.filter(segmentation=revision.segmentation_id).count() == 2


@pytest.mark.parametrize(
    "patch",
    [
        b"",
        encode_brick(np.ones((1, 20, 25), np.uint8), slice_start=0),
        encode_brick(np.ones((2, 20, 24), np.uint8), slice_start=8),
        encode_brick(np.ones((1, 20, 24), np.uint16), slice_start=0),
        encode_brick(np.full((1, 20, 24), 7, np.uint8), slice_start=0),
    ],
    ids=["empty", "other size", "beyond the end", "other type", "segment that is not described"],
)
def test_a_patch_that_does_not_fit_is_refused(revision: SegmentationRevision, person: User, patch: bytes) -> None:
    with pytest.raises(PatchError):
        save_revision(revision, patch_bricks=patch, created_by=person)
    assert SegmentationRevision.objects.count() == 1


def test_bytes_that_are_no_bricks_are_refused(revision: SegmentationRevision, person: User) -> None:
    good = encode_brick(np.ones((1, 20, 24), np.uint8), slice_start=0)
    for patch in (b"nonsense" * 10, good[:-1], good + good[:20]):
        with pytest.raises(BrickError):
            save_revision(revision, patch_bricks=patch, created_by=person)


def test_an_empty_segmentation_is_begun_by_hand(series: Series, person: User) -> None:
    segments = [SegmentDescription(2, "Edema"), SegmentDescription(1, "Tumour")]
    revision = create_empty(series, name="  By hand ", segments=segments, created_by=person)
    assert revision.segmentation.name == "By hand"
    assert [row.segment_label for row in revision.segments.all()] == ["Tumour", "Edema"]
    assert not load_label_map(revision).voxels.any()
    assert revision.algorithm_type == AlgorithmType.MANUAL
    many = create_empty(series, name="Many", segments=[SegmentDescription(300, "Far")], created_by=person)
    assert load_label_map(many).voxels.dtype == np.uint16


def test_viewers_draw_nothing(series: Series, revision: SegmentationRevision) -> None:
    viewer = UserFactory(role=Role.VIEWER)
    with pytest.raises(RoleForbiddenError):
        create_empty(series, name="No", segments=[LESION], created_by=viewer)
    with pytest.raises(RoleForbiddenError):
        save_revision(revision, patch_bricks=b"", created_by=viewer)
    with pytest.raises(RoleForbiddenError):
        export_revision(revision, file_format=ExportFormat.NIFTI, exported_by=viewer)


def test_a_label_map_of_another_size_is_refused(series: Series, person: User) -> None:
    grid = describe_grid(series)
    other = LabelMap(np.zeros((1, 20, 24), np.uint8), type(grid)((1, 20, 24), *_rest(grid)), (LESION,))
    with pytest.raises(PatchError):
        segmentations.store_label_map(series, other)


def _rest(grid: object) -> tuple[object, ...]:
    return grid.spacing_mm, grid.origin_mm, grid.direction


def test_what_is_no_volume_has_no_volume_and_cannot_be_exported(tmp_path: Path, person: User) -> None:
    patient = PatientFactory(home_team=person.teams.all()[0])
    tilted = archive_series(write_series(tmp_path / "tilted", tilted_gantry(SPEC)), study__patient=patient)
    voxels = np.ones(describe_grid(tilted).shape, np.uint8)
    revision = create_segmentation(
        tilted,
        name="Stack",
        label_map=LabelMap(voxels, describe_grid(tilted), (LESION,)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=person,
    )
    segment = revision.segments.get()
    assert (segment.volume_ml, segment.voxel_count) == (None, voxels.size)
    for file_format in ExportFormat:
        with pytest.raises(NotAVolumeError):
            export_revision(revision, file_format=file_format, exported_by=person)


def test_nifti_lies_where_the_images_lie(revision: SegmentationRevision, person: User, ball: np.ndarray) -> None:
    file = export_revision(revision, file_format=ExportFormat.NIFTI, exported_by=person)
    image = SimpleITK.ReadImage(str(file.path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), ball)
    index = (5, 3, 2)  # column, row, slice
    expected = SPEC.index_to_patient_mm @ [index[2], index[1], index[0], 1.0]
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), expected[:3], atol=1e-3)
    assert file.file_name == "Ball_r1.nii.gz"
    assert AuditEntry.objects.filter(act="revision.exported", actor=person.username).exists()


def test_dicom_seg_names_its_model_and_lies_on_the_frames_it_was_drawn_on(
    revision: SegmentationRevision, person: User, ball: np.ndarray
) -> None:
    corrected = save_revision(revision, patch_bricks=encode_brick(ball[4:5], slice_start=4), created_by=person)
    file = export_revision(corrected, file_format=ExportFormat.DICOM_SEG, exported_by=person)
    dataset = dcmread(file.path)
    algorithm = dataset.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert (dataset.Modality, dataset.SegmentationType) == ("SEG", "BINARY")
    assert algorithm.AlgorithmName == "otsu", "the correction goes back to the model's revision"
    assert dataset.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert dataset.SeriesInstanceUID != SPEC.series_instance_uid
    assert dataset.ReferencedSeriesSequence[0].SeriesInstanceUID == SPEC.series_instance_uid
    image = SimpleITK.ReadImage(str(file.path))
    labelled = np.argwhere(SimpleITK.GetArrayFromImage(image))
    column, row, place = (int(n) for n in labelled[0][::-1])
    point = image.TransformIndexToPhysicalPoint((column, row, place))
    index = np.linalg.inv(SPEC.index_to_patient_mm) @ [*point, 1.0]
    assert ball[tuple(np.rint(index[:3]).astype(int))] == 1
    assert len(labelled) == int(ball.sum())
