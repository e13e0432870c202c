"""Every lesion, not only five: the whole burden with its interval, and whether lesions go different ways.

Burden
    The sums of the volumes and of the longest diameters of all lesions, and their number, together and by organ. The
    interval is that of the voxel grids, added as root of squares. A lesion that is there and was not measured leaves
    the sums incomplete, which is said; it never counts as 0.

Mixed response
    Each lesion grows or shrinks beyond error (the 95 % repeatability interval of its diameter excludes 0), is stable
    within it, or is unknown. One that vanished shrinks, one that is new grows. With the shares g and s of those that
    grow and shrink among all that are known, the index is 2 min(g, s): 0 where all go one way, 1 where half of them
    grows and half shrinks. The share is of lesions, or of burden: each lesion weighs its larger diameter of both dates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from studies.tracking.change import find_change
from studies.tracking.measurement_error import Measured, add_up
from studies.tracking.repeatability import Quantity, Readers


@dataclass(frozen=True, slots=True)
class LesionSize:
    """One lesion on one date.

    Attributes
    ----------
    diameter, volume
        mm and mL; None where it was not measured. A lesion that is gone has none and is not listed.
    """

    name: str
    organ: str
    diameter: Measured | None
    volume: Measured | None


@dataclass(frozen=True, slots=True)
class Burden:
    """The sum over lesions.

    Attributes
    ----------
    diameters, volumes
        mm and mL; over those that were measured.
    without_diameter, without_volume
        Names of the lesions that the sums leave out.
    """

    count: int
    diameters: Measured
    volumes: Measured
    without_diameter: tuple[str, ...]
    without_volume: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every lesion is in both sums."""
        return not self.without_diameter and not self.without_volume


@dataclass(frozen=True, slots=True)
class WholeBurden:
    """The burden of one date, together and by organ (in order of their names; no organ is "unknown organ")."""

    all: Burden
    by_organ: tuple[tuple[str, Burden], ...]


class Direction(StrEnum):
    """Where a lesion went between two dates."""

    GROWING = "growing"
    SHRINKING = "shrinking"
    STABLE = "stable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LesionDirection:
    """One lesion's way, with the reason."""

    name: str
    direction: Direction
    sentence: str


@dataclass(frozen=True, slots=True)
class MixedResponse:
    """How far lesions go different ways.

    Attributes
    ----------
    index, burden_index
        0 to 1, by lesions and by burden; None where no lesion is known.
    """

    lesions: tuple[LesionDirection, ...]
    index: float | None
    burden_index: float | None

    def count(self, direction: Direction) -> int:
        """Return how many lesions went this way."""
        return sum(each.direction is direction for each in self.lesions)

    @property
    def sentence(self) -> str:
        """Say the counts as a reader needs them."""
        parts = ", ".join(f"{self.count(each)} {each}" for each in Direction)
        shown = "unknown, because no lesion was measured twice" if self.index is None else f"{self.index:.2f}"
        return f"Of {len(self.lesions)} lesions {parts}. Mixed-response index {shown}."


def measure_burden(lesions: Sequence[LesionSize]) -> WholeBurden:
    """Return the burden of the lesions seen on one date."""
    organs = sorted({_organ(each) for each in lesions})
    return WholeBurden(
        _add(lesions), tuple((organ, _add([each for each in lesions if _organ(each) == organ])) for organ in organs)
    )


def find_mixed_response(
    before: Sequence[LesionSize], after: Sequence[LesionSize], *, readers: Readers = Readers.TWO
) -> MixedResponse:
    """Return where each lesion of two dates went, and how mixed that is.

    A lesion is the same on both dates where its name is; one that is listed on one date only vanished or is new.
    """
    then, now = _by_name(before), _by_name(after)
    found, weights = [], []
    for name in [*then, *(name for name in now if name not in then)]:
        found.append(_direction(name, then.get(name), now.get(name), readers))
        weights.append(max(_length(then.get(name)), _length(now.get(name))))
    return MixedResponse(tuple(found), _index(found, [1.0] * len(found)), _index(found, weights))


def _organ(lesion: LesionSize) -> str:
    return lesion.organ or "unknown organ"


def _add(lesions: Sequence[LesionSize]) -> Burden:
    def total(size_of: Callable[[LesionSize], Measured | None]) -> tuple[Measured, tuple[str, ...]]:
        known = [size for each in lesions if (size := size_of(each)) is not None]
        return add_up(known), tuple(each.name for each in lesions if size_of(each) is None)

    diameters, without_diameter = total(lambda each: each.diameter)
    volumes, without_volume = total(lambda each: each.volume)
    return Burden(len(lesions), diameters, volumes, without_diameter, without_volume)


def _by_name(lesions: Sequence[LesionSize]) -> dict[str, LesionSize]:
    named = {each.name: each for each in lesions}
    if len(named) != len(lesions):
        raise ValueError("Each lesion is listed once for a date.")
    return named


def _direction(name: str, then: LesionSize | None, now: LesionSize | None, readers: Readers) -> LesionDirection:
    if now is None:
        return LesionDirection(name, Direction.SHRINKING, "Gone.")
    if then is None:
        return LesionDirection(name, Direction.GROWING, "New.")
    if then.diameter is None or now.diameter is None:
        return LesionDirection(name, Direction.UNKNOWN, "Unknown, because it was not measured on both dates.")
    change = find_change(Quantity.LONGEST_DIAMETER, then.diameter, now.diameter, readers=readers)
    if change.interval is None:
        return LesionDirection(name, Direction.UNKNOWN, change.unknown_because)
    if change.interval.is_growth:
        direction = Direction.GROWING
    else:
        direction = Direction.SHRINKING if change.interval.is_shrinkage else Direction.STABLE
    high = change.interval.high_percent
    ends = f"{change.interval.low_percent:+.0f} to {'open' if high is None else f'{high:+.0f}'} %"
    return LesionDirection(name, direction, f"{change.percent:+.0f} %, 95 % interval {ends}.")


def _length(lesion: LesionSize | None) -> float:
    return 0.0 if lesion is None or lesion.diameter is None else lesion.diameter.value


def _index(lesions: Sequence[LesionDirection], weights: Sequence[float]) -> float | None:
    sums = dict.fromkeys(Direction, 0.0)
    for lesion, weight in zip(lesions, weights, strict=True):
        sums[lesion.direction] += weight
    known = sums[Direction.GROWING] + sums[Direction.SHRINKING] + sums[Direction.STABLE]
    return 2.0 * min(sums[Direction.GROWING], sums[Direction.SHRINKING]) / known if known > 0 else None
