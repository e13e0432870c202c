"""tus 1.0.0: how a file is sent in pieces and taken up again after the line has dropped.

References
----------
https://tus.io/protocols/resumable-upload (core protocol; creation, creation-with-upload, termination, expiration).
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from typing import IO, Any, ClassVar, cast
from uuid import UUID

from django.utils.http import http_date
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.errors import DomainError
from studies.models import Upload
from studies.services.uploads import ByteStream

TUS_VERSION = "1.0.0"
TUS_EXTENSIONS = "creation,creation-with-upload,termination,expiration"
PIECE_TYPE = "application/offset+octet-stream"
_LONGEST_METADATA = 8192


class TusVersionError(DomainError):
    """The client speaks another version of tus, or none."""

    code: ClassVar[str] = "tus.version"
    status: ClassVar[int] = 412


class TusHeaderError(DomainError):
    """A header of the protocol is missing or malformed."""

    code: ClassVar[str] = "tus.header"
    status: ClassVar[int] = 400


class PieceParser(BaseParser):
    """Hands the body on unread: it goes to disk piece by piece."""

    media_type = PIECE_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the stream."""
        return stream


class TusView(APIView):
    """Refuses other versions, and names its own on every answer."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Test the version once the person is known to be allowed here."""
        super().initial(request, *args, **kwargs)
        if self.speaks_tus(request) and request.headers.get("Tus-Resumable") != TUS_VERSION:
            raise TusVersionError(f"Send the header Tus-Resumable: {TUS_VERSION}.")

    def speaks_tus(self, request: Request) -> bool:
        """Tell whether the method belongs to the protocol; asking for options needs no version."""
        return request.method != "OPTIONS"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Name the version; an answer about bytes that keep arriving is never cached."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = TUS_VERSION
        response["Tus-Version"] = TUS_VERSION
        response["Cache-Control"] = "no-store"
        return response


class CreationSerializer(serializers.Serializer[Any]):
    """The headers of a creation request, decoded."""

    size_bytes = serializers.IntegerField(min_value=0)
    file_name = serializers.CharField(max_length=4096, trim_whitespace=False)
    batch = serializers.UUIDField(allow_null=True)
    team = serializers.UUIDField(allow_null=True)


def read_creation(request: Request) -> dict[str, Any]:
    """Return size_bytes, file_name, batch and team from the headers of a creation request."""
    if "Upload-Defer-Length" in request.headers:
        raise TusHeaderError("State the size with Upload-Length; deferring it is not offered.")
    metadata = decode_metadata(request.headers.get("Upload-Metadata", ""))
    name = metadata.get("relative_path") or metadata.get("relativePath") or metadata.get("filename") or "unnamed"
    creation = CreationSerializer(
        data={
            "size_bytes": request.headers.get("Upload-Length"),
            "file_name": name,
            "batch": metadata.get("batch") or None,
            "team": metadata.get("team") or None,
        }
    )
    creation.is_valid(raise_exception=True)
    decoded: dict[str, Any] = creation.validated_data
    return decoded


def decode_metadata(header: str) -> dict[str, str]:
    """Return Upload-Metadata (comma-separated ``key base64``) as text by key."""
    metadata: dict[str, str] = {}
    if len(header) > _LONGEST_METADATA:
        raise TusHeaderError("Upload-Metadata is too long. Send a shorter file name.")
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            metadata[key] = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise TusHeaderError(f"The value of {key[:40]!r} in Upload-Metadata is not base64.") from error
    return metadata


def read_offset(request: Request) -> int:
    """Return Upload-Offset."""
    text = request.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise TusHeaderError("Upload-Offset must be a whole number of bytes.")
    return int(text)


def piece_of(request: Request) -> ByteStream:
    """Return the body, unread."""
    return cast("ByteStream", request.data) if hasattr(request.data, "read") else io.BytesIO()


def progress_headers(upload: Upload) -> dict[str, str]:
    """Return what the protocol says about an upload's progress."""
    headers = {"Upload-Offset": str(upload.received_bytes)}
    if upload.expires_at is not None:
        headers["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return headers


def location_of(upload_id: UUID) -> str:
    """Return the address of an upload's bytes."""
    return f"/api/uploads/{upload_id}/content"
