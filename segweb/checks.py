"""Start-up checks: what is missing is said in a sentence before anybody signs in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

WEAKEST_SECRET = 50
"""Characters, as Django's own deployment check asks."""


def _nearest_folder(path: Path) -> Path:
    """Return the folder itself or the nearest one above it that exists."""
    return path if path.exists() or path == path.parent else _nearest_folder(path.parent)


@checks.register()
def check_data_folder(**_kwargs: Any) -> list[checks.CheckMessage]:
    """The data folder is there, or can be made, and can be written."""
    folder: Path = settings.SEGWEB_DATA_DIR
    place = _nearest_folder(folder)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return []
    return [
        checks.Error(
            f"The data folder {folder} cannot be written.",
            hint="Make it writable for the user that runs SegWeb, or choose another with SEGWEB_DATA_DIR.",
            id="segweb.E001",
        )
    ]


@checks.register()
def check_frontend(**_kwargs: Any) -> list[checks.CheckMessage]:
    """The browser application has been built."""
    if (settings.SEGWEB_FRONTEND_DIST / "index.html").is_file():
        return []
    return [
        checks.Warning(
            "The browser application has not been built: people will see a page that says so.",
            hint="Run make run, or npm ci && npm run build in the folder frontend.",
            id="segweb.W001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def check_production(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Nothing of the workstation's defaults is left in production."""
    problems: list[checks.CheckMessage] = []
    if len(settings.SECRET_KEY) < WEAKEST_SECRET or settings.SECRET_KEY.startswith("development-only"):
        problems.append(
            checks.Error(
                "SEGWEB_SECRET_KEY is short, or the workstation's default.",
                hint=f"Set it to {WEAKEST_SECRET} or more random characters.",
                id="segweb.E002",
            )
        )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        problems.append(
            checks.Error(
                "SQLite is for one workstation; several processes of a hospital need PostgreSQL.",
                hint="Set SEGWEB_DATABASE_URL to a postgresql:// address.",
                id="segweb.E003",
            )
        )
    return problems
