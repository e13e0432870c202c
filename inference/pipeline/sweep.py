"""In which order slabs become final: from the slice on screen outward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from inference.model_spec import OnProgress, Progress

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


def clamp_focus(focus: int | None, slices: int, *, otherwise: int) -> int:
    """Return a slice index inside the volume: `focus`, or `otherwise` where the reader has not moved."""
    return min(max(otherwise if focus is None else focus, 0), slices - 1)


def sweep(
    shape: tuple[int, int, int], label_slices: LabelSlices, on_progress: OnProgress, *, focus_slice: int
) -> Labels:
    """Label a volume slab by slab, always the one nearest to the slice the reader looks at.

    Each slab is reported as final as soon as it is labelled; the answer does not depend on the order.
    """
    slices = shape[0]
    thickness = -(-slices // _MOST_SLABS)
    pending = [(start, min(start + thickness, slices)) for start in range(0, slices, thickness)]
    total = len(pending)
    labels = np.zeros(shape, np.uint8)
    focus = clamp_focus(focus_slice, slices, otherwise=0)
    while pending:
        start, stop = take_nearest(pending, focus)
        labels[start:stop] = label_slices(start, stop)
        progress = Progress("segmenting", total - len(pending), total, labels[start:stop], start)
        focus = clamp_focus(on_progress(progress), slices, otherwise=focus)
    return labels
