"""Steps of the set-up, as the person at the terminal sees them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / ".data" / "log" / "setup.log"
LAST_LINES = 15


class SetupError(Exception):
    """Something a person has to put right; the message says what and how."""


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show a step while it runs: seconds ticking on a terminal, a start and an end line elsewhere."""
    started = time.monotonic()
    done = threading.Event()
    is_terminal = sys.stdout.isatty()

    def tick() -> None:
        while not done.wait(0.5):
            print(f"\r  {title} ... {time.monotonic() - started:.0f} s", end="", flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    if is_terminal:
        ticker.start()
    else:
        say(f"  {title} ...")
    try:
        yield
    except BaseException:
        done.set()
        say(f"\r  {title}: failed")
        raise
    done.set()
    say(f"\r  {title}: {time.monotonic() - started:.1f} s" + " " * 8)


def run_logged(
    command: Sequence[str | Path], *, hint: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> None:
    """Run a command with its output in the set-up log; on failure say `hint` and show the last lines."""
    ensure_folder(LOG.parent)
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(str(part) for part in command)}\n".encode())
        log.flush()
        try:
            code = subprocess.run(
                [str(part) for part in command], stdout=log, stderr=subprocess.STDOUT, env=env, cwd=cwd, check=False
            ).returncode
        except FileNotFoundError as error:
            raise SetupError(f"{hint} ({error})") from error
    if code != 0:
        tail = LOG.read_text(errors="replace").splitlines()[-LAST_LINES:]
        raise SetupError(f"{hint}\n\nThe last lines of {LOG}:\n" + "\n".join(f"    {line}" for line in tail))


def ensure_folder(folder: Path) -> None:
    """Create a folder, or say why that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be written ({error.strerror}). Make it writable, "
            "or choose another folder with SEGWEB_DATA_DIR=/path make run."
        ) from error
    if not os.access(folder, os.W_OK):
        raise SetupError(
            f"{folder} cannot be written (permission denied). Make it writable, "
            "or choose another folder with SEGWEB_DATA_DIR=/path make run."
        )
