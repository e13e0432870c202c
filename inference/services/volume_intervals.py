"""What a network's probabilities say of the volumes in a revision that it made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from inference.calibration import LEVEL, Calibration, VolumeInterval, find_interval
from inference.models import JobMap
from inference.pipeline.job_maps import MapKind
from inference.registry import UnknownModelError, get_model
from studies.models import SegmentationRevision
from studies.services.segmentations import has_place
from studies.services.volumes import describe_grid


class NoIntervals(StrEnum):
    """Why a revision has none of a network."""

    NO_PLACE = "no_place"
    """Volumes cannot be measured in these images."""
    EDITED = "edited"
    """A person has changed the label map since the network made it."""
    NO_PROBABILITIES = "no_probabilities"
    """What made it delivers none."""


@dataclass(frozen=True, slots=True)
class SegmentInterval:
    """A segment's interval in mL.

    Attributes
    ----------
    cases
        From how many outlined cases the margin is known; None where the interval rests on the network's doubt alone.
    """

    segment_number: int
    found: VolumeInterval
    cases: int | None


@dataclass(frozen=True, slots=True)
class RevisionIntervals:
    """The intervals of a revision's segments.

    Attributes
    ----------
    level
        Share of new cases, like those it was calibrated on, whose volume a conformal interval holds.
    reason
        Why there are none; None where there are.
    """

    level: float
    intervals: tuple[SegmentInterval, ...]
    reason: NoIntervals | None = None


def find_volume_intervals(revision: SegmentationRevision) -> RevisionIntervals:
    """Return the interval of each segment of the run that made a revision, or why there is none."""
    series = revision.segmentation.series
    if not has_place(series):
        return RevisionIntervals(LEVEL, (), NoIntervals.NO_PLACE)
    found = JobMap.objects.filter(job__revision=revision, kind=MapKind.UNCERTAINTY).defer("payload")
    job_map = found.select_related("job").first()
    if job_map is None or not job_map.histograms:
        reason = NoIntervals.NO_PROBABILITIES if revision.base_id is None else NoIntervals.EDITED
        return RevisionIntervals(LEVEL, (), reason)
    grid = describe_grid(series)
    calibration = _find_calibration(job_map)
    intervals = []
    for key, histogram in sorted(job_map.histograms.items(), key=lambda item: int(item[0])):
        number = int(key)
        interval = find_interval(histogram, grid.voxel_volume_ml, calibration, segment=number, slices=grid.shape[0])
        margin = calibration.margins.get(number) if calibration else None
        is_known = margin is not None and interval.reason is None
        intervals.append(SegmentInterval(number, interval, margin.cases if is_known and margin else None))
    return RevisionIntervals(LEVEL, tuple(intervals))


def _find_calibration(job_map: JobMap) -> Calibration | None:
    """Return the calibration of the very version that ran; another version's says nothing of it."""
    try:
        spec = get_model(job_map.job.model_name)
    except UnknownModelError:
        return None
    return spec.calibration if spec.version == job_map.job.model_version else None
