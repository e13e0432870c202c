"""`manage.py check_backends`: try every backend on the networks, and use the fastest that agrees. Needs no database."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.model_spec import ModelSpec
from inference.pipeline.backends.records import BackendCheck, pick_backend
from inference.registry import get_model, list_models
from studies.errors import DomainError


class Command(BaseCommand):
    """Print what each backend did, one a line; what was picked bears a star."""

    help = "Check backends and precisions against the reference on this machine, for all networks or those named."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="models of the catalogue; without a name all")

    def handle(self, *, names: list[str], **options: Any) -> None:
        # torch takes seconds to import: a wrong name is told at once
        try:
            specs = [get_model(name) for name in names] or [spec for spec in list_models() if spec.network]
            self._check(specs)
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=2) from error

    def _check(self, specs: list[ModelSpec]) -> None:
        from inference.pipeline.network_run import check_network

        for spec in specs:
            if spec.network is None:
                raise CommandError(f"{spec.name} is a classical method: it has no backend to choose.", returncode=2)
            for checks in check_network(spec):
                picked = pick_backend(checks)
                for check in checks:
                    mark = "*" if check.candidate == picked else " "
                    self.stdout.write(f"{mark} {spec.name:<18} {check.candidate!s:<18} {_words(check)}")


def _words(check: BackendCheck) -> str:
    if check.seconds is None:
        return f"does not run: {check.problem}"
    outcome = "agrees" if check.has_passed else "not used"
    return (
        f"{1000 * check.seconds:8.1f} ms a window, lowest Dice {check.lowest_dice:.5f}, "
        f"largest error {check.largest_error:.1e}: {outcome}"
    )
