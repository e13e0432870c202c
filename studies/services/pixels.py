"""Pixels as streams of bytes, and compressed copies of them that are made once and may be deleted at any time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import zstandard

from studies.models import Series
from studies.storage import derived_path, explain_write_failures, temporary_file

_ZSTD_LEVEL = 3
_GZIP_LEVEL = 1  # faster than most networks; browsers that lack zstd are few


class Encoding(StrEnum):
    """Content codings SegWeb sends (RFC 8878, RFC 1952)."""

    ZSTD = "zstd"
    GZIP = "gzip"
    IDENTITY = "identity"


class PixelSource(Protocol):
    """Bytes that can be read from the start, and the name under which a compressed copy is kept."""

    @property
    def key(self) -> str:
        """Digest-based name of the compressed copy; empty keeps none."""

    @property
    def size_bytes(self) -> int:
        """Length uncompressed."""

    def chunks(self) -> Iterator[bytes]:
        """Read the bytes in order."""


class SeriesPixels:
    """Every frame of a series in order."""

    def __init__(self, series: Series) -> None:
        from studies.services import volumes

        self._series = series
        self.key = series.contents_digest
        self.size_bytes = volumes.describe_frames(series).total_bytes

    def chunks(self) -> Iterator[bytes]:
        """Read frame by frame."""
        from studies.services import volumes

        for frame in volumes.iterate_pixels(self._series):
            yield bytes(frame)


class FramePixels:
    """One frame of a series; too small to keep a copy of."""

    key = ""

    def __init__(self, series: Series, index: int) -> None:
        from studies.services import volumes

        self._content = bytes(volumes.read_frame(series, index))
        self.size_bytes = len(self._content)

    def chunks(self) -> Iterator[bytes]:
        """Yield the frame."""
        yield self._content


def find_compressed(source: PixelSource, encoding: Encoding) -> Path | None:
    """Return the compressed copy where it has been made."""
    if not source.key:
        return None
    path = _copy_path(source, encoding)
    return path if path.is_file() else None


def compressed_chunks(source: PixelSource, encoding: Encoding) -> Iterator[bytes]:
    """Compress while reading; a stream read to its end leaves a copy for the next reader, a broken one leaves none."""
    chunks = _compress(source.chunks(), encoding)
    if not source.key:
        yield from chunks
        return
    target = _copy_path(source, encoding)
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(target.parent) as (copy, path):
        for chunk in chunks:
            with explain_write_failures(target.parent):
                copy.write(chunk)
            yield chunk
        copy.flush()
        path.replace(target)


def _copy_path(source: PixelSource, encoding: Encoding) -> Path:
    return derived_path(f"pixels-{encoding.value}", source.key)


def _compress(chunks: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    compress, flush = _compressor(encoding)
    for chunk in chunks:
        if compressed := compress(chunk):
            yield compressed
    yield flush()


def _compressor(encoding: Encoding) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    if encoding is Encoding.ZSTD:
        frame = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        return frame.compress, frame.flush
    stream = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return stream.compress, stream.flush
