"""The worklist answers what is asked, and nothing of other teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from studies.models import SegmentationState, Study, Team, User
from studies.services.words import index_studies
from tests.factories import PatientFactory, SeriesFactory, StudyFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    made: Team = TeamFactory.create(name="Neuro-oncology")
    return made


@pytest.fixture
def reader(team: Team) -> User:
    made: User = UserFactory.create(teams=[team])
    return made


@pytest.fixture
def ask(reader: User, client: Client) -> Callable[..., dict[str, Any]]:
    client.force_login(reader)

    def get(**parameters: object) -> dict[str, Any]:
        answer = client.get("/api/worklist", parameters)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    return get


@pytest.fixture
def add(team: Team) -> Callable[..., Study]:
    def make(name: str = "DOE^JANE", number: str = "", home: Team | None = None, **values: object) -> Study:
        people = {"patient_name": name, "home_team": home or team} | ({"patient_id": number} if number else {})
        study: Study = StudyFactory.create(patient=PatientFactory.create(**people), **values)
        index_studies([study])
        return study

    return make


def names(page: dict[str, Any]) -> list[str]:
    return [entry["patient"]["patient_name"] for entry in page["results"]]


def test_an_entry_says_what_the_contract_says(ask: Callable[..., Any], add: Callable[..., Study]) -> None:
    study = add("ROE^RICHARD", "PID7", study_date=date(2026, 3, 4), modalities="CT\\PT", segmentation_progress=0.25)
    study.refresh_from_db()
    assert ask() == {
        "count": 1,
        "is_count_exact": True,
        "has_next": False,
        "page": 1,
        "page_size": 50,
        "results": [
            {
                "study_id": str(study.pk),
                "patient": {
                    "id": str(study.patient.pk),
                    "patient_id": "PID7",
                    "patient_name": "ROE^RICHARD",
                    "patient_birth_date": "1961-05-17",
                    "patient_sex": "F",
                    "is_synthetic": False,
                },
                "study_date": "2026-03-04",
                "study_time": "09:30:00",
                "study_description": "MR brain",
                "modalities": ["CT", "PT"],
                "series_count": 0,
                "instance_count": 0,
                "received_at": study.received_at.isoformat().replace("+00:00", "Z"),
                "teams": ["Neuro-oncology"],
                "segmentation_state": "none",
                "segmentation_progress": 0.25,
                "segmentation_count": 0,
                "runs": [],
            }
        ],
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("doe", {"DOE^JANE", "DOE^JOHN"}),
        ("jan", {"DOE^JANE"}),
        ("DOE JAN", {"DOE^JANE"}),
        ("doe^jane", {"DOE^JANE"}),
        ("oe", set()),
        ("muller", {"MÜLLER^ÄNNE"}),
        ("Müller", {"MÜLLER^ÄNNE"}),
        ("PID0000042", {"DOE^JOHN"}),
        ("pid00000", {"DOE^JOHN"}),
        ("acc77", {"MÜLLER^ÄNNE"}),
        ("spine", {"MÜLLER^ÄNNE"}),
        ("brain jo", {"DOE^JOHN"}),
        ("山田", {"山田^太郎"}),
        ("100%", set()),
        ("d_e", set()),
        ("   ", {"DOE^JANE", "DOE^JOHN", "MÜLLER^ÄNNE", "山田^太郎"}),
        ("'; DROP TABLE studies_study; --", set()),
    ],
)
def test_search_finds_beginnings_of_words(
    search: str, found: set[str], ask: Callable[..., Any], add: Callable[..., Study]
) -> None:
    add("DOE^JANE", "A1")
    add("DOE^JOHN", "PID0000042")
    add("MÜLLER^ÄNNE", "A3", accession_number="ACC77", study_description="MR spine")
    add("山田^太郎", "A4", study_description="CT")
    page = ask(search=search)
    assert set(names(page)) == found
    assert page["count"] == len(found)


def test_filters_narrow_and_add_up(ask: Callable[..., Any], add: Callable[..., Study]) -> None:
    add("A", modalities="CT", study_date=date(2026, 1, 1), segmentation_state=SegmentationState.FAILED)
    add("B", modalities="CT\\SEG", study_date=date(2026, 2, 1))
    add("C", modalities="MR", study_date=date(2026, 3, 1), segmentation_state=SegmentationState.FAILED)
    add("D", modalities="XCT", study_date=None)
    add("E", modalities="MR\\CT\\SEG", study_date=date(2025, 1, 1))
    add("F", modalities="SEG\\CT", study_date=date(2024, 1, 1))
    assert names(ask(modality="CT")) == ["B", "A", "E", "F"]
    assert names(ask(state="failed")) == ["C", "A"]
    assert names(ask(date_from="2026-01-15")) == ["C", "B"]
    assert names(ask(date_to="2026-01-15")) == ["A", "E", "F"]
    assert names(ask(date_from="2026-01-01", date_to="2026-02-01", modality="CT", state="failed")) == ["A"]
    assert names(ask()) == ["C", "B", "A", "E", "F", "D"]  # the undated last
    assert ask(modality="CT", state="none", page_size=1)["count"] == 3


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("study_date", ["NULL", "ADAM", "ZOE", "EVE"]),
        ("-study_date", ["EVE", "ZOE", "ADAM", "NULL"]),
        ("patient_name", ["ADAM", "EVE", "NULL", "ZOE"]),
        ("-patient_name", ["ZOE", "NULL", "EVE", "ADAM"]),
        ("received_at", ["ZOE", "ADAM", "EVE", "NULL"]),
        ("-received_at", ["NULL", "EVE", "ADAM", "ZOE"]),
        ("study_description", ["EVE", "ADAM", "NULL", "ZOE"]),
        ("-segmentation_state", ["EVE", "ZOE", "ADAM", "NULL"]),
    ],
)
@pytest.mark.parametrize("counted_up_to", [0, 1000])
def test_the_database_sorts(
    counted_up_to: int,
    ordering: str,
    expected: list[str],
    ask: Callable[..., Any],
    add: Callable[..., Study],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("studies.selectors.worklist.COUNTED_UP_TO", counted_up_to)
    states = SegmentationState
    add("ZOE", study_date=date(2026, 2, 1), study_description="d", segmentation_state=states.RUNNING)
    add("ADAM", study_date=date(2026, 1, 1), study_description="b", segmentation_state=states.QUEUED)
    add("EVE", study_date=date(2026, 3, 1), study_description="a", segmentation_state=states.SEGMENTED)
    add("NULL", study_date=None, study_description="c", segmentation_state=states.NONE)
    assert names(ask(ordering=ordering)) == expected


@pytest.mark.parametrize("counted_up_to", [0, 1000])
def test_pages_hold_every_study_once(
    counted_up_to: int, ask: Callable[..., Any], add: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.selectors.worklist.COUNTED_UP_TO", counted_up_to)
    made = {str(add("SAME").pk) for _ in range(7)}
    pages = [ask(page=page, page_size=3, search="same", ordering="patient_name") for page in (1, 2, 3, 4)]
    assert [len(page["results"]) for page in pages] == [3, 3, 1, 0]
    assert [page["has_next"] for page in pages] == [True, True, False, False]
    counts = [(page["count"], page["is_count_exact"]) for page in pages]
    assert counts == [(7, True)] * 4 if counted_up_to else [(3, False), (6, False), (7, True), (0, False)]
    shown = [entry["study_id"] for page in pages for entry in page["results"]]
    assert len(shown) == 7
    assert set(shown) == made


def test_other_teams_studies_are_neither_shown_nor_counted(
    ask: Callable[..., Any], add: Callable[..., Study], team: Team
) -> None:
    other = TeamFactory.create(name="Thoracic")
    add("MINE")
    add("THEIRS", home=other)
    shared = add("SHARED", home=other)
    shared.patient.teams.add(team)
    both = add("BOTH")
    both.patient.teams.add(team, other)  # the home team named once more changes nothing
    page = ask(ordering="patient_name")
    assert (names(page), page["count"]) == (["BOTH", "MINE", "SHARED"], 3)
    assert {tuple(entry["teams"]) for entry in page["results"]} == {("Neuro-oncology",)}
    assert names(ask(team=str(team.pk), ordering="patient_name")) == ["BOTH", "MINE", "SHARED"]
    assert ask(search="theirs") == {
        "count": 0,
        "is_count_exact": True,
        "has_next": False,
        "page": 1,
        "page_size": 50,
        "results": [],
    }


def test_a_filter_on_another_team_finds_what_both_may_see(
    ask: Callable[..., Any], add: Callable[..., Study], team: Team
) -> None:
    other = TeamFactory.create()
    add("THEIRS", home=other)
    add("SHARED", home=other).patient.teams.add(team)
    assert names(ask(team=str(other.pk))) == ["SHARED"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"ordering": "patient__home_team"},
        {"state": "done"},
        {"page": "0"},
        {"page": "x"},
        {"page_size": "201"},
        {"team": "nobody"},
        {"date_from": "yesterday"},
    ],
)
def test_a_question_that_makes_no_sense_names_the_parameter(
    parameters: dict[str, str], reader: User, client: Client
) -> None:
    client.force_login(reader)
    answer = client.get("/api/worklist", parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "input.invalid")
    assert list(answer.json()["fields"]) == list(parameters)


def test_the_number_of_queries_does_not_grow_with_the_page(
    ask: Callable[..., Any], add: Callable[..., Study], django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        SeriesFactory.create(study=add())
    ask()  # notes the activity, now and then
    with django_assert_max_num_queries(12) as few:
        ask(page_size=2)
    with django_assert_max_num_queries(12) as many:
        ask(page_size=12)
    assert len(many) == len(few)
