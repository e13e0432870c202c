"""Run acceptance vectors and say which of them come out as expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from studies.errors import InvalidInputError
from studies.tracking.acceptance.courses import DIAMETER_RUNNERS
from studies.tracking.acceptance.other_courses import OTHER_COURSE_RUNNERS
from studies.tracking.acceptance.schema import Fields, Vector, read_vectors
from studies.tracking.acceptance.tables import TABLE_RUNNERS

Run = Callable[[Fields], Mapping[str, Any]]
RUNNERS: dict[str, Run] = {**DIAMETER_RUNNERS, **OTHER_COURSE_RUNNERS, **TABLE_RUNNERS}

_TOLERANCE = 1e-6  # relative, of the schema; only results are compared with it, no threshold is decided by it
_NUMBERS = (int, float, Decimal, Fraction)
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One place where a result is not as expected."""

    place: str
    expected: object
    got: object

    def __str__(self) -> str:
        return f"{self.place}: expected {_said(self.expected)}, got {_said(self.got)}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one vector."""

    vector: Vector
    mismatches: tuple[Mismatch, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_passed(self) -> bool:
        return not self.mismatches


def run_vectors(document: object, *, more_runners: Mapping[str, Run] | None = None) -> tuple[Outcome, ...]:
    """Run every vector of a parsed file; ``more_runners`` are for criteria this room cannot reach.

    Raises
    ------
    VectorFileError
        If the document is not in the schema.
    """
    runners = {**RUNNERS, **(more_runners or {})}
    return tuple(_run_vector(vector, runners) for vector in read_vectors(document))


def _run_vector(vector: Vector, runners: Mapping[str, Run]) -> Outcome:
    run = runners.get(vector.criterion)
    if run is None:
        known = ", ".join(sorted(runners))
        return Outcome(vector, (Mismatch("criterion", f"one of {known}", vector.criterion),))
    body = Fields(vector.body)
    try:
        got = run(body)
    except InvalidInputError as error:
        return Outcome(vector, (Mismatch("input", "a course that can be judged", f"{error.code}: {error.message}"),))
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        return Outcome(vector, (Mismatch("input", "fields of the schema", f"{type(error).__name__}: {error}"),))
    notes = tuple(f"not looked at: {name}" for name in body.unread())
    return Outcome(vector, tuple(compare(vector.expected, got)), notes)


def compare(expected: object, got: object, place: str = "") -> Iterator[Mismatch]:
    """Yield where ``got`` is not as expected; only what is expected is compared."""
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping):
            yield Mismatch(place, expected, got)
            return
        for name, value in expected.items():
            yield from compare(value, got.get(name, _ABSENT), f"{place}.{name}" if place else str(name))
    elif isinstance(expected, list) and isinstance(got, list | tuple) and len(expected) == len(got):
        expected, got = _in_order(expected), _in_order(got)
        for number, (first, second) in enumerate(zip(expected, got, strict=True)):
            yield from compare(first, second, f"{place}[{number}]")
    elif not _is_same(expected, got):
        yield Mismatch(place, expected, got)


def _in_order(values: Sequence[Any]) -> Sequence[Any]:
    """Return codes in order, because they are a set; anything else as it is."""
    return sorted(values) if all(isinstance(value, str) for value in values) else values


def _is_same(expected: object, got: object) -> bool:
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, _NUMBERS) and isinstance(got, _NUMBERS):
        return math.isclose(float(expected), float(got), rel_tol=_TOLERANCE, abs_tol=0.0)
    return expected == got


def _said(value: object) -> str:
    if value is _ABSENT:
        return "nothing"
    if isinstance(value, Fraction | Decimal):
        return f"{float(value):.10g}"
    return repr(value)
