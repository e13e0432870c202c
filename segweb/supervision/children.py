"""Child processes that never outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
QUICK_DEATH_S = 10.0
MOST_QUICK_DEATHS = 5


@dataclass(frozen=True)
class ChildSpec:
    """A program the supervisor keeps alive.

    Attributes
    ----------
    name
        Names its log file.
    command
        Program and arguments.
    stop_within_s
        Time for an orderly end before it is killed.
    env
        Variables of its own, beside those that all children get.
    """

    name: str
    command: Sequence[str]
    stop_within_s: float = 5.0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Child:
    """A running child and how often it died young."""

    spec: ChildSpec
    process: subprocess.Popen[bytes]
    log: Path
    started: float = field(default_factory=time.monotonic)
    quick_deaths: int = 0


def start_child(spec: ChildSpec, *, folder: Path, log: Path, env: Mapping[str, str]) -> Child:
    """Start a program in a session of its own (Ctrl-C reaches the supervisor alone) with its output in `log`."""
    parent = os.getpid()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            spec.command,
            cwd=folder,
            env={**env, **spec.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: die_with(parent),
        )
    return Child(spec, process, log)


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when `parent` ends, however it ends (Linux; elsewhere nothing)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended between fork and the line above
        os.kill(os.getpid(), signal.SIGKILL)


def stop_children(children: Sequence[Child]) -> None:
    """Ask every child to end, wait as long as its spec allows, kill what is left."""
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    for child in children:
        remaining = max(0.1, child.spec.stop_within_s - (time.monotonic() - begun))
        try:
            child.process.wait(remaining)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a log, indented."""
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-count:])
