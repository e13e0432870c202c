"""Gliomas with an enhancing and a non-enhancing component: each is judged alone, then both are joined.

1. RN.MIXED: progression of either is progression; a preliminary one of either is preliminary.
2. RN.MIXED: if either is undetermined or not evaluable, so is the whole.
3. RN.MIXED: complete response of one leaves the response of the other.
4. RN.MIXED: a response of one with stable disease of the other is that response.
5. RN.MIXED: partial and minor response together are a minor response.
6. RN.MIXED: two equal responses are that response.

References: Wen 2023, JCO 41:5187-5199, table of the mixed tumours (rule 5 is a convention of the specification).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.errors import CriteriaInputError
from studies.tracking.criteria.rano_best import best_rano_response
from studies.tracking.criteria.rules import Finding
from studies.tracking.criteria.verdict import Clause, CourseVerdict, Criterion, Response, TimepointVerdict

_FIRST = (Response.PD, Response.PPD, Response.UNDETERMINED, Response.NE)
_PARTIAL = (Response.PR, Response.MR)


@dataclass(frozen=True, slots=True)
class _Row:
    holds: Callable[[Response, Response], bool]
    gives: Callable[[Response, Response], Response]
    reason: str


_ROWS = (
    *(
        _Row(
            holds=lambda a, b, r=response: r in (a, b),  # type: ignore[misc]
            gives=lambda a, b, r=response: r,  # type: ignore[misc]
            reason=f"one component is {response}, which decides",
        )
        for response in _FIRST
    ),
    _Row(lambda a, b: a is Response.CR, lambda a, b: b, "the enhancing component is gone, the other decides"),
    _Row(lambda a, b: b is Response.CR, lambda a, b: a, "the non-enhancing component is gone, the other decides"),
    _Row(lambda a, b: a is b, lambda a, b: a, "both components agree"),
    _Row(lambda a, b: a is Response.SD, lambda a, b: b, "one component responds, the other is stable"),
    _Row(lambda a, b: b is Response.SD, lambda a, b: a, "one component responds, the other is stable"),
    _Row(lambda a, b: True, lambda a, b: Response.MR, "a partial and a minor response together are a minor one"),
)
_KNOWN = frozenset({*_FIRST, *_PARTIAL, Response.CR, Response.SD})


def join_components(enhancing: Response, non_enhancing: Response) -> Finding:
    """Return the response of the whole tumour.

    Raises
    ------
    CriteriaInputError
        If a response is none of the RANO categories.
    """
    for response in (enhancing, non_enhancing):
        if response not in _KNOWN:
            raise CriteriaInputError(f"{response} is no RANO response of a component.")
    row = next(row for row in _ROWS if row.holds(enhancing, non_enhancing))
    sentence = f"Enhancing {enhancing}, non-enhancing {non_enhancing}: {row.reason}."
    return Finding(row.gives(enhancing, non_enhancing), Clause("RN.MIXED", sentence))


def assess_rano_mixed(
    enhancing: CourseVerdict, non_enhancing: CourseVerdict, configuration: CriteriaConfiguration | None = None
) -> CourseVerdict:
    """Join the verdicts of both components, which must cover the same days."""
    days = [[v.days_from_baseline for v in verdict.timepoints] for verdict in (enhancing, non_enhancing)]
    if days[0] != days[1]:
        raise CriteriaInputError(
            "The two components were not assessed on the same days. Assess both at each timepoint."
        )
    pairs = list(zip(enhancing.timepoints, non_enhancing.timepoints, strict=True))
    joined = tuple(_join(first, second) for first, second in pairs)
    scans = [(v.days_from_baseline, v.overall_response) for v in joined[1:]]
    both = (enhancing, non_enhancing)
    progression = [v.progression_day for v in both if v.progression_day is not None]
    unconfirmed = [v.unconfirmed_progression_day for v in both if v.unconfirmed_progression_day is not None]
    return CourseVerdict(
        criterion=Criterion.RANO_MIXED,
        timepoints=joined,
        best_overall_response=best_rano_response(scans, configuration or CriteriaConfiguration()),
        progression_day=min(progression, default=None),
        configuration_version=enhancing.configuration_version,
        unconfirmed_progression_day=min(unconfirmed, default=None),
        pseudoprogression_days=tuple(
            sorted({*enhancing.pseudoprogression_days, *non_enhancing.pseudoprogression_days})
        ),
    )


def _join(enhancing: TimepointVerdict, non_enhancing: TimepointVerdict) -> TimepointVerdict:
    if enhancing.overall_response is Response.BASELINE:
        finding = Finding(Response.BASELINE, enhancing.clause)
    else:
        finding = join_components(enhancing.overall_response, non_enhancing.overall_response)
    return TimepointVerdict(
        criterion=Criterion.RANO_MIXED,
        days_from_baseline=enhancing.days_from_baseline,
        target_response=enhancing.target_response,
        non_target_response=non_enhancing.target_response,
        overall_response=finding.response,
        clause=finding.clause,
        clauses=(enhancing.clause, non_enhancing.clause, finding.clause),
        numbers=replace(enhancing.numbers, quantity=f"{enhancing.numbers.quantity} of the enhancing component"),
        configuration=enhancing.configuration,
        warnings=tuple(dict.fromkeys((*enhancing.warnings, *non_enhancing.warnings))),
        review_flags=tuple(dict.fromkeys((*enhancing.review_flags, *non_enhancing.review_flags))),
    )
