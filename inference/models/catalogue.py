"""What administrators decide about models; what a model is stands in `inference.registry`."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models import User


class ModelSetting(models.Model):
    """An administrator's word on a model; without one it may be used."""

    model_name = models.CharField(primary_key=True, max_length=64)
    is_enabled = models.BooleanField(default=True)
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.model_name} {'enabled' if self.is_enabled else 'disabled'}"


class ModelImportState(models.TextChoices):
    """Where an import stands."""

    RECEIVED = "received", "Waiting for a worker"
    CHECKING = "checking", "Being read and checked"
    IMPORTED = "imported", "In the catalogue"
    REFUSED = "refused", "Refused"


class ModelImport(models.Model):
    """A model that an administrator handed in through the browser."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file_name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=12, choices=ModelImportState.choices, default=ModelImportState.RECEIVED)
    model_name = models.CharField(max_length=64, blank=True, default="")
    model_version = models.CharField(max_length=32, blank=True, default="")
    failure_code = models.CharField(max_length=64, blank=True, default="")
    failure = models.TextField(blank=True, default="")
    wishes = models.JSONField(default=dict, blank=True)
    """What the person said about it: what `inference.formats.wish.read_wish` reads."""
    attempt = models.PositiveIntegerField(default=0)
    """How often a worker took it; a worker writes only under the attempt it took."""
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    enqueued_at = models.DateTimeField(null=True, blank=True)
    """When a message was last sent for it: the broker may lose one, the row does not."""
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"
