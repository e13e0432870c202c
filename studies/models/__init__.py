"""The record's tables, one file per noun."""

from studies.models.audit import AuditEntry, AuditHead
from studies.models.people import Role, Team, TeamMembership, User
from studies.models.registration import RegistrationState, SeriesRegistration
from studies.models.segmentation import AlgorithmType, Segment, Segmentation, SegmentationRevision
from studies.models.study import Blob, GeometryVerdict, Instance, Patient, SegmentationState, Series, Study, StudyWord
from studies.models.upload import Reception, ReceptionOutcome, Upload, UploadState

__all__ = [
    "AlgorithmType",
    "AuditEntry",
    "AuditHead",
    "Blob",
    "GeometryVerdict",
    "Instance",
    "Patient",
    "Reception",
    "ReceptionOutcome",
    "RegistrationState",
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
    "Upload",
    "UploadState",
    "User",
]
