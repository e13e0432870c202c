"""What a series and a study hold, computed afresh from their instances: counts, verdict, digest, modalities."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from studies.dicom.image_header import ImageHeader
from studies.dicom.series import SeriesImage, judge_series
from studies.models import Instance, Series, Study
from studies.services.words import index_studies

_LONGEST_MODALITIES = 64
_COLUMNS = ("series_id", "instance_number", "sop_instance_uid", "blob_id", "number_of_frames", "image_header")


def refresh_series(series_ids: Collection[UUID]) -> None:
    """Judge some series and count what they hold. Inside the caller's transaction, which locks their team."""
    rows: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in Instance.objects.filter(series__in=series_ids).values_list(*_COLUMNS, named=True):
        rows[row.series_id].append(row)
    refreshed = list(Series.objects.filter(pk__in=series_ids))
    for series in refreshed:
        _describe(series, rows[series.pk])
    Series.objects.bulk_update(
        refreshed,
        (
            "instance_count",
            "frame_count",
            "geometry_verdict",
            "geometry_explanation",
            "spacing_mm",
            "contents_digest",
        ),
    )


def refresh_studies(study_ids: Collection[UUID]) -> list[Study]:
    """Count what some studies hold, keep their search words current, and return them with their patients."""
    modalities: defaultdict[UUID, set[str]] = defaultdict(set)
    held: defaultdict[UUID, list[int]] = defaultdict(list)
    for series in Series.objects.filter(study__in=study_ids).only("study_id", "modality", "instance_count"):
        modalities[series.study_id].add(series.modality)
        held[series.study_id].append(series.instance_count)
    studies = list(Study.objects.filter(pk__in=study_ids).select_related("patient"))
    for study in studies:
        study.series_count, study.instance_count = len(held[study.pk]), sum(held[study.pk])
        study.modalities = _join(modalities[study.pk])
    Study.objects.bulk_update(studies, ("series_count", "instance_count", "modalities"))
    index_studies(studies)
    return studies


def contents_digest(blob_digests: Iterable[str]) -> str:
    """Return the SHA-256 over the digests of a series' files, ordered by SOP Instance UID."""
    return hashlib.sha256("\n".join(blob_digests).encode()).hexdigest()


def _describe(series: Series, rows: list[Any]) -> None:
    rows.sort(key=lambda row: row.sop_instance_uid)
    geometry = judge_series(
        [
            SeriesImage(
                row.instance_number,
                row.sop_instance_uid,
                ImageHeader.from_json(row.image_header) if row.image_header else None,
            )
            for row in rows
        ]
    )
    series.instance_count = len(rows)
    series.frame_count = sum(row.number_of_frames for row in rows)
    series.geometry_verdict = geometry.verdict.value
    series.geometry_explanation = geometry.explanation
    series.spacing_mm = list(geometry.spacing_mm) if geometry.spacing_mm else None
    series.contents_digest = contents_digest(row.blob_id for row in rows)


def _join(modalities: Iterable[str]) -> str:
    joined = ""
    for modality in sorted(modalities):
        longer = f"{joined}\\{modality}" if joined else modality
        if len(longer) <= _LONGEST_MODALITIES:
            joined = longer
    return joined
