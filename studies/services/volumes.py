"""A series as arrays: its frames described, its pixels as bytes, the whole as a volume or a stack."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from studies.dicom.errors import PixelsUndecodableError
from studies.dicom.image_header import ImageHeader
from studies.dicom.presets import COLOUR_PRESET, WindowPreset, choose_presets
from studies.dicom.series import SeriesGeometry, SeriesImage, SeriesVerdict, judge_series
from studies.errors import ConflictError, InvalidInputError, NotFoundError
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.models import Series
from studies.queue import StudyTask, enqueue_on_commit
from studies.services.decoded_series import DecodedSeries, StoredImage, open_decoded
from studies.signals import series_settled
from studies.storage import blob_store

_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_LAYOUTS_KEPT = 64
SETTLED_AFTER_S = 5.0
"""A series that has not grown for so long is taken to be whole."""

logger = logging.getLogger(__name__)


class NotAVolumeError(ConflictError):
    """The series has no regular grid of grey values."""

    code: ClassVar[str] = "series.not_a_volume"


class NotAStackError(ConflictError):
    """The frames of the series differ in size."""

    code: ClassVar[str] = "series.not_a_stack"


class NoColoursError(InvalidInputError):
    """Grey images where colours are needed."""

    code: ClassVar[str] = "series.no_colours"


class FrameNotFoundError(NotFoundError):
    """The series has fewer frames."""

    code: ClassVar[str] = "frame.not_found"


@dataclass(frozen=True, slots=True)
class SeriesFrame:
    """One frame: which it is, where its bytes lie in the series' pixels, and where it lies in the patient."""

    index: int
    instance_id: UUID
    sop_instance_uid: str
    frame_number: int
    rows: int
    columns: int
    byte_offset: int
    byte_length: int
    image_position_mm: tuple[float, float, float] | None
    image_orientation: tuple[float, float, float, float, float, float] | None
    pixel_spacing_mm: tuple[float, float] | None
    frame_time_ms: float | None


@dataclass(frozen=True, slots=True)
class SeriesFrames:
    """The layout of a series' pixels; frame index is slice index where `is_volume`."""

    series_id: UUID
    contents_digest: str
    is_volume: bool
    dtype: str
    samples_per_pixel: int
    photometric_interpretation: str
    modality: str
    unit: str
    total_bytes: int
    minimum: float
    maximum: float
    geometry: VolumeGeometry | None
    window_presets: tuple[WindowPreset, ...]
    frames: tuple[SeriesFrame, ...]


@dataclass(frozen=True, slots=True)
class SeriesLayout:
    """A series' image objects, in the archive's order, and the verdict on them."""

    instance_ids: tuple[UUID, ...]
    sop_instance_uids: tuple[str, ...]
    images: tuple[StoredImage, ...]
    geometry: SeriesGeometry

    @property
    def is_colour(self) -> bool:
        """Whether frames are shown as RGB."""
        return any(stored.image.is_colour for stored in self.images)

    @property
    def middle(self) -> tuple[StoredImage, int]:
        """The image object of the frame in the middle, and which of its frames that is."""
        reference = self.geometry.order[len(self.geometry.order) // 2]
        return self.images[reference.image_index], reference.frame_index


def read_layout(series: Series) -> SeriesLayout:
    """Return where the series' frames are and how they lie, from its records alone."""
    return _read_layout(series.pk, series.contents_digest)


@lru_cache(maxsize=_LAYOUTS_KEPT)
def _read_layout(series_id: UUID, contents_digest: str) -> SeriesLayout:
    """Read the records once per state of the series; `contents_digest` names that state."""
    del contents_digest
    instances = list(Series.objects.get(pk=series_id).instances.exclude(image_header={}))
    headers = [ImageHeader.from_json(instance.image_header) for instance in instances]
    geometry = judge_series(
        [
            SeriesImage(instance.instance_number, instance.sop_instance_uid, header)
            for instance, header in zip(instances, headers, strict=True)
        ]
    )
    store = blob_store()
    return SeriesLayout(
        instance_ids=tuple(instance.pk for instance in instances),
        sop_instance_uids=tuple(instance.sop_instance_uid for instance in instances),
        images=tuple(
            StoredImage(store.path(instance.blob_id), header, instance.transfer_syntax_uid)
            for instance, header in zip(instances, headers, strict=True)
        ),
        geometry=geometry,
    )


def enqueue_preparation(series_ids: Collection[UUID]) -> None:
    """Have series decoded once nothing more has arrived for a while; each arrival asks anew, the last one counts."""
    for series in Series.objects.filter(pk__in=series_ids).only("contents_digest"):
        enqueue_on_commit(
            StudyTask.PREPARE_SERIES,
            delay_s=SETTLED_AFTER_S,
            series_id=series.pk,
            contents_digest=series.contents_digest,
        )


def prepare_series(series_id: UUID, *, contents_digest: str) -> None:
    """Decode a series, so that whoever opens it first need not wait, and tell those who listen that it is whole.

    Does nothing where its contents have changed since, where it holds no images, or where they cannot be decoded: the
    person who opens it is told.
    """
    series = Series.objects.filter(pk=series_id, contents_digest=contents_digest).first()
    if series is None:
        return
    layout = read_layout(series)
    if not layout.geometry.order:
        return
    try:
        open_decoded(series.contents_digest, layout.images, layout.geometry.order)
    except PixelsUndecodableError as error:
        logger.warning("Series %s cannot be decoded: %s", series_id, error.message)
        return
    series_settled.send_robust(sender=Series, series=series)  # a listener's failure is logged, and its own


def describe_grid(series: Series) -> VolumeGeometry:
    """Return the grid on which label maps of the series lie, from its records alone.

    It is the place of the volume where the series is one, and a convention (frames one above the other) otherwise.

    Raises
    ------
    NotAStackError
        Where the frames differ in size, or there are none.
    """
    geometry = read_layout(series).geometry
    if geometry.nominal_geometry is None:
        raise NotAStackError(f"{geometry.explanation} Label maps need images of one size.")
    return geometry.nominal_geometry


def load_volume(series: Series) -> Volume:
    """Return a regular series as a volume; the voxels are read-only and mapped from the derived file.

    Raises
    ------
    NotAVolumeError
        Where it is none, with the verdict in words.
    """
    layout = read_layout(series)
    if layout.geometry.verdict is not SeriesVerdict.REGULAR or layout.is_colour:
        raise NotAVolumeError(f"{layout.geometry.explanation} Choose a method that works slice by slice.")
    return _load(series, layout, describe_grid(series))


def load_stack(series: Series) -> Volume:
    """Return frames of one size one above the other, in the order they are shown, on the grid of `describe_grid`.

    Colour is turned into luminance (ITU-R BT.601).

    Raises
    ------
    NotAStackError
        Where the frames differ in size, or there are none.
    """
    return _load(series, read_layout(series), describe_grid(series))


def load_colours(series: Series) -> tuple[npt.NDArray[np.generic], ...]:
    """Return red, green and blue of frames of one size, each with axes (slice, row, column) as of `load_stack`.

    Raises
    ------
    NotAStackError
        Where the frames differ in size, or there are none.
    NoColoursError
        Where the images are grey.
    """
    voxels = _open_voxels(series, read_layout(series), describe_grid(series))
    if voxels.ndim != 4:
        raise NoColoursError("These images are grey, and colours are asked for. Choose a colour photograph.")
    return tuple(np.ascontiguousarray(voxels[..., colour]) for colour in range(3))


def _load(series: Series, layout: SeriesLayout, grid: VolumeGeometry) -> Volume:
    voxels = _open_voxels(series, layout, grid)
    if voxels.ndim == 4:
        voxels = np.stack([np.round(frame @ _LUMINANCE).astype(np.uint8) for frame in voxels])
    return Volume(voxels=np.asarray(voxels), geometry=grid, modality=series.modality)


def _open_voxels(series: Series, layout: SeriesLayout, grid: VolumeGeometry) -> npt.NDArray[np.generic]:
    """Map the decoded frames, (slice, row, column) and for colour images a last axis of three."""
    decoded, path = open_decoded(series.contents_digest, layout.images, layout.geometry.order)
    shape = (*grid.shape, 3) if decoded.samples_per_pixel == 3 else grid.shape
    return np.memmap(path, dtype=np.dtype(decoded.dtype), mode="r", shape=shape)


def describe_frames(series: Series) -> SeriesFrames:
    """Return how the series' pixels are laid out, decoding them first where that has not been done.

    Raises
    ------
    SeriesEmptyError
        Where nothing in the series can be shown.
    PixelsUndecodableError
        Where a frame cannot be decoded.
    """
    layout = read_layout(series)
    decoded, _path = open_decoded(series.contents_digest, layout.images, layout.geometry.order)
    geometry = None if layout.is_colour else layout.geometry.geometry
    stored, frame_index = layout.middle
    return SeriesFrames(
        series_id=series.pk,
        contents_digest=series.contents_digest,
        is_volume=geometry is not None,
        dtype=decoded.dtype,
        samples_per_pixel=decoded.samples_per_pixel,
        photometric_interpretation=_photometric(layout),
        modality=series.modality,
        unit=stored.image.unit,
        total_bytes=decoded.total_bytes,
        minimum=decoded.minimum,
        maximum=decoded.maximum,
        geometry=geometry,
        window_presets=_presets(series, layout, decoded, frame_index),
        frames=tuple(_describe_frame(layout, decoded, index) for index in range(len(layout.geometry.order))),
    )


def _describe_frame(layout: SeriesLayout, decoded: DecodedSeries, index: int) -> SeriesFrame:
    reference = layout.geometry.order[index]
    image = layout.images[reference.image_index].image
    frame = image.frames[reference.frame_index]
    return SeriesFrame(
        index=index,
        instance_id=layout.instance_ids[reference.image_index],
        sop_instance_uid=layout.sop_instance_uids[reference.image_index],
        frame_number=reference.frame_index + 1,
        rows=image.rows,
        columns=image.columns,
        byte_offset=decoded.offsets[index],
        byte_length=decoded.offsets[index + 1] - decoded.offsets[index],
        image_position_mm=frame.position_mm,
        image_orientation=frame.orientation,
        pixel_spacing_mm=frame.pixel_spacing_mm,
        frame_time_ms=frame.frame_time_ms,
    )


def _photometric(layout: SeriesLayout) -> str:
    if layout.is_colour:
        return "RGB"
    stored, _frame_index = layout.middle
    return "MONOCHROME1" if stored.image.photometric_interpretation == "MONOCHROME1" else "MONOCHROME2"


def _presets(
    series: Series, layout: SeriesLayout, decoded: DecodedSeries, frame_index: int
) -> tuple[WindowPreset, ...]:
    if layout.is_colour:
        return (COLOUR_PRESET,)
    image = layout.middle[0].image
    written = image.frames[frame_index].windows
    return choose_presets(series.modality, image.unit, written, decoded.low, decoded.high)


def iterate_pixels(series: Series) -> Iterator[bytes]:
    """Yield each frame's modality values in order, little-endian; `describe_frames` says in which type."""
    layout = read_layout(series)
    decoded, path = open_decoded(series.contents_digest, layout.images, layout.geometry.order)
    with path.open("rb") as stream:
        for start, end in zip(decoded.offsets, decoded.offsets[1:], strict=False):
            yield stream.read(end - start)


def read_frame(series: Series, index: int) -> bytes:
    """Return one frame's modality values.

    Raises
    ------
    FrameNotFoundError
        Where the series has fewer frames.
    """
    layout = read_layout(series)
    decoded, path = open_decoded(series.contents_digest, layout.images, layout.geometry.order)
    if not 0 <= index < len(decoded.offsets) - 1:
        raise FrameNotFoundError(f"The series has {len(decoded.offsets) - 1} images; there is no image {index + 1}.")
    with path.open("rb") as stream:
        stream.seek(decoded.offsets[index])
        return stream.read(decoded.offsets[index + 1] - decoded.offsets[index])
