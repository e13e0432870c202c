"""`manage.py import_model PATH`: take a model that others made into the catalogue. Needs no database."""

from __future__ import annotations

import argparse
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference.formats.imported import Naming, describe_origin
from inference.formats.wish import Wish
from inference.registry import list_built_in, models_folder
from studies.errors import DomainError


class Command(BaseCommand):
    """Read, check and store a model; a refusal leaves nothing behind."""

    help = "Import a MONAI bundle, nnU-Net folder, MeshNet, TorchScript or ONNX model (folder or zip file)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="folder or zip file")
        parser.add_argument("--name", default="", help="name in the catalogue, in small letters")
        parser.add_argument("--model-version", default="", help="version in the catalogue")
        parser.add_argument("--title", default="", help="what the person who chooses reads")
        parser.add_argument("--licence", default="", help="as 'MIT'")
        parser.add_argument(
            "--modality", action="append", default=[], help="DICOM modality it takes, as MR; repeatable"
        )
        parser.add_argument(
            "--no-check", dest="is_checked", action="store_false", help="do not look for the fastest backend now"
        )
        parser.add_argument(
            "--no-mirroring",
            dest="is_mirrored",
            action="store_false",
            help="do not average over mirrored windows where the model was made for it: up to eight times faster",
        )

    def handle(self, *, path: Path, **options: Any) -> None:
        # torch takes seconds to import: a wrong option is told at once
        from inference.formats.taking import take_model

        naming = Naming(
            options["name"],
            options["model_version"],
            options["title"],
            options["licence"],
            frozenset(options["modality"]),
        )
        wish = Wish(
            naming,
            origin=describe_origin(path.resolve().name, imported_at=datetime.now(UTC), sha256=_digest(path)),
            is_checked=options["is_checked"],
            is_mirrored=options["is_mirrored"],
        )
        folder = models_folder() or settings.SEGWEB_DATA_DIR / "models"
        try:
            spec = take_model(path, folder, wish, taken=[spec.name for spec in list_built_in()])
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}", returncode=2) from error
        self.stdout.write(f"{spec.name} {spec.version} ({spec.format}, {len(spec.segments)} segments): {spec.folder}")
        self.stdout.write(spec.limits)


def _digest(path: Path) -> str:
    """Return a file's SHA-256; a folder has none."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
