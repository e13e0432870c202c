"""Label maps as DICOM Segmentation objects (BINARY), on the very frames they were drawn on."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues
from highdicom.seg import SegmentDescription as CodedSegment
from highdicom.sr import CodedConcept as CodedEntry
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from studies.errors import ConflictError
from studies.label_maps.label_map import CodedConcept, LabelMap, SegmentDescription

RESEARCH_USE = "FOR RESEARCH USE ONLY - NOT FOR DIAGNOSTIC USE"
MANUFACTURER = "SegWeb"

# patients keep the names they came with, also those of one component
warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")

_TYPE_2_ATTRIBUTES = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""May be absent from what devices write, must be present, if empty, in what SegWeb writes."""


class NotExportableError(ConflictError):
    """The label map cannot be written in this form."""

    code: ClassVar[str] = "segmentation.not_exportable"


class AlgorithmFamily(StrEnum):
    """Kinds of algorithm (CID 7162), by pydicom's keyword."""

    ARTIFICIAL_INTELLIGENCE = "ArtificialIntelligence"
    HISTOGRAM_ANALYSIS = "HistogramAnalysis"
    CLUSTER_ANALYSIS = "ClusterAnalysis"
    EDGE_DETECTION = "EdgeDetection"
    NEIGHBORHOOD_ANALYSIS = "NeighborhoodAnalysis"
    MORPHOLOGICAL_OPERATIONS = "MorphologicalOperations"


_FAMILIES = {
    "otsu": AlgorithmFamily.HISTOGRAM_ANALYSIS,
    "threshold": AlgorithmFamily.HISTOGRAM_ANALYSIS,
    "kmeans": AlgorithmFamily.CLUSTER_ANALYSIS,
    "region_growing": AlgorithmFamily.NEIGHBORHOOD_ANALYSIS,
    "lungs": AlgorithmFamily.NEIGHBORHOOD_ANALYSIS,
    "uptake": AlgorithmFamily.HISTOGRAM_ANALYSIS,
    "skin_lesion": AlgorithmFamily.CLUSTER_ANALYSIS,
    "retinal_ridges": AlgorithmFamily.EDGE_DETECTION,
    "brain_lesion": AlgorithmFamily.HISTOGRAM_ANALYSIS,
}


def family_of(method: str) -> AlgorithmFamily:
    """Return the family of one of the registry's methods; networks, and methods of old records, are learnt."""
    return _FAMILIES.get(method, AlgorithmFamily.ARTIFICIAL_INTELLIGENCE)


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """The frame a slice of the label map was drawn on: its object's attributes, and which frame, from 1."""

    dataset: Dataset
    frame_number: int = 1


SOFTWARE_VERSION = "0.1"
"""SegWeb's own."""


@dataclass(frozen=True, slots=True)
class SegmentationInfo:
    """What a Segmentation object says of its making.

    Attributes
    ----------
    name
        Shown as series description, research use added.
    algorithm_type
        AUTOMATIC, SEMIAUTOMATIC or MANUAL (0062,0008).
    algorithm_name, algorithm_version
        Required unless MANUAL.
    software_version
        SegWeb's own.
    identity
        Words that name the label map and its revision: the same words give the same UIDs.
    created_at
        When the label map came to be.
    creator_name
        DICOM person name, or empty.
    algorithm_family
        Kind of algorithm, CID 7162.
    """

    name: str
    algorithm_type: str
    identity: str
    created_at: datetime.datetime
    algorithm_name: str = ""
    algorithm_version: str = ""
    software_version: str = SOFTWARE_VERSION
    creator_name: str = ""
    algorithm_family: AlgorithmFamily = AlgorithmFamily.ARTIFICIAL_INTELLIGENCE
    series_number: int = 900


def write_dicom_seg(label_map: LabelMap, sources: Sequence[SourceFrame], info: SegmentationInfo) -> Dataset:
    """Return a BINARY Segmentation of `label_map`; pixel data of the sources is not needed.

    `sources` has one entry per slice of the label map, in its order: single-frame images of one series, or all frames
    of one multi-frame image. Segment numbers are written as 1, 2, 3, ... in ascending order, as BINARY demands; labels,
    codes and colours tell segments apart. A segment without voxels keeps its description and has no frames.

    Raises
    ------
    NotExportableError
        Where no voxel is labelled, no segment is described, or the sources are not images of one of the two kinds.

    References
    ----------
    DICOM PS3.3 A.51 (Segmentation IOD), C.8.20.
    """
    if not label_map.segments or not label_map.voxels.any():
        raise NotExportableError(
            "The label map is empty, and a DICOM segmentation cannot be. Draw or compute something first, "
            "or download it as NIfTI."
        )
    if len(sources) != label_map.voxels.shape[0]:
        raise NotExportableError(
            f"The label map has {label_map.voxels.shape[0]} slices and the series {len(sources)} images. "
            "Segment the series as it now stands."
        )
    images, voxels = _arrange(_renumber(label_map), sources)
    segmentation = Segmentation(
        source_images=images,
        pixel_array=voxels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(segment, n, info) for n, segment in enumerate(label_map.segments, start=1)],
        series_instance_uid=_uid("series", info.identity),
        series_number=info.series_number,
        sop_instance_uid=_uid("instance", info.identity),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=info.software_version,
        device_serial_number="1",
        content_description=RESEARCH_USE,
        content_creator_name=info.creator_name or None,
        content_label="SEGMENTATION",
        series_description=f"{info.name[:42]} (research use only)",
        specific_character_set="ISO_IR 192",
    )
    _date(segmentation, info.created_at)
    _name_dimensions(segmentation, info.identity)
    return segmentation


def _renumber(label_map: LabelMap) -> npt.NDArray[np.uint16]:
    """Return the voxels with segment numbers in the order of `label_map.segments`, from 1."""
    numbers = [segment.segment_number for segment in label_map.segments]
    table = np.zeros(max(int(label_map.voxels.max()), *numbers) + 1, np.uint16)
    table[numbers] = np.arange(1, len(numbers) + 1)
    unknown = set(np.unique(label_map.voxels).tolist()) - {0, *numbers}
    if unknown:
        raise NotExportableError(f"The label map holds segment {min(unknown)}, which is not described.")
    renumbered: npt.NDArray[np.uint16] = table[label_map.voxels]
    return renumbered


def _arrange(voxels: npt.NDArray[np.uint16], sources: Sequence[SourceFrame]) -> tuple[list[Dataset], npt.NDArray]:
    """Return source objects and voxels in the order in which the objects hold their frames."""
    if len(sources) > 1 and not all(_has_place(source.dataset) for source in sources):
        raise NotExportableError(
            "The images do not say where in the patient they lie, and a DICOM segmentation of several images must. "
            "Download the label map as NIfTI."
        )
    uids = {source.dataset.SOPInstanceUID for source in sources}
    frames = [source.frame_number for source in sources]
    is_multi_frame = int(sources[0].dataset.get("NumberOfFrames") or 1) > 1
    if len(uids) == 1 and is_multi_frame and sorted(frames) == list(range(1, len(sources) + 1)):
        return [_completed(sources[0].dataset)], voxels[np.argsort(frames)]
    if len(uids) == len(sources) and set(frames) == {1} and not is_multi_frame:
        return [_completed(source.dataset) for source in sources], voxels
    raise NotExportableError(
        "The series mixes single and multi-frame images, which one DICOM segmentation cannot refer to. "
        "Download the label map as NIfTI."
    )


def _completed(dataset: Dataset) -> Dataset:
    """Return the attributes with empty values for those that must not be absent; the caller's are left alone."""
    missing = [keyword for keyword in _TYPE_2_ATTRIBUTES if keyword not in dataset]
    has_stray_frame = "FrameOfReferenceUID" in dataset and not _has_place(dataset)
    if not missing and not has_stray_frame:
        return dataset
    completed = Dataset()
    completed.update(dataset)
    completed.file_meta = dataset.file_meta
    for keyword in missing:
        setattr(completed, keyword, "")
    if has_stray_frame:
        del completed.FrameOfReferenceUID
    return completed


def _has_place(dataset: Dataset) -> bool:
    return "ImagePositionPatient" in dataset or "PerFrameFunctionalGroupsSequence" in dataset


def _describe(segment: SegmentDescription, number: int, info: SegmentationInfo) -> CodedSegment:
    algorithm_type = SegmentAlgorithmTypeValues(info.algorithm_type)
    identification = None
    if algorithm_type is not SegmentAlgorithmTypeValues.MANUAL:
        identification = AlgorithmIdentificationSequence(
            name=info.algorithm_name or "unnamed",
            family=getattr(codes.cid7162, info.algorithm_family.value),
            version=info.algorithm_version or "unstated",
        )
    red, green, blue = (int(segment.colour[i : i + 2], 16) for i in (1, 3, 5))
    return CodedSegment(
        segment_number=number,
        segment_label=segment.segment_label,
        segmented_property_category=_coded(segment.category),
        segmented_property_type=_coded(segment.type),
        algorithm_type=algorithm_type,
        algorithm_identification=identification,
        display_color=CIELabColor.from_rgb(red, green, blue),
    )


def _coded(concept: CodedConcept) -> CodedEntry:
    value, scheme, meaning = concept
    return CodedEntry(value=value, scheme_designator=scheme, meaning=meaning)


def _uid(*words: str) -> str:
    return str(generate_uid(entropy_srcs=["segweb-segmentation", *words]))


def _date(dataset: Dataset, created_at: datetime.datetime) -> None:
    """State when the label map was made instead of when it was exported, so that equal exports are equal files."""
    day, time = created_at.strftime("%Y%m%d"), created_at.strftime("%H%M%S")
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate"):
        setattr(dataset, keyword, day)
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime"):
        setattr(dataset, keyword, time)
    for equipment in dataset.get("ContributingEquipmentSequence", ()):
        if "ContributionDateTime" in equipment:
            equipment.ContributionDateTime = day + time


def _name_dimensions(dataset: Dataset, identity: str) -> None:
    """Replace the random UID of the dimension organisation."""
    uid = _uid("dimensions", identity)
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
