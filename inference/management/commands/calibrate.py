"""`manage.py calibrate NAME`: fit how far a shipped network's probabilities can be believed. Needs no database."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.pipeline.manifest import WEIGHTS_FOLDER, ManifestError, read_manifest
from studies.errors import DomainError


class Command(BaseCommand):
    """Fit temperature and volume margins on the part that decides, judge them on the part that is reported."""

    help = "Calibrate a network that learnt from outlines, and write what was found to its manifest, figures and card."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="a network that learnt from outlines; a wrong name lists them")
        parser.add_argument("--data", type=Path, help="folder with the training sets")
        parser.add_argument("--folder", type=Path, default=WEIGHTS_FOLDER, help="where weights and manifest lie")

    def handle(self, *, name: str, data: Path | None, folder: Path, **options: Any) -> None:
        # torch takes seconds to import: a wrong option is told at once
        from inference.training.calibrate import calibrate_shipped
        from inference.training.outlined import load_set
        from inference.training.outlined_recipes import OUTLINED_RECIPES

        recipes = {recipe.spec.name: recipe for recipe in OUTLINED_RECIPES}
        recipe = recipes.get(name)
        if recipe is None or recipe.learns_from is None:
            known = ", ".join(sorted(recipes))
            raise CommandError(f"No network {name!r} learnt from outlines. Choose one of: {known}.", returncode=2)
        try:
            spec = read_manifest(folder / f"{name}.json")
            loaded = load_set(recipe.learns_from, data)
        except ManifestError as error:
            raise CommandError(
                f"{error} Train it first: manage.py train {name} --data FOLDER --output {folder}", returncode=2
            ) from error
        except DomainError as error:
            raise CommandError(f"{error.message} [{error.code}]", returncode=2) from error
        judged = calibrate_shipped(recipe, spec, folder, loaded, lambda: None)
        self.stdout.write(
            f"{name}: temperature {judged['temperature']:.2f} from {judged['fitted_on']} cases; calibration error on "
            f"{judged['judged_on']} others {judged['before']['error']:.3f} before, {judged['after']['error']:.3f} after"
        )
        for interval in judged["intervals"]:
            self.stdout.write(
                f"{interval['segment_label']}: {interval['within']} of {interval['judged_on']} outlined volumes within "
                f"their 90 % interval (fitted on {interval['fitted_on']})"
            )
