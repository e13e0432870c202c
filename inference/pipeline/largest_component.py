"""Of a structure only its largest connected part, where the makers of a network found that this helps.

References
----------
nnU-Net's `determine_postprocessing` and `remove_all_but_largest_component_from_segmentation`: voxels that touch at a
corner are connected, and of equally large parts all stay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.model_spec import Focus, OnProgress, Progress

Labels = npt.NDArray[np.uint8]
Groups = tuple[tuple[int, ...], ...]
"""Labels that count as one structure, group after group."""

_EVERY_NEIGHBOUR = np.ones((3, 3, 3), bool)


def keep_largest(labels: Labels, groups: Groups) -> Labels:
    """Return labels (slice, row, column) with background in place of all but the largest part of each group."""
    kept = labels.copy()
    for group in groups:
        inside = np.isin(kept, group)
        parts, count = ndimage.label(inside, _EVERY_NEIGHBOUR)
        if count > 1:
            sizes = np.bincount(parts.ravel())[1:]
            largest = np.flatnonzero(sizes == sizes.max()) + 1
            kept[inside & ~np.isin(parts, largest)] = 0
    return kept


class HoldBack:
    """Hands on what the engine calls final, except for boxes of which a part may still be taken away.

    Only whole structures can tell which of their parts is the largest, so a box that holds any of them waits for the
    end; all others stream at once. What was streamed stays as it is.

    Parameters
    ----------
    on_progress
        As for `inference.pipeline.segment.segment`.
    groups
        As for `keep_largest`.
    """

    def __init__(self, on_progress: OnProgress, groups: Groups) -> None:
        self._on_progress = on_progress
        self._groups = groups
        self._affected = [label for group in groups for label in group]
        self._held: list[tuple[Focus, tuple[int, ...]]] = []
        self._done = self._total = 0

    def __call__(self, progress: Progress) -> Focus | None:
        """Report progress, with its box where that is final."""
        self._done, self._total = progress.windows_done, progress.windows_total
        if progress.slab is not None and np.isin(progress.slab, self._affected).any():
            self._held.append((progress.slab_origin, progress.slab.shape))
            progress = Progress(progress.stage, progress.windows_done, progress.windows_total)
        return self._on_progress(progress)

    def finish(self, labels: Labels) -> Labels:
        """Take away the smaller parts, report the boxes that waited and return the result."""
        kept = keep_largest(labels, self._groups)
        for origin, shape in self._held:
            z, y, x = (slice(start, start + size) for start, size in zip(origin, shape, strict=True))
            self._on_progress(Progress("segmenting", self._done, self._total, kept[z, y, x], origin))
        return kept
