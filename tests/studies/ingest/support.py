"""Sending files through the door, for tests: the way a browser's pieces come, without the browser."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from uuid import UUID

from studies.models import Reception, Team, Upload, User
from studies.services.ingest import ingest_upload
from studies.services.uploads import append_bytes, register_upload


def receive(team: Team, user: User, content: bytes, *, name: str = "file", batch: UUID | None = None) -> Upload:
    """Send a file in one piece; it is received, not read yet."""
    upload = register_upload(team, created_by=user, file_name=name, size_bytes=len(content), batch=batch)
    return append_bytes(upload, offset=0, stream=io.BytesIO(content)) if content else upload


def send(team: Team, user: User, content: bytes | Path, *, name: str = "") -> Upload:
    """Send a file and let it be read."""
    data = content.read_bytes() if isinstance(content, Path) else content
    upload = receive(team, user, data, name=name or (content.name if isinstance(content, Path) else "file"))
    ingest_upload(upload.pk)
    upload.refresh_from_db()
    return upload


def zip_of(members: dict[str, bytes | Path]) -> bytes:
    """Pack files as a zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return stream.getvalue()


def outcomes(upload: Upload) -> dict[str, tuple[str, str]]:
    """Return (outcome, reason code) by path."""
    rows = Reception.objects.filter(upload=upload)
    return {row.path: (row.outcome, row.reason_code) for row in rows}
