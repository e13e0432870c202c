"""The record's tables, one file per noun."""

from studies.models.assessment import Assessment, AssessmentOverride, ResponsePlan
from studies.models.audit import AuditEntry, AuditHead
from studies.models.lesion import (
    Lesion,
    LesionObservation,
    LesionState,
    MatchingState,
    TherapyKind,
    TherapyLine,
    Timepoint,
)
from studies.models.people import Role, Team, TeamMembership, User
from studies.models.registration import RegistrationState, SeriesRegistration
from studies.models.segmentation import AlgorithmType, GateOutcome, Segment, Segmentation, SegmentationRevision
from studies.models.study import Blob, GeometryVerdict, Instance, Patient, SegmentationState, Series, Study, StudyWord
from studies.models.upload import Reception, ReceptionOutcome, Upload, UploadState

__all__ = [
    "AlgorithmType",
    "Assessment",
    "AssessmentOverride",
    "AuditEntry",
    "AuditHead",
    "Blob",
    "GateOutcome",
    "GeometryVerdict",
    "Instance",
    "Lesion",
    "LesionObservation",
    "LesionState",
    "MatchingState",
    "Patient",
    "Reception",
    "ReceptionOutcome",
    "RegistrationState",
    "ResponsePlan",
    "Role",
    "Segment",
    "Segmentation",
    "SegmentationRevision",
    "SegmentationState",
    "Series",
    "SeriesRegistration",
    "Study",
    "StudyWord",
    "Team",
    "TeamMembership",
    "TherapyKind",
    "TherapyLine",
    "Timepoint",
    "Upload",
    "UploadState",
    "User",
]
