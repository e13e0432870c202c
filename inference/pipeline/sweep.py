"""In which order slabs become final: from the slice on screen outward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from inference.model_spec import Focus, OnProgress, Progress

Labels = npt.NDArray[np.uint8]
LabelSlices = Callable[[int, int], Labels]
"""Labels of slices [start, stop); must not depend on which slices were asked for before."""

_MOST_SLABS = 64


def distance_to(start: int, stop: int, focus: int) -> int:
    """Return how many slices `focus` lies outside [start, stop); 0 inside."""
    return max(start - focus, focus - (stop - 1), 0)


def take_nearest(pending: list[tuple[int, int]], focus: int) -> tuple[int, int]:
    """Remove and return the slab nearest to `focus`; of two equally near ones the lower."""
    nearest = min(pending, key=lambda slab: (distance_to(slab[0], slab[1], focus), slab))
    pending.remove(nearest)
    return nearest


def clamp_focus(focus: Focus | None, shape: Focus, *, otherwise: Focus) -> Focus:
    """Return a voxel inside the volume: `focus`, or `otherwise` where the reader has not moved."""
    z, y, x = (min(max(at, 0), size - 1) for at, size in zip(otherwise if focus is None else focus, shape, strict=True))
    return z, y, x


def sweep(shape: tuple[int, int, int], label_slices: LabelSlices, on_progress: OnProgress, *, focus: Focus) -> Labels:
    """Label a volume slab by slab, always the one nearest to the slice the reader looks at.

    Each slab is reported as final as soon as it is labelled; the answer does not depend on the order.
    """
    slices = shape[0]
    thickness = -(-slices // _MOST_SLABS)
    pending = [(start, min(start + thickness, slices)) for start in range(0, slices, thickness)]
    total = len(pending)
    labels = np.zeros(shape, np.uint8)
    focus = clamp_focus(focus, shape, otherwise=focus)
    while pending:
        start, stop = take_nearest(pending, focus[0])
        labels[start:stop] = label_slices(start, stop)
        progress = Progress("segmenting", total - len(pending), total, labels[start:stop], (start, 0, 0))
        focus = clamp_focus(on_progress(progress), shape, otherwise=focus)
    return labels
