"""The life of a segmentation job as a table."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class JobState(StrEnum):
    """Where a segmentation job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: MappingProxyType[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED, JobState.FAILED}),
        # back to QUEUED: the worker was lost and another attempt is due
        JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}),
        JobState.FAILED: frozenset({JobState.QUEUED}),  # retried by a person
        JobState.CANCELLED: frozenset({JobState.QUEUED}),
        JobState.SUCCEEDED: frozenset(),
    }
)
ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


def can_move(current: JobState, target: JobState) -> bool:
    """Tell whether the table allows a job to go from one state to another."""
    return target in TRANSITIONS[current]
