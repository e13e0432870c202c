"""A revision's lesions, measured: a pure function of its label map and its images, kept as derived data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from studies.errors import ConflictError
from studies.models import SegmentationRevision, Series
from studies.services.lesion_uptake import measure_scales, read_scales
from studies.services.segmentations import has_place, load_label_map
from studies.services.volumes import load_stack, read_layout
from studies.storage import derived_path, write_derived
from studies.tracking.components import find_lesions
from studies.tracking.measurement import LesionMeasurement, MeasurementSource, measure_lesion
from studies.tracking.planes import find_plane

KIND = "measurements"
MOST_LESIONS = 500
VERSION = 2
"""Raise it when a number, or the way it is written down, changes: what was kept is then computed again."""


class NotMeasurableError(ConflictError):
    """The series has no geometry that lengths and volumes could be taken in."""

    code: ClassVar[str] = "measurement.no_geometry"


class TooManyPartsError(ConflictError):
    """A label map in crumbs: what a threshold marks of a whole body is no list of lesions."""

    code: ClassVar[str] = "measurement.too_many_parts"


@dataclass(frozen=True, slots=True)
class RevisionMeasurements:
    """What is measured of a revision.

    Attributes
    ----------
    unit
        Of the intensities; empty where the images name none.
    plane
        The images' plane in words.
    scales
        Of a PET: SUVbw and SUL, with the reason where the headers do not allow one (`lesion_uptake.UptakeScale`).
    lesions
        `LesionMeasurement` as plain values with `uptake`, in the order of `find_lesions`.
    """

    revision_digest: str
    unit: str
    plane: str
    scales: Sequence[Mapping[str, Any]]
    lesions: Sequence[Mapping[str, Any]]


def measure_revision(revision: SegmentationRevision) -> RevisionMeasurements:
    """Return the measurements of all lesions of a revision; computed once for a label map on a series' contents.

    Raises
    ------
    NotMeasurableError
        Where the series is no regular volume; nothing is measured then rather than something wrong.
    TooManyPartsError
        Where the label map falls into more than `MOST_LESIONS` parts.
    """
    series = revision.segmentation.series
    if not has_place(series):
        explanation = read_layout(series).geometry.explanation
        raise NotMeasurableError(f"{explanation} Lengths and volumes are not measured in such a series.")
    path = derived_path(KIND, f"{revision.digest}.{series.contents_digest[:32]}.v{VERSION}")
    if not path.is_file():
        found = json.dumps(_measure(revision, series)).encode()
        path = write_derived(KIND, path.name, [found])
    kept = json.loads(path.read_bytes())
    return RevisionMeasurements(revision.digest, kept["unit"], kept["plane"], kept["scales"], kept["lesions"])


def _measure(revision: SegmentationRevision, series: Series) -> dict[str, Any]:
    label_map, image, unit = load_label_map(revision), load_stack(series), _unit_of(series)
    found = find_lesions(label_map)
    if len(found) > MOST_LESIONS:
        raise TooManyPartsError(
            f"This label map falls into {len(found)} separate parts; up to {MOST_LESIONS} are measured one by one. "
            "Erase what is no lesion, or segment with another model."
        )
    source = MeasurementSource(revision.digest, find_plane(label_map.geometry))
    scales = read_scales(series)
    lesions = [
        _plain(measure_lesion(lesion, label_map.geometry, source, image=image, unit=unit))
        | {"uptake": measure_scales(lesion, image, scales)}
        for lesion in found
    ]
    return {
        "unit": unit,
        "plane": str(source.plane.name),
        "scales": [scale.plain() for scale in scales],
        "lesions": lesions,
    }


def _plain(lesion: LesionMeasurement) -> dict[str, Any]:
    values = asdict(lesion)
    del values["source"]
    return values | {"slice_index": lesion.in_plane.slice_index}


def _unit_of(series: Series) -> str:
    stored, _frame_index = read_layout(series).middle
    return stored.image.unit
