"""What is due when, counted on the calendar."""

from __future__ import annotations

from datetime import date, timedelta

from studies.tracking.criteria.brain_inputs import MeasurementMode
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.irecist import assess_irecist
from studies.tracking.criteria.mrano import assess_mrano
from studies.tracking.criteria.rano_2_0 import assess_rano_2_0
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.due_dates import DueKind, DueState, list_due_dates
from tests.studies.tracking.criteria.builders import brain, course

BASELINE = date(2026, 1, 1)
CONFIRMED = CriteriaConfiguration(confirmation_required=True)


def day(number: int) -> date:
    return BASELINE + timedelta(days=number)


def test_an_immune_progression_is_confirmed_within_four_to_eight_weeks() -> None:
    (due,) = list_due_dates(assess_irecist(course((0, [30]), (56, [40]))), BASELINE)
    assert (due.kind, due.rule_id) == (DueKind.CONFIRM_IMMUNE_PROGRESSION, "I.CONF.WIN")
    assert (due.earliest, due.latest) == (date(2026, 3, 26), date(2026, 4, 23))  # 26 February + 4 and 8 weeks
    assert [due.state_on(d) for d in (date(2026, 3, 25), due.earliest, date(2026, 4, 23))] == [
        DueState.NOT_YET,
        DueState.DUE,
        DueState.DUE,
    ]
    assert due.state_on(date(2026, 4, 24)) is DueState.OVERDUE
    assert due.days_overdue_on(date(2026, 5, 3)) == 10
    assert "2026-03-26" in due.sentence


def test_the_first_unconfirmed_progression_counts() -> None:
    (due,) = list_due_dates(assess_irecist(course((0, [30]), (56, [40]), (70, [41]))), BASELINE)
    assert due.earliest == day(56 + 28)


def test_confirmed_or_forgotten_nothing_is_due() -> None:
    for last in ([50], [20]):
        assert list_due_dates(assess_irecist(course((0, [30]), (56, [40]), (90, last))), BASELINE) == ()


def test_a_preliminary_progression_has_no_last_day() -> None:
    verdict = assess_mrano(brain((0, [100]), (60, [130])))
    (due,) = list_due_dates(verdict, BASELINE, configuration=CriteriaConfiguration())
    assert (due.kind, due.rule_id) == (DueKind.CONFIRM_PRELIMINARY_PROGRESSION, "MRANO.CONF")
    assert (due.earliest, due.latest) == (day(88), None)
    assert due.state_on(day(1000)) is DueState.DUE
    assert due.days_overdue_on(day(1000)) == 0


def test_the_window_after_radiotherapy() -> None:
    """Radiotherapy ended 20 days before baseline: day 64 is the 84th and still inside."""
    verdict = assess_rano_2_0(brain((0, 10), (40, 15), mode=MeasurementMode.VOLUME_3D, radiotherapy_end_day=-20))
    window, confirmation = list_due_dates(verdict, BASELINE, radiotherapy_end_day=-20)
    assert (window.kind, window.earliest, window.rule_id) == (
        DueKind.END_OF_RADIOTHERAPY_WINDOW,
        day(65),
        "RN.WINDOW",
    )
    assert (confirmation.kind, confirmation.earliest) == (DueKind.CONFIRM_PRELIMINARY_PROGRESSION, day(68))
    later = assess_rano_2_0(brain((0, 10), (65, 10), mode=MeasurementMode.VOLUME_3D, radiotherapy_end_day=-20))
    assert list_due_dates(later, BASELINE, radiotherapy_end_day=-20) == ()


def test_a_response_is_confirmed_only_where_that_is_required() -> None:
    responding = course((0, [30]), (56, [20]), (70, [20]))
    assert list_due_dates(assess_recist(responding), BASELINE) == ()
    (due,) = list_due_dates(assess_recist(responding, CONFIRMED), BASELINE, configuration=CONFIRMED)
    assert (due.kind, due.rule_id, due.earliest) == (DueKind.CONFIRM_RESPONSE, "R11.B.CONF", day(84))
    repeated = course((0, [30]), (56, [20]), (84, [20]))
    assert list_due_dates(assess_recist(repeated, CONFIRMED), BASELINE, configuration=CONFIRMED) == ()


def test_the_days_are_those_of_the_configuration() -> None:
    values = CriteriaConfiguration(min_confirm_days=35, late_confirm_days=49)
    (due,) = list_due_dates(assess_irecist(course((0, [30]), (56, [40])), values), BASELINE, configuration=values)
    assert (due.earliest, due.latest) == (day(91), day(105))


def test_stable_disease_has_nothing_due() -> None:
    assert list_due_dates(assess_recist(course((0, [30]), (56, [30])), CONFIRMED), BASELINE) == ()
