"""How the images of one date lie over those of another."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models.people import User
from studies.models.study import Series


class RegistrationState(models.TextChoices):
    """How far laying one series over another has come."""

    PENDING = "pending", "Waiting or running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


def _identity() -> list[float]:
    return [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def _no_nudge() -> list[float]:
    return [0.0, 0.0, 0.0]


class SeriesRegistration(models.Model):
    """The way from the prior series to the current one of the same patient, for stated contents of both.

    Kept for one direction of a pair; `studies.services.registrations.find_registration` turns it round.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prior_series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="registrations_as_prior")
    current_series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="registrations_as_current")
    prior_contents_digest = models.CharField(max_length=64)
    current_contents_digest = models.CharField(max_length=64)
    algorithm_version = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=RegistrationState.choices, default=RegistrationState.PENDING)
    prior_to_current_mm = models.JSONField(default=_identity)
    """4x4, row-major, patient LPS mm to patient LPS mm, as computed: without the nudge."""
    rigid_mm = models.JSONField(default=_identity)
    residual_mm = models.FloatField(null=True, blank=True)
    """By how much there and back again misses its start; None where there is no such number."""
    overlap = models.FloatField(default=0.0)
    confidence = models.FloatField(default=0.0)
    problems = models.JSONField(default=list, blank=True)
    """Codes of `studies.imaging.registration.RegistrationProblem`."""
    reason_code = models.CharField(max_length=64, blank=True, default="")
    """Why it failed: the code of an error or of a problem."""
    reason = models.TextField(blank=True, default="")
    nudge_mm = models.JSONField(default=_no_nudge)
    """[x, y, z] by which a person moved the prior on, in the current patient coordinates."""
    nudged_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "prior_series",
                    "current_series",
                    "prior_contents_digest",
                    "current_contents_digest",
                    "algorithm_version",
                ],
                name="registration_once_per_contents",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prior_series_id} on {self.current_series_id}"

    @property
    def is_trusted(self) -> bool:
        """Whether views may be linked by it without asking."""
        return self.state == RegistrationState.DONE and not self.problems
