"""Label maps of a series: stored once, never changed; a correction is a new revision on a stated base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from django.db import transaction

from studies.dicom.series import SeriesVerdict
from studies.errors import ConflictError, InvalidInputError
from studies.events import RevisionSaved, publish_on_commit, study_group
from studies.label_maps.codec import LabelVoxels, decode_brick, encode_brick, read_header, split_bricks
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.label_maps.parts import drop_emptied_parts
from studies.models import AlgorithmType, Blob, Segment, Segmentation, SegmentationRevision, Series, Timepoint, User
from studies.permissions import ACTING_ROLES, require_role
from studies.queue import StudyTask, enqueue_on_commit
from studies.services import audit
from studies.services.acceptance import vouch_for
from studies.services.studies import announce_study
from studies.services.volumes import describe_grid, read_layout
from studies.storage import StoredBlob, blob_store

LARGEST_UINT8 = 255


class StaleBaseError(ConflictError):
    """Somebody has saved since; nothing is overwritten."""

    code: ClassVar[str] = "revision.stale_base"

    def __init__(self, message: str, *, latest: SegmentationRevision) -> None:
        super().__init__(message)
        self.latest = latest


class PatchError(InvalidInputError):
    """The patch does not fit the label map it is to change."""

    code: ClassVar[str] = "patch.does_not_fit"


@dataclass(frozen=True, slots=True)
class MeasuredSegment:
    """A segment and how much of it there is; `volume_ml` is None where the series is no volume."""

    description: SegmentDescription
    voxel_count: int
    volume_ml: float | None


@dataclass(frozen=True, slots=True)
class StoredLabelMap:
    """A label map that is safe on disk and not yet part of the record."""

    digest: str
    blob: StoredBlob
    segments: tuple[MeasuredSegment, ...]


def store_label_map(series: Series, label_map: LabelMap) -> StoredLabelMap:
    """Encode, measure and store a label map; outside a transaction, for it takes its time."""
    grid = describe_grid(series)
    if label_map.voxels.shape != grid.shape:
        raise PatchError(
            f"The label map has {label_map.voxels.shape} voxels and the series {grid.shape}. "
            "Segment the series as it now stands."
        )
    counts: list[int] = np.bincount(label_map.voxels.reshape(-1), minlength=1).tolist()
    known = {segment.segment_number for segment in label_map.segments}
    unknown = sorted({number for number, count in enumerate(counts) if count} - known - {0})
    if unknown:
        raise PatchError(f"The label map holds segment {unknown[0]}, which is not described.")
    voxel_ml = grid.voxel_volume_ml if has_place(series) else None
    return StoredLabelMap(
        digest=label_map.digest,
        blob=blob_store().put(encode_brick(label_map.voxels, slice_start=0)),
        segments=tuple(_measure(segment, counts, voxel_ml) for segment in label_map.segments),
    )


@transaction.atomic
def record_segmentation(
    series: Series,
    *,
    name: str,
    stored: StoredLabelMap,
    algorithm_type: AlgorithmType,
    provenance: Mapping[str, object],
    created_by: User | None,
    model_version: str = "",
    gate_outcome: str = "",
    address: str = "",
) -> SegmentationRevision:
    """Begin a segmentation with a stored label map as its first revision.

    Where a model made it, `model_version` says which and `gate_outcome` what its quality gate said (`GateOutcome`).
    """
    segmentation = Segmentation.objects.create(
        series=series,
        name=name.strip()[:120],
        model_version=model_version,
        gate_outcome=gate_outcome,
        created_by=created_by,
    )
    return _add_revision(
        segmentation,
        number=1,
        base=None,
        stored=stored,
        algorithm_type=algorithm_type,
        provenance=provenance,
        created_by=created_by,
        address=address,
    )


def create_segmentation(
    series: Series,
    *,
    name: str,
    label_map: LabelMap,
    algorithm_type: AlgorithmType,
    provenance: Mapping[str, object],
    created_by: User | None,
    address: str = "",
) -> SegmentationRevision:
    """Store a label map and begin a segmentation with it."""
    stored = store_label_map(series, label_map)
    return record_segmentation(
        series,
        name=name,
        stored=stored,
        algorithm_type=algorithm_type,
        provenance=provenance,
        created_by=created_by,
        address=address,
    )


def create_empty(
    series: Series, *, name: str, segments: Sequence[SegmentDescription], created_by: User, address: str = ""
) -> SegmentationRevision:
    """Begin a segmentation to be drawn by hand."""
    require_role(created_by, *ACTING_ROLES)
    ordered = tuple(sorted(segments, key=lambda segment: segment.segment_number))
    if not ordered or len({segment.segment_number for segment in ordered}) != len(ordered):
        raise InvalidInputError("Name at least one segment, and give each its own number.")
    grid = describe_grid(series)
    dtype = np.uint8 if ordered[-1].segment_number <= LARGEST_UINT8 else np.uint16
    voxels = cast(LabelVoxels, np.zeros(grid.shape, dtype))
    return create_segmentation(
        series,
        name=name,
        label_map=LabelMap(voxels, grid, ordered),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={"act": "created"},
        created_by=created_by,
        address=address,
    )


def load_label_map(revision: SegmentationRevision) -> LabelMap:
    """Return a revision's label map on its series' grid."""
    with blob_store().open(revision.blob_id) as stream:
        data = stream.read()
    grid = describe_grid(revision.segmentation.series)
    return LabelMap(decode_brick(data).voxels, grid, describe_segments(revision.segments.all()))


def describe_segments(segments: Iterable[Segment]) -> tuple[SegmentDescription, ...]:
    """Return stored segments as descriptions."""
    return tuple(
        SegmentDescription(
            segment_number=segment.segment_number,
            segment_label=segment.segment_label,
            category=_concept(segment.category_code),
            type=_concept(segment.type_code),
            colour=segment.colour,
        )
        for segment in segments
    )


def save_revision(
    base: SegmentationRevision, *, patch_bricks: bytes | memoryview, created_by: User, address: str = ""
) -> SegmentationRevision:
    """Store `base` with the patch's slices in place of its own; `StaleBaseError` where `base` is not the latest."""
    label_map = begin_change(base, by=created_by)
    changed = _apply_patch(label_map.voxels, patch_bricks)
    provenance = {"act": "edited", "slices": changed}
    return save_change(base, label_map, provenance=provenance, created_by=created_by, address=address)


def begin_change(base: SegmentationRevision, *, by: User) -> LabelMap:
    """Return the label map to be changed, before the work; `save_change` asks again under the lock."""
    require_role(by, *ACTING_ROLES)
    _require_latest(base)
    return load_label_map(base)


def save_change(
    base: SegmentationRevision,
    label_map: LabelMap,
    *,
    provenance: Mapping[str, object],
    created_by: User,
    address: str = "",
) -> SegmentationRevision:
    """Store a changed label map as the revision after `base`; `StaleBaseError` where `base` is not the latest."""
    filled = {each.segment_number for each in base.segments.all() if each.voxel_count}
    stored = store_label_map(base.segmentation.series, drop_emptied_parts(label_map, filled))
    with transaction.atomic():
        segmentation = Segmentation.objects.select_for_update().get(pk=base.segmentation_id)
        _require_latest(base)
        is_automatic = base.algorithm_type == AlgorithmType.AUTOMATIC
        vouch_for(segmentation, by=created_by)
        return _add_revision(
            segmentation,
            number=base.number + 1,
            base=base,
            stored=stored,
            algorithm_type=AlgorithmType.SEMIAUTOMATIC if is_automatic else AlgorithmType(base.algorithm_type),
            provenance=provenance,
            created_by=created_by,
            address=address,
        )


def has_place(series: Series) -> bool:
    """Tell whether the voxels have a known size and place: on a regular grid, or one that a tilted gantry sheared."""
    layout = read_layout(series)
    return layout.geometry.verdict in (SeriesVerdict.REGULAR, SeriesVerdict.GANTRY_TILT) and not layout.is_colour


def _apply_patch(voxels: LabelVoxels, patch_bricks: bytes | memoryview) -> list[int]:
    """Replace slices in place; return which."""
    changed: set[int] = set()
    for data in split_bricks(patch_bricks):
        header = read_header(data)
        start, count = header.slice_start, header.shape[0]
        is_whole = header.row_start == header.column_start == 0 and header.shape[1:] == voxels.shape[1:]
        if not is_whole or start + count > voxels.shape[0] or header.dtype != voxels.dtype:
            raise PatchError(
                f"A brick of {header.shape} voxels of {header.dtype} at slice {start + 1} does not fit a label map of "
                f"{voxels.shape} voxels of {voxels.dtype}. Reload the page and draw again."
            )
        voxels[start : start + count] = decode_brick(data, max_voxels=header.voxel_count).voxels
        changed.update(range(start, start + count))
    if not changed:
        raise PatchError("The patch is empty. Draw something, then save.")
    return sorted(changed)


def _require_latest(base: SegmentationRevision) -> None:
    revisions = SegmentationRevision.objects.filter(segmentation=base.segmentation_id)
    latest = revisions.select_related("created_by").prefetch_related("segments").order_by("-number").first()
    if latest is not None and latest.pk != base.pk:
        raise StaleBaseError(
            f"{latest.created_by or 'A model'} has saved revision {latest.number} since you began on revision "
            f"{base.number}. Look at it, then draw on it, or keep yours as a segmentation of its own.",
            latest=latest,
        )


def _add_revision(
    segmentation: Segmentation,
    *,
    number: int,
    base: SegmentationRevision | None,
    stored: StoredLabelMap,
    algorithm_type: AlgorithmType,
    provenance: Mapping[str, object],
    created_by: User | None,
    address: str,
) -> SegmentationRevision:
    blob, _ = Blob.objects.get_or_create(digest=stored.blob.digest, defaults={"size_bytes": stored.blob.size_bytes})
    revision = SegmentationRevision.objects.create(
        segmentation=segmentation,
        number=number,
        base=base,
        digest=stored.digest,
        blob=blob,
        algorithm_type=algorithm_type,
        provenance=dict(provenance),
        created_by=created_by,
    )
    Segment.objects.bulk_create(_segment_row(revision, segment) for segment in stored.segments)
    study = segmentation.series.study
    event = RevisionSaved(segmentation_id=segmentation.pk, revision_id=revision.pk)
    publish_on_commit(study_group(study.pk), event)
    announce_study(study.pk)
    if Timepoint.objects.filter(segmentation=segmentation).exists():
        enqueue_on_commit(StudyTask.MATCH_LESIONS, patient_id=study.patient_id)
    audit.record(
        act="revision.saved",
        actor=created_by,
        subject=revision,
        patient=study.patient,
        address=address,
        segmentation=segmentation.pk,
        number=number,
        digest=stored.digest,
    )
    return revision


def _segment_row(revision: SegmentationRevision, segment: MeasuredSegment) -> Segment:
    description = segment.description
    return Segment(
        revision=revision,
        segment_number=description.segment_number,
        segment_label=description.segment_label,
        category_code=list(description.category),
        type_code=list(description.type),
        colour=description.colour,
        volume_ml=segment.volume_ml,
        voxel_count=segment.voxel_count,
    )


def _measure(segment: SegmentDescription, counts: Sequence[int], voxel_ml: float | None) -> MeasuredSegment:
    number = segment.segment_number
    count = int(counts[number]) if number < len(counts) else 0
    return MeasuredSegment(segment, count, None if voxel_ml is None else count * voxel_ml)


def _concept(code: Sequence[str]) -> tuple[str, str, str]:
    value, scheme, meaning = code
    return value, scheme, meaning
