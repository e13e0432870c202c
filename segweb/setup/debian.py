"""Programs the tests use that are no Python packages: Chromium, PostgreSQL, DICOM checkers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from segweb.setup.steps import run_logged, say, step

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Return the path of an installed Chromium or Chrome."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def find_postgres() -> Path | None:
    """Return the folder of the newest installed PostgreSQL server binaries."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    return found[-1].parent if found else None


def ensure_programs(*, postgresql: bool) -> None:
    """Install what is missing through apt where that is allowed; say loudly what stays missing."""
    wanted = [] if find_browser() else ["chromium"]
    if not shutil.which("dciodvfy"):
        wanted.append("dicom3tools")
    if postgresql and not find_postgres():
        wanted.append("postgresql")
    if not wanted:
        return
    prefix = _apt_prefix()
    if prefix is None:
        say(f"  NOT INSTALLED: {', '.join(wanted)}. What needs them is skipped. Install them to run every test.")
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Installing {', '.join(wanted)} (Debian packages)"):
        advice = f"apt could not install {', '.join(wanted)}. Install them yourself and run it again."
        run_logged([*prefix, "apt-get", "update"], hint=advice, env=env)
        run_logged([*prefix, "apt-get", "install", "-y", "--no-install-recommends", *wanted], hint=advice, env=env)


def _apt_prefix() -> list[str] | None:
    """Return what to put before apt-get, or None where it is not there or not allowed."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    allowed = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None
