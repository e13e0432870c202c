"""Outlined cases from folders and zips, as hospitals keep them: what is usable is used, the rest is named."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

from inference.evaluation.cases import LeftOut, find_cases, iterate_cases, read_case
from inference.evaluation.sources import CasesMissingError, CaseUnusableError, open_source
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.label_maps.nifti import write_nifti, write_volume_nifti
from tests.enhanced_pet import SUV_PER_BECQUEREL, write_enhanced_pet
from tests.phantoms import SeriesSpec, centre_mm, sphere, write_series

GRID = VolumeGeometry((5, 6, 7), (2.0, 1.0, 1.0), (1.0, 2.0, 3.0), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0))


def picture(array: np.ndarray, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind)
    return out.getvalue()


def put(root: Path, name: str, content: bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)


def pack(root: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(root).as_posix())
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pairs of pictures, an image without a label map, a label map without an image, and a note."""
    root = tmp_path / "cases"
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    for number in range(3):
        put(root, f"set/images/case{number}.png", picture(grey + number))
        put(root, f"set/masks/case{number}.png", picture((grey > 20 + number).astype(np.uint8) * 255))
    put(root, "set/images/alone.png", picture(grey))
    put(root, "set/masks/orphan.png", picture(grey))
    put(root, "set/notes.txt", b"nothing")
    put(root, ".hidden/images/x.png", picture(grey))
    return root


def test_pairs_are_found_by_name_in_folders_and_zips_alike(folder: Path, tmp_path: Path) -> None:
    for source in (open_source(folder), open_source(pack(folder, tmp_path / "cases.zip"))):
        cases, left_out = find_cases(source)
        assert [case.name for case in cases] == ["set/case0", "set/case1", "set/case2"]
        assert left_out == [
            LeftOut("set/images/alone.png", "It has no label map.", "case.no_label_map"),
            LeftOut("set/masks/orphan.png", "It has no image.", "case.no_image"),
        ]
        case = read_case(source, cases[1], modality="US")
        assert case.image.modality == "US"
        assert case.image.voxels.shape == case.truth.shape == (1, 6, 8)
        assert case.truth.sum() == 48 - 22
        assert not case.has_spacing


def test_segment_numbers_stay_and_two_values_are_a_mask(tmp_path: Path) -> None:
    numbers = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
    for name, content in (("images/a.png", numbers), ("labels/a.png", numbers), ("images/b.png", numbers)):
        put(tmp_path, name, picture(content))
    put(tmp_path, "labels/b.png", picture(numbers > 1))
    source = open_source(tmp_path)
    first, second = (read_case(source, case) for case in find_cases(source)[0])
    assert np.array_equal(first.truth[0], numbers)
    assert np.array_equal(second.truth[0], numbers > 1)


def test_colours_are_kept_beside_their_luminance(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    put(tmp_path, "images/eye.png", picture(colours))
    put(tmp_path, "masks/eye.png", picture(np.zeros((6, 8), np.uint8)))
    source = open_source(tmp_path)
    case = read_case(source, find_cases(source)[0][0])
    assert [np.array_equal(plane[0], colours[..., number]) for number, plane in enumerate(case.colours)] == [True] * 3
    np.testing.assert_allclose(case.image.voxels[0], colours @ (0.299, 0.587, 0.114), atol=1.0)


def test_volumes_keep_their_place_and_images_beside_masks_are_found(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=GRID.shape).astype(np.float32)
    truth = (values > 0.5).astype(np.uint8) * 2
    (tmp_path / "P1").mkdir()
    write_volume_nifti(Volume(values, GRID, "PT"), tmp_path / "P1" / "PET_image.nii.gz")
    write_nifti(LabelMap(truth, GRID, (SegmentDescription(2, "Lesion"),)), tmp_path / "P1" / "PET_mask.nii.gz")
    source = open_source(tmp_path)
    (files,) = find_cases(source)[0]
    case = read_case(source, files, modality="PT")
    assert files.name == "P1/PET"
    assert case.has_spacing
    assert case.image.geometry.spacing_mm == pytest.approx(GRID.spacing_mm)
    np.testing.assert_array_equal(case.truth, truth)
    np.testing.assert_allclose(case.image.voxels, values)


def test_stored_pet_is_read_in_suv_and_refused_where_the_header_lacks_the_dose(tmp_path: Path) -> None:
    spec = SeriesSpec(name="pet", modality="PT", shape=(8, 12, 14), spacing_mm=(4.0, 4.0, 4.0))
    uptake = np.where(sphere(spec, 12.0, centre_mm(spec)), 8.0, 1.0)
    written = replace(spec, voxels=uptake / SUV_PER_BECQUEREL)
    path = write_enhanced_pet(tmp_path / "images" / "P1" / "pet.dcm", written, lambda index: 2.0 + 0.1 * index)
    grid = VolumeGeometry(spec.shape, spec.spacing_mm, (0.0, 0.0, 0.0), GRID.direction)
    truth = LabelMap((uptake > 4).astype(np.uint8), grid, (SegmentDescription(1, "Lesion"),))
    (tmp_path / "labels").mkdir()
    write_nifti(truth, tmp_path / "labels" / "P1.nii.gz")
    source = open_source(tmp_path)
    (files,) = find_cases(source)[0]
    np.testing.assert_allclose(read_case(source, files).image.voxels, uptake, atol=0.01)
    header = dcmread(path)
    del header.RadiopharmaceuticalInformationSequence
    header.save_as(path)
    left_out: list[LeftOut] = []
    assert list(iterate_cases(source, [files], left_out)) == []
    assert "PET series whose header" in left_out[0].reason


@pytest.mark.parametrize("ending", [".dcm", ""])
def test_a_folder_of_dicom_slices_is_one_image(tmp_path: Path, ending: str) -> None:
    spec = SeriesSpec(name="ct ball", shape=(6, 16, 18))
    ball = sphere(spec, 4.0)
    for path in write_series(tmp_path / "images" / "P7", spec):
        path.rename(path.with_suffix(ending))
    grid = VolumeGeometry(spec.shape, spec.spacing_mm, spec.origin_mm, GRID.direction)
    (tmp_path / "labels").mkdir()
    write_nifti(LabelMap(ball.astype(np.uint8), grid, ()), tmp_path / "labels" / "P7.nii.gz")
    source = open_source(tmp_path)
    case = read_case(source, find_cases(source)[0][0])
    assert case.image.modality == "CT"
    assert case.truth.sum() == ball.sum()
    assert case.facts == {"scanner": "SegWeb phantoms", "sequence": "ct ball"}


def test_a_damaged_case_is_named_and_the_rest_goes_on(folder: Path) -> None:
    put(folder, "set/images/case1.png", b"\x89PNG\r\n\x1a\n damaged")
    put(folder, "set/masks/case2.png", picture(np.zeros((3, 3), np.uint8)))
    source = open_source(folder)
    cases, left_out = find_cases(source)
    left_out.clear()
    assert [case.name for case in iterate_cases(source, cases, left_out)] == ["set/case0"]
    assert [each.name for each in left_out] == ["set/case1", "set/case2"]
    assert "the image has 1 x 6 x 8 and its label map 1 x 3 x 3 voxels" in left_out[1].reason


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("masks/a.jpg", picture(np.zeros((6, 8), np.uint8), "JPEG"), "keep every number"),
        ("masks/a.png", picture(np.zeros((6, 8, 3), np.uint8)), "colour picture"),
    ],
)
def test_label_maps_that_cannot_be_exact_are_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    put(tmp_path, "images/a.png", picture(np.zeros((6, 8), np.uint8)))
    put(tmp_path, name, content)
    source = open_source(tmp_path)
    with pytest.raises(CaseUnusableError, match=words):
        read_case(source, find_cases(source)[0][0])


def test_what_holds_no_cases_says_how_they_should_lie(tmp_path: Path) -> None:
    put(tmp_path, "pictures/a.png", picture(np.zeros((6, 8), np.uint8)))
    with pytest.raises(CasesMissingError, match="'images'"):
        find_cases(open_source(tmp_path))
    with pytest.raises(CasesMissingError, match="nothing at"):
        open_source(tmp_path / "absent")
    put(tmp_path, "broken.zip", b"PK\x03\x04 broken")
    with pytest.raises(CasesMissingError, match="no whole zip"):
        open_source(tmp_path / "broken.zip")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "count", "shape", "numbers"),
    [
        ("sunnybrook_lv", 526, (1, 256, 256), {0, 1}),
        ("msd_hippocampus", 201, (40, 47, 34), {0, 1, 2}),
        ("ibsi_sts", 34, (70, 45, 53), {0, 1}),
        ("fundus_av", 11, (1, 913, 1024), {0, 1, 2, 3}),
    ],
)
def test_training_sets_are_read(shared_data: Path, name: str, count: int, shape: tuple[int, ...], numbers: set) -> None:
    source = open_source(shared_data / "training" / f"{name}.zip")
    cases, left_out = find_cases(source)
    assert (len(cases), left_out) == (count, [])
    assert any(read_case(source, files).truth.shape == shape for files in cases[:5])
    assert set(np.unique([np.unique(read_case(source, files).truth).max() for files in cases[:5]])) <= numbers
