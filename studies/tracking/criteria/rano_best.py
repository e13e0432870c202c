"""Best overall response of the RANO family: a response counts only when it was sustained.

1. RN.SUSTAIN: only scans up to the first progression and before new therapy count.
2. RN.SUSTAIN: CR, PR or MR counts if a scan at least 28 days later shows it or better, with nothing worse between;
   scans that were not evaluable are skipped (RN.NE).
3. RN.SUSTAIN: a response that was not sustained counts as stable disease; there is no minimum duration.
4. RN.CLIN, RN.PPD: otherwise progression where there is one; preliminary and undetermined scans count as not evaluable.
"""

from __future__ import annotations

from collections.abc import Sequence

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.verdict import BestResponse, Clause, Response

_RANK = {Response.CR: 3, Response.PR: 2, Response.MR: 1, Response.SD: 0}
_SKIPPED = (Response.NE, Response.PPD, Response.UNDETERMINED)


def best_rano_response(
    scans: Sequence[tuple[int, Response]], configuration: CriteriaConfiguration, *, new_therapy_day: int | None = None
) -> BestResponse:
    """Return the best response of the scans after baseline, each a day and an overall response."""
    counting = _up_to_progression(scans, new_therapy_day)
    for response in (Response.CR, Response.PR, Response.MR):
        for index, (day, found) in enumerate(counting):
            later = (
                _sustaining_day(counting[index + 1 :], day, response, configuration)
                if _is_at_least(found, response)
                else None
            )
            if later is not None:
                return BestResponse(
                    response, Clause("RN.SUSTAIN", f"{found} on day {day}, kept until day {later}."), day
                )
    for day, found in counting:
        if found in _RANK:
            lost = "" if found is Response.SD else f" {found} was not sustained for {configuration.confirm_days} days."
            return BestResponse(Response.SD, Clause("RN.SUSTAIN", f"Stable disease on day {day}.{lost}"), day)
    for day, found in counting:
        if found is Response.PD:
            return BestResponse(Response.PD, Clause("RN.SUSTAIN", f"Progression on day {day} came first."), day)
    return BestResponse(Response.NE, Clause("RN.NE", "Not evaluable, because no scan after baseline gave a response."))


def _up_to_progression(
    scans: Sequence[tuple[int, Response]], new_therapy_day: int | None
) -> tuple[tuple[int, Response], ...]:
    kept: list[tuple[int, Response]] = []
    for day, response in scans:
        if new_therapy_day is not None and day >= new_therapy_day:
            break
        kept.append((day, response))
        if response is Response.PD:
            break
    return tuple(kept)


def _is_at_least(found: Response, response: Response) -> bool:
    return _RANK.get(found, -1) >= _RANK[response]


def _sustaining_day(
    later: Sequence[tuple[int, Response]], first_day: int, response: Response, configuration: CriteriaConfiguration
) -> int | None:
    for day, found in later:
        if found in _SKIPPED:
            continue
        if not _is_at_least(found, response):
            return None
        if day - first_day >= configuration.confirm_days:
            return day
    return None
