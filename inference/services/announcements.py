"""Telling browsers, once committed, where a job stands."""

from __future__ import annotations

from inference.events import JobProgressed
from inference.job_states import ACTIVE, JobState
from inference.models import SegmentationJob
from inference.selectors import describe_job, segmentation_state_of
from studies.events import job_group, publish_on_commit, publish_pointer_on_commit, study_group
from studies.services.studies import note_segmentation_state


def announce_progress(job: SegmentationJob) -> None:
    """Tell who watches the job or has its study open."""
    event = JobProgressed(job=describe_job(job))
    publish_on_commit(job_group(job.id), event)
    publish_on_commit(study_group(job.series.study_id), event)


def announce_bricks(job: SegmentationJob) -> None:
    """Tell the job's sockets up to where bricks can be read, and whether more will come."""
    is_over = JobState(job.state) not in ACTIVE
    publish_pointer_on_commit(job_group(job.id), attempt=job.attempt, sequence=job.brick_count, is_over=int(is_over))


def announce_state(job: SegmentationJob) -> None:
    """Tell everyone, the worklist included, that the job's state changed."""
    announce_progress(job)
    announce_bricks(job)
    note_study(job)


def note_study(job: SegmentationJob) -> None:
    """Keep the study's row on the worklist current."""
    state, progress = segmentation_state_of(job.series.study_id)
    note_segmentation_state(job.series.study_id, state, round(progress, 3))
