"""The live overlay: how long a finished slab takes to a browser, what it costs the worker, who holds up whom.

Three programs besides the web server, as in life: this one starts the stack on a folder and a database of their own,
one plays the browsers (``--role viewers``), one the worker (``--role worker``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from segweb.benches.live.viewers import play_browsers
from segweb.benches.live.worker import play_worker
from segweb.setup.postgres import temporary_postgres
from segweb.supervision.children import Child, ChildSpec, start_child, stop_children
from segweb.supervision.stack import HOST, valkey_spec, wait_for_socket, web_spec

DESCRIPTION = "latency from worker to browser, cost of streaming, fifty viewers, one that stalls"
STEP_WITHIN_S = 600.0
DATABASES = ("sqlite", "postgresql")
TARGETS = {"latency_p50_ms": 5.0, "latency_p99_ms": 25.0, "streaming_share_of_run": 0.05}
"""The share counts for a network; a threshold takes less time than writing its answer down."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the number of browsers, bricks and databases."""
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--bricks", type=int, default=300)
    parser.add_argument("--every-ms", type=float, default=40.0, help="pause between slabs")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="sqlite")
    parser.add_argument("--role", choices=("viewers", "worker"), help=argparse.SUPPRESS)
    parser.add_argument("--task", help=argparse.SUPPRESS)  # JSON, for the role


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure on a stack of its own; nothing of the installation is touched."""
    if options.role == "worker":
        return {"worker": play_worker(json.loads(options.task))}
    if options.role == "viewers":
        return {"viewers": asyncio.run(play_browsers(json.loads(options.task)))}
    chosen = DATABASES if options.database == "both" else (options.database,)
    return {"targets": TARGETS, "databases": {name: _measure_on(name, options) for name in chosen}}


def _measure_on(name: str, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="segweb-live-") as text, _database_url(name, Path(text)) as url:
        folder, port = Path(text), _free_port()
        env = {
            **os.environ,
            "SEGWEB_DATA_DIR": text,
            "SEGWEB_DATABASE_URL": url,
            "SEGWEB_BROKER_URL": f"redis+socket://{folder / 'valkey.sock'}",
        }
        _finish(_manage(env, "migrate", "--no-input", "-v", "0"))
        with _stack(folder, port, env):
            paced = {"kind": "paced", "bricks": options.bricks, "every_ms": options.every_ms}
            return {
                "one_viewer": _watch(env, port, paced, viewers=1),
                "many_viewers": {"n": options.viewers, **_watch(env, port, paced, viewers=options.viewers)},
                "many_and_one_stalled": _watch(env, port, paced, viewers=options.viewers, stalled=1),
                "engine": _watch(env, port, {"kind": "engine"}, viewers=1),
            }


def _watch(env: dict[str, str], port: int, task: dict[str, Any], *, viewers: int, stalled: int = 0) -> dict[str, Any]:
    """Let browsers watch a worker; the browsers' program makes the job and starts the worker's once all are in."""
    worker = [sys.executable, str(settings.BASE_DIR / "manage.py"), "bench", "live", "--role", "worker"]
    wish = {"port": port, "viewers": viewers, "stalled": stalled, "worker": worker, "task": task}
    answer = _finish(_manage(env, "bench", "live", "--role", "viewers", "--task", json.dumps(wish)))
    figures: dict[str, Any] = json.loads(answer)["viewers"]
    return figures


@contextmanager
def _stack(folder: Path, port: int, env: dict[str, str]) -> Iterator[None]:
    children: list[Child] = []

    def start(spec: ChildSpec) -> Child:
        child = start_child(spec, folder=settings.BASE_DIR, log=folder / f"{spec.name}.log", env=env)
        children.append(child)
        return child

    try:
        path = folder / "valkey.sock"
        wait_for_socket(path, start(valkey_spec(path, folder)))
        web = start(web_spec(port))
        while not _is_answering(port):
            if web.process.poll() is not None:
                raise CommandError(f"The web server does not start:\n{web.log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        stop_children(list(reversed(children)))


@contextmanager
def _database_url(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    with temporary_postgres() as url:
        yield url


def _manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    return subprocess.run(  # noqa: S603 - this very program
        command, env=env, capture_output=True, text=True, check=False, timeout=STEP_WITHIN_S
    )


def _finish(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode != 0:
        raise CommandError(f"{' '.join(done.args)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def _is_answering(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=5):
        return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
