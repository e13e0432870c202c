"""`segment`, `list_models` and `train` as a person starts them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK
from django.core.management import CommandError, call_command
from PIL import Image as Picture
from pydicom import dcmread

from inference.management.commands.segment import Command
from inference.model_spec import Progress
from inference.registry import list_models
from tests.phantoms import SeriesSpec, ellipsoid, sphere, sphere_volume_ml, write_series

SPEC = SeriesSpec(shape=(24, 64, 72), spacing_mm=(2.0, 1.0, 0.9), origin_mm=(-30.0, -32.0, 12.0))


@pytest.fixture
def phantom(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A body of water with a denser ball, in air; and where the ball is."""
    ball = sphere(SPEC, 12.0)
    body = ellipsoid(SPEC, (30.0, 30.0, 60.0))
    noise = np.random.default_rng(1).normal(0, 5, SPEC.shape)
    folder = tmp_path / "dicom"
    folder.mkdir()
    write_series(folder, replace(SPEC, voxels=np.where(ball, 120, np.where(body, 0, -1000)) + noise.round()))
    return folder, ball


def run(source: Path, output: Path, model: str, *parameters: str, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(
        "segment", source, model=model, output=output, parameter=list(parameters), stdout=out, stderr=err, **options
    )
    return out.getvalue(), err.getvalue()


def test_a_dicom_folder_becomes_a_nifti_that_simpleitk_puts_in_place(phantom: tuple[Path, np.ndarray]) -> None:
    folder, ball = phantom
    output = folder.parent / "ball.nii.gz"
    out, err = run(folder, output, "threshold", "lower=60")
    assert out.strip() == str(output)
    assert "Within bounds" in err
    image = SimpleITK.ReadImage(str(output))
    labels = SimpleITK.GetArrayFromImage(image)
    np.testing.assert_array_equal(labels > 0, ball)
    assert labels.sum() * 2.0 * 0.9 / 1000 == pytest.approx(sphere_volume_ml(12.0), rel=0.05)
    first = tuple(int(i) for i in np.argwhere(ball)[0][::-1])
    source = SimpleITK.ReadImage(sorted(str(p) for p in folder.iterdir()))
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint(first), source.TransformIndexToPhysicalPoint(first), atol=1e-3
    )


def test_one_click_becomes_a_dicom_segmentation_on_the_source_frames(phantom: tuple[Path, np.ndarray]) -> None:
    folder, ball = phantom
    output = folder.parent / "ball.dcm"
    centre = ",".join(str(int(c)) for c in np.argwhere(ball).mean(axis=0).round())
    run(folder, output, "region_growing", f"seed={centre}")
    segmentation = highdicom.seg.segread(output)
    assert segmentation.segmentation_type.value == "BINARY"
    sources = {str(dcmread(p, stop_before_pixels=True).SOPInstanceUID) for p in folder.iterdir()}
    assert {str(uid) for _, _, uid in segmentation.get_source_image_uids()} <= sources
    pixels = segmentation.pixel_array
    overlap = 2 * min(int(pixels.sum()), int(ball.sum())) / (pixels.sum() + ball.sum())
    assert overlap > 0.95


def test_a_nifti_goes_in_and_the_focus_changes_nothing(phantom: tuple[Path, np.ndarray]) -> None:
    folder, _ = phantom
    source = folder.parent / "image.nii.gz"
    SimpleITK.WriteImage(SimpleITK.ReadImage(sorted(str(p) for p in folder.iterdir())), str(source))
    digests = set()
    for focus in (0, 23, None):
        _, err = run(source, folder.parent / "otsu.nii.gz", "otsu", focus=focus, modality="ct")
        digests.add(err.strip().splitlines()[-1].split()[-1])
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("model", "parameters", "output", "words"),
    [
        ("nnunet", [], "a.nii.gz", "no model called"),
        ("threshold", [], "a.nii.gz", "Lower bound"),
        ("threshold", ["lower"], "a.nii.gz", "name=value"),
        ("threshold", ["lower=much"], "a.nii.gz", "a number"),
        ("region_growing", ["seed=1,2,999"], "a.nii.gz", "inside the image"),
        ("region_growing", ["seed=here"], "a.nii.gz", "slice,row,column"),
        ("otsu", [], "a.jpg", "must end in"),
        ("otsu", [], "a.png", "Only of a photograph"),
        ("otsu", [], "nowhere/a.nii.gz", "is not there"),
        ("enhancing_lesion", [], "a.nii.gz", "MR"),
        ("threshold", ["lower=5000"], "a.dcm", "empty"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence_and_leaves_nothing(
    phantom: tuple[Path, np.ndarray], model: str, parameters: list[str], output: str, words: str
) -> None:
    folder, _ = phantom
    before = set(folder.parent.rglob("*"))
    with pytest.raises(CommandError, match=words) as caught:
        run(folder, folder.parent / output, model, *parameters)
    assert caught.value.returncode == 2
    assert set(folder.parent.rglob("*")) == before


def test_inputs_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.nii.gz").write_bytes(b"not nifti")
    for source in ("absent", "empty", "bad.nii.gz"):
        with pytest.raises(CommandError) as caught:
            run(tmp_path / source, tmp_path / "a.nii.gz", "otsu")
        assert caught.value.returncode == 2
    with pytest.raises(CommandError, match="DICOM images"):
        run(tmp_path / "bad.nii.gz", tmp_path / "a.dcm", "otsu")


def test_a_folder_of_two_series_asks_which(phantom: tuple[Path, np.ndarray]) -> None:
    folder, _ = phantom
    write_series(folder / "more", replace(SPEC, name="second", series_number=2))
    with pytest.raises(CommandError, match="--series") as caught:
        run(folder, folder.parent / "a.nii.gz", "otsu")
    uid = str(dcmread(next((folder / "more").iterdir())).SeriesInstanceUID)
    assert uid in str(caught.value)
    run(folder, folder.parent / "a.nii.gz", "otsu", series=uid)


def test_interrupting_leaves_nothing(phantom: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = phantom

    def interrupt(self: Command, progress: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Command, "_show", interrupt)
    with pytest.raises(CommandError, match="nothing was written") as caught:
        run(folder, folder.parent / "a.nii.gz", "otsu")
    assert caught.value.returncode == 130
    assert not list(folder.parent.glob("*a.nii.gz"))


def test_models_are_listed_one_a_line_and_cards_printed() -> None:
    out = io.StringIO()
    call_command("list_models", stdout=out)
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == [spec.name for spec in list_models()]
    for spec in list_models():
        card = io.StringIO()
        call_command("list_models", card=spec.name, stdout=card)
        assert card.getvalue() == spec.card
    with pytest.raises(CommandError, match="no model called"):
        call_command("list_models", card="nothing", stdout=out)


def test_an_unknown_recipe_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="enhancing_lesion"):
        call_command("train", "nothing", output=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_photograph_goes_in_and_segment_numbers_come_out(tmp_path: Path) -> None:
    """A dark brown disc of radius 40 pixels on pink skin: its area is that of the circle."""
    rows, columns = np.mgrid[:240, :320]
    disc = (rows - 120) ** 2 + (columns - 160) ** 2 <= 40**2
    picture = np.where(disc[..., None], (90, 50, 40), (225, 180, 165)).astype(np.uint8)
    Picture.fromarray(picture).save(tmp_path / "mole.png")
    _out, said = run(tmp_path / "mole.png", tmp_path / "found.png", "skin_lesion")
    found = np.asarray(Picture.open(tmp_path / "found.png"))
    assert found.shape == disc.shape
    assert np.count_nonzero(found) == pytest.approx(np.pi * 40**2, rel=0.03)
    assert np.count_nonzero((found > 0) & disc) / np.count_nonzero(disc) > 0.97
    assert "mL" not in said, "a photograph has no scale"
    Picture.fromarray(picture[..., 0]).save(tmp_path / "grey.png")
    with pytest.raises(CommandError, match="photograph"):
        run(tmp_path / "grey.png", tmp_path / "grey.nii.gz", "skin_lesion")
    (tmp_path / "torn.jpg").write_bytes(b"not a picture")
    with pytest.raises(CommandError, match="damaged") as caught:
        run(tmp_path / "torn.jpg", tmp_path / "a.png", "skin_lesion")
    assert caught.value.returncode == 2
