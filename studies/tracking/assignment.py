"""The best set of links between the lesions of two dates, exactly.

Each lesion takes part in one group: a pair, a merge (several priors, one current), a split (one prior, several
currents), or none (vanished, new). One-to-one assignment cannot say the middle two, so the groups are chosen by an
integer program: maximise the sum of the links' scores less a price for each lesion left over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

Pair = tuple[int, int]

LEFT_OVER = 0.5
"""Price of a lesion without a partner: lesions rarely vanish or appear."""
NEVER = -1.0e3


@dataclass(frozen=True, slots=True)
class Scores:
    """Logarithmic scores of the pairs (prior, current) that may be linked.

    Attributes
    ----------
    prior_count, current_count
        How many there are.
    same, merge, split
        As a pair; as one of several priors of a current; as one of several currents of a prior. Equal keys.
    forced
        Pairs a person confirmed.
    """

    prior_count: int
    current_count: int
    same: Mapping[Pair, float]
    merge: Mapping[Pair, float]
    split: Mapping[Pair, float]
    forced: frozenset[Pair] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Lesions that belong together; one side is empty for a lesion that vanished or is new."""

    priors: tuple[int, ...]
    currents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """Groups in order, and their score."""

    groups: tuple[Group, ...]
    score: float


def solve(scores: Scores, forbidden: Group | None = None) -> Solution | None:
    """Return the groups with the highest score, None where nothing is left once `forbidden` is ruled out."""
    pairs = sorted(scores.same)
    program = _Program(scores, pairs)
    program.state_structure()
    program.force()
    if forbidden is not None:
        program.forbid(forbidden)
    found = program.maximise()
    return None if found is None else Solution(_read_groups(scores, pairs, found[0]), found[1])


class _Program:
    """Variables: for each pair same, merge, split (in this order, block by block), then whether each prior splits and
    each current merges. Rows are collected and handed to the solver at once."""

    def __init__(self, scores: Scores, pairs: list[Pair]) -> None:
        self.scores, self.pairs = scores, pairs
        self.size = 3 * len(pairs) + scores.prior_count + scores.current_count
        self.rows: list[npt.NDArray[np.float64]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def state_structure(self) -> None:
        """Say that a lesion has one partner, or is the whole of at least two parts."""
        count, scores = len(self.pairs), self.scores
        for side, lesions in ((0, scores.prior_count), (1, scores.current_count)):
            part_block, whole_block = (1, 2) if side == 0 else (2, 1)
            for lesion in range(lesions):
                mine = [i for i, pair in enumerate(self.pairs) if pair[side] == lesion]
                whole = 3 * count + lesion + (scores.prior_count if side else 0)
                once = [*mine, *(part_block * count + i for i in mine)]
                parts = [whole_block * count + i for i in mine]
                self._row({**dict.fromkeys(once, 1.0), whole: 1.0}, 0.0, 1.0)
                self._row({**dict.fromkeys(parts, 1.0), whole: -2.0}, 0.0, np.inf)
                self._row({**dict.fromkeys(parts, 1.0), whole: -float(len(mine))}, -np.inf, 0.0)

    def force(self) -> None:
        """Keep what a person confirmed."""
        for pair in self.scores.forced:
            self._row(dict.fromkeys(self._of(pair), 1.0), 1.0, 1.0)

    def forbid(self, group: Group) -> None:
        """Rule out exactly this group: a pair as a pair, a merge or split with all these parts, being left over."""
        count = len(self.pairs)
        if not group.priors or not group.currents:
            side, lesion = (1, group.currents[0]) if group.currents else (0, group.priors[0])
            mine = [each for i, pair in enumerate(self.pairs) if pair[side] == lesion for each in self._of(pair, i)]
            self._row(dict.fromkeys(mine, 1.0), 1.0, np.inf)
            return
        block = 0 if len(group.priors) == len(group.currents) else (1 if len(group.currents) == 1 else 2)
        links = {(a, b) for a in group.priors for b in group.currents}
        weights = {block * count + i: 1.0 for i, pair in enumerate(self.pairs) if pair in links}
        if block:  # a further part makes another group, which stays allowed
            side, whole = (1, group.currents[0]) if block == 1 else (0, group.priors[0])
            more = [i for i, pair in enumerate(self.pairs) if pair[side] == whole and pair not in links]
            weights |= {block * count + i: -1.0 for i in more}
        self._row(weights, -np.inf, len(links) - 1.0)

    def maximise(self) -> tuple[npt.NDArray[np.bool_], float] | None:
        """Return the chosen variables and the score."""
        scores, count = self.scores, len(self.pairs)
        price = LEFT_OVER * (scores.prior_count + scores.current_count)
        gain = np.zeros(self.size)
        for block, table in enumerate((scores.same, scores.merge, scores.split)):
            gain[block * count : (block + 1) * count] = [table[pair] for pair in self.pairs]
        # Each link spares its two ends the price; in a group of n parts the whole is spared it once.
        gain[: 3 * count] += 2.0 * LEFT_OVER
        gain[count : 3 * count] -= LEFT_OVER
        gain[3 * count :] += LEFT_OVER
        if not self.rows:
            return np.zeros(0, bool), -price
        found = milp(
            -gain,
            integrality=np.ones(self.size, dtype=np.int64),
            bounds=Bounds(0.0, 1.0),
            constraints=LinearConstraint(np.stack(self.rows), self.low, self.high),
            options={"mip_rel_gap": 0.0},
        )
        if found.x is None:
            return None
        return found.x > 0.5, -float(found.fun) - price

    def _of(self, pair: Pair, index: int | None = None) -> list[int]:
        place = self.pairs.index(pair) if index is None else index
        return [block * len(self.pairs) + place for block in range(3)]

    def _row(self, weights: Mapping[int, float], low: float, high: float) -> None:
        row = np.zeros(self.size)
        for place, weight in weights.items():
            row[place] = weight
        self.rows.append(row)
        self.low.append(low)
        self.high.append(high)


def _read_groups(scores: Scores, pairs: list[Pair], chosen: npt.NDArray[np.bool_]) -> tuple[Group, ...]:
    count = len(pairs)
    same, merge, split = (
        [pair for pair, taken in zip(pairs, chosen[block * count : (block + 1) * count], strict=True) if taken]
        for block in range(3)
    )
    groups = [Group((a,), (b,)) for a, b in same]
    groups += [Group(tuple(a for a, b in merge if b == whole), (whole,)) for whole in sorted({b for _, b in merge})]
    groups += [Group((whole,), tuple(b for a, b in split if a == whole)) for whole in sorted({a for a, _ in split})]
    seen_priors = {a for group in groups for a in group.priors}
    seen_currents = {b for group in groups for b in group.currents}
    groups += [Group((a,), ()) for a in range(scores.prior_count) if a not in seen_priors]
    groups += [Group((), (b,)) for b in range(scores.current_count) if b not in seen_currents]
    return tuple(sorted(groups))
