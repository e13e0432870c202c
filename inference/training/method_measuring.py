"""A classical method measured as a network is: every case, figures over all, pictures of the worst, and its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.evaluation.baselines import BASELINE_WORDS
from inference.evaluation.cases import LeftOut, OutlinedCase
from inference.evaluation.fitted_baselines import FITTED_BASELINES, choose_baseline
from inference.evaluation.footprint import describe_load, measure_footprint, name_processor
from inference.evaluation.report import Summary, summarise_scores
from inference.evaluation.run import CaseScore, evaluate_case, match_segments
from inference.evaluation.shipped import write_shipped
from inference.model_origin import DRAWN
from inference.model_spec import ModelSpec
from inference.registry import get_model, validate_parameters
from inference.training.measuring import score_cases
from inference.training.method_sets import MethodSet, OtherSetting
from inference.training.outlined import Part, load_set

_HEADINGS = (
    *("setting", "segment", "mean Dice (95 % interval)", "median", "below 0.5", "baseline"),
    *("lesions found", "false per case"),
)


@dataclass(frozen=True, slots=True)
class _Cases:
    reported: Sequence[OutlinedCase]
    others: Sequence[OutlinedCase]
    left_out: Sequence[LeftOut]
    facts: dict[str, object]


def measure_method(
    method_set: MethodSet, folder: Path, on_case: Callable[[CaseScore], None], *, data: Path | None
) -> list[CaseScore]:
    """Run a method over its cases and write what ships: table, figures, pictures, and the notes of its card.

    Parameters
    ----------
    folder
        Where a folder of the method's name is made.
    data
        Where the training sets lie, for methods that are measured on one.

    Raises
    ------
    inference.training.outlined.TrainingDataMissingError
        Where its set is not there.
    """
    spec = get_model(method_set.name)
    cases = _gather_cases(method_set, data)
    baseline = choose_baseline(method_set.baseline, cases.others)
    scores, worst = score_cases(cases.reported, spec, baseline, on_case)
    footprint = measure_footprint(max(cases.reported, key=lambda case: case.image.voxels.size), spec)
    settings = [(each, _try_setting(each, cases.reported, spec)) for each in method_set.settings]
    facts = cases.facts | {
        "command": f"manage.py measure_method {spec.name}" + ("" if method_set.draw else " --data FOLDER"),
        "machine": f"{name_processor()}, 1 thread{describe_load()}",
        "run_shape": list(footprint.shape),
        "run_seconds": round(footprint.seconds, 2),
        "run_peak_bytes": footprint.peak_bytes,
    }
    write_shipped(folder, spec, scores, worst, cases.left_out, baseline=method_set.baseline, training=facts)
    notes = _write_notes(method_set, spec, facts, summarise_scores(scores), settings)
    (folder / f"{spec.name}.md").write_text(notes, encoding="utf-8")
    return scores


def _gather_cases(method_set: MethodSet, data: Path | None) -> _Cases:
    outlined = method_set.outlined
    if outlined is None:
        reported = method_set.draw_cases()
        tuning = method_set.draw_cases(is_tuning=True) if method_set.baseline in FITTED_BASELINES else []
        facts: dict[str, object] = {
            "set": DRAWN, "licence": "MIT", "seed": method_set.seed, "cases": {"validate": len(reported)}
        }  # fmt: skip
        return _Cases(reported, tuning, (), facts)
    loaded = load_set(outlined, data)
    facts = {
        "set": outlined.file,
        "licence": outlined.licence,
        "citation": outlined.citation,
        "cases": {Part.VALIDATE.value: len(loaded.cases[Part.VALIDATE])},
    }
    return _Cases(loaded.cases[Part.VALIDATE], loaded.cases[Part.TRAIN], loaded.left_out, facts)


def _try_setting(setting: OtherSetting, cases: Sequence[OutlinedCase], spec: ModelSpec) -> list[CaseScore]:
    scores: list[CaseScore] = []
    for case in cases:
        parameters = validate_parameters(spec, setting.parameters, case.image.geometry.shape)
        segments = match_segments(spec, case.truth)
        scores += evaluate_case(case, spec, segments, parameters=parameters, baseline=None).scores
    return scores


def _write_notes(
    method_set: MethodSet,
    spec: ModelSpec,
    facts: dict[str, Any],
    summaries: Sequence[Summary],
    settings: Sequence[tuple[OtherSetting, Sequence[CaseScore]]],
) -> str:
    count = facts["cases"]["validate"]
    source = (
        f"{count} drawn images from seed {facts['seed']}: no patient's image."
        if method_set.outlined is None
        else f"{count} cases of {facts['set']} ({facts['licence']}) that decided nothing. {facts['citation']}."
    )
    rows = [("as it comes", summaries)]
    rows += [(setting.words, summarise_scores(scores)) for setting, scores in settings]
    lines = [
        "## How its values were chosen",
        "",
        method_set.chosen,
        "",
        "## Measured",
        "",
        f"{source} Every case is in `{spec.name}/cases.csv`; `{facts['command']}` measures again.",
        "",
        f"Baseline: {BASELINE_WORDS[method_set.baseline]}.",
        "",
        f"| {' | '.join(_HEADINGS)} |",
        "|---" * len(_HEADINGS) + "|",
        *(_describe(words, summary) for words, theirs in rows for summary in theirs),
        "",
        f"One run on {' x '.join(map(str, facts['run_shape']))} voxels: {facts['run_seconds']:.1f} s, at most "
        f"{facts['run_peak_bytes'] / 2**20:.0f} MiB in all ({facts['machine']}).",
        "",
        "## Real images",
        "",
        *(f"- {observation}" for observation in method_set.observations),
    ]
    return "\n".join(lines) + "\n"


def _describe(words: str, summary: Summary) -> str:
    dice, simple = summary.model["dice"], summary.baseline.get("dice")
    cells = (
        words,
        summary.segment_label,
        "none outlined" if dice is None else f"{dice.mean:.3f} ({dice.low:.3f} to {dice.high:.3f})",
        "" if dice is None else f"{dice.median:.3f}",
        str(summary.below_half),
        "" if simple is None else f"{simple.mean:.3f}",
        f"{summary.lesions_found} of {summary.lesions}",
        f"{summary.lesions_false / summary.cases:.1f}",
    )
    return f"| {' | '.join(cells)} |"
