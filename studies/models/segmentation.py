"""Segmentations and their immutable revisions."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models.people import User
from studies.models.study import Blob, Series


class AlgorithmType(models.TextChoices):
    """SegmentAlgorithmType (0062,0008)."""

    AUTOMATIC = "AUTOMATIC"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    MANUAL = "MANUAL"


class GateOutcome(models.TextChoices):
    """What the quality gate said of the run that a segmentation began with."""

    PASSED = "passed", "Passed"
    NEEDS_EYES = "needs_eyes", "Needs eyes"
    NOT_JUDGED = "not_judged", "Not judged"


class Segmentation(models.Model):
    """The history of one label map over one series."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="segmentations")
    name = models.CharField(max_length=120)
    model_version = models.CharField(max_length=32, blank=True, default="")
    """Of the model whose run it began with; empty where a person began it."""
    gate_outcome = models.CharField(max_length=12, choices=GateOutcome.choices, blank=True, default="")
    """Empty where a person began it. The reasons stand in the first revision's provenance, under "gate"."""
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    """When a person first vouched for it, by accepting or by correcting it."""
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.name

    @property
    def needs_eyes(self) -> bool:
        """Whether the quality gate asks for a person and none has looked."""
        return self.gate_outcome == GateOutcome.NEEDS_EYES and self.accepted_at is None


class SegmentationRevision(models.Model):
    """One state of a label map. Never changed once written; a correction is a new revision on a stated base."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    segmentation = models.ForeignKey(Segmentation, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    base = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="successors")
    digest = models.CharField(max_length=64)
    """`LabelMap.digest`: SHA-256 over shape, type and voxels."""
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="revisions")
    """The label map in the wire format of `studies.label_maps.codec`."""
    algorithm_type = models.CharField(max_length=16, choices=AlgorithmType.choices)
    provenance = models.JSONField(default=dict)
    """Model name and version, job id, parameters; or the act of a person."""
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=["segmentation", "number"], name="revision_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.segmentation} r{self.number}"


class Segment(models.Model):
    """One labelled structure of a revision; the label map holds its `segment_number`."""

    revision = models.ForeignKey(SegmentationRevision, on_delete=models.CASCADE, related_name="segments")
    segment_number = models.PositiveIntegerField()
    segment_label = models.CharField(max_length=64)
    category_code = models.JSONField()
    """[value, scheme, meaning] from CID 7150."""
    type_code = models.JSONField()
    """[value, scheme, meaning] from CID 7151 and its kin."""
    colour = models.CharField(max_length=7)
    """#rrggbb, from the Okabe-Ito palette."""
    volume_ml = models.FloatField(null=True, blank=True)
    """None where the series is no volume: its slices have no known thickness."""
    voxel_count = models.PositiveBigIntegerField()

    class Meta:
        ordering = ("segment_number",)
        constraints = [
            models.UniqueConstraint(fields=["revision", "segment_number"], name="segment_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.segment_number} {self.segment_label}"
