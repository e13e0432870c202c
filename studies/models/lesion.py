"""Timepoints, lesions and what was seen of each lesion at each timepoint; therapy beside them."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models.people import User
from studies.models.segmentation import Segmentation, SegmentationRevision
from studies.models.study import Patient, Study
from studies.tracking.criteria.brain_inputs import Trend, TumourComponent
from studies.tracking.criteria.inputs import Certainty, ClinicalStatus, LesionKind, LesionRole
from studies.tracking.criteria.lugano_pet import UptakeTrend
from studies.tracking.criteria.measurability import FindingType


def _choices(*values: str) -> list[tuple[str, str]]:
    return [(value, value.replace("_", " ").capitalize()) for value in map(str, values)]


_COMPONENTS = [
    (str(TumourComponent.ENHANCING), "Enhancing"),
    (str(TumourComponent.NON_ENHANCING), "Non-enhancing"),
]


class MatchingState(models.TextChoices):
    """How far a timepoint is with finding its lesions again."""

    WAITING = "waiting", "Waiting for registration or measurement"
    MATCHED = "matched", "Lesions matched"
    FAILED = "failed", "Could not be measured"


class LesionState(models.TextChoices):
    """What is known of a lesion at a timepoint."""

    MEASURED = "measured", "Measured"
    PRESENT = "present", "Present, not measured"
    TOO_SMALL = "too_small_to_measure", "Too small to measure"
    ABSENT = "absent", "Gone"
    MERGED = "merged", "Merged into another"
    NOT_EVALUABLE = "not_evaluable", "Not evaluable"
    UNMARKED = "unmarked", "Not marked"
    """Nobody said anything: neither measured nor gone, so it counts as not evaluable until a person has looked."""


class Timepoint(models.Model):
    """A study at which the patient's lesions are followed, with the segmentation that counts there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.OneToOneField(Study, on_delete=models.PROTECT, related_name="timepoint")
    segmentation = models.ForeignKey(Segmentation, on_delete=models.PROTECT, related_name="timepoints")
    revision = models.ForeignKey(SegmentationRevision, on_delete=models.PROTECT, null=True, related_name="+")
    """The revision that the observations speak of; the segmentation may have a newer one for a moment."""
    matching_state = models.CharField(max_length=12, choices=MatchingState.choices, default=MatchingState.WAITING)
    problem_code = models.CharField(max_length=64, blank=True, default="")
    problem = models.TextField(blank=True, default="")
    """Why nothing could be measured or matched, in a sentence."""
    inputs_digest = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 over all that the matching read: the same again need not be matched again."""
    excluded_reason = models.CharField(max_length=300, blank=True, default="")
    """Not empty: the timepoint is shown and takes no part in any verdict."""
    comparability_accepted_reason = models.CharField(max_length=300, blank=True, default="")
    """Not empty: a reader compares this date with the baseline though it was imaged otherwise."""
    clinical_status = models.CharField(
        max_length=24, choices=_choices(*ClinicalStatus), default=ClinicalStatus.NOT_RECORDED
    )
    steroid_dexamethasone_mg = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    """Daily dose as dexamethasone; None where nobody recorded it."""
    is_steroid_replacement = models.BooleanField(default=False)
    is_tumour_marker_elevated = models.BooleanField(null=True, blank=True)
    non_measurable_trend = models.CharField(max_length=16, choices=_choices(*Trend), blank=True, default="")
    flair_trend = models.CharField(max_length=16, choices=_choices(*Trend), blank=True, default="")
    liver_sul_mean = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    """Of a sphere of 3 cm in the right lobe; None where nobody recorded it, like the three that follow."""
    liver_sul_sd = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    blood_sul_mean = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    """Of a cylinder of 1 cm by 2 cm in the descending aorta: the reference where the liver is diseased."""
    blood_sul_sd = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    reference_source = models.CharField(max_length=120, blank=True, default="")
    """Where the four values come from, in the reader's words."""
    deauville_score = models.PositiveSmallIntegerField(null=True, blank=True)
    """1 to 5; None where nobody scored."""
    uptake_trend = models.CharField(max_length=16, choices=_choices(*UptakeTrend), blank=True, default="")
    """How the uptake changed against the baseline: what Deauville 4 and 5 need."""
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("study__study_date", "study__study_time", "created_at")

    def __str__(self) -> str:
        return f"Timepoint {self.study.study_date}"


class Lesion(models.Model):
    """One lesion of a patient, the same one on every date: its tracking UID lasts as long as it does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="lesions")
    number = models.PositiveIntegerField()
    """From 1 within the patient, never used again: what people call it by."""
    tracking_uid = models.CharField(max_length=64, unique=True)
    """Tracking Unique Identifier (PS3.16, EV 112040)."""
    segment_label = models.CharField(max_length=64)
    organ = models.CharField(max_length=64, blank=True, default="")
    site = models.CharField(max_length=64, blank=True, default="")
    """Where in the organ, in the reader's words."""
    kind = models.CharField(max_length=12, choices=_choices(*LesionKind), default=LesionKind.NON_NODAL)
    finding_type = models.CharField(max_length=24, choices=_choices(*FindingType), default=FindingType.MASS)
    has_soft_tissue_component = models.BooleanField(default=False)
    is_locally_treated = models.BooleanField(default=False)
    has_progressed_since_treatment = models.BooleanField(default=False)
    role = models.CharField(
        max_length=12, choices=_choices(LesionRole.TARGET, LesionRole.NON_TARGET), default=LesionRole.NON_TARGET
    )
    """Of a lesion that is there at baseline; any other is new, whatever stands here."""
    is_role_suggested = models.BooleanField(default=True)
    """The role was set by the software and no person has looked at it."""
    certainty = models.CharField(max_length=12, choices=_choices(*Certainty), default=Certainty.EQUIVOCAL)
    """Of a new lesion."""
    is_growing = models.BooleanField(default=False)
    """Of a new lesion that is not measured: a reader saw it grow (iRECIST)."""
    component = models.CharField(max_length=8, choices=_COMPONENTS, blank=True, default="")
    """Of a glioma: the part of the tumour that is measured; empty where nobody said."""
    dismissed_reason = models.CharField(max_length=300, blank=True, default="")
    """Not empty: a person said that this is no lesion."""
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    """None where the matching found it and no person has touched it."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = [models.UniqueConstraint(fields=["patient", "number"], name="lesion_number_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What people call it: ``L`` and its number."""
        return f"L{self.number}"


class LesionObservation(models.Model):
    """What was seen of one lesion at one timepoint, who says so, and what else it might have been."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lesion = models.ForeignKey(Lesion, on_delete=models.CASCADE, related_name="observations")
    timepoint = models.ForeignKey(Timepoint, on_delete=models.CASCADE, related_name="observations")
    state = models.CharField(max_length=24, choices=LesionState.choices)
    components = models.JSONField(default=list)
    """[[segment_number, lesion_number], ...] in the timepoint's revision; several where the lesion fell apart."""
    measurements = models.JSONField(default=list)
    """One `LesionMeasurement` as plain values for each component."""
    merged_into = models.ForeignKey(Lesion, on_delete=models.SET_NULL, null=True, related_name="+")
    is_unequivocal_progression = models.BooleanField(default=False)
    """Of a non-target: a reader says so, no measurement does."""
    proposal = models.JSONField(default=dict)
    """kind, confidence, must_ask, runner_up, reason: what the matching said (`studies.tracking.matching`)."""
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    confirmed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("timepoint__study__study_date", "lesion__number")
        constraints = [models.UniqueConstraint(fields=["lesion", "timepoint"], name="lesion_once_per_timepoint")]

    def __str__(self) -> str:
        return f"{self.lesion} at {self.timepoint}: {self.state}"


class TherapyKind(models.TextChoices):
    """What was done, as far as the criteria care."""

    SYSTEMIC = "systemic", "Systemic therapy"
    IMMUNOTHERAPY = "immunotherapy", "Immunotherapy"
    ANTIANGIOGENIC = "antiangiogenic", "Anti-angiogenic therapy"
    RADIATION = "radiation", "Radiation"
    SURGERY = "surgery", "Surgery"
    OTHER = "other", "Other"


class TherapyLine(models.Model):
    """A treatment from one day to another; without an end it goes on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="therapy_lines")
    kind = models.CharField(max_length=16, choices=TherapyKind.choices)
    name = models.CharField(max_length=120)
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True)
    is_new_anticancer_therapy = models.BooleanField(default=False)
    """Begun after baseline in place of the one under study: later timepoints say nothing about the best response."""
    note = models.CharField(max_length=300, blank=True, default="")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("start_date", "created_at")

    def __str__(self) -> str:
        return f"{self.name} from {self.start_date}"
