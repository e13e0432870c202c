"""Place, scaling and display of each frame, from plain attributes or from functional groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from pydicom.dataset import Dataset

from studies.dicom.values import ValueReader

Triple = tuple[float, float, float]
Sextuple = tuple[float, float, float, float, float, float]
Pair = tuple[float, float]

MAX_POSITION_MM = 1e6
"""A kilometre: beyond it a position is a writing error, not a place."""
_COSINE_TOLERANCE = 1e-2
_CENTIMETRES = 3  # PhysicalUnitsXDirection (0018,6024)


@dataclass(frozen=True, slots=True)
class FrameWindow:
    """One window of VOI values; `name` is the writer's explanation or empty."""

    center: float
    width: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """One frame.

    Attributes
    ----------
    position_mm
        Centre of the first pixel in patient LPS, None where it is not stated.
    orientation
        Unit vectors along a row and down a column, None where not stated or not orthonormal.
    pixel_spacing_mm
        (between rows, between columns), None where unknown.
    slice_thickness_mm
        As stated; not the distance between slices.
    rescale_slope, rescale_intercept
        Modality value = stored value * slope + intercept.
    windows
        As the writer suggests, in modality values.
    frame_time_ms
        Time from this frame to the next in a cine, None for stills.
    """

    position_mm: Triple | None = None
    orientation: Sextuple | None = None
    pixel_spacing_mm: Pair | None = None
    slice_thickness_mm: float | None = None
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    windows: tuple[FrameWindow, ...] = ()
    frame_time_ms: float | None = None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> FrameHeader:
        """Return what `dataclasses.asdict` made, after a journey through JSON."""
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**{**plain, "windows": tuple(FrameWindow(**window) for window in values["windows"])})


@dataclass(frozen=True, slots=True)
class _FrameSources:
    """Where a frame's attributes may stand, nearest first."""

    own: Dataset | None
    shared: Dataset | None
    reader: ValueReader

    def group(self, keyword: str) -> ValueReader:
        """Return the functional group's item that applies to the frame, or the dataset itself."""
        for source in (self.own, self.shared):
            items = self.reader.within(source).items(keyword) if source is not None else []
            if items:
                return self.reader.within(items[0])
        return self.reader


def read_frames(reader: ValueReader, number_of_frames: int) -> tuple[tuple[FrameHeader, ...], str]:
    """Return each frame's header, in stored order, and where the pixel spacing comes from.

    The source is "image", "detector", "region" or "" as in `ImageHeader.spacing_source`.

    References
    ----------
    DICOM PS3.3 C.7.6.2, C.7.6.16, C.8.5.5 (US Region Calibration), C.7.6.5 (Cine), C.11.1, C.11.2.
    """
    shared = next(iter(reader.items("SharedFunctionalGroupsSequence")), None)
    own = reader.items("PerFrameFunctionalGroupsSequence")
    if own and len(own) != number_of_frames:
        reader.note(f"The file describes {len(own)} frames and has {number_of_frames}: their places are not used.")
        own, shared = [], None
    fallback_spacing, source = _fallback_spacing(reader)
    times = _frame_times(reader, number_of_frames)
    has_places = bool(own) or number_of_frames == 1
    if not own:
        frame = _read_frame(_FrameSources(None, shared, reader), fallback_spacing, has_places=has_places)
        frames = tuple(_with_time(frame, time) for time in times)
    else:
        frames = tuple(
            _with_time(_read_frame(_FrameSources(item, shared, reader), fallback_spacing, has_places=True), time)
            for item, time in zip(own, times, strict=True)
        )
    return frames, source or ("image" if frames[0].pixel_spacing_mm else "")


def _read_frame(sources: _FrameSources, fallback_spacing: Pair | None, *, has_places: bool) -> FrameHeader:
    measures = sources.group("PixelMeasuresSequence")
    scaling = sources.group("PixelValueTransformationSequence")
    return FrameHeader(
        position_mm=_position(sources.group("PlanePositionSequence")) if has_places else None,
        orientation=_orientation(sources.group("PlaneOrientationSequence")) if has_places else None,
        pixel_spacing_mm=_spacing(measures, "PixelSpacing") or fallback_spacing,
        slice_thickness_mm=measures.number("SliceThickness"),
        rescale_slope=_slope(scaling),
        rescale_intercept=scaling.number("RescaleIntercept") or 0.0,
        windows=_windows(sources.group("FrameVOILUTSequence")),
    )


def _with_time(frame: FrameHeader, frame_time_ms: float | None) -> FrameHeader:
    values = {name: getattr(frame, name) for name in FrameHeader.__slots__}
    return FrameHeader(**{**values, "frame_time_ms": frame_time_ms}) if frame_time_ms is not None else frame


def _position(reader: ValueReader) -> Triple | None:
    position = reader.vector("ImagePositionPatient", 3)
    if position is not None and max(abs(x) for x in position) > MAX_POSITION_MM:
        reader.note("ImagePositionPatient lies outside any room and is not used.")
        return None
    return cast(Triple | None, position)


def _orientation(reader: ValueReader) -> Sextuple | None:
    cosines = reader.vector("ImageOrientationPatient", 6)
    if cosines is None:
        return None
    axes = np.reshape(cosines, (2, 3))
    if np.abs(axes @ axes.T - np.eye(2)).max() > _COSINE_TOLERANCE:
        reader.note("ImageOrientationPatient is not a pair of perpendicular unit vectors and is not used.")
        return None
    return cast(Sextuple, cosines)


def _spacing(reader: ValueReader, keyword: str) -> Pair | None:
    spacing = reader.vector(keyword, 2)
    if spacing is not None and (min(spacing) <= 0 or max(spacing) > 1e4):
        reader.note(f"{keyword} {spacing} is impossible and is not used: lengths cannot be measured.")
        return None
    return cast(Pair | None, spacing)


def _slope(reader: ValueReader) -> float:
    slope = reader.number("RescaleSlope")
    if slope == 0:
        reader.note("RescaleSlope is 0, which would erase the image; 1 is used.")
    return slope or 1.0


def _windows(reader: ValueReader) -> tuple[FrameWindow, ...]:
    centers, widths = reader.numbers("WindowCenter"), reader.numbers("WindowWidth")
    names = [str(name).strip() for name in reader.values("WindowCenterWidthExplanation")]
    names += [""] * (len(centers) - len(names))
    windows = zip(centers, widths, names, strict=False)
    return tuple(FrameWindow(center, width, name) for center, width, name in windows if width > 0)


def _fallback_spacing(reader: ValueReader) -> tuple[Pair | None, str]:
    """Return the spacing that applies where PixelSpacing is absent, and its source."""
    if "PixelSpacing" in reader.dataset or "SharedFunctionalGroupsSequence" in reader.dataset:
        return None, ""
    for keyword in ("ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        spacing = _spacing(reader, keyword)
        if spacing:
            return spacing, "detector"
    region = _region_spacing(reader)
    return region, "region" if region else ""


def _region_spacing(reader: ValueReader) -> Pair | None:
    """Return an ultrasound's spacing where one region alone is calibrated in centimetres."""
    regions = [reader.within(item) for item in reader.items("SequenceOfUltrasoundRegions")]
    if len(regions) != 1:
        return None
    region = regions[0]
    units = {region.integer("PhysicalUnitsXDirection"), region.integer("PhysicalUnitsYDirection")}
    down, along = region.number("PhysicalDeltaY"), region.number("PhysicalDeltaX")
    if units != {_CENTIMETRES} or not down or not along:
        return None
    return abs(down) * 10.0, abs(along) * 10.0


def _frame_times(reader: ValueReader, number_of_frames: int) -> list[float | None]:
    if number_of_frames == 1:
        return [None]
    vector = reader.numbers("FrameTimeVector")
    if len(vector) == number_of_frames:
        # The vector holds the time since the frame before; the first entry is 0, and the last frame waits as it did.
        return [*vector[1:], vector[-1]]
    frame_time = reader.number("FrameTime")
    if not frame_time:
        rate = reader.number("CineRate") or reader.number("RecommendedDisplayFrameRate")
        frame_time = 1000.0 / rate if rate and rate > 0 else None
    return [frame_time if frame_time and frame_time > 0 else None] * number_of_frames
