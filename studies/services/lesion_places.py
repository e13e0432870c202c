"""Where the lesions of a revision lie, ready to be matched with those of another date."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from uuid import UUID

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.parts import structure_of
from studies.models import LesionObservation, SegmentationRevision
from studies.services.measurements import measure_revision
from studies.services.segmentations import has_place, load_label_map
from studies.tracking.components import Lesion as Component
from studies.tracking.components import find_lesions
from studies.tracking.evidence import PlacedLesion

ABNORMAL = "49755003"
"""SNOMED CT: morphologically altered structure (CID 7150)."""
_REVISIONS_KEPT = 8
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PlacedRevision:
    """The lesions of a revision by (segment number, lesion number), on their grid."""

    revision: SegmentationRevision
    geometry: VolumeGeometry
    lesions: Mapping[Key, Component]
    labels: Mapping[int, str]

    def label_of(self, key: Key) -> str:
        """Return the label of the structure a lesion belongs to: the parts of one that was cut share it."""
        return self.labels[key[0]]


@lru_cache(maxsize=_REVISIONS_KEPT)
def _read(revision_id: UUID, digest: str) -> PlacedRevision:
    del digest
    revision = SegmentationRevision.objects.select_related("segmentation__series").get(pk=revision_id)
    label_map = load_label_map(revision)
    segments = list(revision.segments.all())
    wanted = {each.segment_number for each in segments if each.category_code[0] == ABNORMAL}
    labels = [each.segment_label for each in segments]
    wanted = wanted or {each.segment_number for each in segments}
    return PlacedRevision(
        revision=revision,
        geometry=label_map.geometry,
        lesions={
            (each.segment_number, each.lesion_number): each
            for each in find_lesions(label_map)
            if each.segment_number in wanted
        },
        labels={each.segment_number: structure_of(each.segment_label, labels) for each in segments},
    )


def read_places(revision: SegmentationRevision) -> PlacedRevision:
    """Return a revision's lesions; organs and tissue are left out where the segments say which are abnormal."""
    series = revision.segmentation.series
    if not has_place(series):
        measure_revision(revision)  # says why nothing can be measured here
    return _read(revision.pk, f"{revision.digest}{series.contents_digest}")


def find_same_components(before: PlacedRevision, after: PlacedRevision) -> dict[Key, Key]:
    """Return where each lesion of one revision is in a later one of the same grid: where most of its voxels went."""
    found: dict[Key, tuple[int, Key]] = {}
    for old, lesion in before.lesions.items():
        for new, candidate in after.lesions.items():
            if old[0] == new[0] and (shared := _shared_voxels(lesion, candidate)):
                found[old] = max(found.get(old, (0, new)), (shared, new), key=lambda each: each[0])
    taken: dict[Key, tuple[int, Key]] = {}
    for old, (shared, new) in found.items():
        if shared > taken.get(new, (0, old))[0]:
            taken[new] = (shared, old)
    return {old: new for new, (_, old) in taken.items()}


def _shared_voxels(one: Component, other: Component) -> int:
    low = np.maximum(one.start, other.start)
    high = np.minimum(np.add(one.start, one.mask.shape), np.add(other.start, other.mask.shape))
    if (high <= low).any():
        return 0
    return int(np.count_nonzero(_within(one, low, high) & _within(other, low, high)))


def _within(lesion: Component, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    first, last = low - lesion.start, high - lesion.start
    return lesion.mask[first[0] : last[0], first[1] : last[1], first[2] : last[2]]


def join_components(lesions: Sequence[Component]) -> Component:
    """Return fragments as one lesion, for it is one lesion that is looked for again."""
    if len(lesions) == 1:
        return lesions[0]
    low = np.min([each.start for each in lesions], axis=0)
    high = np.max([np.add(each.start, each.mask.shape) for each in lesions], axis=0)
    mask = np.zeros(high - low, dtype=bool)
    for each in lesions:
        place = tuple(slice(s, s + n) for s, n in zip(each.start - low, each.mask.shape, strict=True))
        mask[place] |= each.mask
    return replace(lesions[0], start=(int(low[0]), int(low[1]), int(low[2])), mask=mask)


class LesionPlaces:
    """Lesions of several revisions under common segment numbers: the same label is the same structure."""

    def __init__(self, current: PlacedRevision) -> None:
        self._current = current
        self._numbers: dict[str, int] = {}

    def place_currents(self, left_out: Collection[Key]) -> list[PlacedLesion]:
        """Return the current lesions but some."""
        return [
            PlacedLesion(
                f"{key[0]}:{key[1]}", self._renumber(lesion, self._current.label_of(key)), self._current.geometry
            )
            for key, lesion in self._current.lesions.items()
            if key not in left_out
        ]

    def place_prior(
        self, name: str, seen: LesionObservation, to_current_mm: npt.NDArray[np.float64], *, is_recent: bool
    ) -> PlacedLesion | None:
        """Return a lesion as last seen, on the date just before or longer ago; None where it is drawn no longer."""
        revision = seen.timepoint.revision
        if revision is None:
            return None
        places = read_places(revision)
        keys = [(int(segment), int(number)) for segment, number in seen.components]
        parts = [places.lesions[key] for key in keys if key in places.lesions]
        if not parts:
            return None
        whole = self._renumber(join_components(parts), places.label_of(keys[0]))
        return PlacedLesion(name, whole, places.geometry, to_current_mm, is_recent=is_recent)

    def _renumber(self, lesion: Component, label: str) -> Component:
        number = self._numbers.setdefault(label.strip().lower(), len(self._numbers) + 1)
        return replace(lesion, segment_number=number)
