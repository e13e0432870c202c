"""Run one benchmark and print its figures as JSON with the machine they were taken on."""

from __future__ import annotations

import argparse
import json
import os
import pkgutil
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

import psutil
from django.core.management.base import BaseCommand, CommandError

import segweb.benches

VERSIONS = ("django", "pydicom", "torch", "numpy", "channels", "celery", "uvicorn", "psycopg")


def find_benches() -> dict[str, ModuleType]:
    """Return the bench modules by name; each has DESCRIPTION and run(options)."""
    names = [module.name for module in pkgutil.iter_modules(segweb.benches.__path__)]
    return {name: import_module(f"segweb.benches.{name}") for name in names}


class Command(BaseCommand):
    """`manage.py bench` lists the benches, `manage.py bench NAME` runs one."""

    help = "Run a benchmark and print its figures as JSON."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Give each bench a subcommand with options of its own."""
        commands = parser.add_subparsers(dest="bench")
        for name, module in find_benches().items():
            bench = commands.add_parser(name, help=module.DESCRIPTION)
            if hasattr(module, "add_arguments"):
                module.add_arguments(bench)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the bench named, or list them all."""
        name = options.get("bench")
        benches = find_benches()
        if not name:
            for each, module in benches.items():
                self.stdout.write(f"{each:<12} {module.DESCRIPTION}")
            return
        if name not in benches:
            raise CommandError(f"There is no bench {name!r}; choose one of {', '.join(benches)}.")
        figures = benches[name].run(argparse.Namespace(**options))
        self.stdout.write(json.dumps({"bench": name, **describe_machine(), **figures}, indent=2, default=str))


def describe_machine() -> dict[str, object]:
    """Return what the figures depend on."""
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": os.getloadavg(),
        "python": sys.version.split()[0],
        "versions": {name: metadata.version(name) for name in VERSIONS},
    }
