"""What was measured, in words: the part of a network's card that training writes."""

from __future__ import annotations

from collections.abc import Sequence

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


def _describe_real(result: CaseResult) -> str:
    found = f"- {result.name}: marked {result.found_ml:.1f} mL, outlined {result.truth_ml:.1f} mL"
    if result.dice is None:
        return f"{found} (nothing to find: whatever is marked is wrong)."
    return (
        f"{found}; Dice {result.dice:.2f}, one threshold {result.threshold_dice or 0:.2f}, "
        f"region growing from one click {result.click_dice or 0:.2f}."
    )
