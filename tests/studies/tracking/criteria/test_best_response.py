"""Best overall response with and without confirmation, row by row."""

from __future__ import annotations

import pytest

from studies.tracking.criteria.best_response import Assessed, best_overall_response
from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.recist import assess_recist
from studies.tracking.criteria.verdict import Response
from tests.studies.tracking.criteria.builders import best, course

FREE = CriteriaConfiguration()
REQUIRED = CriteriaConfiguration(confirmation_required=True)


def best_of(scans: str, configuration: CriteriaConfiguration, **more: int) -> str:
    """Judge scans written as ``"56:PR 84:PR"``."""
    parsed = [part.split(":") for part in scans.split()]
    found = [Assessed(int(day), Response(response)) for day, response in parsed]
    return str(best_overall_response(found, configuration, **more).response)


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        ("28:CR", "CR"),
        ("28:PR 56:PD", "PR"),
        ("56:SD 112:PR 168:SD", "PR"),
        ("42:SD 84:PD", "SD"),
        ("41:SD 84:PD", "PD"),
        ("41:SD", "NE"),
        ("41:SD 60:NE", "NE"),
        ("42:NON-CR/NON-PD 84:PD", "NON-CR/NON-PD"),
        ("41:NON-CR/NON-PD 84:PD", "PD"),
        ("30:PD 60:CR", "PD"),
        ("", "NE"),
    ],
)
def test_without_confirmation(scans: str, expected: str) -> None:
    assert best_of(scans, FREE) == expected


TABLE_3 = [
    ("56:CR 84:CR", "CR"),
    ("56:CR 112:PR", "SD"),
    ("20:CR 38:PR", "NE"),
    ("56:CR 112:SD", "SD"),
    ("56:CR 112:PD", "SD"),
    ("28:CR 40:PD", "PD"),
    ("56:CR 112:NE", "SD"),
    ("28:CR 84:NE", "NE"),
    ("56:PR 84:CR", "PR"),
    ("56:PR 84:PR", "PR"),
    ("56:PR 112:SD", "SD"),
    ("56:PR 112:PD", "SD"),
    ("28:PR 84:PD", "PD"),
    ("56:PR 112:NE", "SD"),
    ("28:PR 84:NE", "NE"),
    ("56:NE 112:NE", "NE"),
]


@pytest.mark.parametrize(("scans", "expected"), TABLE_3)
def test_table_3_with_confirmation(scans: str, expected: str) -> None:
    assert best_of(scans, REQUIRED) == expected


@pytest.mark.parametrize(("day", "expected"), [(83, "SD"), (84, "PR")])
def test_twenty_seven_days_do_not_confirm(day: int, expected: str) -> None:
    """Mistake 12."""
    assert best_of(f"56:PR {day}:PR", REQUIRED) == expected
    assert best_of("56:PR 83:PR", CriteriaConfiguration(confirmation_required=True, confirm_tolerance_days=1)) == "PR"


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        ("56:PR 84:NE 112:PR", "PR"),
        ("56:PR 84:NE 98:NE 112:PR", "SD"),
        ("56:PR 84:SD 112:PR", "PR"),
        ("56:PR 70:SD 84:SD 112:PR", "SD"),
        ("56:CR 84:NE 112:CR", "CR"),
        ("56:CR 84:SD 112:CR", "SD"),
        ("56:PR 70:PR 84:PR", "PR"),
        ("56:PR 84:CR 112:CR", "CR"),
        ("56:PR 70:CR 84:CR", "PR"),
    ],
)
def test_what_may_lie_between(scans: str, expected: str) -> None:
    assert best_of(scans, REQUIRED) == expected


def test_scans_after_new_therapy_do_not_count() -> None:
    assert best_of("56:SD 112:PR", FREE, new_therapy_day=112) == "SD"
    assert best_of("56:SD 112:PR", FREE, new_therapy_day=113) == "PR"
    rows = course((0, [30]), (56, [30]), (112, [10]), new_therapy_day=80)
    assert best(assess_recist(rows)) == "SD"
