"""A device is held by one task at a time: a worker that could share it does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from segweb.celery import find_worker_problem

ROOT = Path(__file__).resolve().parents[2]
SOLO = "celery.concurrency.solo.TaskPool"


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"pool": "celery.concurrency.prefork.TaskPool", "concurrency": 1, "prefetch_multiplier": 1}, "--pool solo"),
        ({"pool": SOLO, "concurrency": 2, "prefetch_multiplier": 1}, "--concurrency 1"),
        ({"pool": SOLO, "concurrency": 1, "prefetch_multiplier": 4}, "--prefetch-multiplier 1"),
        ({"pool": SOLO, "concurrency": 1, "prefetch_multiplier": 1, "device_count": 2}, "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_a_worker_that_could_share_a_device_is_told_what_to_change(options: dict, remedy: str) -> None:
    problem = find_worker_problem(**options)
    assert problem is not None
    assert remedy in problem


def test_a_worker_of_its_own_is_let_through() -> None:
    assert find_worker_problem(pool=SOLO, concurrency=1, prefetch_multiplier=1) is None
    assert find_worker_problem(pool=SOLO, concurrency=1, prefetch_multiplier=1, device_count=1) is None


def test_the_worker_itself_refuses_to_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "celery", "-A", "segweb", "worker", "--queues", "cpu,gpu", "--concurrency", "2"]
    env = {**os.environ, "SEGWEB_ENVIRONMENT": "development", "SEGWEB_DATA_DIR": str(tmp_path)}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "Start it with --pool solo" in done.stdout + done.stderr


def test_whoever_enqueues_learns_at_once_that_the_broker_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waited.append)
    app = Celery(broker=f"redis+socket://{tmp_path / 'nobody.sock'}", set_as_current=False)
    app.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    with pytest.raises(OperationalError):
        app.signature("anything.at_all").apply_async(retry=False)
    assert waited == []
