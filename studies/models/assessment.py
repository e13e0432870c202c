"""By which criterion a patient is followed, what it said each time, and what a reader said instead."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models.lesion import Timepoint
from studies.models.people import User
from studies.models.study import Patient
from studies.tracking.criteria.verdict import Criterion, Response

CRITERIA = [(str(criterion), str(criterion).replace("_", " ")) for criterion in Criterion]
RESPONSES = [(str(response), str(response)) for response in Response]


class ResponsePlan(models.Model):
    """How a patient is followed: the criterion, its configuration, and the baseline where it is not the first date."""

    patient = models.OneToOneField(Patient, primary_key=True, on_delete=models.PROTECT, related_name="response_plan")
    criterion = models.CharField(max_length=16, choices=CRITERIA, default=Criterion.RECIST_1_1)
    configuration = models.JSONField(default=dict)
    """Values of `CriteriaConfiguration` that differ from its defaults."""
    baseline = models.ForeignKey(Timepoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.patient}: {self.criterion}"


class Assessment(models.Model):
    """What a criterion said on stated inputs. Never changed once written; other inputs make another assessment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="assessments")
    timepoint = models.ForeignKey(Timepoint, on_delete=models.SET_NULL, null=True, related_name="assessments")
    """The latest one it judges."""
    criterion = models.CharField(max_length=16, choices=CRITERIA)
    configuration_version = models.CharField(max_length=16)
    configuration = models.JSONField(default=dict)
    inputs = models.JSONField()
    """`studies.tracking.followed.FollowedPatient` as plain values: all that the verdict rests on."""
    inputs_digest = models.CharField(max_length=64)
    """SHA-256 over criterion, configuration and inputs."""
    overall_response = models.CharField(max_length=20, choices=RESPONSES)
    rule_id = models.CharField(max_length=24)
    sentence = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at",)
        indexes = [models.Index(fields=["patient", "criterion", "created_at"], name="assessment_of_patient")]

    def __str__(self) -> str:
        return f"{self.criterion} {self.overall_response}"


class AssessmentOverride(models.Model):
    """A reader's verdict in place of the computed one, which stays; the newest of an assessment counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="overrides")
    response = models.CharField(max_length=20, choices=RESPONSES, blank=True, default="")
    """Empty where the reader took an earlier override back."""
    reason = models.TextField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at",)

    def __str__(self) -> str:
        return self.response or "taken back"
