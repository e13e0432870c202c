"""Label maps and volumes as NIfTI: RAS millimetres outside, LPS inside, voxels never resampled."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.nifti1 import Nifti1Image
from nibabel.wrapstruct import WrapStructError

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap, SegmentDescription

MOST_VOXELS = 2**31
"""A header may say anything; four thousand slices of 512 x 512 are half of it."""
RESEARCH_USE = "SegWeb: for research use only"  # `descrip` holds 79 bytes
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_INDEX_ORDER = [2, 1, 0, 3]  # NIfTI counts column, row, slice
_NIFTI: Any = Nifti1Image  # nibabel's constructors carry no types
_SCANNER = 1  # NIFTI_XFORM_SCANNER_ANAT


def write_nifti(label_map: LabelMap, path: Path) -> None:
    """Write segment numbers to `path` (``.nii`` or ``.nii.gz``).

    The array has axes (column, row, slice); qform and sform both hold the place in the patient, except that a sheared
    grid (gantry tilt), which a qform cannot express, has an sform alone.

    References
    ----------
    NIfTI-1.1 data format, "3D image (volume) orientation and location in space".
    """
    _save(label_map.voxels, label_map.geometry, path)


def write_volume_nifti(volume: Volume, path: Path) -> None:
    """Write a volume's modality values as `write_nifti` writes labels."""
    _save(volume.voxels, volume.geometry, path)


def read_volume_nifti(path: Path, modality: str = "OT") -> Volume:
    """Read a 3D NIfTI image; integers without scaling keep a type of 16 bits or fewer, all else becomes float32.

    Raises
    ------
    ValueError
        Where the file is no 3D image with a place.
    """
    image, geometry = _load(path)
    header: Any = image.header
    slope, intercept = header.get_slope_inter()
    stored = np.asanyarray(image.dataobj)
    is_plain = (slope in (None, 1.0) and intercept in (None, 0.0)) and stored.dtype in (np.int16, np.uint16, np.uint8)
    voxels = stored if is_plain else image.get_fdata(dtype=np.float32)
    return Volume(voxels=_to_slices(voxels), geometry=geometry, modality=modality)


def read_nifti(path: Path, segments: tuple[SegmentDescription, ...] = ()) -> LabelMap:
    """Read a label map; without `segments` each number that occurs is described as "Segment n".

    Raises
    ------
    ValueError
        Where the file is no 3D image of whole numbers from 0 to 65535.
    """
    image, geometry = _load(path)
    values = _to_slices(np.asanyarray(image.dataobj))
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 65535 or np.any(values != np.floor(values)):
        raise ValueError(f"{path.name} does not hold segment numbers: whole numbers from 0 to 65535.")
    voxels = values.astype(np.uint8) if values.max() <= 255 else values.astype(np.uint16)
    numbers = [int(number) for number in np.unique(voxels) if number]
    found = segments or tuple(SegmentDescription(number, f"Segment {number}") for number in numbers)
    return LabelMap(voxels=voxels, geometry=geometry, segments=found)


def to_ras_affine(geometry: VolumeGeometry) -> npt.NDArray[np.float64]:
    """Return the 4x4 from (column, row, slice, 1) to RAS mm."""
    affine: npt.NDArray[np.float64] = (_LPS_TO_RAS @ geometry.index_to_patient_mm)[:, _INDEX_ORDER]
    return affine


def from_ras_affine(affine: npt.NDArray[np.float64], shape: tuple[int, int, int]) -> VolumeGeometry:
    """Return the grid of an affine from (column, row, slice, 1) to RAS mm; `shape` is (slice, row, column)."""
    patient = (_LPS_TO_RAS @ affine)[:, _INDEX_ORDER]
    spacing = np.linalg.norm(patient[:3, :3], axis=0)
    if not (np.isfinite(patient).all() and (spacing > 0).all()):
        raise ValueError("The NIfTI affine does not place the image in space.")
    direction = (patient[:3, :3] / spacing).reshape(-1)
    return VolumeGeometry(
        shape=shape,
        spacing_mm=cast(tuple[float, float, float], tuple(map(float, spacing))),
        origin_mm=cast(tuple[float, float, float], tuple(map(float, patient[:3, 3]))),
        direction=cast(
            tuple[float, float, float, float, float, float, float, float, float], tuple(map(float, direction))
        ),
    )


def _save(voxels: npt.NDArray[np.generic], geometry: VolumeGeometry, path: Path) -> None:
    affine = to_ras_affine(geometry)
    image: Any = _NIFTI(np.asarray(voxels).transpose(2, 1, 0), affine)
    image.header["descrip"] = RESEARCH_USE
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=_SCANNER)
    axes = np.reshape(geometry.direction, (3, 3))
    is_sheared = np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4
    image.set_qform(affine, code=0 if is_sheared else _SCANNER)
    image.to_filename(path)


def _load(path: Path) -> tuple[Any, VolumeGeometry]:
    try:
        image = _NIFTI.from_filename(path)
    except (ImageFileError, WrapStructError, OSError, EOFError) as error:
        raise ValueError(f"{path.name} is not a NIfTI-1 image.") from error
    shape = image.shape[:3] + (1,) * (3 - len(image.shape))
    if any(n != 1 for n in image.shape[3:]) or min(shape) < 1:
        raise ValueError(f"{path.name} has the shape {image.shape}; one 3D image is expected.")
    if math.prod(shape) > MOST_VOXELS:
        raise ValueError(f"{path.name} says that it has {' x '.join(map(str, shape))} voxels, more than any image.")
    return image, from_ras_affine(np.asarray(image.affine), (shape[2], shape[1], shape[0]))


def _to_slices(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    columns_rows_slices = values.reshape(values.shape[:3] + (1,) * (3 - min(3, values.ndim)))
    return np.ascontiguousarray(columns_rows_slices.transpose(2, 1, 0))
