"""A NIfTI volume as one CT or MR series per volume: positions exact, stored values kept where they fit 16 bits."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import nibabel
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage
from pydicom.valuerep import DSfloat

from studies.dicom.wrap import (
    ModalityUnfitError,
    SourceDamagedError,
    SourceTooLargeError,
    WrapContext,
    WrapError,
    begin_object,
)

MAX_VOLUME_BYTES = 4 * 1024**3
MAX_SIDE = 4096
MAX_VOLUMES = 32
_ORTHOGONALITY = 1e-3
"""Cosine up to which row and column directions count as perpendicular: 0.06 degrees, a rounded affine."""
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_MODALITIES = ("CT", "MR")
_MOST_TRAILING_CHUNKS = 64
_GZIP_MAGIC = b"\x1f\x8b"


class ShearedVolumeError(WrapError):
    """Rows and columns are not perpendicular: DICOM has no such image, and nothing is resampled unasked."""

    code: ClassVar[str] = "wrap.sheared"


class ValuesUnfitError(WrapError):
    """Voxel values that no CT or MR image can hold: complex, RGB, not finite."""

    code: ClassVar[str] = "wrap.values_unfit"


@dataclass(frozen=True, slots=True)
class StoredValues:
    """Voxels as DICOM stores them: value = stored * slope + intercept.

    Attributes
    ----------
    voxels
        int16 or uint16, shape as given.
    largest_error
        How far a stored value may lie from the source's; 0 when they are equal.
    """

    voxels: npt.NDArray[np.int16] | npt.NDArray[np.uint16]
    slope: float
    intercept: float
    largest_error: float


def wrap_nifti(path: Path, context: WrapContext) -> Iterator[Dataset]:
    """Yield one classic CT or MR object per slice, volume after volume; each volume is a series of its own.

    Columns run along the first NIfTI axis, rows along the second, slices along the third; the voxel at (i, j, k) of the
    source lies where the affine puts it, turned from RAS to LPS.

    Raises
    ------
    ModalityUnfitError, ShearedVolumeError, ValuesUnfitError, SourceDamagedError, SourceTooLargeError
        Before the first object is yielded.

    References
    ----------
    DICOM PS3.3 C.7.6.2 (image plane), A.3, A.4; NIfTI-1 header, "3D image (volume) orientation and location in space".
    """
    if context.details.modality not in _MODALITIES:
        raise ModalityUnfitError("A NIfTI volume can be taken in as CT or MR. State one of them.")
    raw, slope, intercept, affine = _read(path)
    plane = _Plane.from_affine(affine)
    stored = fit_sixteen_bits(raw, slope=slope, intercept=intercept)
    volumes = stored.voxels.reshape((*stored.voxels.shape[:3], -1), order="F")
    for number in range(volumes.shape[3]):
        template = _begin_series(context, plane, stored, number=number, count=volumes.shape[3])
        for k in range(volumes.shape[2]):
            yield _slice_of(template, context, plane, np.ascontiguousarray(volumes[:, :, k, number].T), k)


def fit_sixteen_bits(raw: npt.NDArray[Any], *, slope: float, intercept: float) -> StoredValues:
    """Return voxels that fit DICOM's 16 bits: unchanged where they do, spread over the whole range where they do not.

    Parameters
    ----------
    raw
        Stored values of the source, any integer or real type; the value is ``raw * slope + intercept``.

    Raises
    ------
    ValuesUnfitError
        Values that are not finite, complex, or of several channels.
    """
    if raw.dtype.kind not in "iufb":
        raise ValuesUnfitError(f"Voxels of type {raw.dtype} cannot be a CT or MR image. Save them as real numbers.")
    low, high = float(raw.min()), float(raw.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValuesUnfitError("Some voxels are infinite or not a number. Replace them, then send the volume again.")
    whole = raw.dtype.kind in "iub" or bool(np.all(np.mod(raw, 1) == 0))
    if whole and low >= -32768 and high <= 32767:
        return StoredValues(raw.astype(np.int16), slope, intercept, 0.0)
    if whole and low >= 0 and high <= 65535:
        return StoredValues(raw.astype(np.uint16), slope, intercept, 0.0)
    step = (high - low) / 65535
    if step == 0:  # one value everywhere, and not a whole number
        return StoredValues(np.zeros(raw.shape, np.uint16), 1.0, low * slope + intercept, 0.0)
    voxels = np.empty(raw.shape, np.uint16)
    for k in range(raw.shape[2]):  # slice by slice: a float copy of the whole would be four times the volume
        voxels[:, :, k] = np.rint((raw[:, :, k].astype(np.float64) - low) / step)
    return StoredValues(voxels, step * slope, low * slope + intercept, abs(step * slope) / 2)


@dataclass(frozen=True, slots=True)
class _Plane:
    """Geometry of the slices in patient LPS, mm: `row_direction` is that of increasing column index."""

    origin_mm: npt.NDArray[np.float64]
    row_direction: npt.NDArray[np.float64]
    column_direction: npt.NDArray[np.float64]
    step_mm: npt.NDArray[np.float64]
    pixel_spacing_mm: tuple[float, float]

    @classmethod
    def from_affine(cls, affine: npt.NDArray[np.float64]) -> _Plane:
        lps = _RAS_TO_LPS @ affine[:3, :]
        lengths = np.linalg.norm(lps[:, :3], axis=0)
        if not np.all(np.isfinite(lps)) or np.any(lengths < 1e-6) or np.any(lengths > 1e4):
            raise SourceDamagedError("The volume's header gives no usable voxel size. Correct it, then send it again.")
        row, column = lps[:, 0] / lengths[0], lps[:, 1] / lengths[1]
        if abs(float(row @ column)) > _ORTHOGONALITY:
            raise ShearedVolumeError(
                "Rows and columns of this volume are not perpendicular. Resample it, then send it."
            )
        return cls(lps[:, 3], row, column, lps[:, 2], (float(lengths[1]), float(lengths[0])))

    @property
    def slice_distance_mm(self) -> float:
        """Distance of neighbouring slices along their normal."""
        return abs(float(np.cross(self.row_direction, self.column_direction) @ self.step_mm))


def _begin_series(context: WrapContext, plane: _Plane, stored: StoredValues, *, number: int, count: int) -> Dataset:
    is_ct = context.details.modality == "CT"
    dataset = begin_object(
        context,
        sop_class_uid=CTImageStorage if is_ct else MRImageStorage,
        series_part=f"volume {number}",
        instance_part="",
    )
    name = f"{context.sequence or 'Volume'} made into DICOM"
    dataset.SeriesDescription = name if count == 1 else f"{name}, {number + 1} of {count}"
    dataset.SeriesNumber = number + 1
    dataset.PositionReferenceIndicator = ""
    dataset.FrameOfReferenceUID = context.uid("frame of reference", context.study_instance_uid, context.source_digest)
    dataset.PatientPosition = ""
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if is_ct else "OTHER"]
    dataset.DerivationDescription = _derivation(stored)
    dataset.AcquisitionNumber = ""
    (_describe_ct if is_ct else _describe_mr)(dataset)
    dataset.PixelSpacing = _decimals(plane.pixel_spacing_mm)
    dataset.ImageOrientationPatient = _decimals([*plane.row_direction, *plane.column_direction])
    dataset.SliceThickness = DSfloat(plane.slice_distance_mm, auto_format=True)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Columns, dataset.Rows = stored.voxels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, int(stored.voxels.dtype == np.int16)
    dataset.RescaleIntercept, dataset.RescaleSlope = _decimals([stored.intercept, stored.slope])
    dataset.RescaleType = "HU" if is_ct else "US"
    return dataset


def _describe_ct(dataset: Dataset) -> None:
    dataset.KVP = ""


def _describe_mr(dataset: Dataset) -> None:
    """How the image was made is not known: RM (research mode) is the one term that claims nothing (C.8.3.1.1.2)."""
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "RM", "NONE", ""
    dataset.MRAcquisitionType = ""
    dataset.RepetitionTime = dataset.EchoTime = dataset.EchoTrainLength = ""


def _slice_of(
    template: Dataset, context: WrapContext, plane: _Plane, pixels: npt.NDArray[np.integer[Any]], k: int
) -> Dataset:
    dataset = Dataset(template)
    dataset.SOPInstanceUID = context.uid("instance", template.SeriesInstanceUID, k)
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = _decimals(plane.origin_mm + k * plane.step_mm)
    dataset.add_new("PixelData", "OW", pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
    return dataset


def _derivation(stored: StoredValues) -> str:
    if stored.largest_error == 0:
        return "NIfTI volume, values unchanged"
    return f"NIfTI volume, values rounded to 16 bits, largest error {stored.largest_error:.3g}"


def _decimals(values: Any) -> list[DSfloat]:
    return [DSfloat(float(value), auto_format=True) for value in values]


def _read(path: Path) -> tuple[npt.NDArray[Any], float, float, npt.NDArray[np.float64]]:
    """Return raw voxels (i, j, k[, volume]), slope, intercept and affine (RAS, mm)."""
    try:
        with ExitStack() as opened:
            stream: IO[bytes] = opened.enter_context(path.open("rb"))
            if stream.read(2) == _GZIP_MAGIC:
                stream = cast("IO[bytes]", opened.enter_context(gzip.open(path)))
            stream.seek(0)
            version_2 = int.from_bytes(stream.read(4), "little") == 540
            stream.seek(0)
            kind = nibabel.Nifti2Image if version_2 else nibabel.Nifti1Image
            image: Any = kind.from_stream(cast("Any", stream))
            _check_size(image.shape, image.get_data_dtype())
            raw = np.asarray(image.dataobj.get_unscaled())
            slope, intercept = image.dataobj.slope, image.dataobj.inter
            affine = np.asarray(image.affine, dtype=np.float64)
            _read_out(stream)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error, OverflowError) as error:
        raise SourceDamagedError("The volume is damaged or incomplete. Save it again, then send it again.") from error
    raw = raw.reshape((*raw.shape[:3], -1)) if raw.ndim > 3 else raw
    return raw, float(slope), float(intercept), affine


def _read_out(stream: IO[bytes]) -> None:
    """Read what follows the voxels: only the end of a gzip stream tells whether its checksum holds."""
    for _ in range(_MOST_TRAILING_CHUNKS):
        if not stream.read(1024 * 1024):
            return
    raise SourceDamagedError("The volume is followed by more data than its header announces. Save it again.")


def _check_size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if len(shape) < 3 or min(shape, default=0) < 1:
        raise WrapError("The file holds no volume of three dimensions. Send one that does.")
    volumes = int(np.prod(shape[3:], dtype=np.int64))
    total_bytes = int(np.prod([int(side) for side in shape], dtype=object)) * max(dtype.itemsize, 2)
    if max(shape[:3]) > MAX_SIDE or volumes > MAX_VOLUMES or total_bytes > MAX_VOLUME_BYTES:
        sides = " x ".join(map(str, shape))
        raise SourceTooLargeError(f"The volume has {sides} voxels, more than can be taken. Send it in parts.")
