"""What was measured of a model that ships, network or classical method. Imports neither torch nor Django.

`manage.py train` writes it for networks, `manage.py measure_method` for methods, both below `inference/weights`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.model_spec import ModelSpec
from inference.pipeline.manifest import WEIGHTS_FOLDER

CASES_FILE = "cases.csv"
EVALUATION_FILE = "evaluation.json"
HTML_FILE = "evaluation.html"
GATE_FILE = "gate.json"


def name_picture(number: int) -> str:
    """Return the file of the picture of the number-th worst case, from 1."""
    return f"worst-{number}.webp"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Figures over cases that decided nothing.

    Attributes
    ----------
    content
        As `inference.evaluation.shipped.write_shipped` wrote it: "summaries", "worst", "training", "baseline".
    folder
        Where the table of cases and the pictures lie.
    """

    content: dict[str, Any]
    folder: Path

    def find_picture(self, number: int) -> Path | None:
        """Return the picture of a bad case, None where there is none of that number."""
        path = self.folder / name_picture(number)
        return path if 1 <= number <= len(self.content.get("worst", [])) and path.is_file() else None


def read_evidence(spec: ModelSpec) -> Evidence | None:
    """Return what was measured of a model that ships; None where nothing was or its file is damaged."""
    if spec.folder is not None:
        return None
    folder = WEIGHTS_FOLDER / spec.name
    try:
        content = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Evidence(content, folder) if isinstance(content, dict) else None


def has_beaten_baseline(evidence: Evidence) -> bool:
    """Tell whether every segment's mean Dice lies above the baseline's, the low end of its 95 % interval included."""
    measured = [
        (summary["model"]["dice"], (summary["baseline"] or {}).get("dice")) for summary in evidence.content["summaries"]
    ]
    compared = [(dice, simple) for dice, simple in measured if dice is not None and simple is not None]
    return bool(compared) and all(dice["low"] > simple["mean"] for dice, simple in compared)


def read_gate_trials(spec: ModelSpec) -> dict[str, Any] | None:
    """Return what the quality gate of a model that ships did with good and spoiled images; None where none was tried.

    As `inference.training.gate_testing.describe_trials` wrote it, by the weights that ship.
    """
    if spec.folder is not None or spec.gate is None:
        return None
    try:
        content = json.loads((WEIGHTS_FOLDER / spec.name / GATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def tell_evidence(evidence: Evidence) -> str:
    """Return a sentence for each segment: how many cases, mean Dice with its interval, and the baseline's."""
    return " ".join(_tell_summary(summary, evidence.content["baseline"]) for summary in evidence.content["summaries"])


def _tell_summary(summary: dict[str, Any], baseline: str) -> str:
    dice, simple = summary["model"]["dice"], (summary["baseline"] or {}).get("dice")
    if dice is None:
        return f"{summary['segment_label']}: outlined in none of {summary['cases']} cases."
    beside = f"; {baseline} {simple['mean']:.3f}" if simple else ""
    return (
        f"{summary['segment_label']}: mean Dice {dice['mean']:.3f} (95 % interval {dice['low']:.3f} to "
        f"{dice['high']:.3f}), median {dice['median']:.3f}, {dice['count']} cases{beside}; "
        f"below 0.5 in {summary['below_half']}."
    )
