"""Label maps that people drew or corrected here as outlined cases: the model is run anew and held against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import numpy as np
from django.db.models import F, Max, QuerySet, Sum

from inference.evaluation.cases import LeftOut, OutlinedCase, Truth
from inference.evaluation.facts import read_dicom_facts
from inference.evaluation.sources import CaseUnusableError
from inference.model_spec import ModelSpec
from inference.services.input_images import scale_uptake
from studies.errors import DomainError
from studies.label_maps.label_map import LabelMap
from studies.models import AlgorithmType, SegmentationRevision, Series, Team
from studies.services.segmentations import has_place, load_label_map
from studies.services.volumes import load_colours, load_stack, load_volume
from studies.storage import blob_store

MOST_CASES = 1000


def list_revisions(spec: ModelSpec, team: Team) -> list[SegmentationRevision]:
    """Return the newest label map of each of the team's series that a person left and a model could be held against.

    What a model wrote and nobody changed is no truth, nor is one that was begun and left empty.
    """
    newest = _revisions_of(team).annotate(last=Max("segmentation__revisions__number")).filter(number=F("last"))
    by_people = newest.exclude(algorithm_type=AlgorithmType.AUTOMATIC).filter(created_by__isnull=False)
    drawn = by_people.annotate(marked=Sum("segments__voxel_count")).exclude(number=1, marked=0)
    if spec.modalities:
        drawn = drawn.filter(segmentation__series__modality__in=sorted(spec.modalities))
    found: dict[UUID, SegmentationRevision] = {}
    for revision in drawn.order_by("-created_at"):
        labels = {segment.segment_label.casefold() for segment in revision.segments.all()}
        if len(spec.segments) == 1 or labels & {each.segment_label.casefold() for each in spec.segments}:
            found.setdefault(revision.segmentation.series_id, revision)
    return list(found.values())[:MOST_CASES]


def _revisions_of(team: Team) -> QuerySet[SegmentationRevision]:
    mine = SegmentationRevision.objects.filter(segmentation__series__study__patient__home_team=team)
    return mine.select_related("segmentation__series").prefetch_related("segments")


class ArchiveCases:
    """Label maps of the archive, as they were when the evaluation was asked for; only the team's own."""

    def __init__(self, spec: ModelSpec, team: Team, revisions: Sequence[str]) -> None:
        self._spec, self._team, self._revisions = spec, team, revisions

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self._revisions)

    def read(self, left_out: list[LeftOut]) -> Iterator[OutlinedCase]:
        """Yield those that can be read; cases are named by their series' number here, never by the patient."""
        for revision_id in self._revisions:
            name = f"label map {revision_id[:8]}"
            try:
                case = self._read(revision_id)
            except DomainError as error:
                left_out.append(LeftOut(name, error.message, error.code))
                continue
            yield case

    def _read(self, revision_id: str) -> OutlinedCase:
        revision = _revisions_of(self._team).filter(pk=revision_id).first()
        if revision is None:
            raise CaseUnusableError("The label map is no longer this team's.")
        series = revision.segmentation.series
        first = series.instances.first()
        image = load_volume(series) if self._spec.needs_volume else load_stack(series)
        if self._spec.reads_uptake:
            image = scale_uptake(series, image)
        return OutlinedCase(
            name=f"series {str(series.pk)[:8]}",
            image=image,
            colours=self._load_colours(series),
            truth=self._number_as_model(load_label_map(revision)),
            has_spacing=has_place(series),
            facts={} if first is None else read_dicom_facts(blob_store().path(first.blob_id)),
        )

    def _load_colours(self, series: Series) -> tuple[np.ndarray, ...]:
        return load_colours(series) if self._spec.reads_colours else ()

    def _number_as_model(self, label_map: LabelMap) -> Truth:
        """Return the label map with the model's numbers, structures told by their names; of a lone one all counts."""
        truth = np.zeros(label_map.voxels.shape, np.uint8)
        for wanted in self._spec.segments:
            named = [
                each.segment_number
                for each in label_map.segments
                if each.segment_label.casefold() == wanted.segment_label.casefold()
            ]
            if not named and len(self._spec.segments) == 1:
                named = [each.segment_number for each in label_map.segments]
            truth[np.isin(label_map.voxels, named)] = wanted.segment_number
        return truth
