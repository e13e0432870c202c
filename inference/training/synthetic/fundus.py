"""A fundus photograph of a right eye: disc with cup, vessels in arcades around the macula, vignetting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.noise import Field, fractal_noise, smooth_noise, smooth_step
from inference.training.synthetic.shapes import Coordinates, near, open_grid
from inference.training.synthetic.vessel_tree import Tree, grow_tree

_RADIUS_MM = 6.6
"""Of the round field, on the retina: about 45 degrees."""
_DISC_MM = (-0.2, 2.75)
_FOVEA_MM = (0.25, -1.35)
_DISC_RADIUS_MM = 0.9
DISC, CUP, ARTERY, VEIN = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Photograph:
    """uint8 RGB (row, column, 3) and its truth, uint8 (row, column): `DISC`, `CUP`, `ARTERY`, `VEIN`."""

    pixels: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    spacing_mm: float


def generate_fundus(seed: int, *, size: int = 960) -> Photograph:
    """Generate a photograph of ``size`` x ``size`` pixels: rows downwards, columns towards the nose."""
    rng = np.random.default_rng((seed, 40))
    spacing = 2.06 * _RADIUS_MM / size
    half = spacing * (size - 1) / 2.0
    at = open_grid((1, size, size), (1.0, spacing, spacing), (0.0, -half, -half))
    picture = _retina(rng, at, spacing)
    truth = np.zeros((size, size), dtype=np.uint8)
    _paint_disc(rng, picture, truth, at, spacing)
    for vein in (True, False):
        tree = _grow(rng, vein=vein)
        _paint_vessels(rng, picture, truth, at, tree, vein=vein)
    pixels = _expose(rng, picture, at, spacing)
    truth[np.hypot(at.row_mm[0], at.column_mm[0]) > _RADIUS_MM] = 0
    return Photograph(pixels, truth, spacing)


def _from(at: Coordinates, centre: tuple[float, float], stretch: float = 1.0) -> Field:
    distance: Field = np.hypot((at.row_mm[0] - centre[0]) / stretch, at.column_mm[0] - centre[1])
    return distance


def _retina(rng: np.random.Generator, at: Coordinates, spacing: float) -> Field:
    """Return the retina without vessels, float32 (row, column, 3), 0 to 1."""
    shape, steps = at.shape[1:], (spacing, spacing)
    choroid = np.abs(fractal_noise(rng, shape, steps, scale_mm=0.9, octaves=3))
    broad = smooth_noise(rng, shape, steps, scale_mm=3.0)
    grain = smooth_noise(rng, shape, steps, scale_mm=0.06)
    picture = np.empty((*shape, 3), dtype=np.float32)
    for channel, (base, of_choroid, of_broad) in enumerate(
        ((0.80, 0.035, 0.022), (0.375, 0.028, 0.014), (0.15, 0.012, 0.006))
    ):
        picture[..., channel] = base - of_choroid * choroid + of_broad * broad + 0.008 * grain
    macula = np.exp(-((_from(at, _FOVEA_MM) / 1.15) ** 2))
    pit = np.exp(-((_from(at, _FOVEA_MM) / 0.28) ** 2))
    picture *= 1.0 - macula[..., None] * np.asarray((0.16, 0.28, 0.34), np.float32)
    picture *= 1.0 - pit[..., None] * np.asarray((0.10, 0.18, 0.2), np.float32)
    reflex = np.exp(-((_from(at, (_FOVEA_MM[0] - 0.03, _FOVEA_MM[1])) / 0.05) ** 2))
    picture += 0.12 * reflex[..., None]
    bundle = np.exp(-((_from(at, _DISC_MM) - 1.2) ** 2) / 1.2)  # nerve fibres, brightest beside the disc
    turn = np.arctan2(at.row_mm[0] - _DISC_MM[0], at.column_mm[0] - _DISC_MM[1])
    stripes = np.interp(turn, np.linspace(-np.pi, np.pi, 400), smooth_noise(rng, (400,), (1.0,), scale_mm=2.0))
    picture += (0.022 * bundle * (1.0 + 0.6 * stripes))[..., None] * np.asarray((1.0, 1.0, 0.7), np.float32)
    return picture


def _paint_disc(
    rng: np.random.Generator, picture: Field, truth: npt.NDArray[np.uint8], at: Coordinates, spacing: float
) -> None:
    wave = 0.035 * smooth_noise(rng, at.shape[1:], (spacing, spacing), scale_mm=0.6)
    disc = _from(at, _DISC_MM, 1.12) - _DISC_RADIUS_MM + wave
    cup = _from(at, (_DISC_MM[0] + 0.03, _DISC_MM[1] - 0.06), 1.05) - 0.42 + wave
    crescent = _from(at, (_DISC_MM[0], _DISC_MM[1] - 0.1), 1.1) - _DISC_RADIUS_MM - 0.06
    for distance, colour, width, opacity in (
        (crescent, (0.62, 0.34, 0.2), 0.2, 0.35),
        (disc, (0.93, 0.62, 0.36), 0.16, 0.94),
        (cup, (0.99, 0.86, 0.66), 0.3, 0.85),
    ):
        share = (smooth_step(distance, width=width) * np.float32(opacity))[..., None]
        picture += share * (np.asarray(colour, np.float32) - picture)
    truth[disc < 0] = DISC
    truth[cup < 0] = CUP


def _arcades(rng: np.random.Generator, shift: float) -> list[npt.NDArray[np.float64]]:
    """Return the four great vessels' paths from the disc, (0, row, column) in mm."""
    paths = []
    along = np.linspace(0.12, 1.0, 22)
    for up in (-1.0, 1.0):
        bend = 2.75 + shift + rng.normal(0.0, 0.12)
        column = _DISC_MM[1] + 0.35 * np.sin(np.pi * along) - 8.2 * along**1.5
        row = _DISC_MM[0] + up * bend * np.sin(np.pi * np.minimum(0.86 * along**0.62, 1.0)) ** 0.8
        paths.append(np.stack([0.0 * along, row, column], axis=1))
        reach = 3.4 * along
        nasal = np.stack([0.0 * along, _DISC_MM[0] + up * (0.2 + 1.05 * reach), _DISC_MM[1] + 0.9 * reach**0.9], axis=1)
        paths.append(nasal)
    for path in paths:
        path[:, 1:] += np.cumsum(rng.normal(0.0, 0.028, (len(path), 2)), axis=0)
    return paths


def _grow(rng: np.random.Generator, *, vein: bool) -> Tree:
    angle, radius = rng.uniform(0, 2 * np.pi, 520), _RADIUS_MM * 1.05 * np.sqrt(rng.uniform(0, 1, 520))
    targets = np.stack([np.zeros(520), radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    far = np.hypot((targets[:, 1] - _FOVEA_MM[0]) / 1.25, (targets[:, 2] - _FOVEA_MM[1] - 0.5) / 2.9) > 1.0
    off = np.hypot(targets[:, 1] - _DISC_MM[0], targets[:, 2] - _DISC_MM[1]) > 1.3
    root = (0.0, _DISC_MM[0], _DISC_MM[1] + (0.02 if vein else 0.1))
    trunks = _arcades(rng, 0.16 if vein else -0.16)
    twig = 0.0085 if vein else 0.0068
    return grow_tree(root, targets[far & off][:260], trunks=trunks, twig_radius_mm=twig, exponent=2.55)


def _paint_vessels(
    rng: np.random.Generator,
    picture: Field,
    truth: npt.NDArray[np.uint8],
    at: Coordinates,
    tree: Tree,
    *,
    vein: bool,
) -> None:
    """Paint vessels: veins darker and wider, arteries with the bright reflex along their middle."""
    cover = np.zeros(at.shape, dtype=np.float32)
    reflex = np.zeros(at.shape, dtype=np.float32)
    width = float(at.row_mm[0, 1, 0] - at.row_mm[0, 0, 0]) * 1.6
    for rod in tree.rods(rng, pieces=5, is_flat=True):
        window, here = near(rod, at, margin_mm=3 * width)
        if 0 in here.shape:
            continue
        distance = rod.distance(here)
        thin = min(1.0, rod.radius_mm / width + 0.25)
        np.maximum(cover[window], thin * smooth_step(distance, width=width), out=cover[window])
        if rod.radius_mm > 1.6 * width:
            middle = smooth_step(distance + 0.72 * rod.radius_mm, width=width)
            np.maximum(reflex[window], middle, out=reflex[window])
    dim = np.asarray((0.30, 0.56, 0.42) if vein else (0.16, 0.46, 0.36), np.float32)
    picture *= 1.0 - cover[0][..., None] * dim
    picture += (0.05 if vein else 0.12) * reflex[0][..., None] * np.asarray((1.0, 0.75, 0.5), np.float32)
    truth[cover[0] > 0.5] = VEIN if vein else ARTERY


def _expose(rng: np.random.Generator, picture: Field, at: Coordinates, spacing: float) -> npt.NDArray[np.uint8]:
    """Apply optics and camera: uneven light, blur, the round field with its notch, noise."""
    away = np.hypot(at.row_mm[0], at.column_mm[0])
    light = (
        1.04 - 0.34 * (away / _RADIUS_MM) ** 2 + 0.03 * smooth_noise(rng, away.shape, (spacing, spacing), scale_mm=5.0)
    )
    blurred = ndimage.gaussian_filter(picture * light[..., None], (0.9, 0.9, 0.0))
    noisy = blurred + 0.012 * rng.standard_normal(picture.shape, dtype=np.float32)
    notch = np.hypot(at.row_mm[0] + 0.72 * _RADIUS_MM, at.column_mm[0] - 0.72 * _RADIUS_MM) - 0.28
    field = smooth_step(np.minimum(away - _RADIUS_MM, notch), width=2.5 * spacing)
    pixels: npt.NDArray[np.uint8] = np.round(np.clip(noisy, 0.0, 1.0) * field[..., None] * 255.0).astype(np.uint8)
    return pixels
