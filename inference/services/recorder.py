"""What a worker writes while its job runs: final slabs at once, progress now and then, all under its attempt."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.utils import timezone

from inference.job_states import JobState
from inference.model_spec import CancelledError, Focus, Progress
from inference.models import FOCUS_FIELDS, JobBrick, SegmentationJob
from inference.pipeline.explanation import STAGE as EXPLAINING
from inference.services.announcements import announce_bricks, announce_progress, note_study
from inference.services.lease import Lease
from studies.errors import DomainError
from studies.label_maps.codec import decode_brick, encode_brick
from studies.label_maps.label_map import LabelMap

PROGRESS_S = 0.25
WORKLIST_S = 2.0
LOOK_S = 0.1
"""How often the row is read for a wish to cancel and for the slice on screen, where nothing is written anyway."""
BRICK_VOXELS = 2**20
_ESTIMATED = ("segmenting", EXPLAINING)
"""Stages whose windows take about the same time each."""

Slab = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


class FencedOutError(Exception):
    """Another attempt has taken over, or the job ended: whatever this worker still does is for nobody."""


class StreamMismatchError(DomainError):
    """A slab was called final and the label map says otherwise."""

    code: ClassVar[str] = "job.stream_mismatch"
    status: ClassVar[int] = 500


class Recorder:
    """The `on_progress` of a run."""

    def __init__(self, job: SegmentationJob, lease: Lease) -> None:
        self.job = job
        self.timings_s: dict[str, float] = {}
        self._lease = lease
        self._streamed: list[bytes] = []
        """The very bytes that were sent: a few kB a slice, kept to be held against the result."""
        self._stage_began = time.perf_counter()
        self._segmenting_began: float | None = None
        self._next_write = self._next_look = self._next_worklist = 0.0

    def __call__(self, progress: Progress) -> Focus | None:
        """Record what a run reports; return the voxel the reader looks at."""
        self._lease.note_progress()
        has_new_stage = self._note(progress)
        now = time.monotonic()
        if progress.slab is not None:
            self.stream(progress.slab, progress.slab_origin)
        elif has_new_stage or now >= self._next_write:
            self._write([])
        elif now >= self._next_look:
            self._look()
        return self.job.focus

    def enter(self, stage: str) -> None:
        """Begin a stage that is not part of the segmentation itself."""
        self(Progress(stage=stage, windows_done=self.job.windows_done, windows_total=self.job.windows_total))

    def close(self) -> None:
        """End the last stage's clock."""
        self._clock(self.job.stage)

    def stream(self, slab: Slab, origin: Focus) -> None:
        """Write a box of final labels as bricks and tell the browsers; sent once, a label may not change."""
        began = time.perf_counter()
        slice_start, row_start, column_start = origin
        per_brick = max(1, BRICK_VOXELS // (slab.shape[1] * slab.shape[2]))
        starts = range(0, slab.shape[0], per_brick)
        bricks = [
            JobBrick(
                job=self.job,
                attempt=self.job.attempt,
                sequence=sequence,
                payload=encode_brick(
                    slab[start : start + per_brick],
                    slice_start=slice_start + start,
                    row_start=row_start,
                    column_start=column_start,
                    sequence=sequence,
                    job_id=self.job.pk,
                ),
            )
            for sequence, start in enumerate(starts, start=self.job.brick_count + 1)
        ]
        self._write(bricks)
        self._streamed += [bytes(brick.payload) for brick in bricks]
        self.timings_s["streaming"] = self.timings_s.get("streaming", 0.0) + time.perf_counter() - began

    def check_streamed(self, label_map: LabelMap) -> None:
        """Stream the slices that were never called final; raise where a label that was differs from the result."""
        left = np.full(len(label_map.voxels), label_map.voxels[0].size, np.intp)
        for payload in self._streamed:
            brick = decode_brick(payload, max_voxels=label_map.voxels.size)
            if not np.array_equal(brick.voxels, label_map.voxels[brick.box]):
                planes = brick.box[0]
                raise StreamMismatchError(
                    f"Slices {planes.start + 1} to {planes.stop} were shown while the job ran and came out otherwise "
                    "at the end. Nothing was stored. Report this model to the administrator."
                )
            left[brick.box[0]] -= brick.voxels[0].size
        for start, stop in _runs(np.flatnonzero(left).tolist()):
            self.stream(label_map.voxels[start:stop], (start, 0, 0))

    def _note(self, progress: Progress) -> bool:
        has_new_stage = progress.stage != self.job.stage
        if has_new_stage:
            self._clock(self.job.stage)
            self.job.stage = progress.stage
        self.job.windows_done, self.job.windows_total = progress.windows_done, progress.windows_total
        self.job.seconds_left = self._estimate(progress)
        return has_new_stage

    def _clock(self, stage: str) -> None:
        now = time.perf_counter()
        if stage:
            self.timings_s[stage] = self.timings_s.get(stage, 0.0) + now - self._stage_began
        self._stage_began = now

    def _estimate(self, progress: Progress) -> float | None:
        """Return the seconds left at the mean rate of this run's windows so far."""
        if progress.stage not in _ESTIMATED:
            return None
        now = time.monotonic()
        if self._segmenting_began is None:
            self._segmenting_began = now
        if progress.windows_done == 0 or now - self._segmenting_began < PROGRESS_S:
            return None
        each_s = (now - self._segmenting_began) / progress.windows_done
        return round(each_s * (progress.windows_total - progress.windows_done), 1)

    @transaction.atomic
    def _write(self, bricks: list[JobBrick]) -> None:
        job, now = self.job, time.monotonic()
        is_progress_due = now >= self._next_write
        job.heartbeat_at = timezone.now()
        job.brick_count += len(bricks)
        fields = ("stage", "windows_done", "windows_total", "seconds_left", "heartbeat_at", "brick_count")
        mine = SegmentationJob.objects.filter(pk=job.pk, attempt=job.attempt, state=JobState.RUNNING)
        if not mine.update(**{field: getattr(job, field) for field in fields}):
            raise FencedOutError
        if bricks:
            JobBrick.objects.bulk_create(bricks)
            announce_bricks(job)
        if now >= self._next_look:
            self._look()
        if is_progress_due:
            self._next_write = now + PROGRESS_S
            announce_progress(job)
        if now >= self._next_worklist:
            self._next_worklist = now + WORKLIST_S
            note_study(job)

    def _look(self) -> None:
        """Read what others want of the job."""
        self._next_look = time.monotonic() + LOOK_S
        mine = SegmentationJob.objects.filter(pk=self.job.pk, attempt=self.job.attempt, state=JobState.RUNNING)
        row = mine.values_list("is_cancel_requested", *FOCUS_FIELDS).first()
        if row is None:
            raise FencedOutError
        self.job.is_cancel_requested, self.job.focus_slice, self.job.focus_row, self.job.focus_column = row
        if self.job.is_cancel_requested:
            raise CancelledError


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Return ascending indices as half-open ranges."""
    ranges: list[tuple[int, int]] = []
    for place in places:
        if ranges and ranges[-1][1] == place:
            ranges[-1] = (ranges[-1][0], place + 1)
        else:
            ranges.append((place, place + 1))
    return ranges
