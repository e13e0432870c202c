"""A patient's course at its largest: how long the page's answer takes, and one act on one lesion, on SQLite."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.utils import timezone

from inference.training.synthetic.dicom_files import write_dicom
from inference.training.synthetic.dicom_series import Examination, SyntheticSeries
from segweb.supervision.children import start_child, stop_children
from segweb.supervision.stack import valkey_spec, wait_for_socket
from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import (
    AlgorithmType,
    Lesion,
    LesionObservation,
    Patient,
    RegistrationState,
    Segmentation,
    Series,
    SeriesRegistration,
    Team,
    User,
)
from studies.services.ingest_folder import import_path
from studies.services.lesion_matching import match_lesions
from studies.services.registrations import ALGORITHM_VERSION
from studies.services.segmentations import create_segmentation
from studies.services.teams import add_member, ensure_team
from studies.services.timepoints import follow_study
from studies.services.volumes import describe_grid

DESCRIPTION = "p50 and p95 of a patient's course of 50 lesions on 8 dates, and of an act on it"
TARGETS = {"tracking_p50_ms": 300.0, "confirm_p50_ms": 500.0}
SPACING_MM = (2.5, 1.5, 1.5)
GRID = (5, 4, 3)
"""How many lesions fit along columns, rows and slices."""
PITCH = (20, 24, 10)
"""Voxels from one to the next, the same order."""
UNMARKED_ONE_IN = 10
FIRST_DATE = date(2025, 1, 6)
DAYS_BETWEEN = 56
_CT_OFFSET = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the size of the course."""
    parser.add_argument("--lesions", type=int, default=50, help=f"at most {int(np.prod(GRID))}")
    parser.add_argument("--dates", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20, help="requests of each kind")
    parser.add_argument("--here", type=Path, default=None, help=argparse.SUPPRESS)  # in the child: this very database


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure on a database, an archive and a broker of its own; nothing of the installation is touched."""
    if options.here is not None:
        return _measure(options)
    if options.lesions > int(np.prod(GRID)):
        raise CommandError(f"There is room for {int(np.prod(GRID))} lesions.")
    with tempfile.TemporaryDirectory(prefix="segweb-bench-") as text, _broker(Path(text)) as broker_url:
        env = {
            **os.environ,
            "SEGWEB_DATA_DIR": text,
            "SEGWEB_DATABASE_URL": f"sqlite:///{text}/bench.sqlite3",
            "SEGWEB_BROKER_URL": broker_url,
        }
        _manage(env, "migrate", "--no-input", "-v", "0")
        size = [f"--{name}={getattr(options, name)}" for name in ("lesions", "dates", "rounds")]
        answer = json.loads(_manage(env, "bench", "course", "--here", text, *size))
    return {"targets": TARGETS, **{key: answer[key] for key in ("server", "course", "seeding_s", "asked")}}


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """Start Valkey: an act enqueues, and tells browsers."""
    path = folder / "valkey.sock"
    child = start_child(valkey_spec(path, folder), folder=settings.BASE_DIR, log=folder / "valkey.log", env=os.environ)
    try:
        wait_for_socket(path, child)
        yield f"redis+socket://{path}"
    finally:
        stop_children([child])


def _manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        raise CommandError(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _measure(options: argparse.Namespace) -> dict[str, object]:
    started = time.perf_counter()
    patient, reader = _seed(options.here / "source", options.lesions, options.dates)
    seeding_s = time.perf_counter() - started
    client = Client(headers={"Host": settings.ALLOWED_HOSTS[0]})
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/api/patients/{patient.pk}"
    criterion = "?criterion=RECIST_1_1"
    open_ones = iter(LesionObservation.objects.filter(lesion__patient=patient, confirmed_by=None).order_by("?"))

    def confirm() -> Any:
        return client.post(f"/api/observations/{next(open_ones).pk}/confirm", {}, "application/json")

    asked: dict[str, Callable[[], Any]] = {
        "tracking": lambda: client.get(f"{address}/tracking"),
        "assessment": lambda: client.get(f"{address}/assessment{criterion}"),
        "confirm": confirm,
    }
    for ask in asked.values():  # the first request of a kind compiles it
        _ask(ask)
    taken = {name: [_ask(ask) for _ in range(options.rounds)] for name, ask in asked.items()}
    return {
        "server": f"{connection.vendor} {'.'.join(str(part) for part in connection.get_database_version())}",
        "course": _describe(patient),
        "seeding_s": round(seeding_s, 1),
        "asked": {name: _spread(answers) for name, answers in taken.items()},
    }


def _ask(ask: Callable[[], Any]) -> tuple[float, float, int]:
    """Send one request through the whole application; return wall ms, this process' ms and the answer's bytes."""
    started, worked = time.perf_counter(), time.process_time()
    response = ask()
    wall_ms, cpu_ms = (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000
    if response.status_code != 200:
        raise CommandError(f"{response.status_code} {response.content[:300]!r}")
    return wall_ms, cpu_ms, len(response.content)


def _spread(answers: list[tuple[float, float, int]]) -> dict[str, float]:
    wall_ms, cpu_ms, size_bytes = zip(*answers, strict=True)
    return {
        "n": len(answers),
        "p50_ms": round(statistics.median(wall_ms), 1),
        "p95_ms": round(statistics.quantiles(wall_ms, n=20, method="inclusive")[-1], 1),
        "slowest_ms": round(max(wall_ms), 1),
        "cpu_p50_ms": round(statistics.median(cpu_ms), 1),
        "answer_bytes": size_bytes[-1],
    }


def _describe(patient: Patient) -> dict[str, int]:
    return {
        "dates": patient.studies.filter(timepoint__isnull=False).count(),
        "lesions": Lesion.objects.filter(patient=patient).count(),
        "observations": LesionObservation.objects.filter(lesion__patient=patient).count(),
        "measured": LesionObservation.objects.filter(lesion__patient=patient, state="measured").count(),
    }


def _seed(source: Path, lesion_count: int, date_count: int) -> tuple[Patient, User]:
    """Take in, mark and follow every date; they lie over each other by definition, so nothing is registered."""
    team = ensure_team("Bench")
    reader = User.objects.create_user("reader", role="clinician")
    add_member(team, user=reader, actor="bench")
    followed = [_take_in(team, source / str(place), place, lesion_count) for place in range(date_count)]
    for prior, current in combinations([each.series for each in followed], 2):
        _lay_over(prior, current)
    for segmentation in followed:
        follow_study(segmentation.series.study, segmentation=segmentation, by=reader)
    patient = followed[0].series.study.patient
    match_lesions(patient.pk)
    return patient, reader


def _take_in(team: Team, folder: Path, place: int, lesion_count: int) -> Segmentation:
    voxels = _paint(lesion_count, place)
    when = FIRST_DATE + timedelta(days=DAYS_BETWEEN * place)
    examination = Examination("BENCH-01", "BENCH^COURSE", f"{when:%Y%m%d}", "090000", "CT chest", place + 1)
    stored = np.where(voxels > 0, _CT_OFFSET + 60, _CT_OFFSET - 800).astype(np.uint16)
    made = SyntheticSeries(
        examination,
        number=1,
        description="Chest",
        modality="CT",
        body_part="CHEST",
        pixels=stored,
        mark=_CT_OFFSET,
        geometry=VolumeGeometry(voxels.shape, SPACING_MM, (0.0, 0.0, 0.0), (0, 0, 1, 0, 1, 0, 1, 0, 0)),
        window=(40, 400),
        rescale_intercept=-_CT_OFFSET,
    )
    folder.mkdir(parents=True)
    write_dicom(made, folder)
    import_path(team, folder, on_recorded=lambda _recorded: None)
    series = Series.objects.get(series_instance_uid=made.series_instance_uid)
    revision = create_segmentation(
        series,
        name="Lesions",
        label_map=LabelMap(voxels, describe_grid(series), (SegmentDescription(1, "Lesion"),)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=None,
    )
    return revision.segmentation


def _paint(lesion_count: int, place: int) -> npt.NDArray[np.uint8]:
    """Return balls on a lattice, each growing or shrinking from date to date, and some not marked on some dates."""
    columns, rows, slices = (count * pitch for count, pitch in zip(GRID, PITCH, strict=True))
    voxels = np.zeros((slices, rows, columns), np.uint8)
    index = np.indices(voxels.shape).astype(np.float32) * np.reshape(SPACING_MM, (3, 1, 1, 1)).astype(np.float32)
    lattice = [(k, j, i) for k in range(GRID[2]) for j in range(GRID[1]) for i in range(GRID[0])]
    for number, cell in enumerate(lattice[:lesion_count]):
        if place and (number + 3 * place) % UNMARKED_ONE_IN == 0:
            continue
        centre_mm = (np.array(cell) + 0.5) * np.array(PITCH[::-1]) * np.array(SPACING_MM)
        radius_mm = (6.0 + number % 4) * (1.0 + 0.03 * place * (1 if number % 2 else -1))
        voxels[((index - np.reshape(centre_mm, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius_mm**2] = 1
    return voxels


def _lay_over(prior: Series, current: Series) -> None:
    SeriesRegistration.objects.create(
        prior_series=prior,
        current_series=current,
        prior_contents_digest=prior.contents_digest,
        current_contents_digest=current.contents_digest,
        algorithm_version=ALGORITHM_VERSION,
        state=RegistrationState.DONE,
        residual_mm=0.0,
        overlap=1.0,
        confidence=1.0,
        finished_at=timezone.now(),
    )
