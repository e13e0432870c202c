"""The worklist's shortcuts find what its plain definition finds, on data and questions drawn at random."""

from __future__ import annotations

import random
from datetime import date, time, timedelta
from importlib import import_module
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection

from studies.models import SegmentationState, Study, StudyWord, Team, User
from studies.permissions import visible_patients
from studies.selectors.words import MAX_TERMS, fold_words
from studies.selectors.worklist import ORDERING_CHOICES, ORDERINGS, WorklistQuery, worklist_for
from studies.services.statistics import refresh_statistics
from studies.services.words import index_studies
from tests.factories import PatientFactory, StudyFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db

NAMES = ("ABEL^ABA", "ABER^ACA", "BAKER^ABEL", "CTRIN^MRA", "ZÇETIN^ÖMER")
DESCRIPTIONS = ("ct", "ctchest", "brain", "abdomen", "")
MODALITIES = ("CT", "MR", "CT\\PT", "CT\\SEG", "XCT", "")
FIRST_DAY = date(2025, 1, 1)
STUDIES = 50


def fill(draw: random.Random) -> User:
    """Make studies of four teams, some of their patients shared, and return who is in two of the teams."""
    teams = [TeamFactory.create() for _ in range(4)]
    patients = [
        PatientFactory.create(
            home_team=draw.choice(teams),
            patient_name=draw.choice(NAMES),
            teams=draw.sample(teams, draw.choice((0, 0, 1, 2, 4))),
        )
        for _ in range(STUDIES // 2)
    ]
    studies = [
        StudyFactory.create(
            patient=draw.choice(patients),
            study_date=draw.choice((None, FIRST_DAY + timedelta(days=draw.randrange(9)))),
            study_time=time(draw.randrange(3)),
            study_description=draw.choice(DESCRIPTIONS),
            modalities=draw.choice(MODALITIES),
            segmentation_state=draw.choice(SegmentationState.values),
        )
        for _ in range(STUDIES)
    ]
    index_studies(studies)
    return UserFactory.create(teams=draw.sample(teams, 2))  # type: ignore[no-any-return]


def ask_at_random(draw: random.Random) -> WorklistQuery:
    words = [word[: draw.randrange(1, 5)] for word in fold_words(*NAMES, *DESCRIPTIONS, "ACC", "PID")]
    some_day = FIRST_DAY + timedelta(days=draw.randrange(9))
    return WorklistQuery(
        search=" ".join(draw.choices(words, k=draw.choice((0, 0, 1, 1, 2, 3)))),
        modality=draw.choice(("", "", "CT", "PT", "SEG", "XA")),
        team=draw.choice((None, None, draw.choice(list(Team.objects.values_list("pk", flat=True))))),
        state=draw.choice((None, None, SegmentationState.FAILED, SegmentationState.NONE)),
        date_from=draw.choice((None, None, date.min, some_day)),
        date_to=draw.choice((None, None, some_day + timedelta(days=3))),
        ordering=draw.choice(ORDERING_CHOICES),
        page=draw.choice((1, 1, 2, 3, 9)),
        page_size=draw.choice((1, 3, 7, 200)),
    )


def is_asked_for(study: Study, query: WorklistQuery) -> bool:
    patient = study.patient
    said = (study.study_description, study.accession_number, study.study_id, study.modalities)
    words = fold_words(patient.patient_name, patient.patient_id, *said)
    begins = fold_words(query.search)[:MAX_TERMS]
    return (
        all(any(word.startswith(begin) for word in words) for begin in begins)
        and (not query.modality or query.modality in study.modalities.split("\\"))
        and (not query.team or query.team in {patient.home_team_id, *patient.teams.values_list("pk", flat=True)})
        and (not query.state or study.segmentation_state == query.state)
        and (not query.date_from or (study.study_date or date.min) >= query.date_from)
        and (not query.date_to or (study.study_date is not None and study.study_date <= query.date_to))
    )


def place(study: Study, ordering: str) -> tuple[object, ...]:
    values = {"patient__patient_name": study.patient.patient_name}
    columns = ORDERINGS[ordering.removeprefix("-")]
    return (*(values.get(column) or getattr(study, column) for column in columns), study.pk)


def expected(user: User, query: WorklistQuery) -> list[UUID]:
    """Look at every study in turn."""
    seen = set(visible_patients(user).values_list("pk", flat=True))
    found = [
        study
        for study in Study.objects.select_related("patient")
        if study.patient_id in seen and is_asked_for(study, query)
    ]
    found.sort(key=lambda study: place(study, query.ordering), reverse=query.ordering.startswith("-"))
    return [study.pk for study in found]


@pytest.mark.parametrize("counted_up_to", [0, 4, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_every_page_is_what_looking_at_each_study_finds(
    seed: int, counted_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.selectors.worklist.COUNTED_UP_TO", counted_up_to)
    monkeypatch.setattr("studies.selectors.worklist._JUDGED_UP_TO", 8)
    draw = random.Random(seed)
    user = fill(draw)
    if seed % 2:
        refresh_statistics()
    for _ in range(40):
        query = ask_at_random(draw)
        everything = expected(user, query)
        start, stop = (query.page - 1) * query.page_size, query.page * query.page_size
        page = worklist_for(user, query)
        assert [study.pk for study in page.results] == everything[start:stop], query
        assert page.has_next == (len(everything) > stop), query
        assert page.count == len(everything) if page.is_count_exact else page.count < len(everything), query
        assert page.is_count_exact or len(everything) > counted_up_to, query


def test_many_words_of_a_study_that_begin_alike_count_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.selectors.worklist.COUNTED_UP_TO", 2)
    patient = PatientFactory.create(patient_name="", patient_id="X1")
    studies = StudyFactory.create_batch(2, patient=patient, study_description=" ".join(f"a{n}" for n in range(15)))
    index_studies(studies)
    page = worklist_for(UserFactory.create(teams=[patient.home_team]), WorklistQuery(search="a"))
    assert (page.count, page.is_count_exact, len(page.results)) == (2, True, 2)


def test_studies_from_before_get_their_modality_words_once() -> None:
    study = StudyFactory.create(modalities="CT\\PT")
    StudyFactory.create(modalities="")
    add_words = import_module("studies.migrations.0005_modality_words").add_words
    add_words(apps, None)
    add_words(apps, None)
    assert sorted(StudyWord.objects.values_list("study", "word")) == [(study.pk, "=CT"), (study.pk, "=PT")]


def test_the_database_knows_how_rare_words_are() -> None:
    index_studies(StudyFactory.create_batch(3))
    refresh_statistics()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'studies_studyword'")
            statistics = dict(cursor.fetchall())
        assert statistics["study_of_word"].split()[0] == str(StudyWord.objects.count())
