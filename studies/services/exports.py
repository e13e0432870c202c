"""Label maps as files for other systems: DICOM SEG and NIfTI."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from pydicom import Dataset, dcmread

from studies.errors import InvalidInputError
from studies.label_maps.label_map import LabelMap
from studies.models import SegmentationRevision, Series, User
from studies.permissions import ACTING_ROLES, require_role
from studies.services import audit
from studies.services.segmentations import load_label_map
from studies.services.volumes import NotAVolumeError, read_layout
from studies.storage import derived_path, write_derived_with

EXPORT_VERSION = "1"
"""Raised when the same revision would be written as other bytes."""


class ExportFormat(StrEnum):
    """What a label map can leave as."""

    DICOM_SEG = "dicom-seg"
    NIFTI = "nifti"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that is ready to be sent."""

    path: Path
    content_type: str
    file_name: str


def read_format(text: str) -> ExportFormat:
    """Return the format a request names."""
    try:
        return ExportFormat(text)
    except ValueError as error:
        formats = ", ".join(ExportFormat)
        raise InvalidInputError(f"Name the format to export: one of {formats}.") from error


def export_revision(
    revision: SegmentationRevision, *, file_format: ExportFormat, exported_by: User, address: str = ""
) -> ExportedFile:
    """Write a revision for another system, once, and record who took it."""
    require_role(exported_by, *ACTING_ROLES)
    series = revision.segmentation.series
    layout = read_layout(series)
    if layout.geometry.geometry is None or layout.is_colour:
        raise NotAVolumeError(
            f"{series.geometry_explanation} Its label maps have no place in the patient and cannot be exported."
        )
    suffix, content_type = _FORMS[file_format]
    path = derived_path("export", f"{revision.digest}.{revision.pk.hex}-v{EXPORT_VERSION}.{suffix}")
    if not path.is_file():
        _write(revision, file_format, path.name)
    audit.record(
        act="revision.exported",
        actor=exported_by,
        subject=revision,
        patient=series.study.patient,
        address=address,
        format=str(file_format),
    )
    return ExportedFile(path, content_type, _file_name(revision, suffix))


def _write(revision: SegmentationRevision, file_format: ExportFormat, key: str) -> None:
    label_map = load_label_map(revision)
    if file_format is ExportFormat.NIFTI:
        write_derived_with("export", key, lambda stream: _write_nifti(label_map, stream))
        return
    dataset = _make_dicom_seg(revision, label_map)
    write_derived_with("export", key, lambda stream: dataset.save_as(stream, enforce_file_format=True))


def _make_dicom_seg(revision: SegmentationRevision, label_map: LabelMap) -> Dataset:
    from studies.dicom import segmentation

    provenance = _machine_provenance(revision)
    info = segmentation.SegmentationInfo(
        name=revision.segmentation.name,
        algorithm_type=revision.algorithm_type,
        identity=str(revision.pk),
        created_at=revision.created_at,
        algorithm_name=provenance.get("model_name", "SegWeb"),
        algorithm_version=provenance.get("model_version", "1"),
        algorithm_family=segmentation.family_of(provenance.get("method", "")),
        creator_name=_person_name(revision.created_by),
    )
    sources = [
        segmentation.SourceFrame(dataset, frame_number)
        for dataset, frame_number in read_sources(revision.segmentation.series)
    ]
    return segmentation.write_dicom_seg(label_map, sources, info)


def read_sources(series: Series) -> list[tuple[Dataset, int]]:
    """Return for each slice its image object's attributes, pixels left out, and the frame in it, from 1."""
    layout = read_layout(series)
    order = layout.geometry.order
    headers = {
        place: dcmread(layout.images[place].path, stop_before_pixels=True)
        for place in {reference.image_index for reference in order}
    }
    return [(headers[reference.image_index], reference.frame_index + 1) for reference in order]


def _machine_provenance(revision: SegmentationRevision) -> dict[str, str]:
    """Return the provenance of the machine's revision that this one goes back to, empty for what is drawn by hand."""
    step: SegmentationRevision | None = revision
    while step is not None and "model_name" not in step.provenance:
        step = step.base
    return step.provenance if step is not None else {}


def _person_name(user: User | None) -> str:
    """Return a DICOM person name: family, then given."""
    return f"{user.last_name or user.username}^{user.first_name}".rstrip("^")[:64] if user else ""


def _write_nifti(label_map: LabelMap, stream: BinaryIO) -> None:
    from studies.label_maps.nifti import write_nifti

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "label_map.nii.gz"
        write_nifti(label_map, path)
        stream.write(path.read_bytes())


def _file_name(revision: SegmentationRevision, suffix: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", revision.segmentation.name).strip("_") or "segmentation"
    return f"{words}_r{revision.number}.{suffix}"


_FORMS = {ExportFormat.DICOM_SEG: ("dcm", "application/dicom"), ExportFormat.NIFTI: ("nii.gz", "application/gzip")}
