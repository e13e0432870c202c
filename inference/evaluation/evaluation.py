"""A model over a set of outlined cases from beginning to end: what `manage.py evaluate` and the page share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from inference.evaluation.baselines import BASELINES
from inference.evaluation.case_sets import Cases
from inference.evaluation.cases import LeftOut, OutlinedCase
from inference.evaluation.report import find_worst
from inference.evaluation.run import CaseScore, Evaluated, evaluate_case, match_segments
from inference.evaluation.sources import CasesMissingError, CaseUnusableError
from inference.evaluation.wish import EvaluationWish, SegmentMap
from inference.model_spec import ModelSpec, Progress
from inference.registry import validate_parameters
from studies.errors import DomainError


class LabelsUnknownError(CaseUnusableError):
    """A case is outlined with numbers that none of the model's segments stands for."""

    code: ClassVar[str] = "case.labels_unknown"


class NoCaseUsableError(CasesMissingError):
    """There are cases, and none of them can be used."""

    code: ClassVar[str] = "cases.none_usable"


@dataclass(slots=True)
class Evaluation:
    """What was found; grows case by case."""

    spec: ModelSpec
    wish: EvaluationWish
    scores: list[CaseScore] = field(default_factory=list)
    worst: list[Evaluated] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unknown_numbers: Counter[int] = field(default_factory=Counter)
    """Outlined numbers that count as none of the model's segments, and in how many cases."""


class Watch(Protocol):
    """Told how far an evaluation is; may raise `CancelledError`."""

    def begin_case(self, done: int, total: int) -> None:
        """Hear that `done` of `total` cases are behind."""
        ...

    def take_scores(self, scores: tuple[CaseScore, ...]) -> None:
        """Hear what was found in a case."""
        ...

    def follow_run(self, progress: Progress) -> None:
        """Hear how far the model is with the case in hand."""
        ...


def evaluate_model(spec: ModelSpec, cases: Cases, wish: EvaluationWish, watch: Watch) -> Evaluation:
    """Run a model over every case.

    Raises
    ------
    NoCaseUsableError
        Where none could be used; says what was wrong with the first.
    """
    found = Evaluation(spec, wish)
    watch.begin_case(0, cases.total)
    for case in cases.read(found.left_out):
        _evaluate_into(found, case, watch)
        watch.begin_case(min(_count(found), cases.total), cases.total)
    if not found.scores:
        first = f"{found.left_out[0].name}: {found.left_out[0].reason}" if found.left_out else "there is none"
        raise NoCaseUsableError(f"No case could be used. The first: {first}")
    return found


def _count(found: Evaluation) -> int:
    return len({score.case for score in found.scores}) + len(found.left_out)


def _evaluate_into(found: Evaluation, case: OutlinedCase, watch: Watch) -> None:
    spec, wish = found.spec, found.wish
    try:
        segments = match_segments(spec, case.truth, wish.segments)
        unknown = _list_unknown(spec, case, segments)
        evaluated = evaluate_case(
            case,
            spec,
            segments,
            parameters=validate_parameters(spec, {}, case.image.geometry.shape),
            baseline=BASELINES.get(wish.baseline),
            on_progress=watch.follow_run,
        )
    except DomainError as error:
        found.left_out.append(LeftOut(case.name, error.message, error.code))
        return
    found.unknown_numbers.update(unknown)
    found.scores += evaluated.scores
    found.worst = find_worst([*found.worst, evaluated])
    watch.take_scores(evaluated.scores)


def _list_unknown(spec: ModelSpec, case: OutlinedCase, segments: SegmentMap) -> list[int]:
    """Return outlined numbers that count as nothing; refuse a case in which no other is outlined."""
    outlined = {int(number) for number in np.unique(case.truth) if number}
    known = {number for numbers in segments.values() for number in numbers}
    if outlined and not outlined & known:
        listed = ", ".join(f"{each.segment_number} ({each.segment_label})" for each in spec.segments)
        numbers = ", ".join(map(str, sorted(outlined)))
        raise LabelsUnknownError(
            f"The outlines hold the numbers {numbers}; the model marks {listed}. Say which numbers count as which."
        )
    return sorted(outlined - known)
