"""Bricks: what goes in comes out, and what is no brick is refused without harm."""

from __future__ import annotations

import struct
import tracemalloc
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from studies.errors import DomainError
from studies.label_maps.codec import HEADER, BrickError, decode_brick, encode_brick, read_header, split_bricks

label_voxels = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=9),
        elements=st.integers(0, np.iinfo(dtype).max) | st.integers(0, 2),
        fill=st.integers(0, 3),
    )
)


def encode_again(brick):
    return encode_brick(
        brick.voxels,
        slice_start=brick.slice_start,
        row_start=brick.row_start,
        column_start=brick.column_start,
        sequence=brick.sequence,
        job_id=brick.job_id,
    )


@given(
    voxels=label_voxels,
    slice_start=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**32 - 1),
    job_id=st.none() | st.uuids(),
)
def test_decoding_returns_what_was_encoded(voxels, slice_start, sequence, job_id):
    data = encode_brick(voxels, slice_start=slice_start, sequence=sequence, job_id=job_id)
    brick = decode_brick(data)
    assert brick.voxels.dtype == voxels.dtype
    np.testing.assert_array_equal(brick.voxels, voxels)
    assert (brick.slice_start, brick.sequence, brick.job_id) == (slice_start, sequence, job_id)
    assert len(data) % 4 == 0


@given(voxels=label_voxels)
def test_the_bytes_are_canonical(voxels):
    data = encode_brick(voxels, slice_start=0)
    assert encode_brick(np.asfortranarray(decode_brick(data).voxels), slice_start=0) == data


@given(bricks=st.lists(label_voxels, max_size=4))
def test_bricks_end_to_end_are_told_apart(bricks):
    encoded = [encode_brick(voxels, slice_start=i) for i, voxels in enumerate(bricks)]
    assert [bytes(part) for part in split_bricks(b"".join(encoded))] == encoded


@given(data=st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"SWB1\x01\x01\x00\x00" + tail))
def test_arbitrary_bytes_decode_or_are_refused(data):
    try:
        brick = decode_brick(data, max_voxels=10_000)
    except BrickError:
        return
    assert encode_again(brick) == bytes(data)


@given(voxels=label_voxels, position=st.integers(0, 10**6), value=st.integers(0, 255))
def test_one_changed_byte_gives_another_brick_or_a_refusal(voxels, position, value):
    data = bytearray(encode_brick(voxels, slice_start=3, sequence=9))
    data[position % len(data)] = value
    try:
        brick = decode_brick(bytes(data), max_voxels=10_000)
    except BrickError:
        return
    assert encode_again(brick) == bytes(data)


def test_the_layout_is_the_documented_one():
    voxels = np.array([[[0, 0, 0], [7, 7, 0]]], dtype=np.uint8)
    job_id = UUID("00112233-4455-6677-8899-aabbccddeeff")
    expected = (
        b"SWB1"
        + bytes([1, 1, 0, 0])
        + struct.pack("<6I", 5, 40, 1, 2, 3, 3)
        + job_id.bytes
        + struct.pack("<3I", 3, 2, 1)
        + bytes([0, 7, 0])
        + bytes(1)
    )
    assert encode_brick(voxels, slice_start=40, sequence=5, job_id=job_id) == expected


def test_a_refusal_is_an_error_a_door_can_answer_with():
    with pytest.raises(DomainError) as refusal:
        decode_brick(b"SWB1")
    assert isinstance(refusal.value, ValueError)
    assert refusal.value.code == "brick.malformed"


def test_a_bomb_allocates_nothing():
    bomb = HEADER.pack(b"SWB1", 2, 1, 0, 0, 0, 2**20, 2**15, 2**15, 1, bytes(16)) + struct.pack("<IHH", 2**32 - 1, 1, 0)
    tracemalloc.start()
    with pytest.raises(BrickError, match="at most"):
        decode_brick(bomb, max_voxels=10**6)
    stated_runs = HEADER.pack(b"SWB1", 1, 1, 0, 0, 0, 1, 2**15, 2**15, 2**30, bytes(16))
    with pytest.raises(BrickError, match="bytes"):
        decode_brick(stated_runs, max_voxels=2**31)
    with pytest.raises(BrickError, match="cut off"):
        list(split_bricks(stated_runs))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_uint32_overflow_of_the_run_lengths_is_seen():
    lengths = struct.pack("<3I", 2**31, 2**31, 4)  # 4 modulo 2**32
    data = HEADER.pack(b"SWB1", 1, 1, 0, 0, 0, 1, 2, 2, 3, bytes(16)) + lengths + bytes([0, 1, 0, 0])
    with pytest.raises(BrickError, match="exactly once"):
        decode_brick(data)


@pytest.mark.parametrize(
    ("voxels", "slice_start"),
    [
        (np.zeros((2, 2), np.uint8), 0),
        (np.zeros((0, 2, 2), np.uint8), 0),
        (np.zeros((1, 2, 2), np.int32), 0),
        (np.zeros((1, 2, 2), np.uint8), -1),
    ],
)
def test_what_cannot_be_a_brick_is_not_encoded(voxels, slice_start):
    with pytest.raises(ValueError, match=r"brick|bits"):
        encode_brick(voxels, slice_start=slice_start)


def test_the_header_alone_tells_the_size():
    data = encode_brick(np.zeros((3, 4, 5), np.uint16), slice_start=2, sequence=8)
    header = read_header(data)
    assert (header.shape, header.slice_start, header.sequence) == ((3, 4, 5), 2, 8)
    assert header.size_bytes == len(data) == HEADER.size + 4 + 2 + 2


@given(voxels=label_voxels, row_start=st.integers(0, 2**32 - 1), column_start=st.integers(0, 2**32 - 1))
def test_a_box_comes_back_where_it_began(voxels, row_start, column_start):
    data = encode_brick(voxels, slice_start=7, row_start=row_start, column_start=column_start)
    brick = decode_brick(data)
    np.testing.assert_array_equal(brick.voxels, voxels)
    assert (brick.slice_start, brick.row_start, brick.column_start) == (7, row_start, column_start)
    assert encode_again(brick) == data
    assert [bytes(part) for part in split_bricks(data + data)] == [data, data]


def test_a_box_is_told_from_whole_slices_by_its_version_alone():
    voxels = np.ones((1, 2, 3), np.uint8)
    box = encode_brick(voxels, slice_start=0, row_start=4, column_start=5)
    assert box[5] == 2
    assert struct.unpack_from("<2I", box, 48) == (4, 5)
    with pytest.raises(BrickError, match="version 1"):
        decode_brick(box[:48] + bytes(8) + box[56:])
    with pytest.raises(BrickError, match="at least 56 bytes"):
        decode_brick(box[:50])
