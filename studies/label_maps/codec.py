"""The brick: slices of a label map, run-length coded, the same bytes on the socket, in a patch and in the store.

Layout, little-endian::

    offset size
         0    4  magic b"SWB1"
         4    1  voxel type: 1 = uint8, 2 = uint16
         5    1  version, 1 or 2
         6    2  reserved, 0
         8    4  sequence
        12    4  slice_start
        16    4  slice_count
        20    4  rows
        24    4  columns
        28    4  run_count
        32   16  job id (big-endian UUID bytes), zeros when none
        48       version 2 only: row_start and column_start, u32 each
  48 or 56    4 * run_count  run lengths, u32
              1 or 2 * run_count  values
              0 to 3 zero bytes up to a multiple of 4

Runs cover ``slice_count * rows * columns`` voxels in C order (slice, row, column); neighbouring runs differ, so that
equal voxels have equal bytes. Version 1 begins at the first row and column; all that is stored or saved is whole slices
in version 1. Version 2 is a box that begins elsewhere: what a network has finished so far.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from studies.errors import InvalidInputError

LabelVoxels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

MAGIC = b"SWB1"
WHOLE, BOX = 1, 2
HEADER = struct.Struct("<4sBBH6I16s")
BOX_ORIGIN = struct.Struct("<2I")
MAX_VOXELS = 2**29
"""512 slices of 1024 x 1024: above any clinical series, below what exhausts a worker."""

_DTYPES: dict[int, np.dtype[np.generic]] = {1: np.dtype("<u1"), 2: np.dtype("<u2")}
_TYPE_OF = {np.dtype(np.uint8): 1, np.dtype(np.uint16): 2}
_SPARSE_SHARE = 8
"""Below one foreground voxel in this many, writing the foreground alone is faster than repeating every run."""


class BrickError(InvalidInputError, ValueError):
    """The bytes are not a brick."""

    code: ClassVar[str] = "brick.malformed"


@dataclass(frozen=True, slots=True)
class Brick:
    """A box of a label map, most often whole slices.

    Attributes
    ----------
    voxels
        uint8 or uint16, axes (slice, row, column).
    slice_start, row_start, column_start
        Its first voxel in the label map.
    sequence
        Place in a job's stream, from 1; 0 outside a stream.
    job_id
        The job that computed it, or None.
    """

    voxels: LabelVoxels
    slice_start: int
    row_start: int = 0
    column_start: int = 0
    sequence: int = 0
    job_id: UUID | None = None

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """Where it lies in the label map."""
        starts = (self.slice_start, self.row_start, self.column_start)
        z, y, x = (slice(start, start + size) for start, size in zip(starts, self.voxels.shape, strict=True))
        return z, y, x


@dataclass(frozen=True, slots=True)
class BrickHeader:
    """The fixed part of a brick, checked against itself but not against the runs."""

    dtype: np.dtype[np.generic]
    sequence: int
    slice_start: int
    row_start: int
    column_start: int
    shape: tuple[int, int, int]
    run_count: int
    job_id: UUID | None

    @property
    def voxel_count(self) -> int:
        """Voxels the runs must cover."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def runs_at(self) -> int:
        """Where the runs begin."""
        return HEADER.size + (BOX_ORIGIN.size if self.row_start or self.column_start else 0)

    @property
    def size_bytes(self) -> int:
        """Length of the whole brick, padding included."""
        return self.runs_at + _padded(self.run_count * (4 + self.dtype.itemsize))


def encode_brick(
    voxels: LabelVoxels,
    *,
    slice_start: int,
    row_start: int = 0,
    column_start: int = 0,
    sequence: int = 0,
    job_id: UUID | None = None,
) -> bytes:
    """Return the brick of `voxels`, axes (slice, row, column), whose first voxel lies at the given indices.

    Raises
    ------
    ValueError
        Where the array is not a non-empty stack of uint8 or uint16 slices, or a number does not fit its field.
    """
    if voxels.ndim != 3 or voxels.size == 0:
        raise ValueError(f"A brick holds a non-empty stack (slice, row, column), not shape {voxels.shape}.")
    if voxels.dtype not in _TYPE_OF:
        raise ValueError(f"A brick holds uint8 or uint16, not {voxels.dtype}.")
    numbers = (voxels.size, slice_start, row_start, column_start, sequence)
    if not all(0 <= number <= 0xFFFFFFFF for number in numbers):
        raise ValueError("Sizes, starts and sequence must fit 32 bits.")
    flat = np.ascontiguousarray(voxels).reshape(-1)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    lengths = np.diff(starts, append=flat.size).astype("<u4")
    type_code = _TYPE_OF[np.dtype(voxels.dtype.name)]
    values = flat[starts].astype(_DTYPES[type_code])
    identity = job_id.bytes if job_id else bytes(16)
    is_box = row_start > 0 or column_start > 0
    version = BOX if is_box else WHOLE
    header = HEADER.pack(MAGIC, type_code, version, 0, sequence, slice_start, *voxels.shape, len(lengths), identity)
    if is_box:
        header += BOX_ORIGIN.pack(row_start, column_start)
    body = lengths.tobytes() + values.tobytes()
    return header + body + bytes(_padded(len(body)) - len(body))


def decode_brick(data: bytes | memoryview, *, max_voxels: int = MAX_VOXELS) -> Brick:
    """Return the brick that `data` holds, and nothing but it.

    Nothing larger than the bytes themselves is allocated before the runs are known to cover exactly the stated
    voxels and these are at most `max_voxels`.

    Raises
    ------
    BrickError
        Where the bytes are not exactly one well-formed brick.
    """
    header = read_header(data)
    if header.voxel_count > max_voxels:
        raise BrickError(f"The brick states {header.voxel_count} voxels; at most {max_voxels} are expected here.")
    if len(data) != header.size_bytes:
        raise BrickError(f"The brick should have {header.size_bytes} bytes and has {len(data)}.")
    lengths, values = _runs(data, header)
    voxels = _expand(lengths, values, header.voxel_count).reshape(header.shape)
    return Brick(
        voxels=voxels,
        slice_start=header.slice_start,
        row_start=header.row_start,
        column_start=header.column_start,
        sequence=header.sequence,
        job_id=header.job_id,
    )


def split_bricks(data: bytes | memoryview) -> Iterator[memoryview]:
    """Yield each of the bricks that lie end to end in `data`, without copying or expanding them.

    Raises
    ------
    BrickError
        Where what remains is not a brick's header, or is shorter than that header states.
    """
    rest = memoryview(data)
    while len(rest):
        size_bytes = read_header(rest).size_bytes
        if size_bytes > len(rest):
            raise BrickError(f"A brick of {size_bytes} bytes is cut off after {len(rest)}.")
        yield rest[:size_bytes]
        rest = rest[size_bytes:]


def read_header(data: bytes | memoryview) -> BrickHeader:
    """Return the fixed part of the brick that begins `data`.

    Raises
    ------
    BrickError
        Where it is too short, of another kind or version, or empty along an axis.
    """
    if len(data) < HEADER.size:
        raise BrickError(f"A brick has at least {HEADER.size} bytes, this has {len(data)}.")
    magic, type_code, version, reserved, sequence, slice_start, slices, rows, columns, run_count, identity = (
        HEADER.unpack_from(data)
    )
    if magic != MAGIC or version not in (WHOLE, BOX) or reserved != 0 or type_code not in _DTYPES:
        raise BrickError("These bytes are not a label map brick of a known version.")
    row_start, column_start = _read_box_origin(data) if version == BOX else (0, 0)
    if not (slices and rows and columns and 0 < run_count <= slices * rows * columns):
        raise BrickError(f"A brick of {slices} x {rows} x {columns} voxels cannot have {run_count} runs.")
    return BrickHeader(
        dtype=_DTYPES[type_code],
        sequence=sequence,
        slice_start=slice_start,
        row_start=row_start,
        column_start=column_start,
        shape=(slices, rows, columns),
        run_count=run_count,
        job_id=UUID(bytes=identity) if any(identity) else None,
    )


def _read_box_origin(data: bytes | memoryview) -> tuple[int, int]:
    if len(data) < HEADER.size + BOX_ORIGIN.size:
        raise BrickError(f"A box has at least {HEADER.size + BOX_ORIGIN.size} bytes, this has {len(data)}.")
    row_start, column_start = BOX_ORIGIN.unpack_from(data, HEADER.size)
    if row_start == 0 and column_start == 0:
        raise BrickError("A brick that begins at the first row and column is of version 1.")
    return row_start, column_start


def _runs(data: bytes | memoryview, header: BrickHeader) -> tuple[npt.NDArray[np.uint32], LabelVoxels]:
    """Return lengths and values, checked to cover the stated voxels in canonical form."""
    lengths = np.frombuffer(data, dtype="<u4", count=header.run_count, offset=header.runs_at)
    values_at = header.runs_at + lengths.nbytes
    values = np.frombuffer(data, dtype=header.dtype, count=header.run_count, offset=values_at)
    if int(lengths.sum(dtype=np.uint64)) != header.voxel_count or int(lengths.min()) == 0:
        raise BrickError("The brick's runs do not cover its voxels exactly once.")
    if np.any(values[1:] == values[:-1]):
        raise BrickError("Two neighbouring runs of the brick hold the same value.")
    if any(data[values_at + values.nbytes :]):
        raise BrickError("The brick's padding is not zero.")
    return lengths, values


def _expand(lengths: npt.NDArray[np.uint32], values: LabelVoxels, voxel_count: int) -> LabelVoxels:
    """Return the flat voxels of the runs, in native byte order."""
    native = values.dtype.newbyteorder("=")
    in_foreground = values != 0
    foreground_lengths = lengths[in_foreground].astype(np.int64)
    foreground_count = int(foreground_lengths.sum())
    if foreground_count * _SPARSE_SHARE >= voxel_count:
        return np.repeat(values.astype(native), lengths)
    flat: LabelVoxels = np.zeros(voxel_count, dtype=native)
    starts = (np.cumsum(lengths, dtype=np.int64) - lengths)[in_foreground]
    before = np.cumsum(foreground_lengths) - foreground_lengths
    positions = np.arange(foreground_count) + np.repeat(starts - before, foreground_lengths)
    flat[positions] = np.repeat(values[in_foreground], foreground_lengths)
    return flat


def _padded(size_bytes: int) -> int:
    return (size_bytes + 3) // 4 * 4
