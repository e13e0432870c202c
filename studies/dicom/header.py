"""What the archive needs to know of a DICOM file, read defensively and without its pixels."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID, MediaStorageDirectoryStorage

from studies.dicom.errors import (
    DirectoryRecordError,
    MalformedFileError,
    MissingIdentifierError,
    NoPixelsError,
    UnknownTransferSyntaxError,
)
from studies.dicom.image_header import ImageHeader, read_image_header
from studies.dicom.structure import FileStructure, read_structure
from studies.dicom.values import PARSER_ERRORS, ValueReader, is_uid

NOT_IMAGE_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.66",  # raw data, registrations, segmentations, surfaces
    "1.2.840.10008.5.1.4.1.1.67",  # real world value maps
    "1.2.840.10008.5.1.4.1.1.68",  # surface scan
    "1.2.840.10008.5.1.4.1.1.88",  # structured reports
    "1.2.840.10008.5.1.4.1.1.9",  # waveforms
    "1.2.840.10008.5.1.4.1.1.11",  # presentation states
    "1.2.840.10008.5.1.4.1.1.104",  # encapsulated documents
    "1.2.840.10008.5.1.4.1.1.481",  # radiotherapy
)
"""Storage classes that are kept and read but are not shown as images, by UID or prefix."""

_PROJECTED_ONTO_IMAGES = ("1.2.840.10008.5.1.4.1.1.481.1",)  # RT Image is an image all the same


@dataclass(frozen=True, slots=True)
class PatientHeader:
    """Patient module (PS3.3 C.7.1.1)."""

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: datetime.date | None
    patient_sex: str
    is_synthetic: bool
    """QualityControlSubject (0010,0200) is YES: no living person."""


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """General Study module (PS3.3 C.7.2.1)."""

    study_instance_uid: str
    study_date: datetime.date | None
    study_time: datetime.time | None
    study_description: str
    study_id: str
    accession_number: str
    referring_physician_name: str


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """General Series and Frame of Reference modules (PS3.3 C.7.3.1, C.7.4.1)."""

    series_instance_uid: str
    series_number: int | None
    series_description: str
    modality: str
    body_part_examined: str
    frame_of_reference_uid: str


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """One DICOM object.

    Attributes
    ----------
    image
        None for objects that are not images (segmentations, reports, plans, documents).
    pixel_digest
        SHA-256 of the encoded pixel data, or of the whole dataset where there is none: tells an object sent twice from
        another one under the same UID.
    notes
        What was found odd and how it was read, as sentences.
    """

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    instance_number: int | None
    patient: PatientHeader
    study: StudyHeader
    series: SeriesHeader
    image: ImageHeader | None
    pixel_digest: str
    notes: tuple[str, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether the object can be shown as images."""
        return self.image is not None


def read_header(source: Path | bytes, *, needs_identity: bool = True) -> InstanceHeader:
    """Read everything the archive records of one Part 10 file, given by path or by its bytes.

    The archive `needs_identity`: UIDs of study, series and object. Without it they may be empty, so that files whose
    anonymiser blanked them can still be looked at outside the archive.

    Raises
    ------
    FileRefusedError
        Of a kind, with a code, that says why the file cannot be taken in.
    """
    structure = read_structure(source)
    dataset = read_attributes(structure)
    reader = ValueReader(dataset)
    sop_class_uid = _sop_class(reader, structure)
    image = _read_image(reader, structure, sop_class_uid)
    if needs_identity:
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
            _required_uid(reader, keyword)
    return InstanceHeader(
        sop_instance_uid=_own_uid(reader, "SOPInstanceUID", structure.media_storage_sop_instance_uid),
        sop_class_uid=sop_class_uid,
        transfer_syntax_uid=structure.transfer_syntax_uid,
        instance_number=reader.integer("InstanceNumber"),
        patient=_read_patient(reader),
        study=_read_study(reader),
        series=_read_series(reader),
        image=image,
        pixel_digest=_digest(structure),
        notes=tuple(reader.notes),
    )


def read_attributes(structure: FileStructure) -> Dataset:
    """Return the dataset up to its pixel data.

    Raises
    ------
    MalformedFileError
        Where the content cannot be parsed although the skeleton is sound.
    UnknownTransferSyntaxError
        Where the encoding is private or unheard of.
    """
    syntax = UID(structure.transfer_syntax_uid)
    if syntax.is_private or not syntax.is_transfer_syntax:
        raise UnknownTransferSyntaxError(
            f"The file is encoded as {structure.transfer_syntax_uid or 'nothing known'}, which SegWeb does not read. "
            "Export it again with a standard transfer syntax."
        )
    header = BytesIO(structure.buffer[structure.dataset_offset : structure.dataset_end])
    try:
        return read_dataset(header, structure.is_implicit, structure.is_little_endian)
    except (*PARSER_ERRORS, OSError) as error:  # pydicom's word for a sequence that ends in its middle
        raise MalformedFileError("The file's attributes cannot be read. Export it again.") from error


def _sop_class(reader: ValueReader, structure: FileStructure) -> str:
    if structure.media_storage_sop_class_uid == MediaStorageDirectoryStorage:
        raise DirectoryRecordError("A DICOMDIR lists a disc's files and holds no image; it is left out.")
    return _own_uid(reader, "SOPClassUID", structure.media_storage_sop_class_uid)


def _read_image(reader: ValueReader, structure: FileStructure, sop_class_uid: str) -> ImageHeader | None:
    is_other = any(sop_class_uid == uid or sop_class_uid.startswith(f"{uid}.") for uid in NOT_IMAGE_CLASSES)
    if is_other and sop_class_uid not in _PROJECTED_ONTO_IMAGES:
        return None
    if structure.pixels is None:
        if "Image Storage" in UID(sop_class_uid).name or "Rows" in reader.dataset:
            raise NoPixelsError("The file is an image object without pixel data. Send the image itself.")
        return None
    return read_image_header(reader, structure)


def _own_uid(reader: ValueReader, keyword: str, in_file_header: str) -> str:
    """Return the object's own UID; some anonymisers leave it in the file header alone."""
    uid = reader.uid(keyword)
    if uid or not is_uid(in_file_header):
        return uid or _required_uid(reader, keyword)
    reader.note(f"{keyword} is taken from the file header: the dataset lacks it.")
    return in_file_header


def _required_uid(reader: ValueReader, keyword: str) -> str:
    uid = reader.uid(keyword)
    if not uid:
        raise MissingIdentifierError(f"The file has no usable {keyword}. Export it again from its source.")
    return uid


def _read_patient(reader: ValueReader) -> PatientHeader:
    return PatientHeader(
        patient_id=reader.text("PatientID"),
        issuer_of_patient_id=reader.text("IssuerOfPatientID"),
        patient_name=reader.text("PatientName", limit=324),
        patient_birth_date=reader.date("PatientBirthDate"),
        patient_sex=reader.text("PatientSex", limit=1),
        is_synthetic=reader.text("QualityControlSubject") == "YES",
    )


def _read_study(reader: ValueReader) -> StudyHeader:
    return StudyHeader(
        study_instance_uid=reader.uid("StudyInstanceUID"),
        study_date=reader.date("StudyDate"),
        study_time=reader.time("StudyTime"),
        study_description=reader.text("StudyDescription"),
        study_id=reader.text("StudyID", limit=16),
        accession_number=reader.text("AccessionNumber", limit=16),
        referring_physician_name=reader.text("ReferringPhysicianName", limit=324),
    )


def _read_series(reader: ValueReader) -> SeriesHeader:
    return SeriesHeader(
        series_instance_uid=reader.uid("SeriesInstanceUID"),
        series_number=reader.integer("SeriesNumber"),
        series_description=reader.text("SeriesDescription"),
        modality=reader.text("Modality", limit=16) or "OT",
        body_part_examined=reader.text("BodyPartExamined", limit=16),
        frame_of_reference_uid=reader.uid("FrameOfReferenceUID"),
    )


def _digest(structure: FileStructure) -> str:
    start, end = structure.dataset_offset, structure.dataset_end
    if structure.pixels is not None:
        start, end = structure.pixels.offset, structure.pixels.offset + structure.pixels.length
    with memoryview(structure.buffer) as whole, whole[start:end] as part:
        return hashlib.sha256(part).hexdigest()
