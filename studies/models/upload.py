"""What came through the door, file by file, and what became of it."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models.people import Team, User
from studies.models.study import Blob, Instance


class UploadState(models.TextChoices):
    """Where a dropped file stands."""

    RECEIVING = "receiving", "Receiving"
    RECEIVED = "received", "Received, waiting to be read"
    INGESTED = "ingested", "Read"
    NEEDS_DETAILS = "needs_details", "Needs patient details"
    FAILED = "failed", "Could not be read"


class Upload(models.Model):
    """One file sent over tus, an imported path, or an archive of files."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="uploads")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="uploads", null=True)
    batch = models.UUIDField(null=True, blank=True, db_index=True)
    """Groups the files of one drop."""
    file_name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=UploadState.choices, default=UploadState.RECEIVING)
    details = models.JSONField(default=dict)
    """What the sender stated for a file that is not DICOM: `studies.dicom.wrap.StatedDetails` as JSON."""
    needed_details = models.JSONField(default=list)
    """Names of what the sender must still state, empty when nothing is missing."""
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="uploads")
    reason_code = models.CharField(max_length=64, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    """When what has arrived of an unfinished file is thrown away."""
    claimed_at = models.DateTimeField(null=True, blank=True)
    """Last sign of life of the worker that reads it; an old one means that worker died."""
    reminded_at = models.DateTimeField(null=True, blank=True)
    """When it was last handed out again because its message seemed lost."""

    class Meta:
        ordering = ("-created_at",)
        indexes = [models.Index(fields=["state", "expires_at"], name="upload_by_state_and_expiry")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.state})"


class ReceptionOutcome(models.TextChoices):
    """What became of one object inside an upload."""

    STORED = "stored", "Stored"
    DUPLICATE = "duplicate", "Already here"
    REFUSED = "refused", "Refused, kept aside"
    SKIPPED = "skipped", "Not an image object, left out"


class Reception(models.Model):
    """One object found in an upload: a zip has many, a DICOM file one."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="receptions")
    path = models.CharField(max_length=1024)
    outcome = models.CharField(max_length=16, choices=ReceptionOutcome.choices)
    reason_code = models.CharField(max_length=64, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    instance = models.ForeignKey(Instance, on_delete=models.SET_NULL, null=True, related_name="receptions")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="receptions")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.path}: {self.outcome}"
