"""A series decoded once: modality values of all frames in one file, and what is worth knowing of them beside it.

Both files are derived: keyed by the series' contents, written whole or not at all, and deletable at any time.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
import numpy.typing as npt

from studies.dicom.frames import FrameHeader
from studies.dicom.image_header import ImageHeader
from studies.dicom.modality import DoesNotFitError, ModalityType, candidate_types, to_modality
from studies.dicom.pixels import PixelReader
from studies.dicom.series import FrameReference
from studies.errors import DomainError
from studies.storage import derived_path, explain_write_failures, temporary_file, write_derived

KIND = "series"
DECODER_VERSION = "1"
"""Raised when the same files would decode to other bytes: derived files of older versions are then left unused."""
_SAMPLING = 7
"""Every so many rows and columns count towards the percentiles."""


class SeriesEmptyError(DomainError):
    """Nothing in the series can be shown."""

    code: ClassVar[str] = "series.no_images"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image object and the file that holds it."""

    path: Path
    image: ImageHeader
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class DecodedSeries:
    """What is known of a series once it is decoded.

    Attributes
    ----------
    dtype
        numpy name of the modality values' type, little-endian in the file.
    samples_per_pixel
        1, or 3 for interleaved RGB.
    minimum, maximum
        Over all frames.
    low, high
        1st percentile of the values, and 99.5th of those above their mean: what is worth seeing.
    offsets
        Where each frame begins in the file; one more entry gives its end.
    """

    dtype: str
    samples_per_pixel: int
    minimum: float
    maximum: float
    low: float
    high: float
    offsets: tuple[int, ...]

    @property
    def total_bytes(self) -> int:
        """Size of the file of values."""
        return self.offsets[-1]


def open_decoded(
    contents_digest: str, images: Sequence[StoredImage], order: Sequence[FrameReference]
) -> tuple[DecodedSeries, Path]:
    """Return the decoded series and its file of values, decoding first where that has not been done.

    Raises
    ------
    SeriesEmptyError
        Where there is no frame.
    PixelsUndecodableError
        Where a frame cannot be decoded.
    """
    if not order:
        raise SeriesEmptyError("This series holds no images to show. Its objects can be downloaded.")
    key = f"{contents_digest}.v{DECODER_VERSION}"
    values, summary = derived_path(KIND, f"{key}.raw"), derived_path(KIND, f"{key}.json")
    found = _read_summary(values, summary)
    if found is not None:
        return found, values
    with _held_alone(derived_path(KIND, f"{key}.lock")):
        found = _read_summary(values, summary)
        if found is None:
            found = _decode(images, order, values)
            write_derived(KIND, summary.name, [json.dumps(asdict(found)).encode()])
    return found, values


def _read_summary(values: Path, summary: Path) -> DecodedSeries | None:
    """Return what an earlier decoding left, None unless both files are whole."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        stored = json.loads(summary.read_bytes())
        found = DecodedSeries(**{**stored, "offsets": tuple(stored["offsets"])})
        if values.stat().st_size == found.total_bytes:
            return found
    return None


@contextmanager
def _held_alone(path: Path) -> Iterator[None]:
    """Keep other processes and threads from decoding the same series at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # whoever waits holds the unlinked file and finds the work done


def _decode(images: Sequence[StoredImage], order: Sequence[FrameReference], target: Path) -> DecodedSeries:
    """Write the values of all frames, in the narrowest type that holds every one of them exactly."""
    candidates = candidate_types([stored.image for stored in images])
    for dtype in candidates:
        with (
            suppress(DoesNotFitError),
            explain_write_failures(target.parent),
            temporary_file(target.parent) as (stream, path),
        ):
            decoded = _write_values(images, order, dtype, stream)
            stream.flush()
            os.fsync(stream.fileno())  # a power cut must not leave a file of the right size full of zeros
            path.replace(target)
            return decoded
    raise AssertionError("The last candidate type fits any value.")


def _write_values(
    images: Sequence[StoredImage], order: Sequence[FrameReference], dtype: ModalityType, stream: BinaryIO
) -> DecodedSeries:
    is_colour = any(stored.image.is_colour for stored in images)
    gathered = _Gathered()
    for stored, frame in _frames_in_order(images, order):
        values = to_shown(stored[0], stored[1], frame, dtype, is_colour=is_colour)
        gathered.add(values)
        stream.write(np.ascontiguousarray(values, dtype=dtype.newbyteorder("<")).data)
    return gathered.summary(dtype, samples_per_pixel=3 if is_colour else 1)


def _frames_in_order(
    images: Sequence[StoredImage], order: Sequence[FrameReference]
) -> Iterator[tuple[tuple[npt.NDArray[np.generic], ImageHeader], FrameHeader]]:
    """Yield decoded frames with their headers; one file is open at a time, or one per run of its frames."""
    reader: PixelReader | None = None
    opened: StoredImage | None = None
    sequential: Iterator[npt.NDArray[np.generic]] = iter(())
    expected = 0
    for reference in order:
        stored = images[reference.image_index]
        if reader is None or opened is not stored:
            reader = PixelReader(stored.path, stored.image, stored.transfer_syntax_uid)
            opened, sequential, expected = stored, reader.frames(), 0
        if reference.frame_index == expected:
            pixels = next(sequential)
            expected += 1
        else:
            pixels = reader.frame(reference.frame_index)
        yield (pixels, stored.image), stored.image.frames[reference.frame_index]


def to_shown(
    pixels: npt.NDArray[np.generic], image: ImageHeader, frame: FrameHeader, dtype: ModalityType, *, is_colour: bool
) -> npt.NDArray[np.generic]:
    """Return a frame's modality values, or RGB where the series `is_colour`.

    A grey frame among colour ones is shown through its own window, as the series has one pixel format.
    """
    if not is_colour:
        return to_modality(pixels, frame, dtype)
    if pixels.ndim == 3:
        return pixels
    values = to_modality(pixels, frame, np.dtype(np.float32)).astype(np.float64)
    window = next(iter(frame.windows), None)
    low = window.center - window.width / 2 if window else float(values.min())
    width = window.width if window else float(np.ptp(values)) or 1.0
    grey = np.clip((values - low) / width * 255.0, 0, 255).astype(np.uint8)
    if image.photometric_interpretation == "MONOCHROME1":
        grey = 255 - grey
    return np.repeat(grey[..., None], 3, axis=-1)


class _Gathered:
    """Running figures over the frames of a series."""

    def __init__(self) -> None:
        self.offsets = [0]
        self.minimum, self.maximum = np.inf, -np.inf
        self.samples: list[npt.NDArray[np.generic]] = []

    def add(self, values: npt.NDArray[np.generic]) -> None:
        """Count one frame in."""
        self.offsets.append(self.offsets[-1] + values.nbytes)
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))
        self.samples.append(values[::_SAMPLING, ::_SAMPLING].reshape(-1).copy())

    def summary(self, dtype: ModalityType, *, samples_per_pixel: int) -> DecodedSeries:
        """Return the figures."""
        found = DecodedSeries(
            dtype=dtype.name,
            samples_per_pixel=samples_per_pixel,
            minimum=self.minimum,
            maximum=self.maximum,
            low=self.minimum,
            high=self.maximum,
            offsets=tuple(self.offsets),
        )
        low, high = bulk_of(np.concatenate(self.samples))
        return replace(found, low=low, high=high)


def bulk_of(values: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Return the 1st percentile, and the 99.5th of the values above the mean: air does not darken the picture."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size == 0:
        return 0.0, 1.0
    low = float(np.percentile(finite, 1))
    above = finite[finite > finite.mean()]
    return low, float(np.percentile(above, 99.5)) if above.size else float(finite.max())
