"""How a volume changed from one date to another, and what the grids of both leave open."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log

from studies.tracking.intervals import Interval, Quantity


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """A change in percent of the older volume.

    Attributes
    ----------
    interval
        What both grids leave open, and nothing else: patient, scanner and reader add to it. None where a volume is so
        small that its own interval reaches 0.
    """

    percent: float
    interval: Interval | None


def find_change(old: Quantity, new: Quantity) -> VolumeChange | None:
    """Return the change, None where there was nothing before.

    The distances of both intervals, as logarithms of the ratio, are added as root of squares.
    """
    if old.value <= 0:
        return None
    ratio = new.value / old.value
    return VolumeChange(100.0 * (ratio - 1.0), _bound(old, new, ratio))


def _bound(old: Quantity, new: Quantity, ratio: float) -> Interval | None:
    if min(old.interval.low, new.interval.low) <= 0 or old.interval.high is None or new.interval.high is None:
        return None
    up = hypot(log(new.interval.high / new.value), log(old.value / old.interval.low))
    down = hypot(log(new.value / new.interval.low), log(old.interval.high / old.value))
    return Interval(100.0 * (ratio * exp(-down) - 1.0), 100.0 * (ratio * exp(up) - 1.0))
