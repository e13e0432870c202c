"""Stored values to modality values: HU, Bq/ml, or whatever slope and intercept lead to, in the narrowest exact type."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from studies.dicom.frames import FrameHeader
from studies.dicom.image_header import ImageHeader

ModalityType = np.dtype[np.uint8] | np.dtype[np.int16] | np.dtype[np.uint16] | np.dtype[np.float32]

UINT8, INT16, UINT16 = np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.uint16)
FLOAT32 = np.dtype(np.float32)


class DoesNotFitError(ValueError):
    """A frame's modality values are not exact in the type asked for; try the next one."""


def candidate_types(images: Iterable[ImageHeader]) -> tuple[ModalityType, ...]:
    """Return the types that a series' modality values may take, narrowest first; the last one always fits.

    int16 is tried before uint16 because every browser and network takes it; whether values fit is decided by the values
    themselves, not by the bits a header reserves for them.
    """
    images = list(images)
    if any(image.is_colour for image in images):
        return (UINT8,)
    if not all(_is_integral(image, frame) for image in images for frame in image.frames):
        return (FLOAT32,)
    if all(image.bits_stored <= 8 and _is_identity(frame) for image in images for frame in image.frames):
        return (UINT8, INT16, FLOAT32)
    return (INT16, UINT16, FLOAT32)


def to_modality(stored: npt.NDArray[np.generic], frame: FrameHeader, dtype: ModalityType) -> npt.NDArray[np.generic]:
    """Return slope * stored + intercept in `dtype`, same axes.

    Raises
    ------
    DoesNotFitError
        Where an integer type cannot hold the values exactly. float32 holds integers up to 2**24 exactly and rounds
        others to 24 significant bits.

    References
    ----------
    DICOM PS3.3 C.11.1 (Modality LUT).
    """
    slope, intercept = frame.rescale_slope, frame.rescale_intercept
    if dtype == FLOAT32:
        if _is_identity(frame):
            return stored.astype(FLOAT32)
        return (stored.astype(np.float64) * slope + intercept).astype(FLOAT32)
    ends = (int(stored.min()) * int(slope) + int(intercept), int(stored.max()) * int(slope) + int(intercept))
    bounds = np.iinfo(dtype)  # type: ignore[type-var]
    if stored.dtype.kind == "f" or min(ends) < bounds.min or max(ends) > bounds.max:
        raise DoesNotFitError(f"Values from {min(ends)} to {max(ends)} do not fit {dtype}.")
    if _is_identity(frame):
        return stored.astype(dtype, copy=False)
    # Both ends fit, so arithmetic modulo 2**16 ends at the right values whatever it passes through.
    factor, offset = np.array([int(slope), int(intercept)]).astype(dtype)
    scaled: npt.NDArray[np.integer] = stored.astype(dtype)
    if factor != 1:
        scaled *= factor
    scaled += offset
    return scaled


def _is_identity(frame: FrameHeader) -> bool:
    return frame.rescale_slope == 1.0 and frame.rescale_intercept == 0.0


def _is_integral(image: ImageHeader, frame: FrameHeader) -> bool:
    is_float = image.pixels.tag != 0x7FE00010
    return not is_float and frame.rescale_slope.is_integer() and frame.rescale_intercept.is_integer()
