"""What speaks for two lesions of different dates being one: overlap, distance and size, after registration."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from studies.imaging.geometry import VolumeGeometry
from studies.tracking.components import Lesion

MOST_POINTS = 4000
"""Larger lesions are looked at in this many evenly chosen voxels."""
SIZE_SPREAD = 1.2
"""Standard deviation of the logarithm of growth between two dates: two of three lesions stay within a factor of 3.3."""
MOST_SIZE_PENALTY = 3.0
"""Some lesions do grow fiftyfold: size alone never rules a pair out."""
CENTRE_SHARE = 0.5
"""Lesions grow to one side: their centre moves by about half their radius."""


@dataclass(frozen=True, slots=True)
class PlacedLesion:
    """A lesion with its way into the space that two dates share.

    Attributes
    ----------
    key
        Names it; unique among the lesions compared.
    lesion, geometry
        Its voxels and their grid.
    to_common_mm
        4x4, patient LPS mm of its own date to the common space.
    is_recent
        Whether it was seen on the date just before; false where it was last seen earlier and may be long gone.
    """

    key: str
    lesion: Lesion
    geometry: VolumeGeometry
    to_common_mm: npt.NDArray[np.float64] = field(default_factory=lambda: np.eye(4))
    is_recent: bool = True

    @property
    def index_to_common_mm(self) -> npt.NDArray[np.float64]:
        """4x4 from (slice, row, column, 1) to the common space."""
        matrix: npt.NDArray[np.float64] = self.to_common_mm @ self.geometry.index_to_patient_mm
        return matrix


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a pair (prior, current).

    Attributes
    ----------
    share_of_prior, share_of_current
        Parts of each that lie within the other, 0 to 1.
    centre_distance_mm, gap_mm
        Between centroids; between their nearest voxel centres, 0 where they overlap.
    volume_ratio
        Current over prior.
    """

    share_of_prior: float
    share_of_current: float
    centre_distance_mm: float
    gap_mm: float
    volume_ratio: float


@dataclass(frozen=True, slots=True)
class Outline:
    """A lesion in the common space, ready to be compared.

    Attributes
    ----------
    points_mm, centre_mm
        Voxel centres, shape (n, 3), and their mean.
    radius_mm, reach_mm
        Of the ball of equal volume; from the centre to the farthest voxel centre.
    tree
        Over the points.
    """

    placed: PlacedLesion
    points_mm: npt.NDArray[np.float64]
    centre_mm: npt.NDArray[np.float64]
    volume_ml: float
    radius_mm: float
    reach_mm: float
    tree: cKDTree


def outline_lesion(placed: PlacedLesion) -> Outline:
    """Return voxel centres (at most 4,000, evenly chosen), centre, volume and radius of the equal ball."""
    matrix = placed.index_to_common_mm
    indices = placed.lesion.voxel_indices()
    points = indices @ matrix[:3, :3].T + matrix[:3, 3]
    volume_ml = len(indices) * abs(float(np.linalg.det(matrix[:3, :3]))) / 1000.0
    kept = points[np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int)]
    radius_mm = float((3000.0 * volume_ml / (4.0 * np.pi)) ** (1.0 / 3.0))
    centre = points.mean(axis=0)
    reach_mm = float(np.linalg.norm(points - centre, axis=1).max())
    return Outline(placed, kept, centre, volume_ml, radius_mm, reach_mm, cKDTree(kept))


def compare(prior: Outline, current: Outline, registration_sd_mm: float) -> Evidence | None:
    """Return the evidence on a pair, None where they are too far apart to be one or of different segments."""
    if prior.placed.lesion.segment_number != current.placed.lesion.segment_number:
        return None
    distance = float(np.linalg.norm(prior.centre_mm - current.centre_mm))
    if distance > prior.reach_mm + current.reach_mm + 5.0 * registration_sd_mm:
        return None
    share_of_prior, share_of_current = _share_within(prior, current), _share_within(current, prior)
    gap = 0.0
    if share_of_prior == share_of_current == 0.0:
        smaller, larger = (prior, current) if prior.volume_ml <= current.volume_ml else (current, prior)
        gap = float(np.min(larger.tree.query(smaller.points_mm)[0]))
    return Evidence(
        share_of_prior=share_of_prior,
        share_of_current=share_of_current,
        centre_distance_mm=distance,
        gap_mm=gap,
        volume_ratio=current.volume_ml / prior.volume_ml,
    )


def score_same(evidence: Evidence, prior: Outline, current: Outline, registration_sd_mm: float) -> float:
    """Return the logarithm of how much more likely the pair is under "one lesion" than under "two by chance"."""
    radius = max(prior.radius_mm, current.radius_mm)
    spread = np.hypot(registration_sd_mm, CENTRE_SHARE * radius)
    size = min(MOST_SIZE_PENALTY, (np.log(evidence.volume_ratio) / SIZE_SPREAD) ** 2 / 2.0)
    overlap = max(evidence.share_of_prior, evidence.share_of_current)
    return float(2.5 + 1.5 * overlap - (evidence.centre_distance_mm / spread) ** 2 / 2.0 - size)


def score_part(share: float, gap_mm: float, registration_sd_mm: float) -> float:
    """Return the same for one of several parts of a lesion, of which `share` lies within the whole.

    A part is anywhere within the whole, so neither its centre nor its size says anything.
    """
    return float(4.0 * share - 1.0 - (gap_mm / registration_sd_mm) ** 2 / 2.0)


def _share_within(one: Outline, other: Outline) -> float:
    """Share of the voxels of one lesion whose centre lies in a voxel of the other."""
    matrix = np.linalg.inv(other.placed.index_to_common_mm)
    lesion = other.placed.lesion
    local = np.rint(one.points_mm @ matrix[:3, :3].T + matrix[:3, 3]).astype(int) - np.asarray(lesion.start)
    inside = ((local >= 0) & (local < lesion.mask.shape)).all(axis=1)
    return float(np.count_nonzero(lesion.mask[tuple(local[inside].T)])) / len(local)
