"""Which lesions may be targets together (R11.SEL).

1. Every target is measurable (R11.MEAS).
2. At most five targets in total.
3. At most two per organ; paired organs are one organ, and all lymph nodes together are one organ.

References: Eisenhauer 2009, section 3.2; EORTC RECIST questions and answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.inputs import LesionKind
from studies.tracking.criteria.measurability import Candidate, judge_measurability

MOST_TARGETS = 5
MOST_PER_ORGAN = 2
LYMPH_NODES = "lymph nodes"
_SIDE = re.compile(r"\b(left|right|l|r|lt|rt|bilateral)\b")
_PAIRED = {"lungs": "lung", "kidneys": "kidney", "ovaries": "ovary", "adrenals": "adrenal", "breasts": "breast"}


class SelectionError(StrEnum):
    """Why lesions may not be targets together."""

    NOT_MEASURABLE = "NOT_MEASURABLE"
    TOO_MANY_TOTAL = "TOO_MANY_TOTAL"
    TOO_MANY_PER_ORGAN = "TOO_MANY_PER_ORGAN"


@dataclass(frozen=True, slots=True)
class TargetCandidate:
    """A measured lesion at baseline with its organ."""

    organ: str
    candidate: Candidate


def organ_group(organ: str, kind: LesionKind) -> str:
    """Return the organ a lesion counts for: nodes together, left and right together."""
    if kind is LesionKind.NODE:
        return LYMPH_NODES
    words = _SIDE.sub(" ", re.sub(r"[^a-z0-9]+", " ", organ.lower())).split()
    name = " ".join(words)
    return _PAIRED.get(name, name)


def check_selection(targets: Sequence[TargetCandidate]) -> tuple[SelectionError, ...]:
    """Return every reason why these lesions may not be targets together; none means that they may."""
    organs = Counter(organ_group(target.organ, target.candidate.kind) for target in targets)
    problems = {
        SelectionError.NOT_MEASURABLE: not all(judge_measurability(t.candidate).is_measurable for t in targets),
        SelectionError.TOO_MANY_TOTAL: len(targets) > MOST_TARGETS,
        SelectionError.TOO_MANY_PER_ORGAN: any(count > MOST_PER_ORGAN for count in organs.values()),
    }
    return tuple(error for error, is_found in problems.items() if is_found)


def suggest_targets(measured: Sequence[tuple[TargetCandidate, Decimal]]) -> tuple[int, ...]:
    """Return the positions of lesions to propose as targets: the largest measurable ones that may go together.

    Parameters
    ----------
    measured
        Candidates with the length they would count with, mm.
    """
    order = sorted(range(len(measured)), key=lambda index: (-measured[index][1], index))
    chosen: list[int] = []
    for index in order:
        if not check_selection([measured[each][0] for each in (*chosen, index)]):
            chosen.append(index)
    return tuple(sorted(chosen))
