"""Write the contract with the browser, from which npm's `contract` script makes the TypeScript types."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from segweb.contract import ContractError, build_event_schema, build_openapi, to_json


class Command(BaseCommand):
    """`manage.py write_contract`."""

    help = "Write frontend/src/contract/openapi.json and events.json."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write both documents."""
        folder = settings.BASE_DIR / "frontend" / "src" / "contract"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            documents = {"openapi.json": build_openapi(), "events.json": build_event_schema()}
        except ContractError as error:
            raise CommandError(str(error)) from error
        for name, document in documents.items():
            (folder / name).write_text(to_json(document), encoding="utf-8")
            self.stdout.write(f"Wrote {folder / name}")
        self.stdout.write("Now run: npm --prefix frontend run contract")
