"""Several criteria side by side on the same timepoints, and why they disagree where they do.

Categories of different criteria are compared by what they mean for the patient (response, stable, progression), so
that iPR and PR agree and SD and iUPD do not. A disagreement is explained by the rules in which the two criteria differ,
if one of them is at work, and always by the two clauses that fired.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response, TimepointVerdict


class Meaning(StrEnum):
    """What a category means, whatever its criterion calls it."""

    COMPLETE = "complete response"
    RESPONSE = "response"
    STABLE = "stable"
    UNCONFIRMED = "unconfirmed progression"
    PROGRESSION = "progression"
    OPEN = "not decided"


_MEANINGS = {
    Meaning.COMPLETE: (Response.CR, Response.ICR, Response.CMR),
    Meaning.RESPONSE: (Response.PR, Response.MR, Response.IPR, Response.PMR),
    Meaning.STABLE: (
        *(Response.SD, Response.ISD, Response.SMD, Response.NMR),
        *(Response.NON_CR_NON_PD, Response.NON_ICR_NON_IUPD),
    ),
    Meaning.UNCONFIRMED: (Response.IUPD, Response.PPD),
    Meaning.PROGRESSION: (Response.PD, Response.ICPD, Response.PMD),
    Meaning.OPEN: (Response.NE, Response.NA, Response.UNDETERMINED, Response.BASELINE),
}
_MEANING_OF = {response: meaning for meaning, responses in _MEANINGS.items() for response in responses}


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule in which two criteria differ, and when it is at work."""

    first: Criterion
    second: Criterion
    is_at_work: Callable[[TimepointVerdict, TimepointVerdict], bool]
    sentence: str


def _progressed(verdict: TimepointVerdict) -> bool:
    return _MEANING_OF[verdict.overall_response] is Meaning.PROGRESSION


def _relative_only(first: TimepointVerdict, second: TimepointVerdict) -> bool:
    """Tell whether the second calls the targets progressed and the first does not."""
    return second.target_response is Response.PD and first.target_response is not Response.PD


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        Criterion.RECIST_1_1,
        Criterion.IRECIST,
        lambda a, b: b.overall_response is Response.IUPD and _progressed(a),
        "iRECIST calls a first progression unconfirmed until a scan at least 4 weeks later confirms it; RECIST 1.1 "
        "does not wait (I.TABLE2, I.CONF.WIN).",
    ),
    Difference(
        Criterion.RECIST_1_1,
        Criterion.IRECIST,
        lambda a, b: _progressed(a) and b.overall_response in (Response.IPR, Response.ICR, Response.ISD),
        "RECIST 1.1 calls every new lesion and every growth progression; in iRECIST an unconfirmed progression "
        "is forgotten when it is not confirmed, and a persisting new lesion does not exclude a response "
        "(I.RESET, I.NL.IPR).",
    ),
    Difference(
        Criterion.RECIST_1_1,
        Criterion.IRECIST,
        lambda a, b: a.clause.rule_id == "R11.T.PERSIST",
        "Under RECIST 1.1 a partial response lasts until progression; the immune response is read at each scan anew "
        "(R11.T.PERSIST, open point 5).",
    ),
    Difference(
        Criterion.RECIST_1_1,
        Criterion.MRECIST_HCC,
        _relative_only,
        "mRECIST has no 5 mm rule: 20 % above the smallest sum is enough; RECIST 1.1 needs 5 mm as well "
        "(MR.PD, R11.T.PD5).",
    ),
    Difference(
        Criterion.RECIST_1_1,
        Criterion.RANO_BM,
        lambda a, b: a.target_response is Response.PD and b.target_response is not Response.PD,
        "RANO-BM needs 5 mm of growth in a single lesion, RECIST 1.1 in the sum (BM.PD5, R11.T.PD5).",
    ),
    Difference(
        Criterion.RECIST_1_1,
        Criterion.RANO_BM,
        lambda a, b: b.clause.rule_id in ("BM.CLIN", "BM.STEROID"),
        "RANO-BM weighs clinical status and steroid dose, RECIST 1.1 neither (BM.CLIN, BM.STEROID).",
    ),
    Difference(
        Criterion.MRECIST_HCC,
        Criterion.RANO_BM,
        lambda a, b: a.target_response is Response.PD and b.target_response is not Response.PD,
        "RANO-BM needs 5 mm of growth in a single lesion, mRECIST has no absolute rule (BM.PD5, MR.PD).",
    ),
    *(
        Difference(
            Criterion.RECIST_1_1,
            other,
            lambda a, b: a.clause.rule_id == "R11.T.PERSIST" and b.overall_response is Response.SD,
            "Under RECIST 1.1 a partial response lasts until progression; here each scan is judged on its own "
            "(R11.T.PERSIST).",
        )
        for other in (Criterion.MRECIST_HCC, Criterion.RANO_BM)
    ),
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two criteria that mean different things at one timepoint, and why."""

    days_from_baseline: int
    first: Criterion
    second: Criterion
    first_response: Response
    second_response: Response
    rule_ids: tuple[str, str]
    explanation: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Course verdicts side by side with their disagreements, earliest first."""

    verdicts: tuple[CourseVerdict, ...]
    disagreements: tuple[Disagreement, ...]

    def row(self, days_from_baseline: int) -> tuple[tuple[Criterion, Response], ...]:
        """Return what each criterion says about one day; a criterion without that day is left out."""
        return tuple(
            (verdict.criterion, timepoint.overall_response)
            for verdict in self.verdicts
            for timepoint in verdict.timepoints
            if timepoint.days_from_baseline == days_from_baseline
        )


def compare_verdicts(verdicts: Sequence[CourseVerdict]) -> Comparison:
    """Set course verdicts side by side and explain where they disagree on a day they share."""
    found = [
        disagreement
        for one, other in itertools.combinations(verdicts, 2)
        for first in one.timepoints
        for second in other.timepoints
        if first.days_from_baseline == second.days_from_baseline
        and (disagreement := _disagreement(first, second)) is not None
    ]
    return Comparison(tuple(verdicts), tuple(sorted(found, key=lambda d: d.days_from_baseline)))


def _disagreement(first: TimepointVerdict, second: TimepointVerdict) -> Disagreement | None:
    if _MEANING_OF[first.overall_response] is _MEANING_OF[second.overall_response]:
        return None
    reasons = [
        difference.sentence
        for difference in DIFFERENCES
        for one, other in ((first, second), (second, first))
        if (difference.first, difference.second) == (one.criterion, other.criterion)
        and difference.is_at_work(one, other)
    ]
    clauses = " ".join(
        f"{v.criterion} says {v.overall_response} by {v.clause.rule_id}: {v.clause.sentence}" for v in (first, second)
    )
    return Disagreement(
        days_from_baseline=first.days_from_baseline,
        first=first.criterion,
        second=second.criterion,
        first_response=first.overall_response,
        second_response=second.overall_response,
        rule_ids=(first.clause.rule_id, second.clause.rule_id),
        explanation=" ".join([*reasons, clauses]),
    )
