"""From disk to archive: how many instances a second are read, stored, synced and recorded."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from pydicom.dataset import Dataset

from segweb.setup.postgres import temporary_postgres
from studies.dicom.wrap import encode_object
from studies.models import Instance, Series, Team
from studies.services.ingest_folder import import_path

DESCRIPTION = "instances per second from disk to archive, on both databases"
DATABASES = ("sqlite", "postgresql")
SIDE = 512
_CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
_ROOT = "2.25.196430578130127"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the size, the number of runs and the databases."""
    parser.add_argument("--instances", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--here", type=Path, default=None, help=argparse.SUPPRESS)  # in the child: this very database


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure each run on a fresh, temporary database and store; nothing of the installation is touched."""
    if options.here is not None:
        return _measure(options.here)
    chosen = DATABASES if options.database == "both" else (options.database,)
    with tempfile.TemporaryDirectory(prefix="segweb-bench-") as folder:
        source = Path(folder) / "source"
        size_bytes = write_series(source, options.instances)
        figures = {name: _measure_on(name, source, options.runs) for name in chosen}
    return {
        "instances": options.instances,
        "rows": SIDE,
        "columns": SIDE,
        "size_bytes": size_bytes,
        "runs": options.runs,
        "databases": figures,
    }


def write_series(folder: Path, count: int) -> int:
    """Write a CT series of noise, which no layer can shortcut; return its size in bytes."""
    folder.mkdir(parents=True)
    generator, total = np.random.default_rng(1), 0
    for k in range(count):
        content = encode_object(_slice(k, generator.integers(-1000, 1000, (SIDE, SIDE)).astype("<i2")))
        (folder / f"{k:05}.dcm").write_bytes(content)
        total += len(content)
    return total


def _slice(k: int, pixels: np.ndarray) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = _CT_IMAGE_STORAGE, f"{_ROOT}.3.{k + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{_ROOT}.1", f"{_ROOT}.2"
    dataset.FrameOfReferenceUID = f"{_ROOT}.4"
    dataset.PatientName, dataset.PatientID = "Bench^Ingest", "BENCH-INGEST"
    dataset.QualityControlSubject = "YES"
    dataset.Modality, dataset.StudyDate, dataset.SeriesNumber = "CT", "20260101", 1
    dataset.InstanceNumber = k + 1
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-179.6, -179.6, k * 1.25]
    dataset.PixelSpacing, dataset.SliceThickness = [0.703, 0.703], 1.25
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.add_new("PixelData", "OW", pixels.tobytes())
    return dataset


def _measure_on(name: str, source: Path, runs: int) -> dict[str, object]:
    figures = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="segweb-bench-") as folder, _database_url(name, Path(folder)) as url:
            env = {**os.environ, "SEGWEB_DATABASE_URL": url, "SEGWEB_DATA_DIR": folder}
            _manage(env, "migrate", "--no-input", "-v", "0")
            figures.append(json.loads(_manage(env, "bench", "ingest", "--here", str(source))))
    rates = [figure["instances_per_s"] for figure in figures]
    return {
        "server": figures[0]["server"],
        "instances_per_s_median": statistics.median(rates),
        "instances_per_s_runs": rates,
        "resent_per_s_median": statistics.median(figure["resent_per_s"] for figure in figures),
        "verdict": figures[0]["verdict"],
    }


@contextmanager
def _database_url(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    with temporary_postgres() as url:
        yield url


def _manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode != 0:
        raise CommandError(f"manage.py {' '.join(arguments)} failed: {done.stderr[-2000:]}")
    return done.stdout


def _measure(source: Path) -> dict[str, object]:
    """Import the series into this database twice: all new, then all known."""
    team = Team.objects.create(name="Bench")
    first_s, again_s = _import(team, source), _import(team, source)
    count = Instance.objects.count()
    return {
        "server": connection.vendor,
        "instances_per_s": round(count / first_s, 1),
        "resent_per_s": round(count / again_s, 1),
        "verdict": Series.objects.get().geometry_verdict,
    }


def _import(team: Team, source: Path) -> float:
    started = time.perf_counter()
    import_path(team, source, on_recorded=lambda receptions: None)
    return time.perf_counter() - started
