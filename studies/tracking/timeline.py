"""An auditor of lesions over several dates: what a second reader would ask about.

It changes no number. Each remark has a code that never changes, names the dates it is about (as positions in the
timeline, from 0), and says in a sentence what was seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from studies.tracking.intervals import Quantity
from studies.tracking.measurement import LesionMeasurement
from studies.tracking.planes import ImagePlane

MOST_PLANE_DEGREES = 20.0
"""Planes that lean further against each other cut a lesion differently."""


class Finding(StrEnum):
    """What was noticed; the codes never change."""

    GAP = "timeline.unmarked_in_between"
    OTHER_PLANE = "timeline.measured_in_another_plane"
    OPPOSITE = "timeline.diameter_and_volume_disagree"
    UNCERTAIN_CHANGE = "timeline.change_within_the_grid"
    REAPPEARED = "timeline.reappeared_after_absence_was_stated"
    ONE_DATE = "timeline.seen_on_one_date_only"
    DATES_OUT_OF_ORDER = "timeline.dates_out_of_order"
    SAME_DAY = "timeline.two_studies_on_one_day"


class Presence(StrEnum):
    """What is known of a lesion on a date."""

    MARKED = "marked"
    UNMARKED = "unmarked"
    STATED_ABSENT = "stated absent"
    NOT_IMAGED = "not imaged"


@dataclass(frozen=True, slots=True)
class Marked:
    """What the auditor looks at of a marked lesion: the images' plane, the longest diameter (mm), the volume (mL)."""

    plane: ImagePlane
    longest_diameter: Quantity
    volume: Quantity

    @classmethod
    def of(cls, measurement: LesionMeasurement) -> Marked:
        """Take it from a measurement."""
        return cls(measurement.source.plane, measurement.longest_diameter, measurement.volume)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lesion on one date.

    Attributes
    ----------
    day
        Days from baseline.
    presence
        `UNMARKED` where nobody said anything; `STATED_ABSENT` where a reader said that it is gone.
    measurement
        Given exactly where the lesion is marked.
    """

    day: int
    presence: Presence
    measurement: Marked | None = None

    def __post_init__(self) -> None:
        if (self.presence is Presence.MARKED) != (self.measurement is not None):
            raise ValueError("A lesion is measured on the dates on which it is marked, and on no other.")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at.

    Attributes
    ----------
    finding
        Code.
    dates
        Positions in the timeline, ascending, from 0.
    sentence
        For the reader; dates are counted from 1 there.
    """

    finding: Finding
    dates: tuple[int, ...]
    sentence: str


def audit_lesion(sightings: Sequence[Sighting]) -> tuple[Remark, ...]:
    """Return remarks on one lesion's timeline, by the first date they are about."""
    order = _audit_order(sightings)
    if order and order[0].finding is Finding.DATES_OUT_OF_ORDER:
        return order  # what comes before what is unknown: nothing else can be said
    marked = [place for place, each in enumerate(sightings) if each.presence is Presence.MARKED]
    remarks = [*order, *_audit_presence(sightings, marked)]
    for before, after in itertools.pairwise(marked):
        remarks.extend(_audit_step(sightings, before, after))
    return tuple(sorted(remarks, key=lambda each: (each.dates, each.finding)))


def _audit_order(sightings: Sequence[Sighting]) -> tuple[Remark, ...]:
    remarks = []
    for place in range(1, len(sightings)):
        before, after = sightings[place - 1].day, sightings[place].day
        if after < before:
            sentence = f"Date {place + 1} lies before date {place}: put the studies into order first."
            return (Remark(Finding.DATES_OUT_OF_ORDER, (place - 1, place), sentence),)
        if after == before:
            sentence = f"Dates {place} and {place + 1} are one day: choose the study that counts."
            remarks.append(Remark(Finding.SAME_DAY, (place - 1, place), sentence))
    return tuple(remarks)


def _audit_presence(sightings: Sequence[Sighting], marked: list[int]) -> list[Remark]:
    remarks = []
    for before, after in itertools.pairwise(marked):
        between = range(before + 1, after)
        unmarked = tuple(place for place in between if sightings[place].presence is Presence.UNMARKED)
        absent = tuple(place for place in between if sightings[place].presence is Presence.STATED_ABSENT)
        if unmarked:
            sentence = f"Seen on dates {before + 1} and {after + 1}, unmarked on {_list(unmarked)}."
            remarks.append(Remark(Finding.GAP, (before, *unmarked, after), sentence))
        if absent:
            sentence = f"Said to be gone on {_list(absent)}, marked again on date {after + 1}."
            remarks.append(Remark(Finding.REAPPEARED, (*absent, after), sentence))
    imaged = [place for place, each in enumerate(sightings) if each.presence is not Presence.NOT_IMAGED]
    if len(marked) == 1 and len(imaged) >= 3 and imaged[0] < marked[0] < imaged[-1]:
        sentence = f"Seen on date {marked[0] + 1} only, neither before nor after."
        remarks.append(Remark(Finding.ONE_DATE, (marked[0],), sentence))
    return remarks


def _audit_step(sightings: Sequence[Sighting], before: int, after: int) -> list[Remark]:
    """Compare a lesion with itself as last seen."""
    first, second = sightings[before].measurement, sightings[after].measurement
    if first is None or second is None:
        raise ValueError("Marked lesions are measured.")
    remarks = []
    dates, named = (before, after), f"from date {before + 1} to date {after + 1}"
    degrees = first.plane.degrees_to(second.plane)
    if degrees > MOST_PLANE_DEGREES:
        sentence = (
            f"Measured in another plane on date {after + 1}: {second.plane.name} instead of "
            f"{first.plane.name}, {degrees:.0f} degrees apart."
        )
        remarks.append(Remark(Finding.OTHER_PLANE, dates, sentence))
    diameter = _change(first.longest_diameter.value, second.longest_diameter.value)
    volume = _change(first.volume.value, second.volume.value)
    if diameter * volume < 0.0:
        words = ("fell", "grew") if diameter < 0.0 else ("grew", "fell")
        sentence = (
            f"The diameter {words[0]} by {abs(diameter):.0%} while the volume {words[1]} by {abs(volume):.0%} {named}."
        )
        remarks.append(Remark(Finding.OPPOSITE, dates, sentence))
    if diameter != 0.0 and _overlap(first, second):
        sentence = f"The change of the diameter by {diameter:+.0%} {named} is within what the images' grids leave open."
        remarks.append(Remark(Finding.UNCERTAIN_CHANGE, dates, sentence))
    return remarks


def _change(before: float, after: float) -> float:
    return after / before - 1.0


def _overlap(first: Marked, second: Marked) -> bool:
    one, other = first.longest_diameter.interval, second.longest_diameter.interval
    starts_in_time = other.high is None or one.low <= other.high
    return starts_in_time and (one.high is None or other.low <= one.high)


def _list(places: tuple[int, ...]) -> str:
    words = [str(place + 1) for place in places]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
