"""What was measured, in words: the part of a network's card that training writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.calibration import LEAST_CASES, LEVEL
from inference.evaluation.baselines import BASELINE_WORDS
from inference.evidence import CASES_FILE, EVALUATION_FILE
from inference.training.evaluation import CaseResult, summarise
from inference.training.recipes import Recipe


def write_card(recipe: Recipe, synthetic: Sequence[CaseResult], real: Sequence[CaseResult], *, cpu_s: float) -> str:
    """Return Markdown for a network's card: making, measurements on synthetic and real cases, and what was seen."""
    outlined = [result for result in synthetic if result.dice is not None]
    healthy = [result for result in synthetic if result.dice is None]
    lines = [
        "## How it was made",
        "",
        f"`manage.py train {recipe.spec.name}`: {recipe.steps} steps on synthetic images from seed {recipe.seed}, "
        f"{cpu_s / 60:.0f} CPU minutes. No patient's image was used in training or in choosing anything.",
        "",
        "## Measured on synthetic cases it was not trained on",
        "",
        "Median Dice (lowest to highest):",
        "",
        f"- this network: {summarise([result.dice for result in outlined])}",
        f"- one threshold for all: {summarise([result.threshold_dice for result in outlined])}",
        f"- region growing from one click: {summarise([result.click_dice for result in outlined])}",
    ]
    if healthy:
        lines += [
            "",
            f"In {len(healthy)} cases without a lesion it marked "
            f"{', '.join(f'{result.found_ml:.1f}' for result in healthy)} mL.",
        ]
    lines += ["", "## Real cases", ""]
    lines += [_describe_real(result) for result in real]
    lines += [f"- {observation}" for observation in recipe.observations]
    if not real and not recipe.observations:
        lines.append("- None measured.")
    return "\n".join(lines) + "\n"


def write_outlined_card(recipe: Recipe, folder: Path) -> str:
    """Return Markdown for the card of a network that learnt from outlines, from what was measured into a folder."""
    content = json.loads((folder / EVALUATION_FILE).read_text(encoding="utf-8"))
    training, cases = content["training"], content["training"]["cases"]
    lines = [
        "## How it was made",
        "",
        f"`manage.py train {recipe.spec.name} --data FOLDER`: {training['steps']} steps of "
        f"{training['windows_per_step']} windows from seed {training['seed']}, "
        f"{training['cpu_s'] / 60:.0f} CPU minutes ({training['machine']}).",
        "",
        f"Learnt from {cases['train']} cases of {training['set']} ({training['licence']}). {training['citation']}.",
        "",
        "## Measured on cases that decided nothing",
        "",
        f"{cases['validate']} cases of people or look-alike groups that are in no other part; every case is in "
        f"`{recipe.spec.name}/{CASES_FILE}`. Baseline: {_tell_baseline(content['baseline'])}.",
        "",
        "| | cases | mean Dice (95 % interval) | median | surface Dice | HD95 | baseline | below 0.5 |",
        "|---|---|---|---|---|---|---|---|",
        *(_describe_summary(summary) for summary in content["summaries"]),
        "",
        f"One run on {' x '.join(map(str, training['run_shape']))} voxels: {training['run_seconds']:.1f} s, at most "
        f"{training['run_peak_bytes'] / 2**20:.0f} MiB in all.",
        "",
        *_describe_calibration(content.get("calibration")),
        "## Other images",
        "",
        *(f"- {observation}" for observation in recipe.observations or ("None looked at.",)),
    ]
    return "\n".join(lines) + "\n"


def _describe_calibration(judged: dict[str, Any] | None) -> list[str]:
    if judged is None:
        return []
    lines = [
        "## How sure it is",
        "",
        f"Temperature {judged['temperature']:.2f}, fitted on {judged['fitted_on']} cases. Expected calibration "
        f"error of the label chosen, about what is outlined or found, on the {judged['judged_on']} reported cases: "
        f"{judged['before']['error']:.3f} before, {judged['after']['error']:.3f} after.",
        "",
    ]
    for interval in judged["intervals"]:
        if interval["judged_on"]:
            lines.append(
                f"- {interval['segment_label']}: {interval['within']} of {interval['judged_on']} outlined volumes lie "
                f"in their {LEVEL:.0%} interval, whose median width is {interval['median_width']:.0%} of the volume. "
                f"Margins from {interval['fitted_on']} cases of {interval['people']} people or look-alike groups"
                f"{_tell_learnt(interval['fitted_on'] > judged['fitted_on'])}."
            )
        else:
            lines.append(
                f"- {interval['segment_label']}: no interval for volumes: too few people, at least "
                f"{LEAST_CASES} are needed."
            )
    return [*lines, ""]


def _tell_learnt(is_learnt_from: bool) -> str:
    return ", those it learnt from among them" if is_learnt_from else ""


def _tell_baseline(name: str) -> str:
    return BASELINE_WORDS.get(name, name)


def _describe_summary(summary: dict[str, Any]) -> str:
    model, simple = summary["model"], summary["baseline"].get("dice")
    dice, surface, distance = model["dice"], model["surface_dice"], model["hd95"]
    if dice is None:
        return f"| {summary['segment_label']} | {summary['cases']} | none outlined | | | | | |"
    cells = (
        summary["segment_label"],
        str(dice["count"]),
        f"{dice['mean']:.3f} ({dice['low']:.3f} to {dice['high']:.3f})",
        f"{dice['median']:.3f}",
        f"{surface['mean']:.3f}",
        "" if distance is None else f"{distance['mean']:.1f}",
        "" if simple is None else f"{simple['mean']:.3f}",
        str(summary["below_half"]),
    )
    return f"| {' | '.join(cells)} |"


def _describe_real(result: CaseResult) -> str:
    found = f"- {result.name}: marked {result.found_ml:.1f} mL, outlined {result.truth_ml:.1f} mL"
    if result.dice is None:
        return f"{found} (nothing to find: whatever is marked is wrong)."
    return (
        f"{found}; Dice {result.dice:.2f}, one threshold {result.threshold_dice or 0:.2f}, "
        f"region growing from one click {result.click_dice or 0:.2f}."
    )
