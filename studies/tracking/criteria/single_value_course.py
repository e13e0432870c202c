"""The verdict of a course in which one number per scan is judged: PERCIST, both arms of Lugano, volumes.

1. The first scan is the baseline: it has a clause of its own and no reference.
2. Every later scan has the response and the clause of the first rule that holds.
3. The first progression dates the progression of the course.
4. The best response is the best of the scans up to that progression, by the criterion's own order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from studies.tracking.criteria.configuration import CONFIGURATION_VERSION, ConfigurationValue
from studies.tracking.criteria.ranked_best import best_by_rank
from studies.tracking.criteria.rules import Finding
from studies.tracking.criteria.verdict import (
    Clause,
    CourseVerdict,
    Criterion,
    Numbers,
    Response,
    TimepointVerdict,
)


@dataclass(frozen=True, slots=True)
class SingleValueCriterion:
    """What the verdicts of one such criterion have in common.

    Attributes
    ----------
    ranking
        Responses from best to worst, without progression.
    rule_id
        Of the sentence that tells the best response.
    warnings
        What every verdict says.
    """

    criterion: Criterion
    ranking: tuple[Response, ...]
    progression: Response
    rule_id: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedScan:
    """One scan with what the rules found; of the baseline only ``numbers.value``, warnings and flags count."""

    day: int
    finding: Finding
    numbers: Numbers
    configuration: tuple[ConfigurationValue, ...] = ()
    warnings: tuple[str, ...] = ()
    review_flags: tuple[str, ...] = ()


def build_course(
    criterion: SingleValueCriterion,
    scans: Sequence[JudgedScan],
    *,
    baseline: Clause,
    version: str = CONFIGURATION_VERSION,
) -> CourseVerdict:
    """Return the verdict of a course, baseline first."""
    first, *later = scans
    without_reference = replace(first.numbers, baseline=None, baseline_day=None, nadir=None, nadir_day=None)
    start = replace(first, finding=Finding(Response.BASELINE, baseline), numbers=without_reference)
    verdicts = tuple(_verdict(criterion, scan) for scan in (start, *later))
    progression = next((v for v in verdicts if v.overall_response is criterion.progression), None)
    return CourseVerdict(
        criterion=criterion.criterion,
        timepoints=verdicts,
        best_overall_response=best_by_rank(
            verdicts[1:], ranking=criterion.ranking, progression=criterion.progression, rule_id=criterion.rule_id
        ),
        progression_day=progression.days_from_baseline if progression else None,
        configuration_version=version,
        warnings=criterion.warnings,
    )


def _verdict(criterion: SingleValueCriterion, scan: JudgedScan) -> TimepointVerdict:
    return TimepointVerdict(
        criterion=criterion.criterion,
        days_from_baseline=scan.day,
        target_response=scan.finding.response,
        non_target_response=None,
        overall_response=scan.finding.response,
        clause=scan.finding.clause,
        clauses=(scan.finding.clause,),
        numbers=scan.numbers,
        configuration=scan.configuration,
        warnings=(*criterion.warnings, *scan.warnings),
        review_flags=scan.review_flags,
    )
