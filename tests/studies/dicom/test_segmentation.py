"""DICOM SEG: valid, and read back by other tools with each voxel in its place."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread

from studies.dicom.folder import FoundSeries, read_folder
from studies.dicom.segmentation import (
    RESEARCH_USE,
    AlgorithmFamily,
    NotExportableError,
    SegmentationInfo,
    SourceFrame,
    write_dicom_seg,
)
from studies.label_maps.label_map import LabelMap, SegmentDescription
from tests.phantoms import (
    SeriesSpec,
    oblique,
    sphere,
    tilted_gantry,
    touching_pair,
    write_cine,
    write_enhanced,
    write_pet,
    write_projection,
    write_series,
)

INFO = SegmentationInfo(
    name="Enhancing lesion",
    algorithm_type="AUTOMATIC",
    identity="revision-1",
    created_at=datetime.datetime(2026, 3, 1, 10, 15, tzinfo=datetime.UTC),
    algorithm_name="lesion-net",
    algorithm_version="1.0",
)
SEGMENTS = (
    SegmentDescription(1, "Left", colour="#e69f00"),
    SegmentDescription(2, "Right", type=("108369006", "SCT", "Neoplasm"), colour="#56b4e9"),
)


def _sources(series: FoundSeries) -> list[SourceFrame]:
    datasets = [dcmread(found.path, stop_before_pixels=True) for found in series.instances]
    return [SourceFrame(datasets[ref.image_index], ref.frame_index + 1) for ref in series.geometry.order]


def _labelled(folder: Path, voxels: np.ndarray | None = None) -> tuple[LabelMap, list[SourceFrame]]:
    [series] = read_folder(folder).series
    grid = series.geometry.nominal_geometry
    if voxels is None:
        voxels = np.zeros(grid.shape, np.uint8)
        voxels[0, 1:5, 2:9], voxels[-1, 3:6, 1:3] = 1, 2
    return LabelMap(voxels, grid, SEGMENTS), _sources(series)


def _validate(path: Path) -> list[str]:
    dciodvfy = shutil.which("dciodvfy")
    if dciodvfy is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    report = subprocess.run([dciodvfy, str(path)], capture_output=True, text=True, check=False)
    return [line for line in (report.stderr + report.stdout).splitlines() if line.startswith("Error")]


def _save(label_map: LabelMap, sources: list[SourceFrame], path: Path, info: SegmentationInfo = INFO) -> Path:
    write_dicom_seg(label_map, sources, info).save_as(path, enforce_file_format=True)
    return path


SERIES = {
    "axial": lambda folder: write_series(folder, SeriesSpec(shape=(5, 12, 14))),
    "odd": lambda folder: write_series(folder, SeriesSpec(shape=(4, 9, 11))),  # frames that end within a byte
    "oblique": lambda folder: write_series(folder, oblique(SeriesSpec(shape=(5, 12, 14)))),
    "gaps": lambda folder: write_series(folder, SeriesSpec(shape=(6, 12, 14), missing=frozenset({2}))),
    "tilt": lambda folder: write_series(folder, tilted_gantry(SeriesSpec(shape=(5, 12, 14)))),
    "feet first": lambda folder: write_series(
        folder, SeriesSpec(shape=(5, 12, 14), row_direction=(-1.0, 0.0, 0.0), slice_direction=(0.0, 0.0, 1.0))
    ),
    "mr": lambda folder: write_series(folder, SeriesSpec(shape=(3, 12, 14), modality="MR", intercept=0.0)),
    "pet": lambda folder: write_pet(folder, SeriesSpec(shape=(3, 12, 14), intercept=0.0), lambda i: 1.0 + i),
}


@pytest.mark.parametrize("kind", SERIES)
def test_each_voxel_lies_on_its_source_image(tmp_path, kind):
    paths = SERIES[kind](tmp_path / "source")
    label_map, sources = _labelled(tmp_path / "source")
    seg = highdicom.seg.segread(_save(label_map, sources, tmp_path / "seg.dcm"))
    uids = [source.dataset.SOPInstanceUID for source in sources]
    read = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True, combine_segments=True)
    np.testing.assert_array_equal(read, label_map.voxels)
    assert len(paths) == len(sources)
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source_uid = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        source = sources[uids.index(source_uid)].dataset
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(position, source.ImagePositionPatient, atol=1e-5)
    assert seg.FrameOfReferenceUID == sources[0].dataset.FrameOfReferenceUID
    assert _validate(tmp_path / "seg.dcm") == []


def test_a_regular_label_map_reads_back_as_a_volume_in_the_same_place(tmp_path):
    spec = oblique(SeriesSpec(shape=(30, 40, 48), spacing_mm=(1.5, 1.0, 1.0)))
    write_series(tmp_path / "source", spec)
    label_map, sources = _labelled(tmp_path / "source", touching_pair(spec, radius_mm=8.0))
    volume = highdicom.seg.segread(_save(label_map, sources, tmp_path / "seg.dcm")).get_volume(combine_segments=True)
    filled = np.argwhere(volume.array == 2)
    theirs = volume.map_indices_to_reference(filled)
    ours = np.argwhere(label_map.voxels == 2)
    ours_mm = (label_map.geometry.index_to_patient_mm @ np.c_[ours, np.ones(len(ours))].T)[:3].T
    np.testing.assert_allclose(np.sort(theirs, axis=0), np.sort(ours_mm, axis=0), atol=1e-3)


def test_frames_of_an_enhanced_object_keep_their_place(tmp_path):
    order = [4, 2, 0, 5, 1, 3]
    spec = SeriesSpec(name="enhanced", modality="MR", shape=(6, 12, 10), intercept=0.0)
    write_enhanced(tmp_path / "source" / "e.dcm", spec, order=order)
    label_map, sources = _labelled(tmp_path / "source")
    seg = highdicom.seg.segread(_save(label_map, sources, tmp_path / "seg.dcm"))
    numbers = [order.index(n) + 1 for n in range(6)]
    uid = sources[0].dataset.SOPInstanceUID
    read = seg.get_pixels_by_source_frame(uid, numbers, assert_missing_frames_are_empty=True, combine_segments=True)
    np.testing.assert_array_equal(read, label_map.voxels)
    assert _validate(tmp_path / "seg.dcm") == []


def test_a_projection_is_referred_to_as_a_whole(tmp_path):
    write_projection(tmp_path / "source" / "x.dcm", np.zeros((12, 14), np.uint16))
    label_map, sources = _labelled(tmp_path / "source")
    seg = dcmread(_save(label_map, sources, tmp_path / "seg.dcm"))
    np.testing.assert_array_equal(seg.pixel_array[0], label_map.voxels[0] == 1)
    np.testing.assert_array_equal(seg.pixel_array[1], label_map.voxels[0] == 2)
    [reference] = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert reference.ReferencedSOPInstanceUID == sources[0].dataset.SOPInstanceUID


def test_a_cine_has_no_place_for_a_segmentation(tmp_path):
    write_cine(tmp_path / "source" / "c.dcm", np.zeros((4, 12, 14, 3), np.uint8))
    with pytest.raises(NotExportableError, match="where in the patient"):
        write_dicom_seg(*_labelled(tmp_path / "source"), INFO)


def test_it_says_what_each_segment_is_and_that_it_is_for_research(tmp_path):
    write_series(tmp_path / "source", SeriesSpec(shape=(5, 12, 14)))
    seg = dcmread(_save(*_labelled(tmp_path / "source"), tmp_path / "seg.dcm"))
    left, right = seg.SegmentSequence
    assert (left.SegmentLabel, right.SegmentLabel) == ("Left", "Right")
    assert right.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Neoplasm"
    assert left.SegmentAlgorithmType == "AUTOMATIC"
    algorithm = left.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("lesion-net", "1.0")
    colour = highdicom.color.CIELabColor.from_dicom_value(right.RecommendedDisplayCIELabValue).to_rgb()
    np.testing.assert_allclose(colour, (0x56, 0xB4, 0xE9), atol=1)
    assert seg.SegmentationType == "BINARY"
    assert seg.ContentDescription == RESEARCH_USE
    assert seg.SeriesDescription == "Enhancing lesion (research use only)"
    assert (seg.ContentDate, seg.ContentTime) == ("20260301", "101500")


def test_the_same_revision_is_the_same_file(tmp_path):
    write_series(tmp_path / "source", SeriesSpec(shape=(5, 12, 14)))
    first = _save(*_labelled(tmp_path / "source"), tmp_path / "1.dcm").read_bytes()
    assert _save(*_labelled(tmp_path / "source"), tmp_path / "2.dcm").read_bytes() == first
    other = _save(*_labelled(tmp_path / "source"), tmp_path / "3.dcm", replace(INFO, identity="revision-2"))
    assert dcmread(other).SOPInstanceUID != dcmread(tmp_path / "1.dcm").SOPInstanceUID


@pytest.mark.parametrize(
    "info",
    [
        replace(INFO, algorithm_type="MANUAL", algorithm_name="", algorithm_version=""),
        replace(INFO, algorithm_type="SEMIAUTOMATIC", algorithm_family=AlgorithmFamily.NEIGHBORHOOD_ANALYSIS),
    ],
)
def test_other_ways_of_making_are_valid_too(tmp_path, info):
    write_series(tmp_path / "source", SeriesSpec(shape=(5, 12, 14)))
    path = _save(*_labelled(tmp_path / "source"), tmp_path / "seg.dcm", info)
    assert dcmread(path).SegmentSequence[0].SegmentAlgorithmType == info.algorithm_type
    assert _validate(path) == []


def test_a_segment_without_voxels_keeps_its_description(tmp_path):
    spec = SeriesSpec(shape=(5, 12, 14))
    write_series(tmp_path / "source", spec)
    label_map, sources = _labelled(tmp_path / "source", sphere(spec, 3.0).astype(np.uint8) * 2)
    path = _save(label_map, sources, tmp_path / "seg.dcm")
    seg = highdicom.seg.segread(path)
    assert [segment.SegmentLabel for segment in seg.SegmentSequence] == ["Left", "Right"]
    uids = [source.dataset.SOPInstanceUID for source in sources]
    read = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True, combine_segments=True)
    np.testing.assert_array_equal(read, label_map.voxels)
    assert _validate(path) == []


def test_segment_numbers_with_holes_are_written_without(tmp_path):
    write_series(tmp_path / "source", SeriesSpec(shape=(5, 12, 14)))
    label_map, sources = _labelled(tmp_path / "source")
    voxels = label_map.voxels.astype(np.uint16)
    voxels[voxels == 2] = 700
    sparse = LabelMap(voxels, label_map.geometry, (SEGMENTS[0], replace(SEGMENTS[1], segment_number=700)))
    seg = highdicom.seg.segread(_save(sparse, sources, tmp_path / "seg.dcm"))
    assert [(s.SegmentNumber, s.SegmentLabel) for s in seg.SegmentSequence] == [(1, "Left"), (2, "Right")]


def test_attributes_a_device_left_out_are_written_empty(tmp_path):
    write_series(tmp_path / "source", SeriesSpec(shape=(3, 12, 14)))
    label_map, sources = _labelled(tmp_path / "source")
    for source in sources:
        del source.dataset.AccessionNumber, source.dataset.StudyID, source.dataset.PatientBirthDate
    seg = dcmread(_save(label_map, sources, tmp_path / "seg.dcm"))
    assert seg.AccessionNumber == ""
    assert "AccessionNumber" not in sources[0].dataset
    assert _validate(tmp_path / "seg.dcm") == []


def test_what_cannot_be_written_says_why(tmp_path):
    write_series(tmp_path / "source", SeriesSpec(shape=(3, 12, 14)))
    label_map, sources = _labelled(tmp_path / "source")
    empty = LabelMap(np.zeros((3, 12, 14), np.uint8), label_map.geometry, SEGMENTS)
    with pytest.raises(NotExportableError, match="empty"):
        write_dicom_seg(empty, sources, INFO)
    with pytest.raises(NotExportableError, match="3 slices and the series 2"):
        write_dicom_seg(label_map, sources[:2], INFO)
    with pytest.raises(NotExportableError, match="segment 2"):
        write_dicom_seg(replace(label_map, segments=SEGMENTS[:1]), sources, INFO)


@pytest.mark.real_data
def test_a_real_series_takes_a_label_map(shared_data, tmp_path):
    folder = shared_data / "mr_vs_seg_001" / "dicom"
    [series] = read_folder(folder).series
    voxels = np.zeros(series.geometry.geometry.shape, np.uint8)
    voxels[16:25, 200:260, 200:250] = 1
    label_map = LabelMap(voxels, series.geometry.geometry, SEGMENTS[:1])
    sources = _sources(series)
    path = _save(label_map, sources, tmp_path / "seg.dcm")
    seg = highdicom.seg.segread(path)
    uids = [source.dataset.SOPInstanceUID for source in sources]
    read = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True, combine_segments=True)
    np.testing.assert_array_equal(read, voxels)
    assert _validate(path) == []
