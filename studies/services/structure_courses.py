"""The volume of one structure on each of a patient's dates: what a reader compares an organ by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from studies.errors import NotFoundError
from studies.figures.change import VolumeChange, find_change
from studies.models import Segment, SegmentationRevision, Study
from studies.services.figures import find_figures
from studies.tracking.intervals import Interval, Quantity

MOST_DATES = 12


@dataclass(frozen=True, slots=True)
class StructureDate:
    """A structure on one date.

    Attributes
    ----------
    segmentation_name
        Of what it was measured in.
    is_open
        Whether it is the revision that was asked about.
    volume
        mL, with what the voxel grid leaves open.
    change
        Since the date before; None on the first, and where there was nothing of it.
    """

    study_id: UUID
    series_id: UUID
    revision_id: UUID
    study_date: date
    series_description: str
    segmentation_name: str
    is_open: bool
    volume: Quantity
    change: VolumeChange | None


def trace_structure(revision: SegmentationRevision, segment_number: int) -> list[StructureDate]:
    """Return a segment's structure on the newest `MOST_DATES` dates on which it was measured, the oldest first.

    It is the same structure where code and label agree. Of each date the newest revision counts, one of a series of
    the same description before others; the revision that was asked about counts on its own date. Studies without a date
    and series without known places have no part in it.

    Raises
    ------
    NotFoundError
        Where the revision has no such segment.
    """
    own = next((each for each in revision.segments.all() if each.segment_number == segment_number), None)
    if own is None:
        raise NotFoundError(f"This revision has no segment {segment_number}.")
    by_date = groupby(_list_same(own, revision), key=_date_of)
    chosen = [_choose(list(segments), own, revision) for _date, segments in by_date]
    measured = [(each, volume) for each in chosen[-MOST_DATES:] if (volume := _read_volume(each)) is not None]
    previous = [None, *(volume for _, volume in measured)]
    return [
        _describe(segment, volume, before, revision)
        for (segment, volume), before in zip(measured, previous, strict=False)
    ]


def _list_same(own: Segment, revision: SegmentationRevision) -> list[Segment]:
    """Return the structure's segments in the newest revision of each segmentation, by date."""
    patient = revision.segmentation.series.study.patient_id
    segments = (
        Segment.objects.filter(segment_label=own.segment_label, revision__segmentation__series__study__patient=patient)
        .select_related("revision__segmentation__series__study")
        .order_by("revision__number")
    )
    newest = {each.revision.segmentation_id: each for each in segments if list(each.type_code) == list(own.type_code)}
    newest[revision.segmentation_id] = own
    dated = [each for each in newest.values() if _study_of(each).study_date is not None]
    return sorted(dated, key=_date_of)


def _study_of(segment: Segment) -> Study:
    return segment.revision.segmentation.series.study


def _date_of(segment: Segment) -> date:
    return _study_of(segment).study_date or date.min


def _choose(segments: Iterable[Segment], own: Segment, revision: SegmentationRevision) -> Segment:
    description = revision.segmentation.series.series_description

    def rank(segment: Segment) -> tuple[bool, bool, object]:
        series = segment.revision.segmentation.series
        return segment.pk == own.pk, series.series_description == description, segment.revision.created_at

    return max(segments, key=rank)


def _read_volume(segment: Segment) -> Quantity | None:
    found = find_figures(segment.revision).volumes.get(segment.segment_number)
    return None if found is None else _as_quantity(found)


def _as_quantity(plain: Mapping[str, Any]) -> Quantity:
    return Quantity(plain["value"], plain["unit"], Interval(**plain["interval"]), Interval(**plain["limit"]))


def _describe(
    segment: Segment, volume: Quantity, before: Quantity | None, revision: SegmentationRevision
) -> StructureDate:
    segmentation, study = segment.revision.segmentation, _study_of(segment)
    return StructureDate(
        study_id=study.pk,
        series_id=segmentation.series_id,
        revision_id=segment.revision_id,
        study_date=_date_of(segment),
        series_description=segmentation.series.series_description,
        segmentation_name=segmentation.name,
        is_open=segment.revision_id == revision.pk,
        volume=volume,
        change=None if before is None else find_change(before, volume),
    )
