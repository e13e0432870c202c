"""A criterion is a table of rules, read from the top: the first rule that holds gives the response and the clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from studies.tracking.criteria.verdict import Clause, Response

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Facts]):
    """One row: its id in the specification, when it holds, what it gives, and how it is said."""

    rule_id: str
    response: Response
    holds: Callable[[Facts], bool]
    sentence: Callable[[Facts], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """The response a table gave and the clause that fired."""

    response: Response
    clause: Clause


def first_match(rules: Sequence[Rule[Facts]], facts: Facts) -> Finding:
    """Return what the first rule that holds says; every table ends in a rule that always holds."""
    rule = next(rule for rule in rules if rule.holds(facts))
    return Finding(rule.response, Clause(rule.rule_id, rule.sentence(facts)))


def always(_: object) -> bool:
    """Hold for everything: the last row of a table."""
    return True
