"""Segmentation jobs and the slabs they have made final."""

from __future__ import annotations

import uuid

from django.db import models

from inference.job_states import ACTIVE, JobState
from inference.model_spec import Focus
from studies.models import SegmentationRevision, Series, User

FOCUS_FIELDS = ("focus_slice", "focus_row", "focus_column")


class SegmentationJob(models.Model):
    """One run of one model over one series, or one question why it marked a lesion.

    `attempt` fences: a worker writes only under the attempt it claimed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="jobs")
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    model_name = models.CharField(max_length=64)
    model_version = models.CharField(max_length=32)
    parameters = models.JSONField(default=dict)
    parameters_digest = models.CharField(max_length=64)
    inputs = models.JSONField(default=list)
    """`inference.services.channels.ChosenInput` as JSON, one for each channel of the network, in its order; empty for
    models that take the series alone."""
    contents_digest = models.CharField(max_length=64, blank=True, default="")
    """`Series.contents_digest` when the job was asked for."""
    is_awaited = models.BooleanField(default=True)
    """Whether a person waits for it; it goes before what runs in advance."""
    rule = models.ForeignKey(
        "inference.RoutingRule", on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    """The rule that asked for it, where no person did."""
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in JobState], default=JobState.QUEUED.value
    )
    queue = models.CharField(max_length=16, default="cpu")
    """`studies.queue.Queue` its message goes to."""
    attempt = models.PositiveIntegerField(default=0)
    focus_slice = models.PositiveIntegerField(default=0)
    focus_row = models.PositiveIntegerField(default=0)
    focus_column = models.PositiveIntegerField(default=0)
    """Voxel (from 0) the reader is looking at; windows near it run first. It never changes the result."""
    stage = models.CharField(max_length=32, blank=True, default="")
    windows_done = models.PositiveIntegerField(default=0)
    windows_total = models.PositiveIntegerField(default=0)
    seconds_left = models.FloatField(null=True, blank=True)
    """From the measured rate of this run; None while nothing is known."""
    brick_count = models.PositiveIntegerField(default=0)
    """Bricks the current attempt has written: the last sequence number, kept when the bricks themselves are gone."""
    lost_attempts = models.PositiveIntegerField(default=0)
    """Attempts whose worker vanished since a person last asked for this job; bounded."""
    is_cancel_requested = models.BooleanField(default=False)
    worker = models.CharField(max_length=128, blank=True, default="")
    """Host, process and start of the process that holds the lease, so that a neighbour can tell whether it lives."""
    device = models.CharField(max_length=128, blank=True, default="")
    """What that worker computes on, as it says itself: "CPU", or the GPU's name."""
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    enqueued_at = models.DateTimeField(null=True, blank=True)
    """When a message was last sent for it: the broker may lose one, the row does not."""
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure_code = models.CharField(max_length=64, blank=True, default="")
    failure = models.TextField(blank=True, default="")
    notes = models.JSONField(default=list, blank=True)
    """Sentences for the reader: how the run went another way than it was meant to."""
    peak_memory_bytes = models.BigIntegerField(null=True, blank=True)
    timings_s = models.JSONField(default=dict)
    revision = models.ForeignKey(
        SegmentationRevision, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )

    explains = models.ForeignKey(
        SegmentationRevision, on_delete=models.PROTECT, null=True, blank=True, related_name="explanations"
    )
    """The label map that it says the reasons of; None for a job that makes one."""
    explanation = models.JSONField(default=dict, blank=True)
    """What is asked of that label map and, at the end, what came out: `inference.events.ExplanationStatus` as JSON."""

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["series", "model_name", "model_version", "parameters_digest"],
                condition=models.Q(state__in=sorted(s.value for s in ACTIVE)),
                name="one_active_job_per_question",
            )
        ]
        indexes = [
            models.Index(fields=["state", "queue", "-is_awaited", "queued_at"], name="job_queue"),
            models.Index(fields=["queue", "finished_at"], name="job_worked_lately"),
            models.Index(fields=["model_name", "state", "finished_at"], name="job_of_model"),
        ]

    def __str__(self) -> str:
        return f"{self.model_name} {self.model_version} {self.state}"

    @property
    def focus(self) -> Focus:
        """The voxel the reader is looking at."""
        return self.focus_slice, self.focus_row, self.focus_column


class JobMap(models.Model):
    """What a run found besides its labels, voxel by voxel; goes when its job goes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(SegmentationJob, on_delete=models.CASCADE, related_name="maps")
    kind = models.CharField(max_length=32)
    """`inference.pipeline.job_maps.MapKind`."""
    payload = models.BinaryField()
    """gzip of uint8 (slice, row, column) on the series' grid: most of it is 0."""
    low = models.FloatField()
    high = models.FloatField()
    """What 0 and 255 stand for."""
    unit = models.CharField(max_length=64)
    histograms = models.JSONField(default=dict)
    """Per segment number, voxels by probability, as `inference.pipeline.job_maps.FoundMap` has them."""

    class Meta:
        ordering = ("kind",)
        constraints = [models.UniqueConstraint(fields=["job", "kind"], name="one_map_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.kind}"


class JobBrick(models.Model):
    """A slab that has become final, run-length coded, kept until the job's label map is stored and read.

    The row is what makes the stream resumable: sockets carry pointers to it, a reconnecting browser asks for what
    follows the last sequence number it has seen.
    """

    job = models.ForeignKey(SegmentationJob, on_delete=models.CASCADE, related_name="bricks")
    attempt = models.PositiveIntegerField()
    sequence = models.PositiveIntegerField()
    """From 1 within an attempt, without holes."""
    payload = models.BinaryField()
    """`studies.label_maps.codec` brick."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("attempt", "sequence")
        constraints = [models.UniqueConstraint(fields=["job", "attempt", "sequence"], name="brick_sequence_once")]

    def __str__(self) -> str:
        return f"{self.job_id} attempt {self.attempt} brick {self.sequence}"
