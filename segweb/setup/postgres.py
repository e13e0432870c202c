"""A PostgreSQL server of the tests' own: own folder, own unix socket, gone when the tests end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segweb.setup.debian import find_postgres
from segweb.setup.steps import SetupError, step


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Start a server and yield its database URL; stop it and remove its folder at the end."""
    binaries = find_postgres()
    if binaries is None:
        raise SetupError("PostgreSQL is not installed. On Debian or Ubuntu: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="segweb-pg-"))
    as_owner = _as_unprivileged(folder)
    control = [*as_owner, str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-w", "-t", "60"]
    try:
        with step("Starting PostgreSQL"):
            _run(
                [
                    *as_owner,
                    str(binaries / "initdb"),
                    "-D",
                    str(folder / "data"),
                    "-A",
                    "trust",
                    "-U",
                    "segweb",
                    "-E",
                    "UTF8",
                ]
            )
            # no TCP at all: the socket in our own folder is the only door
            options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
            _run([*control, "-l", str(folder / "server.log"), "-o", options, "start"])
            _run([*as_owner, str(binaries / "createdb"), "-h", str(folder), "-U", "segweb", "segweb"])
        yield f"postgresql://segweb@/segweb?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _as_unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand the folder to an unprivileged user and run as that user."""
    if os.geteuid() != 0:
        return []
    name = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
    shutil.chown(folder, name)
    return ["runuser", "-u", name, "--"]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        raise SetupError(f"PostgreSQL does not start: {done.stderr.strip() or done.stdout.strip()}")
