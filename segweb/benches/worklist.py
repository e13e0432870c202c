"""The worklist at the size of a hospital: how long a page takes, by what is asked, on SQLite and on PostgreSQL."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client

from segweb.setup.postgres import temporary_postgres
from studies.models import Patient, SegmentationState, Study, StudyWord, Team, TeamMembership, User
from studies.services.statistics import refresh_statistics
from studies.services.words import words_of

DESCRIPTION = "p50 and p95 of a worklist page among 100,000 studies, on both databases"
DATABASES = ("sqlite", "postgresql")
TARGET_P95_MS = 100.0
TEAMS, TEAMS_OF_READER = 10, 8
STUDIES_PER_PATIENT = 3
ONE_IN_SHARED = 50
BATCH = 2000
NEWEST = date(2026, 11, 1)
CONSONANTS, VOWELS = "BDFGHKLMNPRSTV", "AEIOU"
DESCRIPTIONS = (
    *("MR brain with contrast", "MR brain follow-up", "CT chest", "CT chest with contrast", "CT abdomen"),
    *("Chest X-ray two views", "Ultrasound abdomen", "PET CT whole body", "MR spine", "CT head trauma"),
)
MODALITIES = ("MR", "MR", "CT", "CT", "CT", "DX", "US", "CT\\PT", "MR", "CT")


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of request; `parameters` may hold a callable that draws a value."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request took: on the clock, and in this process alone, which other load leaves nearly as it is."""

    wall_ms: float
    cpu_ms: float
    found: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the size and the databases."""
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=30, help="requests of each kind")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in the child: this very database


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure on fresh, temporary databases; nothing of the installation is touched."""
    if options.here:
        return _measure(options.studies, options.rounds)
    chosen = DATABASES if options.database == "both" else (options.database,)
    figures = {name: _measure_on(name, options) for name in chosen}
    return {"target_p95_ms": TARGET_P95_MS, "databases": figures}


def _measure_on(name: str, options: argparse.Namespace) -> dict[str, object]:
    quiet = contextlib.redirect_stdout(sys.stderr)  # figures alone go to standard output
    with quiet, tempfile.TemporaryDirectory(prefix="segweb-bench-") as folder, _database_url(name, Path(folder)) as url:
        env = {**os.environ, "SEGWEB_DATABASE_URL": url, "SEGWEB_DATA_DIR": folder}
        _manage(env, "migrate", "--no-input", "-v", "0")
        size = ("--studies", str(options.studies), "--rounds", str(options.rounds))
        answer: dict[str, object] = json.loads(_manage(env, "bench", "worklist", "--here", *size))
        return {
            key: answer[key]
            for key in ("server", "studies", "seeding_s", "n", "p50_ms", "p95_ms", "slowest_ms", "cpu_p50_ms", "asked")
        }


@contextlib.contextmanager
def _database_url(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    with temporary_postgres() as url:
        yield url


def _manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        raise CommandError(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _measure(study_count: int, rounds: int) -> dict[str, object]:
    draw = random.Random(7)
    started = time.perf_counter()
    reader = _seed(study_count, draw)
    seeding_s = time.perf_counter() - started
    client = Client()
    client.force_login(reader)
    questions = _questions(draw)
    for question in questions:  # the first request of a kind compiles it
        _ask(client, question)
    taken: dict[str, list[Answer]] = {question.name: [] for question in questions}
    for _ in range(rounds):
        for question in draw.sample(questions, len(questions)):
            taken[question.name].append(_ask(client, question))
    everything = [answer for answers in taken.values() for answer in answers]
    return {
        "server": f"{connection.vendor} {'.'.join(str(part) for part in connection.get_database_version())}",
        "studies": Study.objects.count(),
        "seeding_s": round(seeding_s, 1),
        **_spread(everything),
        "asked": {name: {**_spread(answers), "found": answers[-1].found} for name, answers in taken.items()},
    }


def _spread(answers: list[Answer]) -> dict[str, float]:
    times = [answer.wall_ms for answer in answers]
    return {
        "n": len(times),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20, method="inclusive")[-1], 1),
        "slowest_ms": round(max(times), 1),
        "cpu_p50_ms": round(statistics.median(answer.cpu_ms for answer in answers), 1),
    }


def _ask(client: Client, question: Question) -> Answer:
    """Send one request through the whole application."""
    drawn = {name: value() if callable(value) else value for name, value in question.parameters.items()}
    started, worked = time.perf_counter(), time.process_time()
    response = client.get("/api/worklist", drawn, headers={"Host": settings.ALLOWED_HOSTS[0]})
    wall_ms, cpu_ms = (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000
    if response.status_code != 200:
        raise CommandError(f"{question.name} {drawn}: {response.status_code} {response.content[:300]!r}")
    answer = response.json()
    return Answer(wall_ms, cpu_ms, f"{'' if answer['is_count_exact'] else 'more than '}{answer['count']}")


def _questions(draw: random.Random) -> list[Question]:
    teams = list(Team.objects.filter(members__username="reader"))

    def family() -> str:
        return _word(draw, 2).lower()

    return [
        Question("opened", {}),
        Question("second_page", {"page": 2}),
        Question("far_page", {"page": lambda: draw.randrange(50, 200)}),
        Question("family_name", {"search": family}),
        Question("beginning_of_a_name", {"search": lambda: family()[:3]}),
        Question("one_letter", {"search": lambda: draw.choice(CONSONANTS).lower()}),
        Question("family_and_given_name", {"search": lambda: f"{family()} {_word(draw, 2)[:2]}"}),
        Question("patient_id", {"search": lambda: f"PID{draw.randrange(20_000):07d}"}),
        Question("accession_number", {"search": lambda: f"acc{draw.randrange(60_000):08d}"}),
        Question("common_word", {"search": "brain"}),
        Question("two_common_words", {"search": "ct chest"}),
        Question("modality", {"modality": "CT"}),
        Question("rare_modality", {"modality": "US"}),
        Question("state", {"state": "failed"}),
        Question("one_year", {"date_from": "2024-01-01", "date_to": "2024-12-31"}),
        Question("by_patient", {"ordering": "patient_name"}),
        Question("by_arrival", {"ordering": "-received_at"}),
        Question("by_description", {"ordering": "study_description"}),
        Question("by_state", {"ordering": "-segmentation_state"}),
        Question("one_team", {"team": lambda: str(draw.choice(teams).pk)}),
        Question("common_word_in_a_rare_state", {"search": "ct", "state": "failed"}),
        Question("absent_modality", {"modality": "XA"}),
        Question("everything_at_once", {"search": "ct", "modality": "CT", "state": "none", "ordering": "patient_name"}),
    ]


def _word(draw: random.Random, syllables: int) -> str:
    return "".join(draw.choice(CONSONANTS) + draw.choice(VOWELS) for _ in range(syllables))


def _seed(study_count: int, draw: random.Random) -> User:
    """Fill an empty database and return a reader who sees most of it."""
    if Study.objects.exists():
        raise CommandError("The bench fills an empty database of its own; this one holds studies.")
    teams = [Team.objects.create(name=f"Team {number}") for number in range(TEAMS)]
    reader = User.objects.create_user("reader")
    TeamMembership.objects.bulk_create(TeamMembership(team=team, user=reader) for team in teams[:TEAMS_OF_READER])
    serial = 0
    for start in range(0, study_count, BATCH):
        with transaction.atomic():
            size = min(BATCH, study_count - start)
            patients = _seed_patients(-(-size // STUDIES_PER_PATIENT), teams, draw, serial)
            serial += len(patients)
            _seed_studies(size, patients, draw, start)
    _refresh_statistics()
    return reader


def _refresh_statistics() -> None:
    """Do now what the caretaker, or PostgreSQL's autovacuum, does in time."""
    refresh_statistics()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _seed_patients(count: int, teams: list[Team], draw: random.Random, serial: int) -> list[Patient]:
    patients = [
        Patient(
            home_team=draw.choice(teams),
            patient_id=f"PID{serial + number:07d}",
            patient_name=f"{_word(draw, 3)}^{_word(draw, 2)}",
            patient_birth_date=date(1930, 1, 1) + timedelta(days=draw.randrange(30_000)),
            patient_sex=draw.choice("MF"),
        )
        for number in range(count)
    ]
    Patient.objects.bulk_create(patients)
    links = Patient.teams.through
    shared = draw.sample(patients, len(patients) // ONE_IN_SHARED)
    links.objects.bulk_create(
        (links(patient_id=patient.pk, team_id=draw.choice(teams).pk) for patient in shared), ignore_conflicts=True
    )
    return patients


def _seed_studies(count: int, patients: list[Patient], draw: random.Random, start: int) -> None:
    studies = [_make_study(patients[number % len(patients)], draw, start + number) for number in range(count)]
    Study.objects.bulk_create(studies)
    StudyWord.objects.bulk_create(
        (StudyWord(study=study, word=word) for study in studies for word in sorted(set(words_of(study)))),
        batch_size=BATCH,
    )


def _make_study(patient: Patient, draw: random.Random, number: int) -> Study:
    kind = draw.randrange(len(DESCRIPTIONS))
    return Study(
        patient=patient,
        home_team_id=patient.home_team_id,
        study_instance_uid=f"2.25.{number + 1}",
        study_date=NEWEST - timedelta(days=draw.randrange(3650)),
        study_time=time_of_day(draw.randrange(24), draw.randrange(60)),
        study_description=DESCRIPTIONS[kind],
        accession_number=f"ACC{number:08d}",
        modalities=MODALITIES[kind],
        series_count=draw.randrange(1, 9),
        instance_count=draw.randrange(1, 900),
        segmentation_state=draw.choices(SegmentationState.values, weights=(80, 1, 1, 16, 2))[0],
    )
