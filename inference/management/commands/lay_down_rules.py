"""Lay down the default routing rules."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from inference.services.default_rules import lay_down_default_rules


class Command(BaseCommand):
    """Lay down each default rule once; a second run finds everything there and changes nothing."""

    help = "Lay down the default routing rules that were never laid down; what was changed or deleted stays so."

    def handle(self, *args: Any, **options: Any) -> None:
        """Lay them down."""
        laid = lay_down_default_rules()
        on = sum(rule.is_enabled for rule in laid)
        if laid or options["verbosity"] > 1:
            self.stdout.write(f"  {len(laid)} routing rules laid down, {on} of them switched on.")
