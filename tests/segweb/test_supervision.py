"""The embedded stack: refuses clearly, leaves no orphan, starts clean after a kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from segweb.supervision import stack
from segweb.supervision.children import ChildSpec
from segweb.supervision.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEP = "import time; time.sleep(60)"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """`manage.py up` in a process of its own, as `make run` starts it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SEGWEB_", "DJANGO_"))}
        self.env = clean | {"SEGWEB_DATA_DIR": str(data_dir)}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def wait(self, timeout_s: float = 180.0) -> float:
        begun = time.monotonic()
        while not stack.is_healthy(self.port):
            assert self.process is not None
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() - begun < timeout_s
            time.sleep(0.1)
        return time.monotonic() - begun

    def descendants(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data")
    yield running
    if running.process and running.process.poll() is None:
        running.process.terminate()
        try:
            running.process.wait(20)
        except subprocess.TimeoutExpired:
            running.process.kill()


def wait_until_gone(processes: list[psutil.Process], timeout_s: float = 10.0) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=timeout_s)[1]


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_start_is_clean(up: Up) -> None:
    up.start()
    up.wait()
    first = up.descendants()
    assert {"valkey", "uvicorn", "celery"} <= {
        name for name in ("valkey", "uvicorn", "celery") for p in first if name in " ".join(p.cmdline())
    }
    assert up.process is not None
    up.process.send_signal(signal.SIGKILL)
    up.process.wait(10)
    assert wait_until_gone(first) == []

    up.start()
    up.wait()
    second = up.descendants()
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/healthz", timeout=5) as answer:
        assert answer.status == 200
    up.process.send_signal(signal.SIGINT)
    said = up.process.communicate(timeout=20)[0]
    assert "SegWeb has stopped." in said
    assert wait_until_gone(second) == []


def test_a_taken_port_is_one_clear_sentence(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        up.start()
        assert up.process is not None
        said = up.process.communicate(timeout=30)[0]
    assert f"Port {up.port} is taken by another program." in said
    assert f"make run PORT={up.port + 1}" in said
    assert "Traceback" not in said
    assert up.process.returncode == 1


def test_a_data_folder_that_cannot_be_made_is_one_clear_sentence(up: Up) -> None:
    up.data_dir.write_text("a file where the folder should be")
    up.start()
    assert up.process is not None
    said = up.process.communicate(timeout=30)[0]
    assert "cannot be written" in said
    assert "SEGWEB_DATA_DIR" in said
    assert "Traceback" not in said


def test_one_data_folder_carries_one_stack(tmp_path: Path) -> None:
    lock = stack.take_lock(tmp_path)
    stack.write_lock(lock, "process 1, http://127.0.0.1:8000")
    with pytest.raises(stack.StartError, match="already runs on this data folder: process 1"):
        stack.take_lock(tmp_path)
    lock.close()
    stack.take_lock(tmp_path).close()


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor(root=ROOT, data_dir=tmp_path)
    first = supervisor.start(ChildSpec("sleeper", [sys.executable, "-c", SLEEP]))
    try:
        first.process.kill()
        first.process.wait(5)
        supervisor.revive_dead()
        assert supervisor.children[0].process.pid != first.process.pid
        assert supervisor.children[0].process.poll() is None
    finally:
        supervisor.stop()


def test_a_child_that_keeps_dying_ends_the_stack_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(root=ROOT, data_dir=tmp_path)
    supervisor.is_stopping.wait = lambda timeout=None: False  # type: ignore[method-assign] # no need to wait here
    supervisor.start(ChildSpec("broken", [sys.executable, "-c", "raise SystemExit('no such luck')"]))

    def revive_until_refused() -> None:
        for _ in range(20):
            supervisor.children[0].process.wait(10)
            supervisor.revive_dead()

    with pytest.raises(stack.StartError, match="no such luck"):
        revive_until_refused()
    supervisor.stop()
