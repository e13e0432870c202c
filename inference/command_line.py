"""Reading what `manage.py segment` is given and writing what it makes: files on both sides, no server, no database."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from inference.input_images import measure_overlap
from inference.model_spec import Method, ModelSpec, ParameterKind
from studies.dicom.folder import FoundSeries, read_folder
from studies.dicom.found_volume import read_found_colours, read_found_sources, read_found_volume, scale_found_uptake
from studies.dicom.segmentation import SegmentationInfo, family_of, write_dicom_seg
from studies.dicom.series import SeriesVerdict
from studies.dicom.wrap_picture import read_picture
from studies.errors import DomainError, InvalidInputError
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.resampling import resample_onto
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import read_volume_nifti, write_nifti

_NIFTI_ENDINGS = (".nii", ".nii.gz")
_PICTURE_ENDINGS = (".png", ".jpg", ".jpeg")
_LEAST_OVERLAP = 0.8
"""Of the first image, the share that another one must cover."""
_LUMINANCE = np.array([0.299, 0.587, 0.114])
"""Rec. ITU-R BT.601."""
_UPRIGHT = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
Image = npt.NDArray[Any]


class UnreadableInputError(InvalidInputError):
    """The input cannot be segmented."""

    code: ClassVar[str] = "input.unreadable"


class UnwritableOutputError(InvalidInputError):
    """The output cannot be written as asked."""

    code: ClassVar[str] = "output.unwritable"


@dataclass(frozen=True, slots=True)
class SegmentInput:
    """What was read.

    Attributes
    ----------
    volume
        Grey values; luminance of a photograph.
    verdict
        What its geometry allows, as `studies.imaging` words it.
    found
        The DICOM series it came from; None for other files.
    channels
        Red, green and blue of a photograph, or all images of a network that reads several, on the volume's grid.
    """

    volume: Volume
    verdict: str
    found: FoundSeries | None
    channels: tuple[Image, ...] = ()

    has_spacing: bool = True
    """Whether voxels have a size: those of a photograph have none."""


def read_input(path: Path, *, series: str | None, modality: str, reads_colours: bool = False) -> SegmentInput:
    """Read a DICOM file or folder, a NIfTI image or a photograph (PNG, JPEG).

    Parameters
    ----------
    series
        Series Instance UID to take where a folder holds several.
    modality
        Said of a NIfTI image or a photograph, which do not say it.
    reads_colours
        Whether the model needs red, green and blue.
    """
    if not path.exists():
        raise UnreadableInputError(f"There is nothing at {path}. Give a DICOM folder, a NIfTI file or a photograph.")
    if path.is_file() and path.suffix.lower() in _PICTURE_ENDINGS:
        return _read_photograph(path, modality)
    if path.is_file() and path.name.endswith(_NIFTI_ENDINGS):
        try:
            return SegmentInput(read_volume_nifti(path, modality), "regular", None)
        except ValueError as error:
            raise UnreadableInputError(str(error)) from error
    found = _choose_series(path, series)
    verdict = str(found.geometry.verdict)
    grid = found.geometry.geometry or found.geometry.nominal_geometry
    colours = read_found_colours(found) if reads_colours else None
    if colours is None or grid is None:
        return SegmentInput(read_found_volume(found), verdict, found)
    has_spacing = all(image.spacing_source for each in found.instances if (image := each.header.image))
    return _take_colours(colours, grid, found.header.modality, verdict, found, has_spacing=has_spacing)


def _read_photograph(path: Path, modality: str) -> SegmentInput:
    try:
        pixels = read_picture(path.read_bytes(), modality=modality).pixels
    except OSError as error:
        raise UnreadableInputError(f"{path} cannot be read: {error.strerror or error}.") from error
    grid = VolumeGeometry((1, *pixels.shape[:2]), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), _UPRIGHT)
    if pixels.ndim == 3:
        return _take_colours(
            pixels[None].astype(np.uint8), grid, modality, str(SeriesVerdict.SINGLE_SLICE), None, has_spacing=False
        )
    return SegmentInput(Volume(pixels[None], grid, modality), str(SeriesVerdict.SINGLE_SLICE), None, has_spacing=False)


def _take_colours(
    colours: npt.NDArray[np.uint8],
    grid: VolumeGeometry,
    modality: str,
    verdict: str,
    found: FoundSeries | None,
    *,
    has_spacing: bool,
) -> SegmentInput:
    grey = np.round(colours @ _LUMINANCE).astype(np.uint8)
    planes = tuple(np.ascontiguousarray(colours[..., number]) for number in range(3))
    return SegmentInput(Volume(grey, grid, modality), verdict, found, planes, has_spacing)


def read_channels(spec: ModelSpec, first: SegmentInput, others: Mapping[str, Path]) -> SegmentInput:
    """Add the other images of a network that reads several; the first channel that is not named is the first image.

    Each is taken as it lies in the patient: nothing is registered.

    Raises
    ------
    UnreadableInputError
        Where a channel is missing, unknown or lies elsewhere; says which.
    """
    names = [] if spec.network is None or spec.reads_colours else [channel.name for channel in spec.network.channels]
    if unknown := [name for name in others if name not in names]:
        known = f"It reads {', '.join(names)}." if names else "It reads one image."
        raise UnreadableInputError(f"{spec.title} has no channel {unknown[0]!r}. {known}")
    missing = [name for name in names if name not in others]
    if len(names) < 2:
        return first
    if len(missing) != 1:
        said = f"{', '.join(missing)} are not given" if missing else "the first image has no channel left"
        raise UnreadableInputError(
            f"{spec.title} reads {', '.join(names)}; {said}. "
            "Name all channels but that of INPUT with --channel NAME=PATH."
        )
    laid = {name: _lay_over(first, name, path) for name, path in others.items()}
    own = _scale_uptake(first)
    return replace(first, channels=tuple(laid.get(name, own) for name in names))


def _lay_over(first: SegmentInput, name: str, path: Path) -> Image:
    try:
        other = read_input(path, series=None, modality=first.volume.modality)
    except DomainError as error:
        raise UnreadableInputError(f"{name}: {error.message}") from error
    covered = measure_overlap(first.volume.geometry, other.volume.geometry)
    if covered < _LEAST_OVERLAP:
        raise UnreadableInputError(
            f"{name} covers {covered:.0%} of the first image: it lies elsewhere. "
            "Give images of one examination, aligned."
        )
    return resample_onto(replace(other.volume, voxels=_scale_uptake(other)), first.volume.geometry)


def _scale_uptake(given: SegmentInput) -> Image:
    is_pet = given.found is not None and given.volume.modality == "PT"
    volume = scale_found_uptake(given.found, given.volume) if is_pet and given.found is not None else given.volume
    return np.asarray(volume.voxels)


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


def read_paths(pairs: Sequence[str]) -> dict[str, Path]:
    """Turn ``NAME=PATH`` into paths by name."""
    paths: dict[str, Path] = {}
    for pair in pairs:
        name, separator, path = pair.partition("=")
        if not (separator and name and path):
            raise InvalidInputError(f"Write images as NAME=PATH, not {pair!r}.")
        if name in paths:
            raise InvalidInputError(f"{name} is given twice. Give one image a channel.")
        paths[name] = Path(path)
    return paths


def choose_modality(spec: ModelSpec) -> str:
    """Return the modality of a file that does not say it: one that the model takes, first of all MR or XC."""
    preferred = "XC" if spec.reads_colours else "MR"
    return preferred if not spec.modalities or preferred in spec.modalities else min(spec.modalities)


def check_output(path: Path, source: Path) -> None:
    """Refuse, before any work, an output that could not be written."""
    is_picture = source.suffix.lower() in _PICTURE_ENDINGS
    if not path.name.endswith((*_NIFTI_ENDINGS, ".dcm", ".png")):
        raise UnwritableOutputError(f"{path.name} must end in .nii.gz, .nii, .dcm or, for a photograph, .png.")
    if path.name.endswith(".png") and not is_picture:
        raise UnwritableOutputError("Only of a photograph is a PNG written. Write .nii.gz instead.")
    if path.name.endswith(".dcm") and (is_picture or source.name.endswith(_NIFTI_ENDINGS)):
        raise UnwritableOutputError("A DICOM segmentation needs DICOM images as input. Write .nii.gz instead.")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UnwritableOutputError(f"The folder {path.parent} is not there or cannot be written to.")


def write_output(path: Path, label_map: LabelMap, spec: ModelSpec, found: FoundSeries | None) -> None:
    """Write the label map, whole or not at all."""
    ending = next(e for e in (".nii.gz", ".nii", ".dcm", ".png") if path.name.endswith(e))
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
                algorithm_family=family_of(spec.method),
            )
            write_dicom_seg(label_map, read_found_sources(found), info).save_as(unfinished, enforce_file_format=True)
        elif ending == ".png":
            Picture.fromarray(label_map.voxels[0].astype(np.uint8)).save(unfinished)
        else:
            write_nifti(label_map, unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise UnwritableOutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
