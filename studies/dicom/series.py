"""Whether the frames of a series make up one regular volume, and if not, why, in words for the reader.

Nothing is resampled, dropped or guessed: a series that is not regular is shown as a stack in a stated order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from studies.dicom.frames import FrameHeader
from studies.dicom.image_header import ImageHeader
from studies.imaging.geometry import VolumeGeometry

ORIENTATION_TOLERANCE = 1e-3
"""Largest difference between direction cosines of one orientation: half a millimetre at the edge of a 500 mm field."""
PIXEL_SPACING_TOLERANCE = 1e-3
"""Largest relative difference between pixel spacings of one size."""
COINCIDENT_SHARE = 0.01
"""Slices closer than this share of the slice distance lie at one position..."""
COINCIDENT_MM = 1e-3
"""...and so do slices closer than this, where all of them coincide."""
SPACING_TOLERANCE = 0.05
"""A gap between neighbours may differ from the slice distance by this share; scanners round to 0.01 mm and worse."""
GRID_TOLERANCE = 0.1
"""No slice may lie further than this share of the slice distance from where the regular grid puts it."""
SIDEWAYS_TOLERANCE = 0.5
"""Over the whole stack slices may drift sideways by this share of a pixel before the volume counts as sheared."""
_AS_A_STACK = "It is shown as a stack; volumes cannot be measured."


class SeriesVerdict(StrEnum):
    """What the positions of a series' frames say about it."""

    REGULAR = "regular"
    SINGLE_SLICE = "single_slice"
    GAPS = "gaps"
    DUPLICATES = "duplicates"
    VARYING_SPACING = "varying_spacing"
    MIXED_ORIENTATION = "mixed_orientation"
    MIXED_SIZE = "mixed_size"
    GANTRY_TILT = "gantry_tilt"
    NO_POSITIONS = "no_positions"
    NOT_IMAGES = "not_images"


@dataclass(frozen=True, slots=True)
class SeriesImage:
    """One image object of a series; `image` is None for objects that are not images."""

    instance_number: int | None
    sop_instance_uid: str
    image: ImageHeader | None


@dataclass(frozen=True, slots=True)
class FrameReference:
    """A frame of a series: which of the given images, and which of its frames, from 0."""

    image_index: int
    frame_index: int


@dataclass(frozen=True, slots=True)
class SeriesGeometry:
    """The verdict on a series.

    Attributes
    ----------
    explanation
        What was found, with numbers, and what it means for viewing and measuring.
    order
        All frames in the order to show them; for a regular volume the order of slices, towards the normal of the images
        (row direction x column direction).
    spacing_mm
        (slice, row, column) where it is known: slice distance, between rows, between columns.
    geometry
        Place of the volume, for REGULAR alone.
    nominal_geometry
        A grid of the same shape for methods that work slice by slice: true for REGULAR and GANTRY_TILT (sheared), and
        otherwise no more than a convention. None where the frames differ in size or are not images.
    """

    verdict: SeriesVerdict
    explanation: str
    order: tuple[FrameReference, ...]
    spacing_mm: tuple[float, float, float] | None = None
    geometry: VolumeGeometry | None = None
    nominal_geometry: VolumeGeometry | None = None


def judge_series(images: Sequence[SeriesImage]) -> SeriesGeometry:
    """Return the verdict on the given images, taken together as one series.

    References
    ----------
    DICOM PS3.3 C.7.6.2.1.1 (Image Plane), C.7.6.16.2.3 (Plane Position).
    """
    stack = _Stack.of(images)
    if not stack.frames:
        return SeriesGeometry(SeriesVerdict.NOT_IMAGES, "These objects are kept and are not images to show.", ())
    size_problem = _describe_sizes(stack)
    if size_problem:
        return stack.verdict(SeriesVerdict.MIXED_SIZE, f"{size_problem} {_AS_A_STACK}")
    if len(stack.frames) == 1:
        return stack.verdict(SeriesVerdict.SINGLE_SLICE, f"One image{_pixel_words(stack.frames[0])}.")
    if any(frame.position_mm is None or frame.orientation is None for frame in stack.frames):
        return stack.verdict(SeriesVerdict.NO_POSITIONS, _describe_missing_places(stack))
    if any(frame.pixel_spacing_mm is None for frame in stack.frames):
        words = f"The {len(stack.frames)} images do not state the size of their pixels. {_AS_A_STACK}"
        return stack.verdict(SeriesVerdict.NO_POSITIONS, words)
    orientations = _count_orientations(stack.frames)
    if orientations > 1:
        words = f"The {len(stack.frames)} images lie in {orientations} different directions. {_AS_A_STACK}"
        return stack.verdict(SeriesVerdict.MIXED_ORIENTATION, words)
    return _judge_positions(stack)


@dataclass(frozen=True, slots=True)
class _Stack:
    """All frames in the order they were taken: by instance number, then UID, then frame number."""

    frames: tuple[FrameHeader, ...]
    order: tuple[FrameReference, ...]
    sizes: tuple[tuple[int, int, bool], ...]
    """(rows, columns, is colour) of each frame."""

    @staticmethod
    def of(images: Sequence[SeriesImage]) -> _Stack:
        taken = sorted(
            range(len(images)),
            key=lambda i: (
                images[i].instance_number is None,
                images[i].instance_number or 0,
                images[i].sop_instance_uid,
            ),
        )
        frames: list[FrameHeader] = []
        order: list[FrameReference] = []
        sizes: list[tuple[int, int, bool]] = []
        for image_index in taken:
            image = images[image_index].image
            if image is not None:
                frames.extend(image.frames)
                order.extend(FrameReference(image_index, n) for n in range(len(image.frames)))
                sizes.extend([(image.rows, image.columns, image.is_colour)] * len(image.frames))
        return _Stack(tuple(frames), tuple(order), tuple(sizes))

    def arranged(self, ranks: npt.NDArray[np.intp]) -> _Stack:
        """Return the same frames in another order."""
        return _Stack(
            frames=tuple(self.frames[i] for i in ranks),
            order=tuple(self.order[i] for i in ranks),
            sizes=tuple(self.sizes[i] for i in ranks),
        )

    @property
    def positions_mm(self) -> npt.NDArray[np.float64]:
        """(frame, 3); for stacks whose frames all have a position."""
        return np.array([frame.position_mm for frame in self.frames], dtype=float)

    def verdict(
        self, verdict: SeriesVerdict, explanation: str, spacing_mm: tuple[float, float, float] | None = None
    ) -> SeriesGeometry:
        """Return a verdict that is not REGULAR."""
        is_uniform = len({size[:2] for size in self.sizes}) == 1
        nominal = _nominal_geometry(self, spacing_mm) if is_uniform else None
        return SeriesGeometry(verdict, explanation, self.order, spacing_mm, None, nominal)


def _describe_sizes(stack: _Stack) -> str:
    """Say in what the frames' grids differ, empty where they do not."""
    kinds = Counter(size[2] for size in stack.sizes)
    if len(kinds) > 1:
        return f"The series mixes {kinds[True]} colour images with {kinds[False]} of grey values."
    sizes = Counter(size[:2] for size in stack.sizes)
    if len(sizes) > 1:
        words = ", ".join(f"{count} of {rows} x {columns}" for (rows, columns), count in sizes.most_common(4))
        return f"The images differ in size: {words} pixels."
    spacings = [frame.pixel_spacing_mm for frame in stack.frames if frame.pixel_spacing_mm is not None]
    if spacings and np.ptp(spacings, axis=0).max() > PIXEL_SPACING_TOLERANCE * np.min(spacings):
        return f"The images differ in pixel size, from {np.min(spacings):.3g} to {np.max(spacings):.3g} mm."
    return ""


def _describe_missing_places(stack: _Stack) -> str:
    if any(frame.frame_time_ms for frame in stack.frames):
        return f"{len(stack.frames)} frames of a cine, shown in the order they were taken. Volumes cannot be measured."
    missing = sum(frame.position_mm is None or frame.orientation is None for frame in stack.frames)
    return f"{missing} of the {len(stack.frames)} images do not say where in the patient they lie. {_AS_A_STACK}"


def _count_orientations(frames: Sequence[FrameHeader]) -> int:
    cosines = np.array([frame.orientation for frame in frames])
    distinct: list[npt.NDArray[np.float64]] = []
    for orientation in cosines:
        if not any(np.abs(orientation - known).max() <= ORIENTATION_TOLERANCE for known in distinct):
            distinct.append(orientation)
    return len(distinct)


def _judge_positions(stack: _Stack) -> SeriesGeometry:
    """Judge frames of one size and one orientation by where they lie."""
    normal = _normal(stack.frames[0])
    along = stack.positions_mm @ normal
    ranks = np.argsort(along, kind="stable")
    gaps = np.diff(along[ranks])
    distance = _slice_distance(gaps)
    coincident = gaps <= max(COINCIDENT_MM, COINCIDENT_SHARE * distance)
    if coincident.any():
        return stack.verdict(SeriesVerdict.DUPLICATES, _describe_duplicates(along[ranks], coincident, normal))
    ordered = stack.arranged(ranks)
    spacing_mm = (distance, *_pixel_spacing(stack.frames[0]))
    problem = _describe_gaps(along[ranks], distance, normal)
    if problem:
        return ordered.verdict(SeriesVerdict.GAPS, problem, spacing_mm)
    problem = _describe_variation(along[ranks], gaps) or _describe_sideways(ordered, along[ranks])
    if problem:
        return ordered.verdict(SeriesVerdict.VARYING_SPACING, problem)
    distance = float((along[ranks[-1]] - along[ranks[0]]) / len(gaps))
    spacing_mm = (distance, *_pixel_spacing(stack.frames[0]))
    drift_mm, degrees = _tilt(ordered)
    if drift_mm > SIDEWAYS_TOLERANCE * min(spacing_mm[1:]):
        words = (
            f"The slices lean by {degrees:.1f} degrees against the direction of the stack (gantry tilt). "
            "It is shown as a stack; the volume is sheared and is not measured."
        )
        return ordered.verdict(SeriesVerdict.GANTRY_TILT, words, spacing_mm)
    geometry = _geometry(ordered, spacing_mm, normal)
    words = f"{len(ordered.frames)} slices, {distance:.2f} mm apart{_pixel_words(stack.frames[0])}."
    return SeriesGeometry(SeriesVerdict.REGULAR, words, ordered.order, spacing_mm, geometry, geometry)


def _normal(frame: FrameHeader) -> npt.NDArray[np.float64]:
    axes = np.reshape(np.asarray(frame.orientation, dtype=float), (2, 3))
    normal = np.cross(axes[0], axes[1])
    return np.asarray(normal / np.linalg.norm(normal))


def _slice_distance(gaps: npt.NDArray[np.float64]) -> float:
    """Return the median distance between slices that do not coincide, 0 where all of them do."""
    real = gaps[gaps > max(COINCIDENT_MM, COINCIDENT_SHARE * float(gaps.max()))]
    return float(np.median(real)) if real.size else 0.0


def _describe_duplicates(
    along: npt.NDArray[np.float64], coincident: npt.NDArray[np.bool_], normal: npt.NDArray[np.float64]
) -> str:
    first = np.concatenate(([True], ~coincident))
    counts = np.diff(np.append(np.flatnonzero(first), along.size))
    places = along[first] * _sign(normal)
    if len(counts) == 1:
        return f"All {counts[0]} images lie at one position. {_AS_A_STACK}"
    if len(set(counts.tolist())) == 1:
        return (
            f"Each of {len(counts)} positions holds {counts[0]} images (several times, echoes or contrasts in one "
            f"series). {_AS_A_STACK}"
        )
    where = ", ".join(f"{place:.1f}" for place in np.sort(places[counts > 1])[:3])
    more = "" if (counts > 1).sum() <= 3 else f" and {(counts > 1).sum() - 3} more"
    images = int(counts[counts > 1].sum())
    return f"{images} images share {(counts > 1).sum()} positions (at {where} mm{more}). {_AS_A_STACK}"


def _describe_gaps(along: npt.NDArray[np.float64], distance: float, normal: npt.NDArray[np.float64]) -> str:
    """Name the holes of a stack whose gaps are all multiples of one distance; empty where there are none."""
    gaps = np.diff(along)
    steps = np.round(gaps / distance)
    if steps.max() < 2 or np.abs(gaps - steps * distance).max() > SPACING_TOLERANCE * distance * steps.max():
        return ""
    missing = int((steps - 1).sum())
    holes = sorted(
        tuple(sorted((along[i] * _sign(normal), along[i + 1] * _sign(normal)))) for i in np.flatnonzero(steps > 1)
    )
    where = ", ".join(f"between {low:.1f} mm and {high:.1f} mm" for low, high in holes[:3])
    more = "" if len(holes) <= 3 else f" and in {len(holes) - 3} more places"
    are = "slice is" if missing == 1 else "slices are"
    return f"{missing} {are} missing {where}{more}. {_AS_A_STACK}"


def _describe_variation(along: npt.NDArray[np.float64], gaps: npt.NDArray[np.float64]) -> str:
    distance = float((along[-1] - along[0]) / len(gaps))
    grid = along[0] + distance * np.arange(along.size)
    is_even = np.abs(gaps - distance).max() <= SPACING_TOLERANCE * distance
    if is_even and np.abs(along - grid).max() <= GRID_TOLERANCE * distance:
        return ""
    return f"The distance between slices varies from {gaps.min():.2f} to {gaps.max():.2f} mm. {_AS_A_STACK}"


def _describe_sideways(stack: _Stack, along: npt.NDArray[np.float64]) -> str:
    """Say by how much slices are out of line with the straight from the first to the last one."""
    positions = stack.positions_mm
    share = (along - along[0]) / (along[-1] - along[0])
    straight = positions[0] + share[:, None] * (positions[-1] - positions[0])
    out_of_line = float(np.linalg.norm(positions - straight, axis=1).max())
    if out_of_line <= SIDEWAYS_TOLERANCE * min(_pixel_spacing(stack.frames[0])):
        return ""
    return f"Slices are shifted sideways by up to {out_of_line:.1f} mm. {_AS_A_STACK}"


def _tilt(stack: _Stack) -> tuple[float, float]:
    """Return how far the stack drifts sideways from first to last slice, mm, and the lean in degrees."""
    normal = _normal(stack.frames[0])
    whole = stack.positions_mm[-1] - stack.positions_mm[0]
    height = float(np.dot(whole, normal))
    drift = float(np.linalg.norm(whole - height * normal))
    return drift, float(np.degrees(np.arctan2(drift, height)))


def _geometry(
    stack: _Stack, spacing_mm: tuple[float, float, float], along_slices: npt.NDArray[np.float64]
) -> VolumeGeometry:
    """Return the grid of a stack in its present order; `along_slices` is the unit vector from slice to slice."""
    first, (rows, columns, _colour) = stack.frames[0], stack.sizes[0]
    row_direction, column_direction = np.reshape(first.orientation or (1.0, 0, 0, 0, 1.0, 0), (2, 3))
    direction = np.stack([along_slices, column_direction, row_direction], axis=1)
    d = [float(x) for x in direction.reshape(-1)]
    return VolumeGeometry(
        shape=(len(stack.frames), rows, columns),
        spacing_mm=spacing_mm,
        origin_mm=first.position_mm or (0.0, 0.0, 0.0),
        direction=(d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]),
    )


def _nominal_geometry(stack: _Stack, spacing_mm: tuple[float, float, float] | None) -> VolumeGeometry:
    first, last = stack.frames[0], stack.frames[-1]
    in_plane = first.pixel_spacing_mm or (1.0, 1.0)
    along_slices = _normal(first) if first.orientation else np.array([0.0, 0.0, 1.0])
    thickness = first.slice_thickness_mm
    spacing = spacing_mm or (thickness if thickness and thickness > 0 else 1.0, *in_plane)
    if spacing_mm is not None and first.position_mm and last.position_mm:
        whole = np.subtract(last.position_mm, first.position_mm)
        along_slices = whole / np.linalg.norm(whole)
        spacing = (spacing_mm[0] / float(np.dot(along_slices, _normal(first))), *in_plane)
    return _geometry(stack, spacing, along_slices)


def _pixel_spacing(frame: FrameHeader) -> tuple[float, float]:
    if frame.pixel_spacing_mm is None:
        raise ValueError("Positions are judged only where pixel spacing is known.")
    return frame.pixel_spacing_mm


def _pixel_words(frame: FrameHeader) -> str:
    if frame.pixel_spacing_mm is None:
        return "; the size of its pixels is not known, lengths cannot be measured"
    return f", pixels of {frame.pixel_spacing_mm[0]:.3g} x {frame.pixel_spacing_mm[1]:.3g} mm"


def _sign(normal: npt.NDArray[np.float64]) -> float:
    """Return the sign that makes positions grow towards left, posterior or head, whichever the stack runs along."""
    return float(np.sign(normal[np.argmax(np.abs(normal))])) or 1.0
