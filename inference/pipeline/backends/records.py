"""What the check of a network's backends found on this machine, kept between runs. Knows no torch."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

logger = logging.getLogger(__name__)

LOWEST_DICE = 0.999
"""Per class, of labels by a candidate against labels by the reference."""
LARGEST_ERROR = 0.01
"""Of a score, as a share of the reference's standard deviation: holds where a sample shows too little of a class."""


class Backend(StrEnum):
    """Who computes."""

    TORCH = "torch"
    OPENVINO = "openvino"
    ONNX_RUNTIME = "onnx_runtime"
    BLOCKS = "blocks"
    """`inference.pipeline.dilated_blocks`: torch's dense convolutions in place of dilated ones."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backend at a precision, as the backend names it."""

    backend: Backend
    precision: str

    def __str__(self) -> str:
        return f"{self.backend}:{self.precision}"


@dataclass(frozen=True, slots=True)
class BackendCheck:
    """What became of a candidate.

    Attributes
    ----------
    candidate
        What was tried.
    seconds
        Median time of one window; None where it did not run.
    lowest_dice
        Of the classes that the reference marked on the sample; None where it did not run.
    largest_error
        Of a score, as a share of the reference's standard deviation; None where it did not run.
    problem
        Why it did not run, or empty.
    """

    candidate: Candidate
    seconds: float | None = None
    lowest_dice: float | None = None
    largest_error: float | None = None
    problem: str = ""

    @property
    def has_passed(self) -> bool:
        """Tell whether it gives the reference's answer."""
        if self.lowest_dice is None or self.largest_error is None:
            return False
        return self.lowest_dice >= LOWEST_DICE and self.largest_error <= LARGEST_ERROR


def pick_backend(checks: tuple[BackendCheck, ...]) -> Candidate:
    """Return the fastest candidate that passed; of those within a tenth of it the first, which is the most exact."""
    passed = [(check.seconds, check.candidate) for check in checks if check.has_passed and check.seconds is not None]
    fastest_s = min(seconds for seconds, _ in passed)
    return next(candidate for seconds, candidate in passed if seconds <= 1.1 * fastest_s)


_state: dict[str, Path] = {}


def use_records_folder(folder: Path) -> None:
    """Keep what checks find in a folder, which the project's start-up names; without one all run as reference."""
    _state["folder"] = folder


def write_record(weights_sha256: str, machine: str, checks: tuple[BackendCheck, ...]) -> None:
    """Keep the outcome of a check for these weights on this machine; whole or not there at all."""
    folder = _state.get("folder")
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, weights_sha256, machine)
    content = {"weights_sha256": weights_sha256, "machine": machine, "checks": [asdict(check) for check in checks]}
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)


def read_record(weights_sha256: str, machine: str) -> tuple[BackendCheck, ...]:
    """Return what was found for these weights on this machine; nothing without a check or where its file is damaged."""
    folder = _state.get("folder")
    if folder is None:
        return ()
    try:
        content = json.loads(_path(folder, weights_sha256, machine).read_text(encoding="utf-8"))
        return tuple(_read_check(each) for each in content["checks"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError):
        logger.warning("The record of a backend check cannot be read; run manage.py check_backends.", exc_info=True)
        return ()


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """What checks found on one machine with one set of versions.

    Attributes
    ----------
    machine
        As `inference.pipeline.backends.choice.describe_machine` writes it.
    checked_at
        Seconds since 1970.
    """

    machine: str
    checked_at: float
    checks: tuple[BackendCheck, ...]

    @property
    def picked(self) -> Candidate:
        """What runs there."""
        return pick_backend(self.checks)


def list_records(weights_sha256: str) -> tuple[MachineRecord, ...]:
    """Return what was found for these weights wherever they were checked, the newest first."""
    folder = _state.get("folder")
    found = []
    for path in folder.glob("*.json") if folder is not None else ():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["weights_sha256"] == weights_sha256:
                checks = tuple(_read_check(each) for each in content["checks"])
                found.append(MachineRecord(str(content["machine"]), path.stat().st_mtime, checks))
        except (OSError, ValueError, KeyError, TypeError):  # one damaged file hides no other
            continue
    whole = [record for record in found if any(check.has_passed for check in record.checks)]
    return tuple(sorted(whole, key=lambda record: record.checked_at, reverse=True))


def _read_check(value: dict[str, object]) -> BackendCheck:
    candidate = value.pop("candidate")
    if not isinstance(candidate, dict):
        raise TypeError("A check names its candidate.")
    return BackendCheck(Candidate(Backend(candidate["backend"]), candidate["precision"]), **value)  # type: ignore[arg-type]


def _path(folder: Path, weights_sha256: str, machine: str) -> Path:
    return folder / f"{hashlib.sha256(f'{weights_sha256} {machine}'.encode()).hexdigest()[:32]}.json"
