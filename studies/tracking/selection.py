"""How much a RECIST verdict depends on which lesions were chosen as targets.

Over all choices of targets that RECIST 1.1 allows (R11.SEL: at most five, at most two per organ, paired organs one
organ, all nodes one organ) the exact number that gives each verdict. Two million choices are counted; of more, only
their number is told.

A measured lesion that is not chosen takes part as a non-target: present, gone or not evaluated, never as unequivocal
progression, because that is a reader's judgement and no measurement.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import comb

import numpy as np
import numpy.typing as npt

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.inputs import DiameterCourse
from studies.tracking.criteria.target_selection import MOST_PER_ORGAN, MOST_TARGETS, organ_group
from studies.tracking.criteria.verdict import Response
from studies.tracking.selection_frames import build_frames, count_course, find_scale, measurable_ids, sweep_limits
from studies.tracking.selection_sweep import RESPONSES, sweep

MOST_SELECTIONS = 2_000_000
_CHUNK = 50_000


class SelectionScope(StrEnum):
    """Which choices count as legal."""

    WITHIN_LIMITS = "within_limits"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class SelectionCount:
    """How many choices of targets give which verdict at the latest timepoint.

    Attributes
    ----------
    counts
        Choices per overall response; empty where there are too many to count.
    present_response
        The verdict of the choice that was made.
    """

    scope: SelectionScope
    total: int
    counts: tuple[tuple[Response, int], ...]
    present_response: Response | None

    @property
    def is_exhaustive(self) -> bool:
        return bool(self.counts)

    @property
    def sentence(self) -> str:
        """Say the result as a reader needs it."""
        if not self.is_exhaustive:
            return f"{self.total} legal choices of targets are more than {MOST_SELECTIONS}; they were not counted."
        parts = ", ".join(f"{response} in {count} of {self.total}" for response, count in self.counts)
        return f"Over all legal choices of targets: {parts}."


def count_selections(organs: Sequence[str], scope: SelectionScope = SelectionScope.WITHIN_LIMITS) -> int:
    """Return the number of legal choices among lesions of these organ groups, without listing them."""
    ways = [1] + [0] * MOST_TARGETS
    for size in Counter(organs).values():
        ways = [
            sum(ways[chosen - here] * comb(size, here) for here in range(min(chosen, MOST_PER_ORGAN) + 1))
            for chosen in range(MOST_TARGETS + 1)
        ]
    return ways[_full_size(organs)] if scope is SelectionScope.FULL else sum(ways[1:])


def judge_selections(
    course: DiameterCourse,
    *,
    chosen_ids: Sequence[str],
    configuration: CriteriaConfiguration | None = None,
    scope: SelectionScope = SelectionScope.WITHIN_LIMITS,
) -> SelectionCount:
    """Return the verdict at the latest timepoint over all legal choices of targets.

    Parameters
    ----------
    course
        Every measured lesion as a target, however many; those not measurable at baseline are never chosen.
    chosen_ids
        The choice that was made.
    """
    values = configuration or CriteriaConfiguration()
    counted = count_course(course, values)
    eligible = measurable_ids(course)
    if not eligible or len(course.timepoints) < 2:
        raise CriteriaInputError("There is nothing to choose from: record measurable lesions and a second timepoint.")
    positions = [index for index, target in enumerate(course.targets) if target.lesion_id in eligible]
    organs = [organ_group(course.targets[index].organ, course.targets[index].kind) for index in positions]
    number = count_selections(organs, scope)
    made = _mask([[i for i, t in enumerate(course.targets) if t.lesion_id in set(chosen_ids)]], len(course.targets))
    present = RESPONSES[_latest(course, counted, made, values)[0]] if chosen_ids else None
    if number > MOST_SELECTIONS:
        return SelectionCount(scope, number, (), present)
    tally = np.zeros(len(RESPONSES), dtype=np.int64)
    eligible_only = np.asarray(positions)
    listed = list_selections(organs, scope)
    while chunk := list(itertools.islice(listed, _CHUNK)):
        selections = np.zeros((len(chunk), len(course.targets)), dtype=np.int64)
        selections[:, eligible_only] = _mask(chunk, len(positions))
        tally += np.bincount(_latest(course, counted, selections, values), minlength=len(RESPONSES))
    counts = tuple((response, int(count)) for response, count in zip(RESPONSES, tally, strict=True) if count)
    return SelectionCount(scope, number, counts, present)


def list_selections(
    organs: Sequence[str], scope: SelectionScope = SelectionScope.WITHIN_LIMITS
) -> Iterator[tuple[int, ...]]:
    """Yield every legal choice as positions among the lesions."""
    sizes = (_full_size(organs),) if scope is SelectionScope.FULL else range(1, MOST_TARGETS + 1)
    groups: dict[str, list[int]] = {}
    for position, organ in enumerate(organs):
        groups.setdefault(organ, []).append(position)
    for selection in _combine(list(groups.values()), MOST_TARGETS):
        if len(selection) in sizes:
            yield selection


def _combine(groups: Sequence[list[int]], room: int) -> Iterator[tuple[int, ...]]:
    """Yield every choice with at most ``room`` lesions, the empty one included."""
    yield ()
    if room == 0:
        return
    for index, group in enumerate(groups):
        for size in range(1, min(room, MOST_PER_ORGAN, len(group)) + 1):
            for here in itertools.combinations(group, size):
                for rest in _combine(groups[index + 1 :], room - size):
                    yield here + rest


def _full_size(organs: Sequence[str]) -> int:
    """Return how many targets a choice has that leaves no room: as many as the limits allow."""
    return min(MOST_TARGETS, sum(min(size, MOST_PER_ORGAN) for size in Counter(organs).values()))


def _mask(rows: Sequence[Sequence[int]], width: int) -> npt.NDArray[np.int64]:
    mask = np.zeros((len(rows), width), dtype=np.int64)
    sizes = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    columns = np.fromiter(itertools.chain.from_iterable(rows), dtype=np.int64, count=int(sizes.sum()))
    mask[np.repeat(np.arange(len(rows)), sizes), columns] = 1
    return mask


def _latest(
    course: DiameterCourse,
    counted: Sequence[Sequence[Decimal | None]],
    selections: npt.NDArray[np.int64],
    values: CriteriaConfiguration,
) -> npt.NDArray[np.int8]:
    """Return the overall response of every choice at the latest timepoint, as positions in `RESPONSES`."""
    scale = find_scale(counted)
    frames = build_frames(course, counted, selections, scale=scale)
    latest: npt.NDArray[np.int8] = sweep(frames, sweep_limits(scale), values)[-1]
    return latest
