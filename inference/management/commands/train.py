"""`manage.py train NAME`: make a network of the project again, from its recipe, and measure it. Needs no database."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from inference.model_spec import ModelSpec
from inference.network_spec import WeightsFile
from inference.pipeline.manifest import WEIGHTS_FOLDER, read_manifest, write_manifest
from studies.errors import DomainError
from studies.label_maps.nifti import read_nifti, read_volume_nifti

if TYPE_CHECKING:
    from inference.evaluation.run import CaseScore
    from inference.training.evaluation import CaseResult
    from inference.training.loop import TrainingStep
    from inference.training.outlined import LoadedSet
    from inference.training.recipes import Recipe


class Command(BaseCommand):
    """Train, evaluate, and write weights, manifest and card."""

    help = "Train a network from its recipe (deterministic, resumable) and write weights, manifest and card."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="a recipe; a wrong name lists them")
        parser.add_argument("--output", type=Path, default=WEIGHTS_FOLDER, help="folder to write to")
        parser.add_argument("--checkpoint", type=Path, help="file to resume from (default: beside the output)")
        parser.add_argument("--data", type=Path, help="folder with the training sets, for recipes that learn from one")
        parser.add_argument("--steps", type=int, help="other than the recipe's: another network comes out")
        parser.add_argument("--cases", type=int, default=12, help="synthetic cases to evaluate on")
        parser.add_argument(
            "--real",
            nargs=3,
            action="append",
            default=[],
            metavar=("NAME", "IMAGE", "OUTLINE"),
            help="also measure on this NIfTI image and its outline (any segment counts)",
        )

    def handle(self, *, name: str, **options: Any) -> None:
        # torch takes seconds to import: a wrong option is told at once
        from inference.pipeline.weights import encode_weights
        from inference.training import catalogue, loop
        from inference.training.outlined import load_set

        recipe = catalogue.RECIPES.get(name)
        if recipe is None:
            known = ", ".join(sorted(catalogue.RECIPES))
            raise CommandError(f"There is no recipe {name!r}. Choose one of: {known}.", returncode=2)
        if options["steps"] is not None:
            recipe = replace(recipe, steps=options["steps"])
        folder: Path = options["output"]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            checkpoint = options["checkpoint"] or folder / f".{name}.checkpoint"
            loaded = None if recipe.learns_from is None else load_set(recipe.learns_from, options["data"])
            self._show_set(loaded)
            trained = loop.train(recipe, checkpoint, self._show, loaded=loaded)
        except DomainError as error:
            raise CommandError(f"{error.message} [{error.code}]", returncode=2) from error
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        weights = encode_weights(trained.network)
        path = folder / recipe.network.weights[0].path
        path.write_bytes(weights)
        digest = hashlib.sha256(weights).hexdigest()
        spec = replace(recipe.spec, network=replace(recipe.network, weights=(WeightsFile(path.name, digest),)))
        if loaded is None:
            self._measure_drawn(recipe, spec, options, trained.cpu_s)
        else:
            self._measure_outlined(recipe, spec, folder, loaded, trained.cpu_s)
        self.stdout.write(f"{name}: {len(weights) / 1e6:.1f} MB, SHA-256 {digest}")

    def _measure_outlined(self, recipe: Recipe, spec: ModelSpec, folder: Path, loaded: LoadedSet, cpu_s: float) -> None:
        from inference.training import measuring
        from inference.training.calibrate import calibrate_shipped

        # the manifest comes first: the footprint is measured by a process that reads nothing but files
        write_manifest(folder / f"{spec.name}.json", spec, provenance={"seed": recipe.seed, "steps": recipe.steps})
        measuring.measure_outlined(recipe, spec, folder, loaded, self._show_score, cpu_s=cpu_s)
        calibrate_shipped(recipe, spec, folder, loaded, lambda: None)
        self._fit_gate(recipe, folder, loaded)

    def _measure_drawn(self, recipe: Recipe, spec: ModelSpec, options: dict[str, Any], cpu_s: float) -> None:
        import torch

        from inference.training import card, evaluation

        folder: Path = options["output"]
        synthetic = evaluation.evaluate_synthetic(recipe, spec, folder, options["cases"], self._show_case)
        threshold = evaluation.choose_threshold(recipe)
        real = []
        for label, image, outline in options["real"]:
            volume, truth = read_volume_nifti(Path(image), "MR"), read_nifti(Path(outline)).voxels > 0
            real.append(evaluation.evaluate_case(label, volume, np.asarray(truth), spec, folder, threshold))
            self._show_case(real[-1])
        provenance = {
            "seed": recipe.seed,
            "steps": recipe.steps,
            "cpu_s": round(cpu_s),
            "torch": torch.__version__,
            "torch_threads": torch.get_num_threads(),
            "synthetic_cases": [asdict(result) for result in synthetic],
            "real_cases": [asdict(result) for result in real],
        }
        write_manifest(folder / f"{spec.name}.json", spec, provenance=provenance)
        (folder / f"{spec.name}.md").write_text(card.write_card(recipe, synthetic, real, cpu_s=cpu_s), encoding="utf-8")
        self._fit_gate(recipe, folder, None)

    def _fit_gate(self, recipe: Recipe, folder: Path, loaded: LoadedSet | None) -> None:
        """Come last: the gate judges by calibrated probabilities."""
        from inference.training.gate_testing import fit_and_test

        spec = read_manifest(folder / f"{recipe.spec.name}.json")
        fit_and_test(recipe, spec, folder, loaded, self.stderr.write)

    def _show(self, step: TrainingStep) -> None:
        self.stderr.write(f"step {step.number}/{step.total}  loss {step.loss:.3f}  overlap {step.dice:.3f}")

    def _show_set(self, loaded: LoadedSet | None) -> None:
        if loaded is None:
            return
        counts = ", ".join(f"{len(cases)} to {part}" for part, cases in loaded.cases.items())
        self.stderr.write(f"{loaded.groups} groups; cases: {counts}")
        for each in loaded.left_out:
            self.stderr.write(f"left out: {each.name}: {each.reason}")

    def _show_score(self, score: CaseScore) -> None:
        self.stderr.write(f"{score.case}  {score.segment_label}: {score.agreement.dice}")

    def _show_case(self, result: CaseResult) -> None:
        self.stderr.write(f"{result}")
