"""`manage.py measure_method NAME`: measure a classical method again and write its evidence. Needs no database."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from inference.pipeline.manifest import WEIGHTS_FOLDER
from studies.errors import DomainError

if TYPE_CHECKING:
    from inference.evaluation.run import CaseScore

_REFUSED = 2


class Command(BaseCommand):
    """Exit codes: 0 done, 2 refused with a reason, 1 anything else."""

    help = "Measure a classical method (every case, figures, pictures of the worst, card) on its drawn cases or set."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="a method that is measured; a wrong name lists them")
        parser.add_argument("--output", type=Path, default=WEIGHTS_FOLDER, help="folder to write to")
        parser.add_argument("--data", type=Path, help="folder with the training sets, for methods measured on one")

    def handle(self, *, name: str, **options: Any) -> None:
        # the pipeline takes seconds to import: a wrong name is told at once
        from inference.training import method_measuring, method_sets

        method_set = method_sets.METHOD_SETS.get(name)
        if method_set is None:
            known = ", ".join(sorted(method_sets.METHOD_SETS))
            raise CommandError(f"There is no measured method {name!r}. Choose one of: {known}.", returncode=_REFUSED)
        folder: Path = options["output"]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            scores = method_measuring.measure_method(method_set, folder, self._show, data=options["data"])
        except DomainError as error:
            raise CommandError(f"{error.message} [{error.code}]", returncode=_REFUSED) from error
        self.stdout.write(f"{name}: {len(scores)} scores in {folder / name}")

    def _show(self, score: CaseScore) -> None:
        dice = "nothing outlined" if score.agreement.dice is None else f"Dice {score.agreement.dice:.3f}"
        self.stderr.write(f"{score.case}  {score.segment_label}: {dice}, {score.seconds:.1f} s")
