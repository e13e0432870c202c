"""`manage.py fit_gate NAME`: fit the quality gate of a shipped network and try it. Needs no database."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.pipeline.manifest import WEIGHTS_FOLDER, ManifestError, read_manifest
from studies.errors import DomainError


class Command(BaseCommand):
    """Fit on the parts that were learnt from and tuned on, try on the part that is reported."""

    help = "Fit a network's quality gate, write it to the manifest, and try it on spoiled images."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="a network with a recipe; a wrong name lists them")
        parser.add_argument(
            "--data", type=Path, help="folder with the training sets, for networks that learnt from one"
        )
        parser.add_argument("--folder", type=Path, default=WEIGHTS_FOLDER, help="where weights and manifest lie")

    def handle(self, *, name: str, data: Path | None, folder: Path, **options: Any) -> None:
        # torch takes seconds to import: a wrong option is told at once
        from inference.training.catalogue import RECIPES
        from inference.training.gate_testing import fit_and_test
        from inference.training.outlined import load_set

        recipe = RECIPES.get(name)
        if recipe is None:
            known = ", ".join(sorted(RECIPES))
            raise CommandError(f"There is no recipe {name!r}. Choose one of: {known}.", returncode=2)
        try:
            spec = read_manifest(folder / f"{name}.json")
            loaded = None if recipe.learns_from is None else load_set(recipe.learns_from, data)
        except ManifestError as error:
            raise CommandError(
                f"{error} Train it first: manage.py train {name} --output {folder}", returncode=2
            ) from error
        except DomainError as error:
            raise CommandError(f"{error.message} [{error.code}]", returncode=2) from error
        try:
            report = fit_and_test(recipe, spec, folder, loaded, self.stderr.write)
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(
            f"{name}: of {report['cases']} cases {report['turned_away']} need eyes "
            f"({report['turned_away_good']} of {report['good_cases']} with a Dice of at least "
            f"{report['least_dice']:g}; {report['turned_away_good_without_features']} without the network's features)"
        )
        for kind in report["kinds"]:
            dice = "-" if kind["mean_dice"] is None else f"{kind['mean_dice']:.3f}"
            self.stdout.write(
                f"{kind['kind']}: {kind['turned_away']} of {kind['cases']} turned away "
                f"({kind['turned_away_without_features']} without features), mean Dice {dice}, "
                f"{kind['codes']}"
            )
