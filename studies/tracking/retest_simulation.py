"""Simulated test-retest with known truth: ellipsoids read by people and laid on grids, twice.

The truth is geometry: an ellipsoid that grows by a known factor. Each date has a grid of its own: shifted at random and
turned by up to five degrees, as a patient lies a little differently. Readers draw the outline too large or too small;
the difference of a pair of readings is normal in *percent*, with mean and spread as the Bland-Altman limits of the
literature were made, so it is skewed on the logarithm and not the error model that is put to the test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import find_lesions
from studies.tracking.intervals import Z_95
from studies.tracking.measurement import LesionMeasurement, MeasurementSource, measure_lesion
from studies.tracking.planes import find_plane
from studies.tracking.repeatability import RepeatabilityLimit

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
SPACINGS_MM = ((1.0, 0.8, 0.8), (2.5, 0.8, 0.8), (5.0, 0.8, 0.8))
MOST_TURN_DEGREES = 5.0
RADII_MM = (5.0, 18.0)


class BetweenVoxelsError(ValueError):
    """A body too small for its grid."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A body: its half axes in mm, and the rotation that takes its own axes to the patient's."""

    semi_axes_mm: npt.NDArray[np.float64]
    turn: npt.NDArray[np.float64]

    def scaled(self, factor: float) -> Ellipsoid:
        """Return it grown by a factor in each direction."""
        return replace(self, semi_axes_mm=self.semi_axes_mm * factor)

    @property
    def longest_mm(self) -> float:
        """Longest axial diameter through its middle."""
        form = self.turn @ np.diag(self.semi_axes_mm**-2.0) @ self.turn.T
        return 2.0 / sqrt(float(np.linalg.eigvalsh(form[:2, :2])[0]))

    @property
    def volume_ml(self) -> float:
        """Volume, mL."""
        return 4.0 / 3.0 * float(np.pi * self.semi_axes_mm.prod()) / 1000.0


def draw_ellipsoid(random: np.random.Generator) -> Ellipsoid:
    """Return a body of 5 to 18 mm radius, even on the logarithm, its axes within a quarter of it."""
    radius = float(np.exp(random.uniform(*np.log(RADII_MM))))
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    return Ellipsoid(radius * random.uniform(0.75, 1.25, 3), turn)


def draw_pair(random: np.random.Generator, limit: RepeatabilityLimit, dimension: int = 1) -> tuple[float, float]:
    """Return by what factors two readings of the same thing differ from its true length.

    Parameters
    ----------
    limit
        Of the quantity read.
    dimension
        1 for lengths, 3 for volumes.
    """
    lower, upper = float(limit.lower_percent) / 100.0, float(limit.upper_percent) / 100.0
    difference = random.normal((lower + upper) / 2.0, (upper - lower) / 2.0 / Z_95)
    half = max(0.05, 1.0 + difference) ** (0.5 / dimension)
    return 1.0 / half, half


def draw_spacing(random: np.random.Generator) -> tuple[float, float, float]:
    """Return the voxel size of one patient's scans."""
    return SPACINGS_MM[int(random.integers(len(SPACINGS_MM)))]


def scan(random: np.random.Generator, body: Ellipsoid, spacing_mm: tuple[float, float, float]) -> LesionMeasurement:
    """Lay a grid over a body and measure the voxels whose centre lies inside.

    Raises
    ------
    BetweenVoxelsError
        Where there is none.
    """
    turn = _small_turn(random) @ body.turn
    half = np.ceil(float(body.semi_axes_mm.max()) / np.asarray(spacing_mm)).astype(int) + 2
    sizes = 2 * half + 1
    geometry = VolumeGeometry((int(sizes[0]), int(sizes[1]), int(sizes[2])), spacing_mm, (0.0, 0.0, 0.0), AXIAL)
    steps = geometry.index_to_patient_mm[:3, :3]
    centre = steps @ (half + random.uniform(-0.5, 0.5, 3))
    index = np.stack(np.meshgrid(*(np.arange(n) for n in sizes), indexing="ij"), axis=-1)
    inside = ((((index @ steps.T) - centre) @ turn / body.semi_axes_mm) ** 2).sum(axis=-1) <= 1.0
    found = find_lesions(LabelMap(inside.astype(np.uint8), geometry))
    if not found:
        raise BetweenVoxelsError("No voxel has its centre in the body.")
    lesion = max(found, key=lambda each: each.voxel_count)
    return measure_lesion(lesion, geometry, MeasurementSource("simulated", find_plane(geometry)))


def _small_turn(random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a rotation about a random axis (Rodrigues)."""
    axis = random.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = np.radians(random.uniform(-MOST_TURN_DEGREES, MOST_TURN_DEGREES))
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    turn: npt.NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    return turn
