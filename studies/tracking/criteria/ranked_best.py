"""Best response where the first scan of the best category counts, up to the first progression."""

from __future__ import annotations

from collections.abc import Sequence

from studies.tracking.criteria.verdict import BestResponse, Clause, Response, TimepointVerdict


def best_by_rank(
    verdicts: Sequence[TimepointVerdict], *, ranking: Sequence[Response], progression: Response, rule_id: str
) -> BestResponse:
    """Return the best of the verdicts after baseline; ``ranking`` is best first."""
    found = [verdict.overall_response for verdict in verdicts]
    if progression in found:
        found = found[: found.index(progression) + 1]
    for response in (*ranking, progression):
        if response in found:
            verdict = verdicts[found.index(response)]
            return BestResponse(response, verdict.clause, verdict.days_from_baseline)
    return BestResponse(Response.NE, Clause(rule_id, "Not evaluable, because no scan after baseline gave a response."))
