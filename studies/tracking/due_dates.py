"""When the next scan is due, as far as a criterion says so.

1. I.CONF.WIN: an unconfirmed immune progression is confirmed 28 to 56 days later.
2. RN.PPD, MRANO.CONF: a preliminary progression of a brain tumour is confirmed at least 28 days later; no source gives
   a last day.
3. RN.WINDOW: within 84 days after radiotherapy a progression is preliminary; from the day after, it is not.
4. R11.B.CONF: where a response must be confirmed, by a scan at least 28 days after it was first seen.

The days are those of the configuration; the defaults are the criteria's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from studies.tracking.criteria.best_response import Assessed, confirmed_pair
from studies.tracking.criteria.configuration import CriteriaConfiguration, ProgressionConfirmation
from studies.tracking.criteria.verdict import CourseVerdict, Criterion, Response

_RANO = (Criterion.RANO_2_0, Criterion.MRANO, Criterion.RANO_HGG, Criterion.RANO_LGG, Criterion.RANO_MIXED)
_WINDOWED = (Criterion.RANO_2_0, Criterion.RANO_HGG, Criterion.RANO_LGG, Criterion.RANO_MIXED)
_PLAIN = {Response.CR: Response.CR, Response.PR: Response.PR, Response.ICR: Response.CR, Response.IPR: Response.PR}


class DueKind(StrEnum):
    """What is due."""

    CONFIRM_IMMUNE_PROGRESSION = "confirm_immune_progression"
    CONFIRM_PRELIMINARY_PROGRESSION = "confirm_preliminary_progression"
    END_OF_RADIOTHERAPY_WINDOW = "end_of_radiotherapy_window"
    CONFIRM_RESPONSE = "confirm_response"


class DueState(StrEnum):
    """Where a day lies against a due date; without a latest day nothing is ever overdue."""

    NOT_YET = "not_yet"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class DueDate:
    """One thing that is due from a day on, and at the latest on another."""

    kind: DueKind
    earliest: date
    latest: date | None
    sentence: str
    rule_id: str

    def state_on(self, day: date) -> DueState:
        """Return whether it is due on a day; the ends count."""
        if day < self.earliest:
            return DueState.NOT_YET
        return DueState.OVERDUE if self.latest is not None and day > self.latest else DueState.DUE

    def days_overdue_on(self, day: date) -> int:
        """Return by how many days it is late; 0 where it is not."""
        return max(0, (day - self.latest).days) if self.latest is not None else 0


def list_due_dates(
    verdict: CourseVerdict,
    baseline: date,
    *,
    configuration: CriteriaConfiguration | None = None,
    radiotherapy_end_day: int | None = None,
) -> tuple[DueDate, ...]:
    """Return what is due after the latest timepoint, the earliest first.

    Parameters
    ----------
    configuration
        The one the verdict was computed with.
    radiotherapy_end_day
        Days from baseline, as in `BrainCourse`.
    """
    values = configuration or CriteriaConfiguration()
    found = [
        _immune_progression(verdict, baseline, values),
        _preliminary_progression(verdict, baseline, values),
        _radiotherapy_window(verdict, baseline, values, radiotherapy_end_day),
        _response(verdict, baseline, values),
    ]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.earliest))


def _immune_progression(verdict: CourseVerdict, baseline: date, values: CriteriaConfiguration) -> DueDate | None:
    day = verdict.unconfirmed_progression_day
    if verdict.criterion is not Criterion.IRECIST or day is None:
        return None
    earliest, latest = _after(baseline, day + values.confirm_days), _after(baseline, day + values.late_confirm_days)
    sentence = (
        f"Confirm the unconfirmed progression of {_after(baseline, day)} (day {day}) by a scan from {earliest} to "
        f"{latest}, {values.confirm_days} to {values.late_confirm_days} days later."
    )
    return DueDate(DueKind.CONFIRM_IMMUNE_PROGRESSION, earliest, latest, sentence, "I.CONF.WIN")


def _preliminary_progression(verdict: CourseVerdict, baseline: date, values: CriteriaConfiguration) -> DueDate | None:
    day = _preliminary_day(verdict)
    if verdict.criterion not in _RANO or day is None:
        return None
    earliest = _after(baseline, day + values.confirm_days)
    sentence = (
        f"Confirm the preliminary progression of {_after(baseline, day)} (day {day}) by a scan from {earliest} on, at "
        f"least {values.confirm_days} days later."
    )
    rule_id = "MRANO.CONF" if verdict.criterion is Criterion.MRANO else "RN.PPD"
    return DueDate(DueKind.CONFIRM_PRELIMINARY_PROGRESSION, earliest, None, sentence, rule_id)


def _preliminary_day(verdict: CourseVerdict) -> int | None:
    """Return the day of the first of the preliminary progressions that end the course.

    Scans that were not evaluable or undetermined neither confirm nor refute it.
    """
    if verdict.unconfirmed_progression_day is not None:
        return verdict.unconfirmed_progression_day
    first = None
    for timepoint in verdict.timepoints:
        if timepoint.overall_response is Response.PPD:
            first = timepoint.days_from_baseline if first is None else first
        elif timepoint.overall_response not in (Response.NE, Response.UNDETERMINED):
            first = None
    return first


def _radiotherapy_window(
    verdict: CourseVerdict, baseline: date, values: CriteriaConfiguration, end_day: int | None
) -> DueDate | None:
    is_used = verdict.criterion in _WINDOWED and values.confirm_pd is ProgressionConfirmation.WINDOW
    if not is_used or end_day is None:
        return None
    first_day = end_day + values.radiotherapy_window_days + 1
    if verdict.latest.days_from_baseline >= first_day:
        return None
    earliest = _after(baseline, first_day)
    sentence = (
        f"Until {earliest - timedelta(days=1)} ({values.radiotherapy_window_days} days after radiotherapy) a "
        f"progression on images alone is preliminary; from {earliest} on it needs no second scan."
    )
    return DueDate(DueKind.END_OF_RADIOTHERAPY_WINDOW, earliest, None, sentence, "RN.WINDOW")


def _response(verdict: CourseVerdict, baseline: date, values: CriteriaConfiguration) -> DueDate | None:
    if not values.confirmation_required or verdict.latest.overall_response not in _PLAIN:
        return None
    scans = [
        Assessed(each.days_from_baseline, _PLAIN.get(each.overall_response, each.overall_response))
        for each in verdict.timepoints[1:]
    ]
    response = scans[-1].response
    if confirmed_pair(scans, response, values) is not None:
        return None
    day = _first_of_the_last_run(scans, response)
    earliest = _after(baseline, day + values.confirm_days)
    sentence = (
        f"Confirm the {verdict.latest.overall_response} of {_after(baseline, day)} (day {day}) by a scan from "
        f"{earliest} on, at least {values.confirm_days} days later."
    )
    return DueDate(DueKind.CONFIRM_RESPONSE, earliest, None, sentence, "R11.B.CONF")


def _first_of_the_last_run(scans: list[Assessed], response: Response) -> int:
    day = scans[-1].day
    for scan in reversed(scans):
        if scan.response is not response:
            break
        day = scan.day
    return day


def _after(baseline: date, days: int) -> date:
    return baseline + timedelta(days=days)
