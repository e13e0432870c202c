"""A network that learnt from outlines, held against the part of its set that decided nothing."""

from __future__ import annotations

import multiprocessing
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inference.evaluation.cases import OutlinedCase
from inference.evaluation.fitted_baselines import choose_baseline
from inference.evaluation.report import find_worst
from inference.evaluation.run import CaseScore, Evaluated, evaluate_case, match_segments
from inference.evaluation.shipped import write_shipped
from inference.model_spec import ModelSpec
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one run costs in a process of its own.

    Attributes
    ----------
    seconds
        From the image in memory to the label map, the network being loaded before.
    peak_bytes
        Of the whole process, Python and torch included.
    shape
        (slices, rows, columns) of the image.
    """

    seconds: float
    peak_bytes: int
    shape: tuple[int, int, int]


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
    scores: list[CaseScore] = []
    worst: list[Evaluated] = []
    cases = loaded.cases[Part.VALIDATE]
    baseline = choose_baseline(recipe.baseline, loaded.cases[Part.TRAIN])
    for case in cases:
        found = evaluate_case(case, here, match_segments(here, case.truth), parameters={}, baseline=baseline)
        scores += found.scores
        worst = find_worst([*worst, found])
        for score in found.scores:
            on_case(score)
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


def measure_footprint(case: OutlinedCase, spec: ModelSpec) -> Footprint:
    """Run one case twice in a process of its own; the second run, with the network warm, is timed."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run_twice, (case, spec))


def _run_twice(case: OutlinedCase, spec: ModelSpec) -> Footprint:
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        evaluate_case(case, spec, {}, parameters={}, baseline=None)
        seconds = time.perf_counter() - began
    # Linux counts in KiB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return Footprint(seconds, peak, case.image.geometry.shape)


def describe_machine() -> str:
    """Return processor, threads and torch's version in a line."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return f"{processor}, {torch.get_num_threads()} threads, torch {torch.__version__}"
