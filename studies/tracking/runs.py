"""Connected regions of a label map, found over runs of equal voxels instead of over voxels.

A run is a stretch of one segment within one image row. Label maps are almost empty and their regions compact, so a map
of eighty million voxels has some thousand runs: it is read once to find them, and never again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from studies.label_maps.codec import LabelVoxels

Indices = npt.NDArray[np.int64]

_EARLIER_LINES = ((0, 1), (1, -1), (1, 0), (1, 1))
"""(slice, row) steps to the image rows that touch one, each pair of rows taken once."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs in the order (slice, row, column).

    Attributes
    ----------
    slices, rows
        Where each run lies.
    starts, ends
        First column and the column after the last.
    values
        Segment number of each run.
    shape
        Of the label map, (slice, row, column).
    """

    slices: Indices
    rows: Indices
    starts: Indices
    ends: Indices
    values: Indices
    shape: tuple[int, int, int]


def find_runs(voxels: LabelVoxels) -> Runs:
    """Return the foreground runs of a label map, axes (slice, row, column)."""
    slice_count, row_count, column_count = voxels.shape
    flat = np.ascontiguousarray(voxels).reshape(-1, column_count)
    lines = np.flatnonzero(flat.max(axis=1))
    used = np.zeros((len(lines), column_count + 2), dtype=voxels.dtype)
    used[:, 1:-1] = flat[lines]
    is_border = used[:, 1:] != used[:, :-1]
    start_line, starts = np.nonzero(is_border[:, :-1] & (used[:, 1:-1] != 0))
    _, last = np.nonzero(is_border[:, 1:] & (used[:, 1:-1] != 0))
    return Runs(
        slices=lines[start_line] // row_count,
        rows=lines[start_line] % row_count,
        starts=starts,
        ends=last + 1,
        values=used[start_line, starts + 1].astype(np.int64),
        shape=(slice_count, row_count, column_count),
    )


def connect_runs(runs: Runs) -> Indices:
    """Return the component of each run: runs of one segment that share a face, an edge or a corner of voxels.

    Components are numbered from 0 in no meaningful order.
    """
    pairs = [_touching(runs, *step) for step in _EARLIER_LINES]
    first, second = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    count = len(runs.values)
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    labels: Indices = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def _touching(runs: Runs, slice_step: int, row_step: int) -> tuple[Indices, Indices]:
    """Return the index pairs of runs of one segment that touch, the second lying one step further."""
    _, row_count, column_count = runs.shape
    width = column_count + 2
    line = runs.slices * row_count + runs.rows
    start_keys, end_keys = line * width + runs.starts, line * width + runs.ends
    inside = (runs.rows + row_step >= 0) & (runs.rows + row_step < row_count)
    here = np.flatnonzero(inside)
    target = (line[here] + slice_step * row_count + row_step) * width
    low = np.searchsorted(end_keys, target + runs.starts[here], side="left")
    high = np.searchsorted(start_keys, target + runs.ends[here], side="right")
    counts = np.maximum(high - low, 0)
    first = np.repeat(here, counts)
    second = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    same = runs.values[first] == runs.values[second]
    return first[same], second[same]
