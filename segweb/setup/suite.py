"""The test suite as stages, each reported by name."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from segweb.setup.debian import ensure_programs, find_browser
from segweb.setup.environment import VENV, ensure_environment
from segweb.setup.frontend import FRONTEND, ensure_frontend
from segweb.setup.postgres import temporary_postgres
from segweb.setup.steps import ROOT, say

BIN = VENV / "bin"


@dataclass(frozen=True)
class Stage:
    """One command of the suite."""

    title: str
    command: Sequence[str]
    env: Mapping[str, str]
    folder: str = "."

    def run(self) -> tuple[str, float, int]:
        """Run it with its output on the terminal; return its title, seconds and exit status."""
        say(f"\n== {self.title}")
        started = time.monotonic()
        code = subprocess.run(self.command, env=dict(self.env), cwd=ROOT / self.folder, check=False).returncode
        return self.title, time.monotonic() - started, code


def fast_checks(env: Mapping[str, str]) -> list[Stage]:
    """Format, lint, types, contracts of both languages."""
    return [
        Stage("format (ruff)", [f"{BIN}/ruff", "format", "--check", "--quiet", "."], env),
        Stage("lint (ruff)", [f"{BIN}/ruff", "check", "--quiet", "."], env),
        Stage("import contracts", [f"{BIN}/lint-imports"], env),
        Stage("types (mypy)", [f"{BIN}/mypy"], env),
        Stage("front end: types, lint, format", ["npm", "run", "--silent", "check"], env, FRONTEND.name),
    ]


def run_tests(databases: Sequence[str]) -> int:
    """Run the checks once, then the Python tests and journeys on each database."""
    ensure_environment(development=True)
    ensure_programs(postgresql="postgresql" in databases)
    env = ensure_frontend()
    done = [stage.run() for stage in fast_checks(env)]
    done.append(Stage("front end: unit tests", ["npm", "test", "--silent"], env, FRONTEND.name).run())
    if not find_browser():
        say("\n!! NO BROWSER FOUND: the browser journeys are SKIPPED. Install chromium to run them.")
    for database in databases:
        with ExitStack() as stack:
            on = dict(env)
            if database == "postgresql":
                on["SEGWEB_DATABASE_URL"] = stack.enter_context(temporary_postgres())
            pytest = [f"{BIN}/python", "-m", "pytest", "-q"]
            parallel = ["-n", str(min(os.cpu_count() or 1, 8)), "--dist", "loadfile", "-m", "not journey"]
            done.append(run_twice(f"Python tests ({database})", pytest, parallel, on))
            done.append(run_twice(f"browser journeys ({database})", pytest, ["-m", "journey"], on))
    return report(done)


def run_twice(title: str, pytest: list[str], options: list[str], env: Mapping[str, str]) -> tuple[str, float, int]:
    """Run tests; those that fail run once more, alone and in order, and only then count as failed.

    Many tests wait for processes: beside each other on a busy machine one may run out of time that has nothing wrong.
    What needed its second run is said, so that nobody gets used to it.
    """
    first = Stage(title, [*pytest, *options], env).run()
    if first[2] != 1:  # 0: passed; 2 and above: pytest itself was stopped or misused
        return first
    say(f"\n!! {title}: the failures above run once more, alone.")
    marks = options[options.index("-m") :]
    again = Stage(
        f"{title}, needed a second run", [*pytest, "--last-failed", "--last-failed-no-failures=none", *marks], env
    ).run()
    return again[0], first[1] + again[1], again[2]


def report(done: Sequence[tuple[str, float, int]]) -> int:
    """Print one line a stage and return 1 if any failed."""
    say("\nSummary")
    for title, seconds, code in done:
        say(f"  {'ok    ' if code == 0 else 'FAILED'} {title} ({seconds:.0f} s)")
    failed = sum(code != 0 for _, _, code in done)
    say(f"{len(done) - failed} passed, {failed} failed")
    return 1 if failed else 0
