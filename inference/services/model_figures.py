"""What models have needed on this installation, over all its patients: figures that hold nobody's identity."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from inference.job_states import JobState
from inference.models import ModelSetting, SegmentationJob

NEWEST_RUNS = 50
"""How many finished runs of a version its figures are taken from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """What the newest finished runs of one version needed.

    Attributes
    ----------
    run_count, failed_count
        All runs of this version that ended well, and that failed.
    measured_count
        Those of the newest that figures are taken from.
    median_s, shortest_s, longest_s
        From a worker's start on a run to the stored label map; None without a run.
    peak_memory_bytes
        The most that a run needed; None where no run told.
    last_finished_at
        When the newest ended well.
    """

    run_count: int
    failed_count: int
    measured_count: int
    median_s: float | None
    shortest_s: float | None
    longest_s: float | None
    peak_memory_bytes: int | None
    last_finished_at: datetime | None


def measure_usage(name: str, version: str) -> ModelFigures:
    """Return what a version of a model has needed here."""
    jobs = SegmentationJob.objects.filter(model_name=name, model_version=version, explains__isnull=True)
    counts = jobs.aggregate(
        well=Count("pk", filter=Q(state=JobState.SUCCEEDED)), failed=Count("pk", filter=Q(state=JobState.FAILED))
    )
    newest = jobs.filter(state=JobState.SUCCEEDED).order_by("-finished_at")[:NEWEST_RUNS]
    runs = list(newest.values_list("timings_s", "peak_memory_bytes", "finished_at"))
    seconds = _read_seconds(timings for timings, _, _ in runs)
    peaks = [peak for _, peak, _ in runs if peak is not None]
    return ModelFigures(
        run_count=counts["well"],
        failed_count=counts["failed"],
        measured_count=len(seconds),
        median_s=statistics.median(seconds) if seconds else None,
        shortest_s=min(seconds, default=None),
        longest_s=max(seconds, default=None),
        peak_memory_bytes=max(peaks, default=None),
        last_finished_at=runs[0][2] if runs else None,
    )


def disabled_models() -> frozenset[str]:
    """Return the names of the models that an administrator has switched off."""
    return frozenset(ModelSetting.objects.filter(is_enabled=False).values_list("model_name", flat=True))


def _read_seconds(timings: Iterable[object]) -> list[float]:
    totals = [each.get("total") for each in timings if isinstance(each, dict)]
    return [float(total) for total in totals if isinstance(total, int | float)]
