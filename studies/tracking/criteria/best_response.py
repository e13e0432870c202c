"""Best overall response of the RECIST family, with and without confirmation.

References: RECIST 1.1, section 4.4 and Table 3 (Eisenhauer 2009, EJC 45:228-247); iRECIST Table 3 (Seymour 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.verdict import BestResponse, Clause, Response


@dataclass(frozen=True, slots=True)
class Assessed:
    """The overall response of one scan."""

    day: int
    response: Response


# immune categories answer to the same rows as their RECIST counterparts; iUPD has none
_PLAIN = {
    Response.ICR: Response.CR,
    Response.IPR: Response.PR,
    Response.ISD: Response.SD,
    Response.ICPD: Response.PD,
    Response.NON_ICR_NON_IUPD: Response.NON_CR_NON_PD,
}
_IMMUNE = {plain: immune for immune, plain in _PLAIN.items()}
_ANY_CONTROL = frozenset({Response.CR, Response.PR, Response.SD})


def scans_that_count(scans: Iterable[Assessed], new_therapy_day: int | None) -> tuple[Assessed, ...]:
    """Return the scans up to and including the first progression (R11.B.STOP), before new therapy (R11.B.NEWTX)."""
    kept: list[Assessed] = []
    for scan in scans:
        if new_therapy_day is not None and scan.day >= new_therapy_day:
            break
        kept.append(scan)
        if scan.response in (Response.PD, Response.ICPD):
            break
    return tuple(kept)


def best_overall_response(
    scans: Iterable[Assessed], configuration: CriteriaConfiguration, *, new_therapy_day: int | None = None
) -> BestResponse:
    """Return the best overall response of the scans after baseline.

    1. R11.B.STOP, R11.B.NEWTX: only scans up to the first progression and before new anti-cancer therapy count.
    2. R11.B.NOCONF: without confirmation a single complete or partial response is the best response.
    3. R11.B.CONF, R11.B.TABLE3: with confirmation it needs a second scan at least 28 days later; R11.B.NEGAP and
       R11.B.SDGAP say what may lie between.
    4. R11.B.SDMIN: stable disease needs a scan with disease control at day 42 or later, and so does NON-CR/NON-PD.
    5. Otherwise progression where there is one (R11.B.SDMIN), else unconfirmed progression (I.B.TABLE3), else not
       evaluable.
    """
    counting = scans_that_count(scans, new_therapy_day)
    plain = tuple(Assessed(s.day, _PLAIN.get(s.response, s.response)) for s in counting)
    response = _best_response_to_treatment(plain, configuration)
    best = response or _best_control(plain, configuration) or _worst(plain)
    is_immune = any(s.response in _PLAIN or s.response is Response.IUPD for s in counting)
    return BestResponse(_IMMUNE.get(best.response, best.response), best.clause, best.day) if is_immune else best


def _best_response_to_treatment(scans: Sequence[Assessed], configuration: CriteriaConfiguration) -> BestResponse | None:
    for response in (Response.CR, Response.PR):
        if not configuration.confirmation_required:
            day = next((s.day for s in scans if s.response is response), None)
            sentence = f"{response} on day {day}; this course needs no confirmation."
            clause = Clause("R11.B.NOCONF", sentence)
        else:
            pair = confirmed_pair(scans, response, configuration)
            day = pair[0].day if pair else None
            sentence = f"{response} on day {day} was repeated on day {pair[1].day}." if pair else ""
            clause = Clause("R11.B.CONF", sentence)
        if day is not None:
            return BestResponse(response, clause, day)
    return None


def _best_control(scans: Sequence[Assessed], configuration: CriteriaConfiguration) -> BestResponse | None:
    late = [s for s in scans if s.day >= configuration.min_sd_days]
    for response, counts in ((Response.SD, _ANY_CONTROL), (Response.NON_CR_NON_PD, {Response.NON_CR_NON_PD})):
        for scan in late:
            if scan.response in counts:
                unconfirmed = "" if scan.response is response else f" ({scan.response}, not confirmed)"
                limit = f"day {configuration.min_sd_days} or later"
                sentence = f"Disease was under control on day {scan.day}{unconfirmed}, {limit}."
                rule = "R11.B.TABLE3" if unconfirmed else "R11.B.NOCONF"
                return BestResponse(response, Clause(rule, sentence), scan.day)
    return None


def _worst(scans: Sequence[Assessed]) -> BestResponse:
    had_control = any(s.response in (*_ANY_CONTROL, Response.NON_CR_NON_PD) for s in scans)
    too_early = "Disease control was seen only before the minimum interval" if had_control else "No response was seen"
    for response in (Response.PD, Response.IUPD):
        for scan in scans:
            if scan.response is response:
                rule = "R11.B.SDMIN" if response is Response.PD else "I.B.TABLE3"
                said = "progression followed" if response is Response.PD else "an unconfirmed progression followed"
                return BestResponse(response, Clause(rule, f"{too_early}, and {said} on day {scan.day}."), scan.day)
    if not scans:
        too_early = "Not evaluable, because no scan after baseline counts"
    rule = "R11.B.SDMIN" if had_control else "R11.B.TABLE3"
    return BestResponse(Response.NE, Clause(rule, f"{too_early}; nothing later."))


_BETWEEN = {
    Response.CR: frozenset({Response.CR, Response.NE}),
    Response.PR: frozenset({Response.CR, Response.PR, Response.SD, Response.NE}),
}
_CONFIRMS = {Response.CR: frozenset({Response.CR}), Response.PR: frozenset({Response.CR, Response.PR})}


def confirmed_pair(
    scans: Sequence[Assessed], response: Response, configuration: CriteriaConfiguration
) -> tuple[Assessed, Assessed] | None:
    """Return the first response of this kind together with the scan that confirmed it (R11.B.CONF), or None."""
    for index, first in enumerate(scans):
        if first.response is not response:
            continue
        for later_index in range(index + 1, len(scans)):
            later, between = scans[later_index], scans[index + 1 : later_index]
            if not _may_lie_between(between, response, configuration):
                break
            if later.response in _CONFIRMS[response] and later.day - first.day >= configuration.confirm_days:
                return first, later
    return None


def _may_lie_between(scans: Sequence[Assessed], response: Response, configuration: CriteriaConfiguration) -> bool:
    """Tell whether the scans between may be there: R11.B.NEGAP, R11.B.SDGAP."""
    found = [scan.response for scan in scans]
    return (
        set(found) <= _BETWEEN[response]
        and found.count(Response.NE) <= configuration.confirm_max_ne
        and found.count(Response.SD) <= configuration.confirm_max_sd
    )
