"""Photographs of skin with one lesion whose outline is known: tones, hair, dark corners, uneven light, highlights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.evaluation.cases import OutlinedCase
from inference.training.synthetic.brain_mr import AXIAL
from inference.training.synthetic.noise import fractal_noise, smooth_noise, smooth_step
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

Picture = npt.NDArray[np.float32]
Plane = npt.NDArray[np.float32]

TONES: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("I", (0.93, 0.78, 0.71)),
    ("II", (0.88, 0.71, 0.60)),
    ("III", (0.80, 0.61, 0.48)),
    ("IV", (0.67, 0.48, 0.36)),
    ("V", (0.50, 0.34, 0.25)),
    ("VI", (0.34, 0.23, 0.17)),
)
"""Roman numeral in the manner of Fitzpatrick's types, and the colour drawn for it (red, green, blue, 0 to 1)."""
_KINDS: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("brown", (0.55, 0.48, 0.47)),
    ("dark", (0.32, 0.30, 0.36)),
    ("red", (0.92, 0.62, 0.62)),
)
"""A lesion's colour as a share of the skin's."""
_SHAPE = (240, 320)
_GRAIN = (1.0, 1.0)
_LUMINANCE = (0.299, 0.587, 0.114)


def draw_skin_case(rng: np.random.Generator, number: int) -> OutlinedCase:
    """Draw the number-th photograph: tones and kinds of lesion come in turn, everything else varies."""
    tone, skin = TONES[number % len(TONES)]
    kind, share = _KINDS[(number // len(TONES)) % len(_KINDS)]
    inside = _draw_outline(rng)
    picture = _draw_skin(rng, skin)
    picture = _paint_lesion(rng, picture, inside, share)
    names = [f"{number:03d} tone {tone}, {kind}"]
    if rng.random() < 0.5:
        picture = _draw_hair(rng, picture)
        names.append("hair")
    if rng.random() < 0.4:
        picture = _darken_corners(rng, picture)
        names.append("dark corners")
    picture = np.clip(picture + rng.normal(0.0, rng.uniform(0.005, 0.02), picture.shape), 0.0, 1.0)
    planes = np.round(picture * 255.0).astype(np.uint8)
    grey = np.round(planes @ np.asarray(_LUMINANCE)).astype(np.uint8)[None]
    colours = tuple(np.ascontiguousarray(planes[..., c])[None] for c in range(3))
    geometry = VolumeGeometry(grey.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL)
    truth = (inside > 0.5).astype(np.uint8)[None]
    return OutlinedCase(", ".join(names), Volume(grey, geometry, "XC"), colours, truth, False, {})


def _draw_outline(rng: np.random.Generator) -> Plane:
    """Return the share of lesion in each pixel: an ellipse with a bumpy border, sharp or soft."""
    height, width = _SHAPE
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    centre = (height * rng.uniform(0.4, 0.6), width * rng.uniform(0.4, 0.6))
    radius, stretch, turn = rng.uniform(22.0, 75.0), rng.uniform(0.75, 1.0), rng.uniform(0.0, np.pi)
    down, across = rows - centre[0], columns - centre[1]
    along = (across * np.cos(turn) + down * np.sin(turn)) / radius
    beside = (down * np.cos(turn) - across * np.sin(turn)) / (radius * stretch)
    bumps = fractal_noise(rng, _SHAPE, _GRAIN, scale_mm=30.0, octaves=3)
    distance = (np.hypot(along, beside) - 1.0) * radius + rng.uniform(0.03, 0.12) * radius * bumps
    return smooth_step(np.asarray(distance), width=float(rng.uniform(2.0, 9.0)))


def _draw_skin(rng: np.random.Generator, tone: tuple[float, float, float]) -> Picture:
    """Return skin with furrows, mottle, and light that falls off to one side."""
    height, width = _SHAPE
    colour = np.asarray(tone) * rng.normal(1.0, 0.03, 3)
    fine = 0.015 * fractal_noise(rng, _SHAPE, _GRAIN, scale_mm=4.0, octaves=2)
    mottle = 0.025 * smooth_noise(rng, _SHAPE, _GRAIN, scale_mm=35.0)
    turn, fall = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 0.18)
    rows, columns = np.meshgrid(np.linspace(-1.0, 1.0, height), np.linspace(-1.0, 1.0, width), indexing="ij")
    light = 1.0 + fall * (rows * np.sin(turn) + columns * np.cos(turn)) + fine + mottle
    redness = 1.0 + 0.02 * smooth_noise(rng, _SHAPE, _GRAIN, scale_mm=45.0)
    picture = colour * light[..., None]
    picture[..., 0] *= redness
    return np.asarray(picture, np.float32)


def _paint_lesion(
    rng: np.random.Generator, picture: Picture, inside: Plane, share: tuple[float, float, float]
) -> Picture:
    """Return the skin with its lesion: patches of deeper and paler colour, a few highlights."""
    patches = 1.0 + 0.14 * fractal_noise(rng, _SHAPE, _GRAIN, scale_mm=18.0, octaves=2)
    depth = rng.uniform(0.7, 1.0)
    towards = 1.0 + depth * (np.asarray(share) * rng.normal(1.0, 0.04, 3) - 1.0)
    painted = picture * (1.0 + inside[..., None] * (towards * patches[..., None] - 1.0))
    bright = ndimage.gaussian_filter((rng.random(_SHAPE) > 0.9998).astype(np.float32), 1.5) * 6.0
    return np.asarray(painted + bright[..., None], np.float32)


def _draw_hair(rng: np.random.Generator, picture: Picture) -> Picture:
    """Return the picture with 5 to 30 dark, slightly bent hairs of one to two pixels."""
    height, width = _SHAPE
    covered = np.zeros(_SHAPE, np.float32)
    for _ in range(int(rng.integers(5, 31))):
        start = rng.uniform((0.0, 0.0), (height, width))
        turn, bend, length = rng.uniform(0.0, 2.0 * np.pi), rng.normal(0.0, 0.004), rng.uniform(60.0, 220.0)
        steps = np.arange(0.0, length, 0.5)
        rows = start[0] + np.cumsum(0.5 * np.sin(turn + bend * steps))
        columns = start[1] + np.cumsum(0.5 * np.cos(turn + bend * steps))
        is_here = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        covered[rows[is_here].astype(int), columns[is_here].astype(int)] = 1.0
    share = np.clip(ndimage.gaussian_filter(covered, float(rng.uniform(0.5, 0.8))) * 2.0, 0.0, 0.9)[..., None]
    return np.asarray(picture * (1.0 - share) + 0.08 * share, np.float32)


def _darken_corners(rng: np.random.Generator, picture: Picture) -> Picture:
    """Return the picture as through a round field."""
    height, width = _SHAPE
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    distance = np.hypot(rows - height / 2, columns - width / 2)
    field = smooth_step(distance - rng.uniform(0.49, 0.56) * width, width=float(rng.uniform(4.0, 14.0)))
    return np.asarray(picture * field[..., None] + 0.02 * (1.0 - field[..., None]), np.float32)
