"""Pictures and NIfTI volumes made into DICOM objects, so that the archive knows one kind of thing.

Who the patient is and when the image was taken is stated by a person (`StatedDetails`); nothing of it is made up, and
nothing hidden in the source (EXIF, comments, file names) is carried over.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self, cast
from uuid import UUID

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from studies.errors import InvalidInputError

REQUIRED_DETAILS = ("patient_id", "patient_name", "modality", "study_date")
"""What must be stated before a file that is not DICOM becomes a record."""
RESEARCH_NOTICE = "FOR RESEARCH USE ONLY - NOT FOR DIAGNOSTIC USE"
_IMPLEMENTATION_UID = "2.25.254173853029147380471842604418212297163"


class WrapError(InvalidInputError):
    """A picture or volume that cannot be made into a DICOM object without changing what it says."""

    code: ClassVar[str] = "wrap.impossible"


class DetailsMissingError(WrapError):
    """Patient or examination are not stated."""

    code: ClassVar[str] = "details.missing"


class SourceDamagedError(WrapError):
    """The picture or volume cannot be read to its end."""

    code: ClassVar[str] = "wrap.source_damaged"


class SourceTooLargeError(WrapError):
    """More pixels than the door takes."""

    code: ClassVar[str] = "wrap.source_too_large"


class ModalityUnfitError(WrapError):
    """The stated modality is none that this kind of file can be."""

    code: ClassVar[str] = "wrap.modality_unfit"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedDetails:
    """What a person stated about a file that does not say it itself.

    Attributes
    ----------
    pixel_spacing_mm
        Between rows, between columns; None where it is not known (a NIfTI volume has its own).
    """

    patient_id: str
    patient_name: str
    patient_birth_date: date | None = None
    patient_sex: str = ""
    modality: str
    study_date: date
    study_description: str = ""
    pixel_spacing_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not (self.patient_id.strip() and self.patient_name.strip() and self.modality.strip()):
            raise DetailsMissingError("State the patient's ID and name, the modality and the date of the examination.")
        if "\\" in self.patient_id + self.patient_name + self.modality + self.study_description:
            raise WrapError("A backslash separates values in DICOM and cannot be part of a name. Leave it out.")
        if not (self.modality.isascii() and self.modality.isalnum() and self.modality.isupper()):
            raise ModalityUnfitError("State the modality as DICOM writes it, for example OP, XC, DX, MR or CT.")

    def to_json(self) -> dict[str, object]:
        """Return the details as JSON."""
        birth_date = self.patient_birth_date
        return {
            "patient_id": self.patient_id,
            "patient_name": self.patient_name,
            "patient_birth_date": birth_date.isoformat() if birth_date else None,
            "patient_sex": self.patient_sex,
            "modality": self.modality,
            "study_date": self.study_date.isoformat(),
            "study_description": self.study_description,
            "pixel_spacing_mm": list(self.pixel_spacing_mm) if self.pixel_spacing_mm else None,
        }

    @classmethod
    def from_json(cls, content: dict[str, object]) -> Self:
        """Return the details that `to_json` wrote."""
        birth_date, spacing = content["patient_birth_date"], content["pixel_spacing_mm"]
        return cls(
            patient_id=str(content["patient_id"]),
            patient_name=str(content["patient_name"]),
            patient_birth_date=date.fromisoformat(str(birth_date)) if birth_date else None,
            patient_sex=str(content["patient_sex"]),
            modality=str(content["modality"]),
            study_date=date.fromisoformat(str(content["study_date"])),
            study_description=str(content["study_description"]),
            pixel_spacing_mm=cast("tuple[float, float]", tuple(map(float, cast("list[float]", spacing))))
            if spacing
            else None,
        )


@dataclass(frozen=True, slots=True)
class WrapContext:
    """What every object wrapped from one source shares.

    Attributes
    ----------
    namespace
        Keeps the UIDs of different teams and installations apart.
    source_digest
        SHA-256 of the source: the same file with the same details gives the same UIDs, so it is recognised.
    sequence
        Kind of image as its file's name says it, in words of `studies.dicom.sequence_words`; empty where it does not.
    """

    details: StatedDetails
    namespace: str
    source_digest: str
    sequence: str = ""

    def uid(self, *parts: object) -> str:
        """Return a UID that depends on the namespace and the parts alone.

        References
        ----------
        DICOM PS3.5 B.2 (UUID derived UID).
        """
        digest = hashlib.sha256("\0".join([self.namespace, *map(str, parts)]).encode()).digest()
        return f"2.25.{UUID(bytes=digest[:16], version=4).int}"

    @property
    def study_instance_uid(self) -> str:
        """One study per patient, day and description."""
        details = self.details
        return self.uid("study", details.patient_id, details.study_date, details.study_description)


def begin_object(context: WrapContext, *, sop_class_uid: str, series_part: str, instance_part: str) -> Dataset:
    """Return a data set with the modules that every wrapped object has: patient, study, series, equipment, SOP common.

    References
    ----------
    DICOM PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1, C.12.1.
    """
    details, study_uid = context.details, context.study_instance_uid
    series_uid = context.uid("series", study_uid, details.modality, context.source_digest, series_part)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class_uid
    dataset.SOPInstanceUID = context.uid("instance", series_uid, instance_part)
    dataset.StudyInstanceUID = study_uid
    dataset.SeriesInstanceUID = series_uid
    dataset.PatientName, dataset.PatientID = details.patient_name, details.patient_id
    dataset.PatientBirthDate = f"{details.patient_birth_date:%Y%m%d}" if details.patient_birth_date else ""
    dataset.PatientSex = details.patient_sex
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = f"{details.study_date:%Y%m%d}"
    dataset.StudyTime = dataset.ContentTime = ""
    dataset.ReferringPhysicianName = dataset.AccessionNumber = dataset.StudyID = ""
    dataset.StudyDescription = details.study_description
    dataset.Modality = details.modality
    dataset.SeriesNumber = 1
    dataset.Laterality = ""
    dataset.Manufacturer = ""
    dataset.ImageComments = RESEARCH_NOTICE
    return dataset


def encode_object(dataset: Dataset) -> bytes:
    """Return a data set as a DICOM file in explicit VR little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION_UID)
    meta.ImplementationVersionName = "SEGWEB"
    dataset.file_meta = meta
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()
