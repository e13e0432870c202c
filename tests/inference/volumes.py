"""Volumes with structures known from geometry, in memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inference.model_spec import Focus, Progress
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


def make_volume(
    voxels: npt.NDArray, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0), modality: str = "MR"
) -> Volume:
    return Volume(voxels, VolumeGeometry(voxels.shape, spacing_mm, (0.0, 0.0, 0.0), AXIAL), modality)


def ball(
    shape: tuple[int, int, int],
    centre: tuple[float, float, float],
    radius_mm: float,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> npt.NDArray[np.bool_]:
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((a - c) * s) ** 2 for a, c, s in zip(axes, centre, spacing_mm, strict=True)) <= radius_mm**2


def measure_dice(first: npt.NDArray, second: npt.NDArray) -> float:
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    return 2.0 * float((a & b).sum()) / float(a.sum() + b.sum())


class Recorder:
    """Puts the streamed slabs together, and looks where it is told to after each call."""

    def __init__(self, shape: tuple[int, int, int], looks: list[Focus | None] | None = None) -> None:
        self.voxels = np.full(shape, 255, np.uint8)
        self.slabs: list[tuple[int, int]] = []
        self.reports: list[Progress] = []
        self._looks = looks or []

    def __call__(self, progress: Progress) -> Focus | None:
        self.reports.append(progress)
        if progress.slab is not None:
            sides = zip(progress.slab_origin, progress.slab.shape, strict=True)
            box = tuple(slice(start, start + size) for start, size in sides)
            assert (self.voxels[box] == 255).all(), "a box of labels came twice"
            self.voxels[box] = progress.slab
            self.slabs.append((box[0].start, box[0].stop))
        return self._looks[len(self.reports) % len(self._looks)] if self._looks else None
