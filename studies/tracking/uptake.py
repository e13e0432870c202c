"""Tracer uptake of a lesion: peak, metabolic volume, total glycolysis.

Numbers are in the unit that `factor` leads to: SUVbw or SUL, from `studies.dicom.suv`. Where that gives a refusal there
is no factor and nothing here is called.

References
----------
PERCIST 1.0 (Wahl RL et al., J Nucl Med 2009;50 Suppl 1:122S-150S, DOI 10.2967/jnumed.108.057307);
criteria.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.tracking.components import Index, Lesion, Vector

PEAK_RADIUS_MM = float((3.0 * 1000.0 / (4.0 * np.pi)) ** (1.0 / 3.0))
"""A ball of 1 cm3."""
_PARTS = 15


@dataclass(frozen=True, slots=True)
class UptakePeak:
    """Largest mean over a ball of 1 cm3 whose centre is one of the lesion's voxel centres.

    Attributes
    ----------
    value
        In the uptake's unit.
    centre_index, centre_mm
        Voxel (slice, row, column) and its place in patient LPS.
    ball_ml
        Volume of the ball as digitised: partial voxels count by the share of them that lies inside.
    """

    value: float
    centre_index: Index
    centre_mm: Vector
    ball_ml: float


@dataclass(frozen=True, slots=True)
class Uptake:
    """What a lesion takes up.

    Attributes
    ----------
    unit
        "SUVbw g/mL" or "SUL g/mL".
    maximum
        Largest voxel.
    peak
        None where no ball around a voxel of the lesion lies within the image.
    threshold
        What a voxel must reach to count as metabolically active; None where the lesion counts as drawn.
    metabolic_volume_ml, mean, total_glycolysis
        MTV, the mean over it, and their product (TLG).
    """

    unit: str
    maximum: float
    peak: UptakePeak | None
    threshold: float | None
    metabolic_volume_ml: float
    mean: float
    total_glycolysis: float


def measure_uptake(
    lesion: Lesion,
    image: Volume,
    *,
    factor: float,
    unit: str,
    absolute_threshold: float | None = None,
    relative_threshold: float | None = None,
) -> Uptake | None:
    """Measure a lesion on a PET image of the same grid; None where a value in or around it is not finite.

    Parameters
    ----------
    factor
        From modality values to `unit`.
    absolute_threshold
        In `unit`, as 4.0.
    relative_threshold
        Share of the lesion's maximum, as 0.41.

    Raises
    ------
    ValueError
        Where both thresholds are given, or the lesion does not lie on the image's grid.
    """
    if absolute_threshold is not None and relative_threshold is not None:
        raise ValueError("Give one threshold, absolute or relative.")
    if any(each.stop > size for each, size in zip(lesion.box, image.voxels.shape, strict=True)):
        raise ValueError("The lesion does not lie on the grid of this image.")
    values = image.voxels[lesion.box][lesion.mask].astype(np.float64) * factor
    if not np.isfinite(values).all():
        return None
    threshold = absolute_threshold
    if relative_threshold is not None:
        threshold = relative_threshold * float(values.max())
    active = values if threshold is None else values[values >= threshold]
    volume_ml = len(active) * image.geometry.voxel_volume_ml
    mean = float(active.mean()) if len(active) else 0.0
    return Uptake(
        unit=unit,
        maximum=float(values.max()),
        peak=_find_peak(lesion, image, factor),
        threshold=threshold,
        metabolic_volume_ml=volume_ml,
        mean=mean,
        total_glycolysis=mean * volume_ml,
    )


@lru_cache(maxsize=16)
def weigh_ball(steps_mm: tuple[float, ...], radius_mm: float = PEAK_RADIUS_MM) -> npt.NDArray[np.float64]:
    """Return the share of each voxel that lies in a ball around the middle one, axes (slice, row, column).

    Each voxel is looked at in 15 x 15 x 15 places. The array has odd sides and no empty outer layer.

    Parameters
    ----------
    steps_mm
        3x3, row-major; columns are the steps between voxels, sheared grids included.
    """
    steps = np.reshape(steps_mm, (3, 3))
    half = np.ceil(radius_mm * np.linalg.norm(np.linalg.inv(steps), axis=1) + 0.5).astype(int)
    parts = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    along = [np.arange(-n, n + 1)[:, None] + parts for n in half]
    first = along[0].reshape(-1)
    plane = np.stack(np.meshgrid(along[1].reshape(-1), along[2].reshape(-1), indexing="ij"), axis=-1) @ steps[:, 1:].T
    inside = np.stack([((plane + position * steps[:, 0]) ** 2).sum(axis=-1) <= radius_mm**2 for position in first])
    sizes = 2 * half + 1
    shares: npt.NDArray[np.float64] = inside.reshape(sizes[0], _PARTS, sizes[1], _PARTS, sizes[2], _PARTS).mean(
        axis=(1, 3, 5)
    )
    box = ndimage.find_objects((shares > 0).astype(np.int8))[0]
    trimmed = shares[box]
    trimmed.flags.writeable = False
    return trimmed


def _find_peak(lesion: Lesion, image: Volume, factor: float) -> UptakePeak | None:
    geometry = image.geometry
    ball = weigh_ball(tuple(geometry.index_to_patient_mm[:3, :3].reshape(-1)))
    half = np.asarray(ball.shape) // 2
    centres = lesion.voxel_indices()
    fits = ((centres >= half) & (centres + half < image.voxels.shape)).all(axis=1)
    if not fits.any():
        return None
    low = centres[fits].min(axis=0) - half
    high = centres[fits].max(axis=0) + half + 1
    around = image.voxels[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(np.float64)
    if not np.isfinite(around).all():
        return None
    means = ndimage.correlate(around, ball / ball.sum(), mode="nearest")
    found = means[tuple((centres[fits] - low).T)]
    s, r, c = (int(x) for x in centres[fits][int(np.argmax(found))])
    return UptakePeak(
        value=float(found.max()) * factor,
        centre_index=(s, r, c),
        centre_mm=_place(geometry, (s, r, c)),
        ball_ml=float(ball.sum()) * geometry.voxel_volume_ml,
    )


def _place(geometry: VolumeGeometry, index: Index) -> Vector:
    x, y, z = geometry.index_to_patient_mm[:3] @ [*index, 1.0]
    return (float(x), float(y), float(z))
