"""Jobs a person may see, as the API and the sockets show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet
from django.utils import timezone

from inference.events import EvaluationStatus, ExplanationStatus, JobMapStatus, JobProgressed, JobStatus
from inference.input_images import JobInput
from inference.job_states import ACTIVE, JobState
from inference.models import EvaluationState, JobBrick, JobMap, ModelEvaluation, SegmentationJob
from inference.pipeline.explanation import ChannelEffect, ExplanationMethod
from inference.pipeline.gate import GateVerdict
from inference.pipeline.job_maps import MapKind
from inference.queue_order import LATELY, WaitingJob, WorkedJob, order_queue
from inference.registry import list_models
from studies.errors import NotFoundError
from studies.events import encode_event
from studies.models import Role, SegmentationRevision, SegmentationState, User
from studies.permissions import NOT_VISIBLE_MESSAGE, require_role, visible_patients, visible_teams

SHOWN_JOBS = 200


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a socket needs to know of a job between bricks."""

    status: JobStatus
    progress: str
    """The status as the message that browsers get, encoded once for all of them."""
    brick_count: int
    is_over: bool
    digest: str | None


def jobs_to_show() -> QuerySet[SegmentationJob]:
    """Return jobs with everything that `describe_job` reads."""
    maps = Prefetch("maps", JobMap.objects.defer("payload", "histograms"))
    return SegmentationJob.objects.select_related("series", "requested_by", "revision", "rule").prefetch_related(maps)


def visible_jobs(user: User) -> QuerySet[SegmentationJob]:
    """Return the jobs over series of the patients the person sees."""
    return jobs_to_show().filter(series__study__patient__in=visible_patients(user))


def get_job_for(user: User, job_id: UUID) -> SegmentationJob:
    """Return a job; `NotFoundError` when it is not there or not to be seen."""
    job = visible_jobs(user).filter(pk=job_id).first()
    if job is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return job


def get_job_map_for(user: User, map_id: UUID) -> JobMap:
    """Return a map of a job; `NotFoundError` when it is not there or not to be seen."""
    found = JobMap.objects.filter(pk=map_id, job__series__study__patient__in=visible_patients(user))
    job_map = found.select_related("job__series__study__patient").first()
    if job_map is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return job_map


def list_jobs_for(
    user: User,
    *,
    study_id: UUID | None = None,
    series_id: UUID | None = None,
    is_active: bool | None = None,
    explains: UUID | None = None,
) -> list[SegmentationJob]:
    """Return the newest runs the person sees, of one study or series when asked for; or the questions about a revision.

    Parameters
    ----------
    explains
        The revision that is asked about; None lists runs of models only.
    """
    jobs = visible_jobs(user).filter(explains=explains)
    if study_id is not None:
        jobs = jobs.filter(series__study=study_id)
    if series_id is not None:
        jobs = jobs.filter(series=series_id)
    if is_active is not None:
        active = Q(state__in=sorted(ACTIVE))
        jobs = jobs.filter(active if is_active else ~active)
    return list(jobs[:SHOWN_JOBS])


def waiting_in_order(queue: str) -> list[UUID]:
    """Return the jobs that wait in a queue, the one due next first: the only order there is."""
    now = timezone.now()
    jobs = SegmentationJob.objects.filter(queue=queue)
    waiting = jobs.filter(state=JobState.QUEUED, queued_at__isnull=False)
    worked = jobs.filter(Q(state=JobState.RUNNING) | Q(finished_at__gte=now - LATELY), started_at__isnull=False)
    whose = ("series__study__home_team_id", "requested_by_id")
    order = order_queue(
        (WaitingJob(*row) for row in waiting.order_by().values_list("id", *whose, "is_awaited", "queued_at")),
        (WorkedJob(*row) for row in worked.order_by().values_list(*whose, "started_at", "finished_at")),
        now=now,
    )
    return [job.id for job in order]


def queue_positions(jobs: Iterable[SegmentationJob]) -> dict[UUID, int]:
    """Return the places of those jobs that wait, each in its own queue, 1 being the next to run."""
    queues = {job.queue for job in jobs if job.state == JobState.QUEUED}
    return {job_id: place for queue in queues for place, job_id in enumerate(waiting_in_order(queue), start=1)}


def describe_job(job: SegmentationJob) -> JobStatus:
    """Return a job as browsers see it."""
    return describe_jobs([job])[0]


def describe_jobs(jobs: Iterable[SegmentationJob]) -> list[JobStatus]:
    """Return jobs as browsers see them."""
    jobs = list(jobs)
    titles = {spec.name: spec.title for spec in list_models()}
    positions = queue_positions(jobs)
    return [_describe(job, titles, positions) for job in jobs]


def _describe(job: SegmentationJob, titles: Mapping[str, str], positions: Mapping[UUID, int]) -> JobStatus:
    revision = job.revision
    return JobStatus(
        id=job.id,
        series_id=job.series_id,
        study_id=job.series.study_id,
        model_name=job.model_name,
        model_title=titles.get(job.model_name, job.model_name),
        model_version=job.model_version,
        parameters=job.parameters,
        inputs=tuple(JobInput.from_json(each) for each in job.inputs),
        state=JobState(job.state),
        attempt=job.attempt,
        stage=job.stage,
        windows_done=job.windows_done,
        windows_total=job.windows_total,
        queue_position=positions.get(job.id) if job.state == JobState.QUEUED else None,
        is_awaited=job.is_awaited,
        seconds_left=job.seconds_left,
        focus=job.focus,
        is_cancel_requested=job.is_cancel_requested,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        failure_code=job.failure_code,
        failure=job.failure,
        notes=tuple(job.notes),
        peak_memory_bytes=job.peak_memory_bytes,
        timings_s=job.timings_s,
        segmentation_id=revision.segmentation_id if revision else None,
        revision_id=revision.pk if revision else None,
        requested_by=str(job.requested_by) if job.requested_by else None,
        rule_title=job.rule.title if job.rule else None,
        explanation=_describe_explanation(job),
        maps=tuple(
            JobMapStatus(id=found.pk, kind=MapKind(found.kind), low=found.low, high=found.high, unit=found.unit)
            for found in job.maps.all()
        ),
        gate=_read_verdict(revision),
    )


def _read_verdict(revision: SegmentationRevision | None) -> GateVerdict | None:
    """Return what the gate said of a run by its revision; None for runs of before there was a gate."""
    verdict = None if revision is None else revision.provenance.get("gate")
    return None if verdict is None else GateVerdict.from_json(verdict)


def _describe_explanation(job: SegmentationJob) -> ExplanationStatus | None:
    if job.explains_id is None:
        return None
    asked = job.explanation
    return ExplanationStatus(
        revision_id=job.explains_id,
        method=ExplanationMethod(asked["method"]),
        segment_number=asked["segment_number"],
        lesion_number=asked["lesion_number"],
        score=asked.get("score"),
        effects=tuple(ChannelEffect.from_json(effect) for effect in asked.get("effects", ())),
    )


def describe_stream(job_id: UUID) -> StreamState:
    """Return where a job's stream stands."""
    job = jobs_to_show().get(pk=job_id)
    status = describe_job(job)
    return StreamState(
        status=status,
        progress=encode_event(JobProgressed(job=status)),
        brick_count=job.brick_count,
        is_over=JobState(job.state) not in ACTIVE,
        digest=job.revision.digest if job.revision else None,
    )


def read_bricks(job_id: UUID, *, attempt: int, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return (sequence, brick) of an attempt in order, at most `limit` of them, without a hole."""
    rows = JobBrick.objects.filter(job=job_id, attempt=attempt, sequence__gt=after).order_by("sequence")
    bricks = [(sequence, bytes(payload)) for sequence, payload in rows.values_list("sequence", "payload")[:limit]]
    return [brick for place, brick in enumerate(bricks, start=after + 1) if brick[0] == place]


def segmentation_state_of(study_id: UUID) -> tuple[SegmentationState, float]:
    """Return what the machines have done with a study: its state, and the share done of what runs."""
    jobs = SegmentationJob.objects.filter(series__study=study_id, explains__isnull=True)
    running = jobs.filter(state=JobState.RUNNING).order_by(F("started_at").desc(nulls_last=True)).first()
    if running is not None:
        return SegmentationState.RUNNING, running.windows_done / max(running.windows_total, 1)
    if jobs.filter(state=JobState.QUEUED).exists():
        return SegmentationState.QUEUED, 0.0
    last = jobs.exclude(state=JobState.CANCELLED).order_by(F("finished_at").desc(nulls_last=True)).first()
    if last is not None and last.state == JobState.FAILED:
        return SegmentationState.FAILED, 0.0
    is_segmented = jobs.filter(state=JobState.SUCCEEDED).exists()
    return (SegmentationState.SEGMENTED, 1.0) if is_segmented else (SegmentationState.NONE, 0.0)


def visible_evaluations(user: User) -> QuerySet[ModelEvaluation]:
    """Return the evaluations over cases of the person's teams; administrators only."""
    require_role(user, Role.ADMINISTRATOR)
    mine = ModelEvaluation.objects.filter(team__in=visible_teams(user))
    return mine.select_related("requested_by", "team")


def get_evaluation_for(user: User, evaluation_id: UUID) -> ModelEvaluation:
    """Return an evaluation; `NotFoundError` when it is not there or not to be seen."""
    found = visible_evaluations(user).filter(pk=evaluation_id).first()
    if found is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return found


def describe_evaluation_status(evaluation: ModelEvaluation) -> EvaluationStatus:
    """Return how far an evaluation is, as sockets tell it."""
    return EvaluationStatus(
        id=evaluation.pk,
        state=EvaluationState(evaluation.state),
        is_cancel_requested=evaluation.is_cancel_requested,
        cases_done=evaluation.cases_done,
        cases_total=evaluation.cases_total,
        windows_done=evaluation.windows_done,
        windows_total=evaluation.windows_total,
        seconds_left=evaluation.seconds_left,
        verdict=evaluation.verdict,
        failure_code=evaluation.failure_code,
        failure=evaluation.failure,
    )
