"""Lugano, FDG-PET arm: the five-point (Deauville) score and the metabolic response.

The score, unless a reader states it:

1. LU.PET: 1, no uptake.
2. LU.PET: 2, uptake up to the mediastinal blood pool.
3. LU.PET: 3, above the mediastinum and up to the liver.
4. LU.PET: 5, markedly above the liver (above 2 x liver, a configuration value), or new lesions.
5. LU.PET: 4, moderately above the liver.

The response:

1. LU.PET: new lesions, or a score of 4 or 5 with uptake that increased: progressive metabolic disease.
2. LU.PET: a score of 1 to 3: complete metabolic response.
3. LU.PET: a score of 4 or 5 with uptake that decreased: partial metabolic response.
4. LU.PET: a score of 4 or 5 with unchanged uptake: no metabolic response.
5. LU.PET: a score of 4 or 5 without a comparison: not evaluable.

References: Cheson 2014, JCO 32:3059-3068; Barrington 2014, JCO 32:3048-3058.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.configuration import ConfigurationValue, CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.exact import exact_or_none, plain
from studies.tracking.criteria.inputs import check_days
from studies.tracking.criteria.rules import Finding, Rule, always, first_match
from studies.tracking.criteria.single_value_course import JudgedScan, SingleValueCriterion, build_course
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Numbers, Response

SCORES = (1, 2, 3, 4, 5)
_NEGATIVE_SCORES = (1, 2, 3)
_LUGANO_PET = SingleValueCriterion(
    criterion=Criterion.LUGANO_PET,
    ranking=(Response.CMR, Response.PMR, Response.NMR),
    progression=Response.PMD,
    rule_id="LU.PET",
)


class UptakeTrend(StrEnum):
    """How the uptake changed against the reference scan."""

    DECREASED = "decreased"
    UNCHANGED = "unchanged"
    INCREASED = "increased"


@dataclass(frozen=True, slots=True)
class LymphomaUptake:
    """SUVmax of the hottest residual site and of the two reference tissues, or the score that a reader states."""

    uptake: Decimal | None
    mediastinum: Decimal | None
    liver: Decimal | None
    trend: UptakeTrend | None = None
    has_new_lesion: bool = False
    stated_score: int | None = None

    def __post_init__(self) -> None:
        if self.stated_score is not None and self.stated_score not in SCORES:
            raise CriteriaInputError(f"A Deauville score is 1 to 5, not {self.stated_score}.")
        for name in ("uptake", "mediastinum", "liver"):
            object.__setattr__(self, name, exact_or_none(getattr(self, name), name=name))


@dataclass(frozen=True, slots=True)
class DeauvilleVerdict:
    """The score, None where it cannot be given, and the metabolic response with its clause."""

    score: int | None
    response: Response
    clause: Clause
    configuration: tuple[ConfigurationValue, ...]


def score_uptake(found: LymphomaUptake, configuration: CriteriaConfiguration) -> int | None:
    """Return the five-point score, or None where a value that decides it is missing."""
    if found.has_new_lesion:
        return 5
    if found.stated_score is not None:
        return found.stated_score
    if found.uptake is None:
        return None
    if found.uptake == 0:
        return 1
    if found.mediastinum is None or found.liver is None:
        return None
    steps = (
        (2, found.mediastinum),
        (3, found.liver),
        (4, configuration.deauville_five_factor * found.liver),
    )
    return next((score for score, limit in steps if found.uptake <= limit), 5)


@dataclass(frozen=True, slots=True)
class _Facts:
    found: LymphomaUptake
    score: int | None

    def said(self) -> str:
        parts = (("uptake", self.found.uptake), ("mediastinum", self.found.mediastinum), ("liver", self.found.liver))
        values = ", ".join(f"{name} {plain(value)}" for name, value in parts if value is not None)
        return f"Deauville {self.score} ({values})" if values else f"Deauville {self.score}"


RULES: tuple[Rule[_Facts], ...] = (
    Rule("LU.PET", Response.PMD, lambda f: f.found.has_new_lesion, lambda f: "New FDG-avid lesions of lymphoma."),
    Rule(
        "LU.PET",
        Response.NE,
        lambda f: f.score is None,
        lambda f: "Not evaluable, because no Deauville score was recorded, nor uptake, mediastinum and liver measured.",
    ),
    Rule(
        "LU.PET",
        Response.CMR,
        lambda f: f.score in _NEGATIVE_SCORES,
        lambda f: f"{f.said()}: complete metabolic response.",
    ),
    Rule(
        "LU.PET",
        Response.PMD,
        lambda f: f.found.trend is UptakeTrend.INCREASED,
        lambda f: f"{f.said()}, and the uptake increased.",
    ),
    Rule(
        "LU.PET",
        Response.PMR,
        lambda f: f.found.trend is UptakeTrend.DECREASED,
        lambda f: f"{f.said()}, but the uptake decreased.",
    ),
    Rule(
        "LU.PET",
        Response.NMR,
        lambda f: f.found.trend is UptakeTrend.UNCHANGED,
        lambda f: f"{f.said()}, and the uptake is unchanged.",
    ),
    Rule(
        "LU.PET",
        Response.NE,
        always,
        lambda f: f"{f.said()}, but whether the uptake changed was not recorded.",
    ),
)


def assess_lugano_pet(found: LymphomaUptake, configuration: CriteriaConfiguration | None = None) -> DeauvilleVerdict:
    """Return the score and the metabolic response of one PET."""
    values = configuration or CriteriaConfiguration()
    score, finding = _judge(found, values)
    return DeauvilleVerdict(score, finding.response, finding.clause, values.shown("deauville_five_factor"))


def assess_deauville_course(
    timepoints: tuple[tuple[int, LymphomaUptake], ...], configuration: CriteriaConfiguration | None = None
) -> CourseVerdict:
    """Judge a course of FDG-PET, each a day from baseline and what was recorded of it."""
    values = configuration or CriteriaConfiguration()
    check_days(day for day, _found in timepoints)
    scans = []
    for day, found in timepoints:
        score, finding = _judge(found, values)
        number = None if score is None else Decimal(score)
        numbers = Numbers(quantity="Deauville score", unit="", value=number)
        scans.append(JudgedScan(day, finding, numbers, values.shown("deauville_five_factor")))
    first = scans[0].numbers.value
    said = "no Deauville score was recorded, which later scans do not need" if first is None else f"Deauville {first}"
    clause = Clause("LU.PET", f"Baseline: {said}.")
    return build_course(_LUGANO_PET, scans, baseline=clause, version=values.version)


def _judge(found: LymphomaUptake, values: CriteriaConfiguration) -> tuple[int | None, Finding]:
    score = score_uptake(found, values)
    return score, first_match(RULES, _Facts(found, score))
