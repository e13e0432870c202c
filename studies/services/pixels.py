"""Pixels as streams of bytes, and compressed copies of them that are made once and may be deleted at any time."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from studies.models import Series
from studies.services import volumes
from studies.services.decoded_series import DECODER_VERSION
from studies.storage import derived_path, temporary_file

logger = logging.getLogger(__name__)
_ZSTD_LEVEL = 3
_GZIP_LEVEL = 1  # faster than most networks; browsers that lack zstd are few


class Encoding(StrEnum):
    """Content codings SegWeb sends (RFC 8878, RFC 1952)."""

    ZSTD = "zstd"
    GZIP = "gzip"
    IDENTITY = "identity"


class PixelSource(Protocol):
    """Bytes that can be read from the start."""

    @property
    def copy_key(self) -> str:
        """The name under which a compressed copy is kept; empty keeps none."""

    @property
    def size_bytes(self) -> int:
        """Length uncompressed."""

    def chunks(self) -> Iterator[bytes]:
        """Read the bytes in order."""


def pixels_version(series: Series) -> str:
    """Return what names the pixels' bytes: the files they came from and how they were decoded."""
    return f"{series.contents_digest}.v{DECODER_VERSION}"


class SeriesPixels:
    """Every frame of a series in order."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self.copy_key = pixels_version(series)
        self.size_bytes = volumes.describe_frames(series).total_bytes

    def chunks(self) -> Iterator[bytes]:
        """Read frame by frame."""
        return volumes.iterate_pixels(self._series)


class FramePixels:
    """One frame of a series; too small to keep a copy of."""

    copy_key = ""

    def __init__(self, series: Series, index: int) -> None:
        self._content = volumes.read_frame(series, index)
        self.size_bytes = len(self._content)

    def chunks(self) -> Iterator[bytes]:
        """Yield the frame."""
        yield self._content


def find_compressed(source: PixelSource, encoding: Encoding) -> Path | None:
    """Return the compressed copy where it has been made."""
    if not source.copy_key:
        return None
    path = _copy_path(source, encoding)
    return path if path.is_file() else None


def compressed_chunks(source: PixelSource, encoding: Encoding) -> Iterator[bytes]:
    """Compress while reading; a stream read to its end leaves a copy for the next reader, a broken one leaves none."""
    chunks = _compress(source.chunks(), encoding)
    if not source.copy_key:
        yield from chunks
        return
    with _Copy(_copy_path(source, encoding)) as copy:
        for chunk in chunks:
            copy.write(chunk)
            yield chunk
        copy.keep()


class _Copy:
    """A file that grows beside a stream. A full disk costs the copy, never the reader."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._stack = ExitStack()
        self._stream: BinaryIO | None = None
        self._path = target

    def __enter__(self) -> _Copy:
        try:
            self._stream, self._path = self._stack.enter_context(temporary_file(self._target.parent))
        except OSError as error:
            self._give_up(error)
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._stack.close()
        except OSError as error:  # what is still buffered does not fit either
            self._give_up(error)

    def write(self, chunk: bytes) -> None:
        """Add to the copy."""
        if self._stream is not None:
            try:
                self._stream.write(chunk)
            except OSError as error:
                self._give_up(error)

    def keep(self) -> None:
        """Let the finished copy appear under its name."""
        if self._stream is not None:
            try:
                self._stream.flush()
                self._path.replace(self._target)
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        logger.warning("No compressed copy of the pixels could be kept: %s", error)
        self._stream = None


def _copy_path(source: PixelSource, encoding: Encoding) -> Path:
    return derived_path(f"pixels_{encoding.value}", source.copy_key)


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
