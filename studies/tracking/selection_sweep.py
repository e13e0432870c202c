"""RECIST 1.1 for very many variants of one course at once, on exact integers.

The rules are those of `criteria.recist`, in the same order, on arrays with one element per variant; a test holds the
two against each other on arbitrary courses. Lengths are integers in a unit fine enough for every recorded value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studies.tracking.criteria.configuration import (
    CriteriaConfiguration,
    NonTargetReappearance,
    ResponsePersistence,
)
from studies.tracking.criteria.verdict import Response

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]
Lengths = npt.NDArray[np.int64]

RESPONSES = (Response.CR, Response.PR, Response.SD, Response.PD, Response.NE)
CR, PR, SD, PD, NE = range(5)


@dataclass(frozen=True, slots=True)
class Frame:
    """One timepoint of all variants, shape (variants,) each.

    Attributes
    ----------
    sums
        Sum of the evaluated targets.
    is_missing, has_evaluated, has_disease
        Whether a target was not evaluated, any was, any evaluated one still counts as disease.
    has_non_targets, is_non_target_missing, has_non_target_disease
        The same for non-targets.
    is_non_target_progressing, is_marker_normal, has_new_lesion
        The same for every variant.
    """

    day: int
    sums: Lengths
    is_missing: Flags
    has_evaluated: Flags
    has_disease: Flags
    has_non_targets: Flags
    is_non_target_missing: Flags
    has_non_target_disease: Flags
    is_non_target_progressing: bool
    is_marker_normal: bool
    has_new_lesion: bool


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """Thresholds as integers: shares as (numerator, denominator), the absolute growth in the unit of the sums."""

    partial: tuple[int, int]
    progression: tuple[int, int]
    growth: int


def sweep(frames: Sequence[Frame], limits: SweepLimits, configuration: CriteriaConfiguration) -> Codes:
    """Return the overall responses, shape (timepoints after baseline, variants), as positions in `RESPONSES`."""
    baseline, nadir = frames[0].sums, frames[0].sums.copy()
    had_complete = np.zeros(len(baseline), dtype=np.bool_)
    targets: list[Codes] = []
    overalls: list[Codes] = []
    for index, frame in enumerate(frames[1:]):
        established = _established(
            targets, overalls, [f.day for f in frames[1 : index + 1]], len(baseline), configuration
        )
        target = _target(frame, baseline, nadir, had_complete, established, limits)
        overall = _overall(frame, target, had_complete, configuration)
        targets.append(target)
        overalls.append(overall)
        had_complete |= overall == CR
        nadir = np.where(frame.is_missing, nadir, np.minimum(nadir, frame.sums))
    return np.stack(overalls)


def _target(
    frame: Frame, baseline: Lengths, nadir: Lengths, had_complete: Flags, established: Flags, limits: SweepLimits
) -> Codes:
    sums, missing = frame.sums, frame.is_missing
    more, of = limits.progression
    relative = (sums > nadir) & (of * sums >= more * nadir)
    grown = frame.has_evaluated & relative & (sums - nadir >= limits.growth)
    less, part = limits.partial
    rows = (
        (had_complete & frame.has_disease, PD),
        (missing & grown, PD),
        (missing, NE),
        (~frame.has_disease, CR),
        (grown, PD),
        (part * sums <= less * baseline, PR),
        (established, PR),
    )
    return _first(rows, SD)


def _overall(frame: Frame, target: Codes, had_complete: Flags, configuration: CriteriaConfiguration) -> Codes:
    always = np.ones(len(target), dtype=np.bool_)
    is_seen_again = had_complete & frame.has_non_target_disease
    counts_again = configuration.nt_reappearance is NonTargetReappearance.E09
    non_targets_gone = ~frame.has_non_targets | (~frame.is_non_target_missing & ~frame.has_non_target_disease)
    rows = (
        (target == PD, PD),
        (always & frame.is_non_target_progressing, PD),
        (always & frame.has_new_lesion, PD),
        (is_seen_again & counts_again, PD),
        ((target == CR) & non_targets_gone & frame.is_marker_normal, CR),
        (target == CR, PR),
        (target == PR, PR),
        (target == SD, SD),
    )
    return _first(rows, NE)


def _first(rows: Sequence[tuple[Flags, int]], otherwise: int) -> Codes:
    conditions, codes = [row[0] for row in rows], [np.int8(row[1]) for row in rows]
    return np.select(conditions, codes, default=np.int8(otherwise)).astype(np.int8)


def _established(
    targets: Sequence[Codes],
    overalls: Sequence[Codes],
    days: Sequence[int],
    count: int,
    configuration: CriteriaConfiguration,
) -> Flags:
    """Return where a partial response lasts until progression (R11.T.PERSIST)."""
    found = np.zeros(count, dtype=np.bool_)
    if configuration.pr_persistence is ResponsePersistence.STRICT:
        return found
    for last in range(len(overalls)):
        progressed_since = np.any([o == PD for o in overalls[last:]], axis=0)
        if not configuration.confirmation_required:
            found |= (targets[last] <= PR) & ~progressed_since
            continue
        for first in range(last):
            if days[last] - days[first] >= configuration.confirm_days:
                pair = _confirms(overalls, first, last, configuration)
                found |= pair & ~progressed_since
    return found


def _confirms(overalls: Sequence[Codes], first: int, last: int, configuration: CriteriaConfiguration) -> Flags:
    """Return where the scan ``last`` confirms a response of the scan ``first`` (R11.B.CONF, NEGAP, SDGAP)."""
    count = len(overalls[first])
    between = np.stack(overalls[first + 1 : last]) if last > first + 1 else np.empty((0, count), dtype=np.int8)
    few_missing = np.sum(between == NE, axis=0) <= configuration.confirm_max_ne
    few_stable = np.sum(between == SD, axis=0) <= configuration.confirm_max_sd
    complete = (overalls[first] == CR) & (overalls[last] == CR)
    complete &= np.all((between == CR) | (between == NE), axis=0)
    partial = (overalls[first] == PR) & (overalls[last] <= PR) & np.all(between != PD, axis=0) & few_stable
    result: Flags = (complete | partial) & few_missing
    return result
