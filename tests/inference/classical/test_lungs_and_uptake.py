"""Lungs and uptake on drawn bodies whose answer is geometry."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from inference.model_spec import Parameters, Progress
from inference.pipeline.methods import NotAxialError
from inference.pipeline.run_notes import gather_notes
from inference.pipeline.segment import segment
from inference.registry import get_model, validate_parameters
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
SAGITTAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
Grid = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _ignore(progress: Progress) -> None:
    """Nobody watches."""


def _find(
    voxels: npt.NDArray[np.float32], spacing: float, model: str, modality: str, raw: dict[str, object],
    direction: tuple[float, ...] = AXIAL,
) -> npt.NDArray[np.generic]:  # fmt: skip
    geometry = VolumeGeometry(voxels.shape, (spacing,) * 3, (0.0, 0.0, 0.0), direction)  # type: ignore[arg-type]
    spec = get_model(model)
    parameters: Parameters = validate_parameters(spec, raw, geometry.shape)
    return segment(Volume(voxels, geometry, modality), spec, _ignore, parameters=parameters).voxels


def _ball(at: Grid, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
    return np.asarray(sum(((a - c) / r) ** 2 for a, c, r in zip(at, centre, radii, strict=True)) < 1)


def _draw_chest(spacing: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return HU of a trunk on a table with two lungs, a vessel, a windpipe and stomach gas; right and left lung."""
    n = round(200 / spacing)
    at: Grid = tuple(np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * spacing] * 3, indexing="ij"))
    z, y, x = at
    hu = np.full(z.shape, -1000.0, np.float32)
    hu[(x / 95) ** 2 + (y / 65) ** 2 < 1] = 40.0
    hu[(y > 80) & (y < 84)] = 100.0
    right, left = _ball(at, (0, 0, -45), (60, 40, 30)), _ball(at, (0, 0, 45), (60, 40, 30))
    hu[right | left] = -850.0
    hu[np.hypot(y, x - 45) + 0 * z < 4] = 40.0
    hu[(np.hypot(y, x) < 8) & (z > 0)] = -1000.0
    hu[_ball(at, (-80, 0, 40), (15, 15, 15))] = -1000.0
    return hu, right, left


@pytest.mark.parametrize("spacing", [2.0, 1.0])
def test_lungs_are_found_by_side_with_their_vessels_without_windpipe_and_gut(spacing: float) -> None:
    hu, right, left = _draw_chest(spacing)
    found = _find(hu, spacing, "lungs", "CT", {})
    for number, lung in ((1, right), (2, left)):
        assert 2 * ((found == number) & lung).sum() / ((found == number).sum() + lung.sum()) > 0.97
    middle, row, column = (n // 2 for n in hu.shape)
    assert found[middle, row, column + round(45 / spacing)] == 2  # inside the vessel
    assert not found[-2, row, column]  # windpipe
    assert not found[middle - round(80 / spacing), row, column + round(40 / spacing)]  # stomach


def test_mirrored_columns_swap_nothing_because_sides_come_from_the_patient() -> None:
    hu, right, _ = _draw_chest(4.0)
    mirrored = (0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
    assert mirrored != AXIAL
    found = _find(np.ascontiguousarray(hu[..., ::-1]), 4.0, "lungs", "CT", {}, (0.0, 0.0, -1.0, *AXIAL[3:]))
    assert (found[..., ::-1][right] == 1).mean() > 0.95


def test_a_sagittal_series_is_refused_in_words_and_a_body_without_lungs_has_none() -> None:
    with pytest.raises(NotAxialError, match="axial"):
        _find(_draw_chest(4.0)[0], 4.0, "lungs", "CT", {}, SAGITTAL)
    assert not _find(np.full((20, 30, 30), 40.0, np.float32), 4.0, "lungs", "CT", {}).any()


def test_gut_gas_in_a_belly_is_no_lung_and_the_reason_is_told() -> None:
    """Gas of 19 mL with a blurred rim that ends below the image's upper edge, and plain gas that reaches it."""
    spacing, n = 2.0, 60
    at: Grid = tuple(np.meshgrid(*[np.arange(n) * spacing] * 3, indexing="ij"))
    body = np.hypot(at[1] - 60, at[2] - 60) < 55
    gas = _ball(at, (40, 60, 80), (16.5, 16.5, 16.5)) | (np.hypot(at[1] - 60, at[2] - 40) < 9) & (at[0] > 80)
    hu = np.where(body, 40.0, -1000.0).astype(np.float32)
    hu[gas & body] = -1000.0
    hu = np.asarray(ndimage.gaussian_filter(hu, 1.5), np.float32)
    for upside_down in (False, True):
        with gather_notes() as notes:
            direction = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0) if upside_down else AXIAL
            voxels = np.ascontiguousarray(hu[::-1]) if upside_down else hu
            assert not _find(voxels, spacing, "lungs", "CT", {}, direction).any()
        assert len(notes) == 1
        assert "No lungs were found" in notes[0]


def test_a_lung_base_cut_off_by_the_upper_edge_is_found_and_not_where_the_edge_is_the_lower_one() -> None:
    spacing, n = 2.0, 60
    at: Grid = tuple(np.meshgrid(*[np.arange(n) * spacing] * 3, indexing="ij"))
    hu = np.where(np.hypot(at[1] - 60, at[2] - 60) < 55, 40.0, -1000.0).astype(np.float32)
    bases = _ball(at, (118, 60, 35), (30, 25, 15)) | _ball(at, (118, 60, 85), (30, 25, 15))
    hu[bases] = -850.0
    found = _find(hu, spacing, "lungs", "CT", {})
    assert 2 * ((found > 0) & bases).sum() / ((found > 0).sum() + bases.sum()) > 0.95
    turned = _find(hu, spacing, "lungs", "CT", {}, (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0))
    assert not turned.any(), "lung that ends at the lower edge with nothing above it is none"


def test_uptake_cuts_each_part_at_its_own_share_and_drops_small_ones() -> None:
    n, spacing = 60, 2.0
    at: Grid = tuple(np.meshgrid(*[np.arange(n) * spacing] * 3, indexing="ij"))
    suv = np.full((n, n, n), 0.5, np.float32)
    for centre, peak in (((30.0, 30.0, 30.0), 20.0), ((84.0, 84.0, 84.0), 5.0)):
        distance = np.sqrt(sum((a - c) ** 2 for a, c in zip(at, centre, strict=True)))
        suv = np.maximum(suv, peak * (1 - distance / 30)).astype(np.float32)  # a cone: its levels are spheres
    suv[2, 55, 2] = 30.0  # one hot voxel, 0.008 mL
    # of a cone, SUV >= s is a ball of radius 30 (1 - s / peak)
    fixed = _find(suv, spacing, "pet_uptake", "PT", {"least_suv": 2.5})
    shared = _find(suv, spacing, "pet_uptake", "PT", {"least_suv": 2.5, "share": 62.0})
    for found, radii in ((fixed, (26.25, 15.0)), (shared, (11.4, 11.4))):
        expected = sum(4 / 3 * math.pi * radius**3 for radius in radii)
        assert found.sum() * spacing**3 == pytest.approx(expected, rel=0.05)
    assert not fixed[2, 55, 2]
