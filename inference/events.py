"""What segmentation jobs tell browsers, and what browsers tell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from inference.input_images import JobInput
from inference.job_states import JobState
from inference.models import EvaluationState
from inference.pipeline.explanation import ChannelEffect, ExplanationMethod
from inference.pipeline.gate import GateVerdict
from inference.pipeline.job_maps import MapKind


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMapStatus:
    """A map that a job delivers besides its labels."""

    id: UUID
    kind: MapKind
    low: float
    high: float
    """What 0 and 255 stand for."""
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationStatus:
    """What a job asks of a network's label map, and what came out."""

    revision_id: UUID
    method: ExplanationMethod
    segment_number: int
    lesion_number: int | None
    """From 1 within its segment; None is the whole segment."""
    score: float | None
    """Mean log-odds of the lesion's voxels, each for its segment; None until it is known."""
    effects: tuple[ChannelEffect, ...] = ()
    """Of channel ablation, one for each channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A segmentation job as the API shows it."""

    id: UUID
    series_id: UUID
    study_id: UUID
    model_name: str
    model_title: str
    model_version: str
    parameters: dict[str, float | list[int]]
    inputs: tuple[JobInput, ...]
    """Of a network that reads several series; else empty."""
    state: JobState
    attempt: int
    stage: str
    windows_done: int
    windows_total: int
    queue_position: int | None
    """1 is the next to run; None unless queued."""
    is_awaited: bool
    """Whether a person waits for it; it goes before what runs in advance."""
    seconds_left: float | None
    """From the measured rate of this run's windows; None while nothing is known."""
    focus: tuple[int, int, int]
    """Voxel (slice, row, column) that is computed first."""
    is_cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failure_code: str
    failure: str
    notes: tuple[str, ...]
    """How the run went another way than it was meant to, in sentences."""
    peak_memory_bytes: int | None
    timings_s: dict[str, float]
    segmentation_id: UUID | None
    revision_id: UUID | None
    requested_by: str | None
    rule_title: str | None
    """Of the rule that asked for it, where no person did."""
    maps: tuple[JobMapStatus, ...] = ()
    """What it found besides its labels, voxel by voxel."""
    gate: GateVerdict | None = None
    """What the quality gate said of its result; None while there is none."""
    explanation: ExplanationStatus | None = None
    """Of a job that says why a lesion was marked; None for one that segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgressed:
    """A job moved on."""

    type: Literal["job.progressed"] = "job.progressed"
    job: JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationStatus:
    """How far an evaluation of a model is."""

    id: UUID
    state: EvaluationState
    is_cancel_requested: bool
    cases_done: int
    cases_total: int
    windows_done: int
    """Of the case in hand."""
    windows_total: int
    seconds_left: float | None
    verdict: str
    failure_code: str
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationProgressed:
    """An evaluation moved on."""

    type: Literal["evaluation.progressed"] = "evaluation.progressed"
    evaluation: EvaluationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """Bricks of this attempt follow, from sequence 1: drop what earlier attempts have shown."""

    type: Literal["attempt.started"] = "attempt.started"
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnded:
    """The job is over and every brick has been sent; `revision_id` and `digest` where a label map was stored."""

    type: Literal["stream.ended"] = "stream.ended"
    attempt: int
    last_sequence: int
    state: JobState
    revision_id: UUID | None
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResume:
    """Sent by the browser first: what it already shows (0, 0 at the beginning)."""

    type: Literal["stream.resume"] = "stream.resume"
    attempt: int
    after_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BricksAcknowledged:
    """Sent by the browser: bricks up to this sequence number have been drawn."""

    type: Literal["bricks.acknowledged"] = "bricks.acknowledged"
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusMoved:
    """Sent by the browser: the reader now looks at this voxel (slice, row, column), from 0."""

    type: Literal["focus.moved"] = "focus.moved"
    voxel: tuple[int, int, int]


def evaluation_group(evaluation_id: UUID) -> str:
    """Everyone who watches an evaluation."""
    return f"evaluation.{evaluation_id}"
