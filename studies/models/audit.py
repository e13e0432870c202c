"""The audit trail: append-only, each entry carrying the hash of the one before it."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """Who did what, when, to which patient, with which outcome. Written by `studies.services.audit` alone.

    Holds ids, never names: the trail itself discloses no health information.
    """

    sequence = models.BigIntegerField(primary_key=True)
    occurred_at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    """Username, or ``system``."""
    act = models.CharField(max_length=64)
    subject_type = models.CharField(max_length=32, blank=True, default="")
    subject_id = models.CharField(max_length=64, blank=True, default="")
    patient_id = models.CharField(max_length=36, blank=True, default="")
    """Patient's primary key as text: the entry outlives the record."""
    outcome = models.CharField(max_length=16)
    address = models.CharField(max_length=45, blank=True, default="")
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    entry_hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ("sequence",)
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["patient_id", "sequence"], name="audit_of_patient")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.actor} {self.act} {self.outcome}"


class AuditHead(models.Model):
    """The last link of the chain, in one row: the trail's tail cannot be cut without also changing this."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    sequence = models.BigIntegerField()
    entry_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_once")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.entry_hash[:12]}"
