"""`manage.py inspect PATH`: which series lie in a folder, and whether each is a volume. Needs no database."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.dicom.folder import FolderContents, FoundSeries, read_folder

_COLUMNS = "{modality:<8} {frames:>7}  {verdict:<18} {description:<32} {explanation}"


class Command(BaseCommand):
    """Read headers only; nothing is written anywhere."""

    help = "List the DICOM series at PATH with the verdict on their geometry, without a database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a DICOM file, or a folder that is searched with all below it")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *, path: Path, **options: Any) -> None:
        if not path.exists():
            raise CommandError(f"There is nothing at {path}. Give the path of a DICOM file or folder.")
        contents = read_folder(path)
        if options["json"]:
            self.stdout.write(json.dumps(describe_contents(contents), indent=2))
            return
        self._print_table(contents)

    def _print_table(self, contents: FolderContents) -> None:
        head = {"modality": "Modality", "frames": "Frames", "verdict": "Verdict", "description": "Description"}
        self.stdout.write(_COLUMNS.format(**head, explanation="What was found"))
        for series in contents.series:
            row = describe_series(series)
            self.stdout.write(
                _COLUMNS.format(
                    modality=row["modality"],
                    frames=row["frame_count"],
                    verdict=row["geometry_verdict"],
                    description=row["series_description"][:32],
                    explanation=row["geometry_explanation"],
                )
            )
        for refused in contents.refused:
            self.stdout.write(f"left out  {refused.path}  {refused.code}: {refused.message}")


def describe_contents(contents: FolderContents) -> dict[str, Any]:
    """Return a folder's series and refusals as plain values."""
    return {
        "series": [describe_series(series) for series in contents.series],
        "refused": [
            {"path": str(refused.path), "code": refused.code, "message": refused.message}
            for refused in contents.refused
        ],
    }


def describe_series(series: FoundSeries) -> dict[str, Any]:
    """Return one series as plain values, named as in the API."""
    header, geometry, first = series.header, series.geometry, series.instances[0].header
    place = geometry.geometry
    return {
        "study_instance_uid": first.study.study_instance_uid,
        "series_instance_uid": header.series_instance_uid,
        "series_number": header.series_number,
        "series_description": header.series_description,
        "modality": header.modality,
        "patient_id": first.patient.patient_id,
        "study_date": first.study.study_date.isoformat() if first.study.study_date else None,
        "instance_count": len(series.instances),
        "frame_count": series.frame_count,
        "transfer_syntaxes": sorted({found.header.transfer_syntax_uid for found in series.instances}),
        "geometry_verdict": geometry.verdict.value,
        "geometry_explanation": geometry.explanation,
        "is_volume": place is not None,
        "spacing_mm": geometry.spacing_mm,
        "geometry": None
        if place is None
        else {
            "shape": place.shape,
            "spacing_mm": place.spacing_mm,
            "origin_mm": place.origin_mm,
            "direction": place.direction,
        },
        "notes": sorted({note for found in series.instances for note in found.header.notes}),
    }
