"""Reading what `manage.py segment` is given and writing what it makes: files on both sides, no server, no database."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from inference.model_spec import Method, ModelSpec, ParameterKind
from studies.dicom.folder import FoundSeries, read_folder
from studies.dicom.found_volume import read_found_sources, read_found_volume
from studies.dicom.segmentation import AlgorithmFamily, SegmentationInfo, write_dicom_seg
from studies.errors import InvalidInputError
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import read_volume_nifti, write_nifti

_NIFTI_ENDINGS = (".nii", ".nii.gz")
_FAMILIES = {
    Method.NETWORK: AlgorithmFamily.ARTIFICIAL_INTELLIGENCE,
    Method.OTSU: AlgorithmFamily.HISTOGRAM_ANALYSIS,
    Method.THRESHOLD: AlgorithmFamily.HISTOGRAM_ANALYSIS,
    Method.KMEANS: AlgorithmFamily.CLUSTER_ANALYSIS,
    Method.REGION_GROWING: AlgorithmFamily.NEIGHBORHOOD_ANALYSIS,
    Method.LUNGS: AlgorithmFamily.NEIGHBORHOOD_ANALYSIS,
    Method.UPTAKE: AlgorithmFamily.HISTOGRAM_ANALYSIS,
    Method.SKIN_LESION: AlgorithmFamily.CLUSTER_ANALYSIS,
    Method.RETINAL_RIDGES: AlgorithmFamily.EDGE_DETECTION,
    Method.BRAIN_LESION: AlgorithmFamily.HISTOGRAM_ANALYSIS,
}


class UnreadableInputError(InvalidInputError):
    """The input cannot be segmented."""

    code: ClassVar[str] = "input.unreadable"


class UnwritableOutputError(InvalidInputError):
    """The output cannot be written as asked."""

    code: ClassVar[str] = "output.unwritable"


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """What was read: the volume, its verdict, and the DICOM series it came from, None for NIfTI."""

    volume: Volume
    verdict: str
    found: FoundSeries | None


def read_input(path: Path, *, series: str | None, modality: str) -> SegmentInput:
    """Read a DICOM file or folder, or a NIfTI image.

    Parameters
    ----------
    series
        Series Instance UID to take where a folder holds several.
    modality
        Said of a NIfTI image, which does not say it.
    """
    if not path.exists():
        raise UnreadableInputError(f"There is nothing at {path}. Give a DICOM folder or a NIfTI file.")
    if path.is_file() and path.name.endswith(_NIFTI_ENDINGS):
        try:
            return SegmentInput(read_volume_nifti(path, modality), "regular", None)
        except ValueError as error:
            raise UnreadableInputError(str(error)) from error
    found = _choose_series(path, series)
    return SegmentInput(read_found_volume(found), str(found.geometry.verdict), found)


def _choose_series(path: Path, wanted: str | None) -> FoundSeries:
    candidates = [found for found in read_folder(path).series if found.frame_count > 0]
    if wanted is not None:
        candidates = [found for found in candidates if found.header.series_instance_uid == wanted]
    if not candidates:
        raise UnreadableInputError(f"There is no {'such ' if wanted else ''}DICOM image series at {path}.")
    if len(candidates) > 1:
        listed = "".join(f"\n  {describe_found(found)}" for found in candidates)
        raise UnreadableInputError(f"There are {len(candidates)} series at {path}; choose one with --series:{listed}")
    return candidates[0]


def describe_found(found: FoundSeries) -> str:
    """Return a series in one line."""
    header = found.header
    return f"{header.series_instance_uid}  {header.modality}  {found.frame_count} images  {header.series_description}"


def read_parameters(spec: ModelSpec, pairs: Sequence[str]) -> dict[str, object]:
    """Turn ``name=value`` into what the registry validates; points are ``slice,row,column`` from 0."""
    kinds = {parameter.name: parameter.kind for parameter in spec.parameters}
    raw: dict[str, object] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise InvalidInputError(f"Write parameters as name=value, not {pair!r}.")
        try:
            is_point = kinds.get(name) is ParameterKind.POINT
            raw[name] = [int(part) for part in value.split(",")] if is_point else float(value)
        except ValueError as error:
            shape = "slice,row,column" if kinds.get(name) is ParameterKind.POINT else "a number"
            raise InvalidInputError(f"{name} takes {shape}, not {value!r}.") from error
    return raw


def check_output(path: Path, source: Path) -> None:
    """Refuse, before any work, an output that could not be written."""
    if not path.name.endswith((*_NIFTI_ENDINGS, ".dcm")):
        raise UnwritableOutputError(f"{path.name} must end in .nii.gz, .nii or .dcm.")
    if path.name.endswith(".dcm") and source.name.endswith(_NIFTI_ENDINGS):
        raise UnwritableOutputError("A DICOM segmentation needs DICOM images as input. Write .nii.gz instead.")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UnwritableOutputError(f"The folder {path.parent} is not there or cannot be written to.")


def write_output(path: Path, label_map: LabelMap, spec: ModelSpec, found: FoundSeries | None) -> None:
    """Write the label map, whole or not at all."""
    ending = next(e for e in (".nii.gz", ".nii", ".dcm") if path.name.endswith(e))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{ending}")
    try:
        if found is not None and ending == ".dcm":
            info = SegmentationInfo(
                name=spec.title,
                algorithm_type="SEMIAUTOMATIC" if spec.method is Method.REGION_GROWING else "AUTOMATIC",
                identity=f"{found.header.series_instance_uid} {spec.name} {spec.version} {label_map.digest}",
                created_at=datetime.datetime.now(datetime.UTC),
                algorithm_name=spec.name,
                algorithm_version=spec.version,
                algorithm_family=_FAMILIES[spec.method],
            )
            write_dicom_seg(label_map, read_found_sources(found), info).save_as(unfinished, enforce_file_format=True)
        else:
            write_nifti(label_map, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise UnwritableOutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
