"""Outlined cases from a folder or zip: images and the label maps that people drew on them. Knows no torch.

Two layouts are understood, at any depth: ``images/NAME.*`` beside ``masks/NAME.*`` or ``labels/NAME.*``, and
``NAME/WHAT_image.*`` beside ``NAME/WHAT_mask.*``. Images are NIfTI, PNG, JPEG or DICOM (a file, or a folder of slices
below ``images``; PET then in SUV); label maps are NIfTI or PNG, whose values are segment numbers (0 and 255 alone mean
0 and 1). What cannot be used is named with its reason and left out; the rest goes on. Where an image comes from is
read from DICOM headers and from a table beside the images (`inference.evaluation.facts`).
"""

from __future__ import annotations

import io
import re
import struct
import tempfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from pydicom.errors import InvalidDicomError

from inference.evaluation.facts import Facts, names_patient, read_dicom_facts
from inference.evaluation.sources import CasesMissingError, CaseUnusableError, FileSource
from studies.dicom.folder import read_folder
from studies.dicom.found_volume import read_found_volume, scale_found_uptake
from studies.errors import DomainError
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.nifti import read_nifti, read_volume_nifti

Truth = npt.NDArray[np.uint8]
_NO_TABLE: Mapping[str, Facts] = MappingProxyType({})
_NO_LABEL_MAP, _NO_IMAGE = "case.no_label_map", "case.no_image"
_NIFTI = (".nii.gz", ".nii")
_PICTURES = (".png", ".jpg", ".jpeg")
_DICOM = ".dcm"
_ENDINGS = (*_NIFTI, *_PICTURES, _DICOM)
_MASK_FOLDERS = ("masks", "labels", "mask", "label")
_DAMAGED = (
    *(ValueError, OSError, KeyError, EOFError, SyntaxError, struct.error, zlib.error, zipfile.BadZipFile),
    *(UnidentifiedImageError, Image.DecompressionBombError, InvalidDicomError),
)
"""What the readers of pictures, volumes and DICOM raise on files that are not whole."""
_STACKED = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


class CaseShapeError(CaseUnusableError):
    """An image and its label map have different shapes."""

    code: ClassVar[str] = "case.shapes_differ"


@dataclass(frozen=True, slots=True)
class OutlinedCase:
    """An image and what a person outlined on it.

    Attributes
    ----------
    image
        Grey values (luminance of a colour picture) with axes (slice, row, column).
    colours
        Red, green and blue of a picture, each as `image`; empty for grey images.
    truth
        Segment numbers, axes as the image.
    has_spacing
        Whether the file says how large a voxel is; where it does not, lengths are in pixels.
    facts
        What headers tell of where the image comes from: "scanner", "site", "sequence"; only what is known.
    """

    name: str
    image: Volume
    colours: tuple[npt.NDArray[np.generic], ...]
    truth: Truth
    has_spacing: bool
    facts: Facts


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The files of a case, by name within the folder or zip: one, or the slices of a DICOM series.

    `number` counts from 1 in the order of names: what a case is called whose files are named after the patient.
    """

    name: str
    image: tuple[str, ...]
    truth: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not used, and why."""

    name: str
    reason: str
    code: str = CaseUnusableError.code


def find_cases(source: FileSource) -> tuple[list[CaseFiles], list[LeftOut]]:
    """Return the cases of a source by name, and the images and label maps that have no partner.

    Raises
    ------
    CasesMissingError
        Where there is not one case.
    """
    images: dict[tuple[str, str], list[str]] = defaultdict(list)
    truths: dict[tuple[str, str], str] = {}
    for name in source.names():
        role, key = _read_role(name)
        if role == "image":
            images[key].append(name)
        elif role == "truth":
            truths[key] = name
    cases = [
        CaseFiles(_name_case(key), tuple(images[key]), truths[key], number)
        for number, key in enumerate(sorted(images.keys() & truths), start=1)
    ]
    if not cases:
        raise CasesMissingError(
            "There is no image with a label map of the same name. Put images into a folder 'images' and the label maps "
            "under the same names into a folder 'masks' or 'labels' beside it."
        )
    left_out = [
        LeftOut(images[key][0], "It has no label map.", _NO_LABEL_MAP) for key in sorted(images.keys() - truths.keys())
    ]
    left_out += [LeftOut(truths[key], "It has no image.", _NO_IMAGE) for key in sorted(truths.keys() - images.keys())]
    return cases, left_out


def _read_role(name: str) -> tuple[str, tuple[str, str]]:
    """Return what a file is ("image", "truth" or "") and what its partner shares with it."""
    path = PurePosixPath(name)
    stem, ending = _split(path.name)
    for depth, part in enumerate(path.parts[:-1]):
        role = "image" if part.lower() == "images" else "truth" if part.lower() in _MASK_FOLDERS else ""
        if role:
            above = "/".join(path.parts[:depth])
            below = path.parts[depth + 1 : -1]
            if below and role == "image" and ending in (_DICOM, ""):  # slices often go without an ending
                return role, (above, "/".join(below))
            return (role, (above, "/".join((*below, stem)))) if ending else ("", ("", ""))
    match = re.fullmatch(r"(.*?)_?(image|img|mask|label|seg)", stem, flags=re.IGNORECASE)
    if match is None or not ending:
        return "", ("", "")
    role = "image" if match.group(2).lower() in ("image", "img") else "truth"
    return role, ("/".join(path.parts[:-1]), match.group(1))


def _split(name: str) -> tuple[str, str]:
    lowered = name.lower()
    ending = next((ending for ending in _ENDINGS if lowered.endswith(ending)), "")
    return name[: len(name) - len(ending)], ending


def _name_case(key: tuple[str, str]) -> str:
    above, stem = key
    return stem if "/" not in above and not above else f"{above}/{stem}"


def read_case(
    source: FileSource, files: CaseFiles, *, modality: str = "OT", table: Mapping[str, Facts] = _NO_TABLE
) -> OutlinedCase:
    """Read one case; what the table says of it goes before what its headers say.

    Parameters
    ----------
    modality
        Of images whose format does not say it.

    Raises
    ------
    CaseUnusableError
        Where a file is damaged or the two do not fit each other; says which.
    """
    name = files.name
    try:
        image = _read_image(source, files, modality)
        name = f"case {files.number}" if image.names_patient else name
        truth = _read_truth(source, files.truth)
    except _DAMAGED as error:
        raise CaseUnusableError(f"{name} cannot be read: {error}") from error
    if truth.shape != image.volume.geometry.shape:
        raise CaseShapeError(
            f"{name}: the image has {_say(image.volume.geometry.shape)} and its label map {_say(truth.shape)} voxels. "
            "Export both on one grid."
        )
    facts = {**image.facts, **table.get(files.name, table.get(files.name.rsplit("/", 1)[-1], {}))}
    return OutlinedCase(name, image.volume, image.colours, truth, image.has_spacing, facts)


def iterate_cases(
    source: FileSource,
    cases: Sequence[CaseFiles],
    left_out: list[LeftOut],
    *,
    modality: str = "OT",
    table: Mapping[str, Facts] = _NO_TABLE,
) -> Iterator[OutlinedCase]:
    """Yield the cases that can be read; the others join `left_out` with their reasons."""
    for files in cases:
        try:
            case = read_case(source, files, modality=modality, table=table)
        except DomainError as error:
            left_out.append(LeftOut(files.name, error.message, error.code))
            continue
        yield case


def _say(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


@dataclass(frozen=True, slots=True)
class _ReadImage:
    """What an image's files hold."""

    volume: Volume
    colours: tuple[npt.NDArray[np.generic], ...] = ()
    has_spacing: bool = True
    facts: Facts = field(default_factory=dict)
    names_patient: bool = False


def _read_image(source: FileSource, files: CaseFiles, modality: str) -> _ReadImage:
    _, ending = _split(files.image[0])
    if ending in (_DICOM, ""):
        return _read_dicom(source, files)
    if len(files.image) > 1:
        raise ValueError(f"there are several images of one name: {', '.join(files.image[:3])}")
    content = source.read(files.image[0])
    if ending in _NIFTI:
        with _as_file(content, f"image{ending}") as path:
            return _ReadImage(read_volume_nifti(path, modality))
    picture = _open_picture(content)
    if picture.mode in ("L", "I;16", "I", "1", "F"):
        return _ReadImage(_as_volume(np.asarray(picture), modality), has_spacing=False)
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    grey = _as_volume(np.asarray(picture.convert("L")), modality)
    return _ReadImage(grey, (red[None], green[None], blue[None]), has_spacing=False)


def _read_truth(source: FileSource, name: str) -> Truth:
    _, ending = _split(name)
    content = source.read(name)
    if ending in _NIFTI:
        with _as_file(content, f"label map{ending}") as path:
            values: npt.NDArray[np.integer] = read_nifti(path).voxels
    elif ending == ".png":
        picture = _open_picture(content)
        if picture.mode not in ("L", "1", "P", "I", "I;16"):
            raise ValueError("its label map is a colour picture: save segment numbers as grey values")
        values = np.asarray(picture)[None]
    else:
        raise ValueError("label maps are NIfTI or PNG, which keep every number as it is")
    if values.max() > 255:
        raise ValueError(f"its label map holds the number {values.max()}; segment numbers go up to 255")
    numbers = np.unique(values)
    is_binary = np.isin(numbers, (0, 255)).all()
    return np.asarray(values > 0, np.uint8) if is_binary else np.asarray(values, np.uint8)


def _open_picture(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def _as_volume(pixels: npt.NDArray[np.generic], modality: str) -> Volume:
    voxels = pixels.astype(np.uint8) if pixels.dtype == bool else pixels
    return Volume(
        voxels[None], VolumeGeometry((1, *voxels.shape), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), _STACKED), modality
    )


def _read_dicom(source: FileSource, files: CaseFiles) -> _ReadImage:
    with tempfile.TemporaryDirectory(prefix="segweb-case-") as folder:
        for number, name in enumerate(files.image):
            (Path(folder) / f"{number:05d}.dcm").write_bytes(source.read(name))
        contents = read_folder(Path(folder))
        series = [found for found in contents.series if found.frame_count > 0]
        if len(series) != 1:
            why = f": {contents.refused[0].message}" if contents.refused else ""
            raise ValueError(f"there are {len(series)} DICOM image series where one is expected{why}")
        first = series[0].instances[0].path
        volume = read_found_volume(series[0])
        if series[0].header.modality == "PT":  # as jobs have it
            volume = scale_found_uptake(series[0], volume)
        return _ReadImage(volume, facts=read_dicom_facts(first), names_patient=names_patient(files.name, first))


@contextmanager
def _as_file(content: bytes, name: str) -> Iterator[Path]:
    """Put a file's content on disk for as long as it is read: nibabel reads compressed images from files only.

    What readers complain of bears `name`.
    """
    with tempfile.TemporaryDirectory(prefix="segweb-case-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path
