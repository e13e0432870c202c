"""Which backend runs the networks fastest on this machine: found once, before the first start."""

from __future__ import annotations

import os
from pathlib import Path

from segweb.setup.environment import PYTHON
from segweb.setup.steps import ROOT, SetupError, run_logged, say, step

HINT = "The networks run all the same, slower. Try again later: .venv/bin/python manage.py check_backends"


def ensure_backends() -> None:
    """Check the networks' backends where no check was made yet; a failure costs speed, never the start."""
    records = Path(os.environ.get("SEGWEB_DATA_DIR") or ROOT / ".data") / "backends"
    if records.is_dir() and any(records.iterdir()):
        return
    try:
        with step("Finding the fastest way to run the networks on this machine"):
            run_logged([PYTHON, "manage.py", "check_backends"], hint=HINT)
    except SetupError as error:
        say(f"  {error}")
