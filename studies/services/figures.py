"""The clinical figures of a revision: a pure function of its label map and its images, kept as derived data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from studies.dicom.phase_times import read_phase_times
from studies.figures.figure import Figure, UnknownReason
from studies.figures.head import measure_head
from studies.figures.phases import CineFrame, PhaseGrid, arrange_phases
from studies.figures.ventricle import measure_ventricle
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import SegmentationRevision, Series
from studies.services.exports import read_sources
from studies.services.segmentations import has_place, load_label_map
from studies.services.volumes import read_layout
from studies.storage import derived_path, write_derived
from studies.tracking.intervals import bound_volume

KIND = "figures"
VERSION = 1
"""Raise it when a figure, or the way it is written down, changes: what was kept is then computed again."""
Masks = npt.NDArray[np.bool_]
LEFT_VENTRICLE, HEAD = "87878005", "69536005"
"""SNOMED CT codes of segments' types."""


@dataclass(frozen=True, slots=True)
class RevisionFigures:
    """What a revision's structures come to.

    Attributes
    ----------
    volumes
        By segment number `Quantity` as plain values, with what the voxel grid leaves open; empty where the series has
        no known places.
    figures
        `Figure` as plain values, in the order of segments.
    """

    revision_digest: str
    volumes: Mapping[int, Mapping[str, Any]]
    figures: Sequence[Mapping[str, Any]]


def find_figures(revision: SegmentationRevision) -> RevisionFigures:
    """Return the figures of all segments of a revision; computed once for a label map on a series' contents."""
    series = revision.segmentation.series
    path = derived_path(KIND, f"{revision.digest}.{revision.pk.hex}.{series.contents_digest[:32]}.v{VERSION}")
    if not path.is_file():
        path = write_derived(KIND, path.name, [json.dumps(_measure(revision, series)).encode()])
    kept = json.loads(path.read_bytes())
    volumes = {int(number): volume for number, volume in kept["volumes"].items()}
    return RevisionFigures(revision.digest, volumes, kept["figures"])


def _measure(revision: SegmentationRevision, series: Series) -> dict[str, Any]:
    label_map = load_label_map(revision)
    figures = [figure for segment in label_map.segments for figure in _find_of_segment(segment, label_map, series)]
    return {
        "volumes": _measure_volumes(label_map) if has_place(series) else {},
        "figures": [asdict(figure) for figure in figures],
    }


def _measure_volumes(label_map: LabelMap) -> dict[int, dict[str, Any]]:
    """Return the volume of all of each segment with the interval that its grid leaves."""
    boxes = dict(enumerate(find_objects(label_map.voxels), start=1))
    found = {}
    for number in (segment.segment_number for segment in label_map.segments):
        box = boxes.get(number)
        mask = np.zeros((1, 1, 1), bool) if box is None else label_map.voxels[box] == number
        found[number] = asdict(bound_volume(mask, label_map.geometry))
    return found


def _find_of_segment(segment: SegmentDescription, label_map: LabelMap, series: Series) -> tuple[Figure, ...]:
    measure = _FIGURES.get((segment.type[0], series.modality))
    if measure is None:
        return ()
    masks = label_map.voxels == segment.segment_number
    return measure(masks, series, segment.segment_number) if masks.any() else ()


def _measure_ventricle(masks: Masks, series: Series, segment_number: int) -> tuple[Figure, ...]:
    grid = _arrange(series)
    return measure_ventricle(masks, grid, pixel_mm=_pixel_size(series), segment_number=segment_number)


def _measure_head(masks: Masks, series: Series, segment_number: int) -> tuple[Figure, ...]:
    return measure_head(masks, pixel_mm=_pixel_size(series), segment_number=segment_number)


_FIGURES: dict[tuple[str, str], Callable[[Masks, Series, int], tuple[Figure, ...]]] = {
    (LEFT_VENTRICLE, "MR"): _measure_ventricle,
    (HEAD, "US"): _measure_head,
}
"""What is measured of which structure, by the code of its type and the images' modality."""


def _arrange(series: Series) -> PhaseGrid | UnknownReason:
    layout = read_layout(series)
    order = layout.geometry.order
    frames = [layout.images[each.image_index].image.frames[each.frame_index] for each in order]
    orientation = next((frame.orientation for frame in frames if frame.orientation is not None), None)
    if orientation is None:
        return UnknownReason.NO_PLACES
    normal = np.cross(orientation[:3], orientation[3:])
    times = read_phase_times(read_sources(series))
    return arrange_phases(
        [
            CineFrame(None if frame.position_mm is None else float(normal @ frame.position_mm), time, number)
            for number, (frame, time) in enumerate(zip(frames, times, strict=True))
        ]
    )


def _pixel_size(series: Series) -> tuple[float, float] | None:
    """Return (between rows, between columns) in mm, where every image says so; they are of one size then."""
    layout = read_layout(series)
    sizes = {frame.pixel_spacing_mm for stored in layout.images for frame in stored.image.frames}
    known = next(iter(sizes)) if sizes else None
    return None if None in sizes else known
