"""Bytes to the browser: files and pixels, streamed off the event loop, compressed in the way the browser takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags, quote_etag
from rest_framework.request import Request

from studies.services.pixels import Encoding, PixelSource, compressed_chunks, find_compressed
from studies.storage import CHUNK_BYTES

REVALIDATE = "private, no-cache"
"""The browser keeps the bytes and asks each time: the answer 304 is small, and access is checked and recorded."""
OCTETS = "application/octet-stream"
AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)


def is_unchanged(request: Request, etag: str) -> bool:
    """Tell whether the browser already holds this content."""
    held = parse_etags(request.headers.get("If-None-Match", ""))
    return any(tag.removeprefix("W/") == quote_etag(etag) for tag in held)


def unchanged_response(etag: str) -> HttpResponse:
    """Answer 304."""
    return _with_tag(HttpResponse(status=304), etag)


def bytes_response(content: bytes, *, content_type: str, etag: str) -> HttpResponse:
    """Answer a small content whole."""
    return _with_tag(HttpResponse(content, content_type=content_type), etag)


def pixels_response(request: Request, source: PixelSource, *, etag: str) -> HttpResponseBase:
    """Answer pixels: from the compressed copy where there is one, else compressing while reading and keeping it."""
    encoding = choose_encoding(request.headers.get("Accept-Encoding", ""))
    if encoding is Encoding.IDENTITY:
        response = _stream(request, source.chunks(), content_type=OCTETS)
        response["Content-Length"] = str(source.size_bytes)
    elif path := find_compressed(source, encoding):
        response = _stream_file(request, path, content_type=OCTETS)
    else:
        response = _stream(request, compressed_chunks(source, encoding), content_type=OCTETS)
    if encoding is not Encoding.IDENTITY:
        response["Content-Encoding"] = encoding.value
    response["Vary"] = "Accept-Encoding"
    return _with_tag(response, etag)


def file_response(request: Request, path: Path, *, content_type: str, file_name: str) -> HttpResponseBase:
    """Answer a file to be saved under a name."""
    response = _stream_file(request, path, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file_name)
    response["Cache-Control"] = "private, no-store"
    return response


def choose_encoding(accept_encoding: str) -> Encoding:
    """Return the best of zstd, gzip and identity that an Accept-Encoding header allows (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        value = parameter.strip().removeprefix("q=") if parameter else "1"
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            weights[name.strip()] = 0.0
    for encoding in (Encoding.ZSTD, Encoding.GZIP):
        if weights.get(encoding.value, weights.get("*", 0.0)) > 0:
            return encoding
    return Encoding.IDENTITY


def _with_tag(response: AnyResponse, etag: str) -> AnyResponse:
    response["ETag"] = f"W/{quote_etag(etag)}"  # weak: the same content under each encoding
    response["Cache-Control"] = REVALIDATE
    return response


def _stream_file(request: Request, path: Path, *, content_type: str) -> StreamingHttpResponse:
    response = _stream(request, _file_chunks(path), content_type=content_type)
    response["Content-Length"] = str(path.stat().st_size)
    return response


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _stream(request: Request, chunks: Iterator[bytes], *, content_type: str) -> StreamingHttpResponse:
    is_async = isinstance(request._request, ASGIRequest)
    return StreamingHttpResponse(_off_loop(chunks) if is_async else chunks, content_type=content_type)


async def _off_loop(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pull from an iterator on the request's own thread, which holds its database connection."""
    pull = sync_to_async(lambda: next(chunks, None), thread_sensitive=True)
    try:
        while (chunk := await pull()) is not None:
            yield chunk
    finally:
        if close := getattr(chunks, "close", None):
            await sync_to_async(close, thread_sensitive=True)()
