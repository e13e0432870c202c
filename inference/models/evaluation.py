"""Evaluations that administrators asked for: a model held against outlined cases, and what was found."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models import Team, User


class EvaluationState(models.TextChoices):
    """Where an evaluation stands."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"
    REFUSED = "refused", "Refused"
    CANCELLED = "cancelled", "Cancelled"


UNDER_WAY = (EvaluationState.QUEUED, EvaluationState.RUNNING)


class EvaluationSource(models.TextChoices):
    """Where its cases lie."""

    FILE = "file", "A file that was handed in"
    ARCHIVE = "archive", "Label maps that people drew or corrected here"


class ModelEvaluation(models.Model):
    """A model over outlined cases; its record stays, the cases do not."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    """Whose patients the cases are: nobody else sees it."""
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    model_name = models.CharField(max_length=64)
    model_version = models.CharField(max_length=32)
    cases_from = models.CharField(max_length=8, choices=EvaluationSource.choices, default=EvaluationSource.FILE)
    file_name = models.CharField(max_length=255, blank=True, default="")
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    """Of the file."""
    revisions = models.JSONField(default=list)
    """Of cases in the archive: the label maps that were taken as the truth, as they were when it was asked for."""
    baseline = models.CharField(max_length=32)
    modality = models.CharField(max_length=16, blank=True, default="")
    segment_map = models.JSONField(null=True, blank=True)
    """{segment number: [outlined numbers]}; null where equal numbers are the same structure."""
    least_dice = models.FloatField(null=True, blank=True)
    """What the lower bound of the mean Dice must reach; null where no verdict was asked for."""
    state = models.CharField(max_length=12, choices=EvaluationState.choices, default=EvaluationState.QUEUED)
    is_cancel_requested = models.BooleanField(default=False)
    attempt = models.PositiveIntegerField(default=0)
    """How often a worker took it; a worker writes only under the attempt it took."""
    cases_total = models.PositiveIntegerField(default=0)
    cases_done = models.PositiveIntegerField(default=0)
    """Those left out included."""
    windows_done = models.PositiveIntegerField(default=0)
    windows_total = models.PositiveIntegerField(default=0)
    """Of the case in hand."""
    seconds_left = models.FloatField(null=True, blank=True)
    """From the rate of the cases behind; None while none is."""
    verdict = models.CharField(max_length=16, blank=True, default="")
    """`inference.evaluation.acceptance.Verdict`; empty where none was asked for or it is not over."""
    failure_code = models.CharField(max_length=64, blank=True, default="")
    failure = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    enqueued_at = models.DateTimeField(null=True, blank=True)
    """When a message was last sent for it: the broker may lose one, the row does not."""
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.model_name} {self.model_version} {self.state}"


class EvaluationFile(models.Model):
    """What a finished evaluation left: figures, table, page, pictures; `inference.evaluation.record` names them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation = models.ForeignKey(ModelEvaluation, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=64)
    payload = models.BinaryField()

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["evaluation", "name"], name="one_evaluation_file_of_a_name")]

    def __str__(self) -> str:
        return f"{self.evaluation_id} {self.name}"
