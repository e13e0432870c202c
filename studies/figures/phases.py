"""Which images of a cine series show which place at which time of the heartbeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studies.figures.figure import UnknownReason

SAME_PLACE_MM = 0.5
"""Images closer than this along the normal lie at one place: slices of a heart are 5 to 10 mm apart."""


@dataclass(frozen=True, slots=True)
class CineFrame:
    """One image.

    Attributes
    ----------
    place_mm
        Along the normal of the images; None where the header does not say.
    time
        Whatever the header orders the images of one place by: trigger time in ms, temporal position. None where it
        says nothing.
    number
        Orders images of one place that have no time.
    """

    place_mm: float | None
    time: float | None
    number: int


@dataclass(frozen=True, slots=True)
class PhaseGrid:
    """A stack of places, each imaged equally often.

    Attributes
    ----------
    frames
        Frame index of shape (phase, place).
    places_mm
        Ascending.
    is_by_number
        Whether times were missing and the images' numbers stand in for them.
    """

    frames: npt.NDArray[np.intp]
    places_mm: npt.NDArray[np.float64]
    is_by_number: bool


def arrange_phases(frames: Sequence[CineFrame]) -> PhaseGrid | UnknownReason:
    """Return the images by phase and place, or why they cannot be told apart.

    The n-th image of a place in the order of time belongs to the n-th phase: trigger times themselves differ a little
    from place to place, with the heart's rate.
    """
    known = [frame.place_mm for frame in frames if frame.place_mm is not None]
    if len(known) < len(frames) or not known:
        return UnknownReason.NO_PLACES
    along = np.asarray(known)
    order = np.argsort(along, kind="stable")
    starts = np.flatnonzero(np.diff(along[order], prepend=-np.inf) > SAME_PLACE_MM)
    places = np.split(order, starts[1:])
    counts = {len(place) for place in places}
    if counts == {1}:
        return UnknownReason.ONE_PHASE
    if len(counts) > 1:
        return UnknownReason.PHASES_DIFFER
    if len(places) < 2:
        return UnknownReason.ONE_PLACE
    is_by_number = any(frames[index].time is None for index in order) or _has_ties(frames, places)
    columns = [sorted(place, key=lambda index: _key(frames[index], by_number=is_by_number)) for place in places]
    centres = np.array([along[place].mean() for place in places])
    return PhaseGrid(np.array(columns, dtype=np.intp).T, centres, is_by_number)


def _has_ties(frames: Sequence[CineFrame], places: Sequence[npt.NDArray[np.intp]]) -> bool:
    return any(len({frames[index].time for index in place}) < len(place) for place in places)


def _key(frame: CineFrame, *, by_number: bool) -> float:
    return float(frame.number) if by_number or frame.time is None else frame.time
