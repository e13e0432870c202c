"""Take files of this machine into the archive: ``manage.py import_dicom PATH --team NAME``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.dicom.wrap import StatedDetails
from studies.errors import DomainError
from studies.models import Reception, ReceptionOutcome, Series, Team, User
from studies.services.ingest_folder import count_files, import_path

_DETAILS = ("patient_id", "patient_name", "modality", "study_date")


class Command(BaseCommand):
    """One line per object, printed once it is safe on disk and recorded; exit code 1 when something was refused."""

    help = "Take a DICOM file, a folder or a zip into the archive (PNG, JPEG and NIfTI with the patient stated)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the source, the team, and what files that are not DICOM do not say."""
        parser.add_argument("path", type=Path)
        parser.add_argument("--team", required=True, help="name of the team whose patients these are")
        parser.add_argument("--user", default="", help="username to note as the one who imported")
        parser.add_argument("--quiet", action="store_true", help="print refusals and the summary only")
        parser.add_argument("--patient-id", default="")
        parser.add_argument("--patient-name", default="", help="as DICOM writes it: Family^Given")
        parser.add_argument("--patient-birth-date", type=date.fromisoformat, default=None)
        parser.add_argument("--patient-sex", choices=("M", "F", "O"), default="")
        parser.add_argument("--modality", default="")
        parser.add_argument("--study-date", type=date.fromisoformat, default=None)
        parser.add_argument("--study-description", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, print what became of each object, and sum up."""
        team = self._find(Team, name=options["team"])
        user = self._find(User, username=options["user"]) if options["user"] else None
        progress = _Progress(self, total=count_files(options["path"]), is_quiet=options["quiet"])
        try:
            import_path(
                team, options["path"], on_recorded=progress.tell, created_by=user, details=_stated_details(options)
            )
        except DomainError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        progress.sum_up()
        if progress.counts[ReceptionOutcome.REFUSED] or not progress.is_anything_here:
            raise CommandError("Not everything could be taken in; the reasons are above.", returncode=1)

    def _find(self, model: type[Any], **named: str) -> Any:
        found = model.objects.filter(**named).first()
        if found is None:
            known = ", ".join(str(row) for row in model.objects.all()[:10]) or "none yet"
            raise CommandError(f"There is no {model.__name__.lower()} {next(iter(named.values()))!r}. Known: {known}.")
        return found


class _Progress:
    """Prints what has been recorded."""

    def __init__(self, command: BaseCommand, *, total: int, is_quiet: bool) -> None:
        self._command, self._total, self._is_quiet = command, total, is_quiet
        self._series: set[Any] = set()
        self.counts: Counter[str] = Counter()

    def tell(self, receptions: Sequence[Reception]) -> None:
        """Print one line per object; its file is safe and recorded by now."""
        for reception in receptions:
            self.counts[reception.outcome] += 1
            if reception.instance is not None:
                self._series.add(reception.instance.series_id)
            is_refused = reception.outcome == ReceptionOutcome.REFUSED
            if is_refused or not self._is_quiet:
                reason = f"  {reception.reason_code}: {reception.reason}" if reception.reason_code else ""
                number = self.counts.total()
                self._command.stdout.write(f"[{number}/{self._total}] {reception.outcome:9} {reception.path}{reason}")

    @property
    def is_anything_here(self) -> bool:
        """Tell whether the source held anything for the archive."""
        return bool(self.counts[ReceptionOutcome.STORED] + self.counts[ReceptionOutcome.DUPLICATE])

    def sum_up(self) -> None:
        """Print the series and their verdicts, then the counts."""
        for series in Series.objects.filter(pk__in=self._series).select_related("study"):
            self._command.stdout.write(f"{series}: {series.geometry_verdict}. {series.geometry_explanation}")
        words = ", ".join(f"{self.counts[outcome]} {outcome}" for outcome in ReceptionOutcome.values)
        self._command.stdout.write(f"{words}, {len(self._series)} series")


def _stated_details(options: dict[str, Any]) -> StatedDetails | None:
    if not any(options[name] for name in _DETAILS):
        return None
    if missing := [name for name in _DETAILS if not options[name]]:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise CommandError(f"State also {flags}: nothing about a patient is made up.")
    names = (*_DETAILS, "patient_birth_date", "patient_sex", "study_description")
    try:
        return StatedDetails(**{name: options[name] for name in names})
    except DomainError as error:
        raise CommandError(error.message) from error
