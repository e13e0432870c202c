"""A model that ships, held against cases that decided nothing: a network's own set, or what a method is measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from inference.evaluation.baselines import Baseline
from inference.evaluation.cases import OutlinedCase
from inference.evaluation.fitted_baselines import choose_baseline
from inference.evaluation.footprint import measure_footprint, name_processor
from inference.evaluation.report import find_worst
from inference.evaluation.run import CaseScore, Evaluated, evaluate_case, match_segments
from inference.evaluation.shipped import write_shipped
from inference.model_spec import ModelSpec
from inference.registry import validate_parameters
from inference.training.loop import trains_in_half
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe


def measure_outlined(
    recipe: Recipe,
    spec: ModelSpec,
    folder: Path,
    loaded: LoadedSet,
    on_case: Callable[[CaseScore], None],
    *,
    cpu_s: float,
) -> list[CaseScore]:
    """Run a trained network over the part that is reported and write what ships beside its weights."""
    outlined = recipe.learns_from
    if outlined is None:
        raise ValueError(f"{spec.name} learns from no set.")
    here = replace(spec, folder=folder)
    cases = loaded.cases[Part.VALIDATE]
    baseline = choose_baseline(recipe.baseline, loaded.cases[Part.TRAIN])
    scores, worst = score_cases(cases, here, baseline, on_case)
    largest = max(cases, key=lambda case: case.image.voxels.size)
    footprint = measure_footprint(largest, here)
    training = {
        "set": outlined.file,
        "licence": outlined.licence,
        "citation": outlined.citation,
        "cases": {part.value: len(theirs) for part, theirs in loaded.cases.items()},
        "groups": loaded.groups,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "windows_per_step": recipe.windows_per_step,
        "cpu_s": round(cpu_s),
        "machine": describe_machine(),
        "weights_bytes": sum((folder / file.path).stat().st_size for file in recipe.network.weights),
        "run_shape": list(footprint.shape),
        "run_seconds": round(footprint.seconds, 2),
        "run_peak_bytes": footprint.peak_bytes,
    }
    write_shipped(folder, spec, scores, worst, loaded.left_out, baseline=recipe.baseline, training=training)
    return scores


def score_cases(
    cases: Iterable[OutlinedCase], spec: ModelSpec, baseline: Baseline | None, on_case: Callable[[CaseScore], None]
) -> tuple[list[CaseScore], list[Evaluated]]:
    """Run a model as it is offered over cases; return every score, and the worst cases as they were marked."""
    scores: list[CaseScore] = []
    worst: list[Evaluated] = []
    for case in cases:
        parameters = validate_parameters(spec, {}, case.image.geometry.shape)
        segments = match_segments(spec, case.truth)
        found = evaluate_case(case, spec, segments, parameters=parameters, baseline=baseline)
        scores += found.scores
        worst = find_worst([*worst, found])
        for score in found.scores:
            on_case(score)
    return scores, worst


def describe_machine() -> str:
    """Return processor, threads, torch's version and the precision of training in a line."""
    precision = "bf16" if trains_in_half() else "f32"
    return f"{name_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {precision}"
