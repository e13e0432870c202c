"""A patient's chest CT over several dates: lung lesions that grow, shrink, vanish and appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.brain_mr import AXIAL
from inference.training.synthetic.noise import Field, correlated_noise, fractal_noise, smooth_noise, smooth_step
from inference.training.synthetic.shapes import Coordinates, Ellipsoid, Place, near, open_grid
from inference.training.synthetic.thorax_canvas import AIR, Canvas
from inference.training.synthetic.thorax_organs import lung_share, paint_lungs, paint_middle
from inference.training.synthetic.thorax_wall import body_distance, cavity_distance, paint_skeleton, paint_soft_wall
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap, SegmentDescription

FULL_SHAPE = (80, 384, 384)
FULL_SPACING_MM: Place = (3.5, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class LungLesion:
    """One lesion: its place in the chest's own frame and its mean diameter at each date (0: not there)."""

    name: str
    centre_mm: Place
    diameters_mm: tuple[float, ...]
    spicules: float = 0.12
    hu: float = 48.0
    colour: str = "#e69f00"


LESION_COURSE: tuple[LungLesion, ...] = (
    LungLesion("Right upper lobe, growing", (62.0, -8.0, -72.0), (10.0, 13.0, 17.0, 23.0), 0.2),
    LungLesion("Left lower lobe, shrinking", (-30.0, 44.0, 84.0), (36.0, 30.0, 23.0, 16.0), 0.14, 44.0, "#56b4e9"),
    LungLesion("Right lower lobe, vanishing", (-22.0, 52.0, -78.0), (13.0, 8.0, 0.0, 0.0), 0.08, 40.0, "#009e73"),
    LungLesion("Left upper lobe, new", (58.0, -18.0, 66.0), (0.0, 0.0, 9.5, 15.0), 0.1, 45.0, "#f0e442"),
    LungLesion("Right middle lobe, calcified", (-34.0, -44.0, -80.0), (6.5, 6.5, 6.5, 6.5), 0.03, 420.0, "#cc79a7"),
)
LESION_SEGMENTS = tuple(
    SegmentDescription(number, lesion.name, type=("27925004", "SCT", "Nodule"), colour=lesion.colour)
    for number, lesion in enumerate(LESION_COURSE, start=1)
)


@dataclass(frozen=True, slots=True)
class ChestExamination:
    """One date: image, truth (one segment per lesion), and the affine from the chest's own frame to patient LPS."""

    volume: Volume
    truth: LabelMap
    chest_to_patient_mm: npt.NDArray[np.float64]


def generate_chest_ct(
    seed: int,
    timepoint: int,
    *,
    shape: tuple[int, int, int] = FULL_SHAPE,
    spacing_mm: Place = FULL_SPACING_MM,
    course: Sequence[LungLesion] = LESION_COURSE,
) -> ChestExamination:
    """Generate one date of a patient.

    Parameters
    ----------
    seed
        The patient: anatomy and the shapes of the lesions.
    timepoint
        Index into each lesion's diameters.
    shape, spacing_mm
        The grid, (slice, row, column), centred on the chest.

    Returns
    -------
    ChestExamination
        The volume is "CT", int16, HU; equal arguments give equal bytes.
    """
    rng = np.random.default_rng((seed, 10, timepoint))
    breath = 1.0 + (0.0 if timepoint == 0 else float(rng.uniform(-0.02, 0.02)))
    shift = np.zeros(3) if timepoint == 0 else rng.uniform((-6.0, -5.0, -5.0), (6.0, 3.0, 5.0))
    origin = tuple(-(n - 1) * s / 2.0 for n, s in zip(shape, spacing_mm, strict=True))
    own_spacing: Place = (spacing_mm[0] / breath, spacing_mm[1], spacing_mm[2])
    own_origin = (origin[0] / breath - shift[0], origin[1] - shift[1], origin[2] - shift[2])
    at = open_grid(shape, own_spacing, own_origin)
    canvas = Canvas(np.full(shape, AIR, dtype=np.float32), at, own_spacing)
    lungs = draw_chest(canvas, seed)
    labels = paint_lesions(canvas, seed, timepoint, course, lungs)
    _paint_table(canvas, open_grid(shape, spacing_mm, origin))
    voxels = _scan(rng, canvas.hu, spacing_mm)
    geometry = VolumeGeometry(shape, spacing_mm, (origin[2], origin[1], origin[0]), AXIAL)
    moved = np.diag([1.0, 1.0, breath, 1.0])
    moved[:3, 3] = (shift[2], shift[1], shift[0] * breath)
    return ChestExamination(Volume(voxels, geometry, "CT"), LabelMap(labels, geometry, LESION_SEGMENTS), moved)


def draw_chest(canvas: Canvas, seed: int) -> Field:
    """Paint a whole chest and return the share of lung."""
    rng = np.random.default_rng((seed, 11))
    body = body_distance(canvas, rng)
    paint_soft_wall(canvas, rng, body, canvas.smooth(cavity_distance))
    lungs = lung_share(canvas, rng) * smooth_step(body + 16.0, width=2.0)
    paint_middle(canvas, rng)
    paint_lungs(canvas, rng, lungs)
    paint_skeleton(canvas, rng, body)
    return lungs


@lru_cache(maxsize=8)
def _bumps(seed: int, number: int) -> Field:
    """Return a lesion's own surface noise on a cube of 64 mm at 1 mm: the same at every date."""
    rng = np.random.default_rng((seed, 12, number))
    return fractal_noise(rng, (65, 65, 65), (1.0, 1.0, 1.0), scale_mm=7.0, octaves=2)


def paint_lesions(
    canvas: Canvas, seed: int, timepoint: int, course: Sequence[LungLesion], lungs: Field
) -> npt.NDArray[np.uint8]:
    """Paint the lesions of a date and return their segment numbers."""
    labels = np.zeros(canvas.at.shape, dtype=np.uint8)
    for number, lesion in enumerate(course, start=1):
        radius = lesion.diameters_mm[timepoint] / 2.0
        if radius <= 0:
            continue
        ball = Ellipsoid(lesion.centre_mm, (radius * 0.95, radius * 1.08, radius))
        window, here = near(ball, canvas.at, margin_mm=8.0)
        index = np.stack(np.broadcast_arrays(*(a - c + 32.0 for a, c in zip(here, lesion.centre_mm, strict=True))))
        bumps = ndimage.map_coordinates(_bumps(seed, number), index, order=1, mode="nearest")
        distance = ball.distance(here) + np.float32(lesion.spicules * radius) * bumps
        share = smooth_step(distance, width=1.8)
        patch = canvas.hu[window]
        mottle = np.float32(6.0) * bumps
        patch += share * (lesion.hu + mottle - patch)
        strands = 0.35 * smooth_step(distance - 3.0, width=5.0) * (bumps < -0.4) * lungs[window] * (1 - share)
        patch += strands * (lesion.hu - patch)
        labels[window][share > 0.5] = number
    return labels


def _paint_table(canvas: Canvas, at: Coordinates) -> None:
    """Paint the couch in scanner coordinates: a curved carbon shell around foam."""
    surface = at.row_mm - 140.0 + at.column_mm**2 / 900.0 + 0.0 * at.slice_mm
    edge = smooth_step(np.abs(at.column_mm) - 190.0, width=2.0)
    free = canvas.hu < -950.0
    canvas.paint(smooth_step(np.abs(surface - 14.0) - 14.0, width=1.5) * edge * free, -905.0)
    for level in (0.0, 28.0):
        canvas.paint(smooth_step(np.abs(surface - level) - 1.0, width=1.5) * edge * free, -310.0)


def _scan(rng: np.random.Generator, hu: Field, spacing_mm: Place) -> npt.NDArray[np.int16]:
    """Blur as detector and kernel do, add correlated noise that grows towards the middle, round to whole HU."""
    blurred = ndimage.gaussian_filter(hu, (0.35, 0.55, 0.55), truncate=3.0)
    noise = correlated_noise(rng, hu.shape, sigma_pixels=(0.3, 0.75, 0.75))
    rows, columns = hu.shape[1:]
    across = np.hypot(
        (np.arange(rows)[:, None] - rows / 2) * spacing_mm[1], (np.arange(columns)[None] - columns / 2) * spacing_mm[2]
    )
    level = np.asarray(6.0 + 8.0 * np.exp(-((across / 110.0) ** 2)), dtype=np.float32)
    streaks = 3.0 * smooth_noise(rng, hu.shape, spacing_mm, scale_mm=9.0)
    noisy = blurred + noise * level + streaks * (blurred > -950.0)
    voxels: npt.NDArray[np.int16] = np.clip(np.round(noisy), -1024, 3071).astype(np.int16)
    return voxels
