"""Tell a container's health check whether its main program still runs: `python -m segweb.setup.process_alive NAME`."""

from __future__ import annotations

import sys
from pathlib import Path

STOPPED = {"Z", "X", "T"}


def is_alive(name: str, proc: Path = Path("/proc")) -> bool:
    """Return whether a process whose command line names `name` runs, this one left out."""
    for entry in proc.glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            continue  # it ended while we looked
        if name.encode() in words and b"segweb.setup.process_alive" not in words and state not in STOPPED:
            return True
    return False


if __name__ == "__main__":
    sys.exit(0 if is_alive(sys.argv[1]) else 1)
