"""NIfTI: voxels and place survive, and another tool finds them where they are."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.label_maps.nifti import (
    from_ras_affine,
    read_nifti,
    read_volume_nifti,
    to_ras_affine,
    write_nifti,
    write_volume_nifti,
)
from tests.phantoms import SeriesSpec, oblique, tilted_gantry


def _geometry(spec: SeriesSpec) -> VolumeGeometry:
    affine = spec.index_to_patient_mm
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    return VolumeGeometry(
        spec.shape, tuple(spacing), tuple(affine[:3, 3]), tuple((affine[:3, :3] / spacing).reshape(-1))
    )


def _label_map(spec: SeriesSpec, dtype: type = np.uint8) -> LabelMap:
    voxels = np.zeros(spec.shape, dtype)
    voxels[1, 2, 3], voxels[4, 0, 0] = 1, 2
    return LabelMap(voxels, _geometry(spec), (SegmentDescription(1, "One"), SegmentDescription(2, "Two")))


@pytest.mark.parametrize("turn", [lambda spec: spec, oblique], ids=["axial", "oblique"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_simpleitk_finds_each_label_where_it_lies_in_the_patient(tmp_path, turn, suffix):
    spec = turn(SeriesSpec(shape=(6, 7, 8)))
    path = tmp_path / f"labels{suffix}"
    write_nifti(_label_map(spec), path)
    image = SimpleITK.ReadImage(str(path))
    for index, label in [((1, 2, 3), 1), ((4, 0, 0), 2), ((0, 0, 0), 0)]:
        in_patient = spec.index_to_patient_mm @ [*index, 1]
        found = image.TransformPhysicalPointToIndex([float(x) for x in in_patient[:3]])
        assert found == tuple(reversed(index))
        assert image[found] == label


@pytest.mark.parametrize("turn", [lambda spec: spec, oblique, tilted_gantry], ids=["axial", "oblique", "sheared"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_reading_returns_what_was_written(tmp_path, turn, dtype):
    label_map = _label_map(turn(SeriesSpec(shape=(6, 7, 8))), dtype)
    write_nifti(label_map, tmp_path / "labels.nii.gz")
    found = read_nifti(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(found.voxels, label_map.voxels)
    np.testing.assert_allclose(
        found.geometry.index_to_patient_mm, label_map.geometry.index_to_patient_mm, rtol=1e-5, atol=1e-4
    )
    assert [segment.segment_label for segment in found.segments] == ["Segment 1", "Segment 2"]


@settings(deadline=None)
@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 20)] * 3),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
)
def test_the_affine_and_back_is_the_same_grid(angles, spacing, origin):
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    turn = (
        np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
        @ np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
        @ np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    )
    geometry = VolumeGeometry((2, 3, 4), spacing, origin, tuple(turn.reshape(-1)))
    found = from_ras_affine(to_ras_affine(geometry), (2, 3, 4))
    np.testing.assert_allclose(found.index_to_patient_mm, geometry.index_to_patient_mm, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.float32])
def test_volumes_keep_their_type_and_values(tmp_path, dtype):
    spec = SeriesSpec(shape=(3, 4, 5))
    voxels = (np.arange(60).reshape(spec.shape) * (1.5 if dtype == np.float32 else 1)).astype(dtype)
    write_volume_nifti(Volume(voxels, _geometry(spec)), tmp_path / "volume.nii.gz")
    found = read_volume_nifti(tmp_path / "volume.nii.gz", "MR")
    assert (found.voxels.dtype, found.modality) == (dtype, "MR")
    np.testing.assert_array_equal(found.voxels, voxels)


def test_what_is_no_label_map_is_refused(tmp_path):
    spec = SeriesSpec(shape=(3, 4, 5))
    write_volume_nifti(Volume(np.full(spec.shape, 0.5, np.float32), _geometry(spec)), tmp_path / "volume.nii")
    with pytest.raises(ValueError, match="whole numbers"):
        read_nifti(tmp_path / "volume.nii")
    (tmp_path / "text.nii").write_text("not an image")
    with pytest.raises(ValueError, match="not a NIfTI"):
        read_nifti(tmp_path / "text.nii")


@pytest.mark.real_data
def test_a_real_label_map_lies_where_simpleitk_says(shared_data, tmp_path):
    path = shared_data / "totalseg_example" / "example_seg.nii.gz"
    label_map = read_nifti(path)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(label_map.voxels, SimpleITK.GetArrayFromImage(image))
    last = [n - 1 for n in label_map.voxels.shape]
    theirs = image.TransformIndexToPhysicalPoint([int(i) for i in reversed(last)])
    np.testing.assert_allclose((label_map.geometry.index_to_patient_mm @ [*last, 1])[:3], theirs, atol=1e-3)
    write_nifti(label_map, tmp_path / "again.nii.gz")
    again = SimpleITK.ReadImage(str(tmp_path / "again.nii.gz"))
    np.testing.assert_allclose(again.GetDirection(), image.GetDirection(), atol=1e-5)
    np.testing.assert_allclose(again.GetOrigin(), image.GetOrigin(), atol=1e-4)
