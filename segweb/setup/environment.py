"""The Python environment in .venv, installed from the locked requirements."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from segweb.setup.steps import ROOT, SetupError, run_logged, step

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv==0.13.9"
REQUIREMENTS = {
    False: ROOT / "segweb" / "setup" / "requirements.txt",
    True: ROOT / "segweb" / "setup" / "requirements-development.txt",
}


def ensure_environment(*, development: bool) -> None:
    """Create .venv and install the locked requirements, unless that has been done for exactly this lock."""
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            f"SegWeb needs Python 3.11; this is {sys.version.split()[0]}. Install python3.11 and python3.11-venv, "
            "then run: make run PYTHON=python3.11"
        )
    lock = REQUIREMENTS[development]
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = VENV / f".requirements-{'development' if development else 'run'}"
    complete = VENV / ".requirements-development"
    if _reads(stamp) == wanted or (
        not development and _reads(complete) == hashlib.sha256(REQUIREMENTS[True].read_bytes()).hexdigest()
    ):
        return
    if not PYTHON.exists():
        with step("Creating the Python environment (.venv)"):
            run_logged(
                [sys.executable, "-m", "venv", VENV],
                hint="Python cannot create an environment. On Debian or Ubuntu: apt-get install python3.11-venv",
            )
    with step("Installing the Python packages (the first time this takes a few minutes)"):
        _install(lock)
    stamp.write_text(wanted)


def _install(lock: Path) -> None:
    """Install with uv: seconds where pip takes minutes."""
    advice = (
        "The Python packages could not be installed. Check the network and the free disk space (3 GB), then run it "
        "again. If the lines below speak of a compiler, install one: apt-get install build-essential"
    )
    run_logged([PYTHON, "-m", "pip", "install", "--quiet", UV], hint=advice)
    command: list[str | Path] = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "-r", lock]
    if links := os.environ.get("PIP_FIND_LINKS"):
        command += ["--find-links", links]
    if index := os.environ.get("SEGWEB_TORCH_INDEX"):  # an index of CPU-only builds of torch
        command += ["--index", index, "--index-strategy", "unsafe-best-match"]
    run_logged(command, hint=advice, env=_uv_environment())


def _uv_environment() -> dict[str, str]:
    """Let uv use the package index that pip is configured for: it does not read pip's own settings."""
    env = dict(os.environ)
    if "UV_DEFAULT_INDEX" not in env:
        found = subprocess.run(
            [PYTHON, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
        )
        if found.returncode == 0 and found.stdout.strip():
            env["UV_DEFAULT_INDEX"] = found.stdout.strip()
    return env


def _reads(stamp: Path) -> str:
    return stamp.read_text() if stamp.exists() else ""
