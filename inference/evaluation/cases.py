"""Outlined cases from a folder or zip: images and the label maps that people drew on them. Knows no torch.

Two layouts are understood, at any depth: ``images/NAME.*`` beside ``masks/NAME.*`` or ``labels/NAME.*``, and
``NAME/WHAT_image.*`` beside ``NAME/WHAT_mask.*``. Images are NIfTI, PNG, JPEG or DICOM (a file, or a folder of slices
below ``images``; PET then in SUV); label maps are NIfTI or PNG, whose values are segment numbers (0 and 255 alone mean
0 and 1). What cannot be used is named with its reason and left out; the rest goes on.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from studies.dicom.folder import read_folder
from studies.dicom.found_volume import read_found_volume, scale_found_uptake
from studies.errors import DomainError, InvalidInputError
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.nifti import read_nifti, read_volume_nifti

Truth = npt.NDArray[np.uint8]
MOST_FILE_BYTES = 2 * 1024**3
_NIFTI = (".nii.gz", ".nii")
_PICTURES = (".png", ".jpg", ".jpeg")
_DICOM = ".dcm"
_ENDINGS = (*_NIFTI, *_PICTURES, _DICOM)
_MASK_FOLDERS = ("masks", "labels", "mask", "label")
_STACKED = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


class CasesMissingError(InvalidInputError):
    """There are no cases where they were said to be."""

    code: ClassVar[str] = "cases.missing"


class CaseUnusableError(DomainError):
    """One case cannot be used."""

    code: ClassVar[str] = "case.unusable"


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
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The files of a case, by name within the folder or zip: one, or the slices of a DICOM series."""

    name: str
    image: tuple[str, ...]
    truth: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not used, and why."""

    name: str
    reason: str


class FileSource(Protocol):
    """A folder or a zip."""

    def names(self) -> list[str]:
        """Return the files, with forward slashes."""
        ...

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        ...


class FolderSource:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the files, hidden ones left out."""
        found = (path.relative_to(self._folder) for path in self._folder.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if not _is_hidden(path))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self._folder / name).read_bytes()


class ZipSource:
    """The files of a zip, read in place: nothing is unpacked."""

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise CasesMissingError(f"{path.name} is no whole zip file. Copy it again.") from error

    def names(self) -> list[str]:
        """Return the files, hidden ones left out."""
        found = (member.filename for member in self._archive.infolist() if not member.is_dir())
        return sorted(name for name in found if not _is_hidden(PurePosixPath(name)))

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        if self._archive.getinfo(name).file_size > MOST_FILE_BYTES:
            raise CaseUnusableError(f"{name} is larger than {MOST_FILE_BYTES // 1024**3} GiB.")
        try:
            return self._archive.read(name)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise CaseUnusableError(f"{name} is damaged in the zip: {error}.") from error


def _is_hidden(path: PurePath) -> bool:
    """Tell whether a system put a file there by itself."""
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def open_source(path: Path) -> FileSource:
    """Return the files of a folder or zip.

    Raises
    ------
    CasesMissingError
        Where there is neither.
    """
    if path.is_dir():
        return FolderSource(path)
    if path.is_file():
        return ZipSource(path)
    raise CasesMissingError(f"There is nothing at {path}. Give a folder or a zip with images and their label maps.")


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
    cases = [CaseFiles(_name_case(key), tuple(images[key]), truths[key]) for key in sorted(images.keys() & truths)]
    if not cases:
        raise CasesMissingError(
            "There is no image with a label map of the same name. Put images into a folder 'images' and the label maps "
            "under the same names into a folder 'masks' or 'labels' beside it."
        )
    left_out = [LeftOut(images[key][0], "It has no label map.") for key in sorted(images.keys() - truths.keys())]
    left_out += [LeftOut(truths[key], "It has no image.") for key in sorted(truths.keys() - images.keys())]
    return cases, left_out


def _read_role(name: str) -> tuple[str, tuple[str, str]]:
    """Return what a file is ("image", "truth" or "") and what its partner shares with it."""
    path = PurePosixPath(name)
    stem, ending = _split(path.name)
    if not ending:
        return "", ("", "")
    for depth, part in enumerate(path.parts[:-1]):
        role = "image" if part.lower() == "images" else "truth" if part.lower() in _MASK_FOLDERS else ""
        if role:
            above = "/".join(path.parts[:depth])
            below = path.parts[depth + 1 : -1]
            return role, (above, "/".join(below) if below and ending == _DICOM else "/".join((*below, stem)))
    match = re.fullmatch(r"(.*?)_?(image|img|mask|label|seg)", stem, flags=re.IGNORECASE)
    if match is None:
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


def read_case(source: FileSource, files: CaseFiles, *, modality: str = "OT") -> OutlinedCase:
    """Read one case.

    Parameters
    ----------
    modality
        Of images whose format does not say it.

    Raises
    ------
    CaseUnusableError
        Where a file is damaged or the two do not fit each other; says which.
    """
    try:
        truth = _read_truth(source, files.truth)
        image, colours, has_spacing, facts = _read_image(source, files.image, modality)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile, UnidentifiedImageError) as error:
        raise CaseUnusableError(f"{files.name} cannot be read: {error}") from error
    if truth.shape != image.geometry.shape:
        raise CaseUnusableError(
            f"{files.name}: the image has {_say(image.geometry.shape)} and its label map {_say(truth.shape)} voxels."
        )
    return OutlinedCase(files.name, image, colours, truth, has_spacing, facts)


def iterate_cases(
    source: FileSource, cases: Sequence[CaseFiles], left_out: list[LeftOut], *, modality: str = "OT"
) -> Iterator[OutlinedCase]:
    """Yield the cases that can be read; the others join `left_out` with their reasons."""
    for files in cases:
        try:
            yield read_case(source, files, modality=modality)
        except DomainError as error:
            left_out.append(LeftOut(files.name, error.message))


def _say(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


Read = tuple[Volume, tuple[npt.NDArray[np.generic], ...], bool, Mapping[str, str]]


def _read_image(source: FileSource, names: Sequence[str], modality: str) -> Read:
    _, ending = _split(names[0])
    if ending == _DICOM:
        return _read_dicom(source, names)
    if len(names) > 1:
        raise ValueError(f"there are several images of one name: {', '.join(names[:3])}")
    content = source.read(names[0])
    if ending in _NIFTI:
        with _as_file(content, ending) as path:
            return read_volume_nifti(path, modality), (), True, {}
    picture = _open_picture(content)
    if picture.mode in ("L", "I;16", "I", "1", "F"):
        return _as_volume(np.asarray(picture), modality), (), False, {}
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    grey = _as_volume(np.asarray(picture.convert("L")), modality)
    return grey, (red[None], green[None], blue[None]), False, {}


def _read_truth(source: FileSource, name: str) -> Truth:
    _, ending = _split(name)
    content = source.read(name)
    if ending in _NIFTI:
        with _as_file(content, ending) as path:
            values: npt.NDArray[np.integer] = read_nifti(path).voxels
    elif ending == ".png":
        picture = _open_picture(content)
        if picture.mode not in ("L", "1", "P", "I", "I;16"):
            raise ValueError(f"{name} is a colour picture: save segment numbers as grey values")
        values = np.asarray(picture)[None]
    else:
        raise ValueError(f"{name}: label maps are NIfTI or PNG, which keep every number as it is")
    if values.max() > 255:
        raise ValueError(f"{name} holds the number {values.max()}; segment numbers go up to 255")
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


def _read_dicom(source: FileSource, names: Sequence[str]) -> Read:
    with tempfile.TemporaryDirectory(prefix="segweb-case-") as folder:
        for number, name in enumerate(names):
            (Path(folder) / f"{number:05d}.dcm").write_bytes(source.read(name))
        series = [found for found in read_folder(Path(folder)).series if found.frame_count > 0]
        if len(series) != 1:
            raise ValueError(f"there are {len(series)} DICOM image series where one is expected")
        header = series[0].header
        volume = read_found_volume(series[0])
        if header.modality == "PT":  # as jobs have it
            volume = scale_found_uptake(series[0], volume)
    return volume, (), True, {"sequence": header.series_description} if header.series_description else {}


@contextmanager
def _as_file(content: bytes, ending: str) -> Iterator[Path]:
    """Put a file's content on disk for as long as it is read: nibabel reads compressed images from files only."""
    with tempfile.NamedTemporaryFile(prefix="segweb-case-", suffix=ending) as file:
        file.write(content)
        file.flush()
        yield Path(file.name)
