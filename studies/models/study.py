"""Patient, Study, Series, Instance: the archive's records, with DICOM's names.

UIDs are unique within the team whose door a file came through (``home_team``), not over the installation: two teams
may each hold the same study without either learning of the other's.
"""

from __future__ import annotations

import uuid
from datetime import date

from django.db import models
from django.db.models.functions import Coalesce

from studies.models.people import Team


class Blob(models.Model):
    """A file in the content-addressed store; its key is the SHA-256 of its bytes."""

    digest = models.CharField(primary_key=True, max_length=64)
    size_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.digest


class Patient(models.Model):
    """A person under care, seen through ``home_team`` and the ``teams`` they were shared with, and no other way."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    home_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="home_patients")
    teams = models.ManyToManyField(Team, related_name="patients")
    patient_id = models.CharField(max_length=64)
    issuer_of_patient_id = models.CharField(max_length=64, blank=True, default="")
    patient_name = models.CharField(max_length=324, blank=True, default="")
    patient_birth_date = models.DateField(null=True, blank=True)
    patient_sex = models.CharField(max_length=1, blank=True, default="")
    is_synthetic = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("patient_name", "patient_id")
        indexes = [models.Index(fields=["patient_name", "id"], name="patient_by_name")]
        constraints = [
            models.UniqueConstraint(
                fields=["home_team", "issuer_of_patient_id", "patient_id"], name="patient_once_per_team"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient_name} ({self.patient_id})"


class SegmentationState(models.TextChoices):
    """What the machines have done with a study, for the worklist; kept current by the segmentation jobs."""

    NONE = "none", "Not segmented"
    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    SEGMENTED = "segmented", "Segmented"
    NEEDS_EYES = "needs_eyes", "Needs eyes"
    FAILED = "failed", "Failed"


class Study(models.Model):
    """One examination of a patient."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    home_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    study_instance_uid = models.CharField(max_length=64)
    study_date = models.DateField(null=True, blank=True)
    study_time = models.TimeField(null=True, blank=True)
    sort_date = models.GeneratedField(
        expression=Coalesce("study_date", models.Value(date.min, output_field=models.DateField())),
        output_field=models.DateField(),
        db_persist=True,
    )
    """`study_date` with undated studies last among the newest first, alike on every database and in every index."""
    study_description = models.CharField(max_length=64, blank=True, default="")
    study_id = models.CharField(max_length=16, blank=True, default="")
    accession_number = models.CharField(max_length=16, blank=True, default="")
    referring_physician_name = models.CharField(max_length=324, blank=True, default="")
    modalities = models.CharField(max_length=64, blank=True, default="")
    """Distinct modalities of its series, sorted, backslash-separated as in ModalitiesInStudy (0008,0061)."""
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    segmentation_state = models.CharField(
        max_length=12, choices=SegmentationState.choices, default=SegmentationState.NONE
    )
    segmentation_progress = models.FloatField(default=0.0)
    """Share of the running job's windows that are done, 0 to 1."""
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-study_date", "-study_time")
        verbose_name_plural = "studies"
        constraints = [models.UniqueConstraint(fields=["home_team", "study_instance_uid"], name="study_once_per_team")]
        indexes = [
            models.Index(fields=["patient", "-study_date"], name="study_of_patient_by_date"),
            # who sees a study stands in the indexes that are walked far: turning pages then reads no study
            models.Index(fields=["sort_date", "study_time", "id", "home_team", "patient"], name="study_by_date"),
            models.Index(fields=["received_at", "id", "home_team", "patient"], name="study_by_arrival"),
            models.Index(fields=["study_description", "id"], name="study_by_description"),
            models.Index(fields=["segmentation_state", "sort_date", "id"], name="study_by_state"),
            # what a search found is narrowed, and a team's studies are counted, without reading a study
            models.Index(fields=["id", "home_team", "segmentation_state", "sort_date"], name="study_with_team"),
            models.Index(fields=["home_team", "sort_date", "segmentation_state", "id"], name="study_of_team_by_date"),
        ]

    def __str__(self) -> str:
        return f"{self.study_description or 'Study'} {self.study_date or 'undated'}"


class StudyWord(models.Model):
    """A folded word by which the worklist's search finds a study: of the patient's name and id, and of the study.

    One table with one plain index serves prefix search on every database (`studies.selectors.words`). A study's
    modalities are words too, behind a sign that no search can spell.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="words", db_index=False)
    word = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "word"], name="word_once_per_study")]
        indexes = [
            models.Index(fields=["word", "study"], name="study_of_word", opclasses=["varchar_pattern_ops", "uuid_ops"])
        ]

    def __str__(self) -> str:
        return self.word


class GeometryVerdict(models.TextChoices):
    """What the positions of a series' slices say about it; REGULAR alone may be treated as a plain volume."""

    REGULAR = "regular", "Regular volume"
    SINGLE_SLICE = "single_slice", "Single slice"
    GAPS = "gaps", "Slices missing"
    DUPLICATES = "duplicates", "Several images at one position"
    VARYING_SPACING = "varying_spacing", "Slice spacing varies"
    MIXED_ORIENTATION = "mixed_orientation", "Images of several orientations"
    MIXED_SIZE = "mixed_size", "Images of several sizes"
    GANTRY_TILT = "gantry_tilt", "Gantry tilt (sheared volume)"
    NO_POSITIONS = "no_positions", "No patient positions"
    NOT_IMAGES = "not_images", "Not images"


class Series(models.Model):
    """A set of instances acquired or derived together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    series_instance_uid = models.CharField(max_length=64)
    series_number = models.IntegerField(null=True, blank=True)
    series_description = models.CharField(max_length=64, blank=True, default="")
    modality = models.CharField(max_length=16)
    body_part_examined = models.CharField(max_length=16, blank=True, default="")
    frame_of_reference_uid = models.CharField(max_length=64, blank=True, default="")
    instance_count = models.PositiveIntegerField(default=0)
    frame_count = models.PositiveIntegerField(default=0)
    geometry_verdict = models.CharField(
        max_length=24, choices=GeometryVerdict.choices, default=GeometryVerdict.NO_POSITIONS
    )
    geometry_explanation = models.TextField(blank=True, default="")
    """The verdict in a sentence for the reader: what was found and what it means for viewing and measuring."""
    spacing_mm = models.JSONField(null=True, blank=True)
    """[slice, row, column] in mm where the verdict knows it."""
    contents_digest = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 over its instances' digests in order: the key of everything derived from the series."""

    class Meta:
        ordering = ("series_number", "series_instance_uid")
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_once_per_study")]

    def __str__(self) -> str:
        return f"{self.modality} {self.series_description}".strip()


class Instance(models.Model):
    """One DICOM object as it arrived."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="instances")
    home_team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    sop_instance_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    instance_number = models.IntegerField(null=True, blank=True)
    number_of_frames = models.PositiveIntegerField(default=1)
    rows = models.PositiveIntegerField(default=0)
    columns = models.PositiveIntegerField(default=0)
    image_header = models.JSONField(default=dict)
    """`studies.dicom.header.ImageHeader` as JSON: geometry and display attributes of each frame."""
    pixel_digest = models.CharField(max_length=64)
    """SHA-256 of the encoded pixel data: tells a resent object from another object under the same UID."""
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="instances")
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("instance_number", "sop_instance_uid")
        constraints = [models.UniqueConstraint(fields=["home_team", "sop_instance_uid"], name="instance_once_per_team")]

    def __str__(self) -> str:
        return self.sop_instance_uid
