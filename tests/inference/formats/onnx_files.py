"""A small ONNX file, written field by field: nothing here needs the onnx package."""

from __future__ import annotations

import struct

_FLOAT = 1


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found, number = found + bytes([number & 0x7F | 0x80]), number >> 7
    return found + bytes([number])


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _node(operator: bytes, inputs: tuple[bytes, ...], output: bytes, *attributes: bytes) -> bytes:
    fields = [_message(1, name) for name in inputs] + [_message(2, output), _message(4, operator)]
    return _message(1, b"".join([*fields, *(_message(5, each) for each in attributes)]))


def _value(name: bytes, shape: tuple[int, ...]) -> bytes:
    dimensions = b"".join(_message(1, _number(1, size)) for size in shape)
    tensor = _number(1, _FLOAT) + _message(2, dimensions)
    return _message(1, name) + _message(2, _message(1, tensor))


def encode_brighter(side: int, dimensions: int = 3) -> bytes:
    """Return a network that marks what is above 0.5: scores 0.5 - x and x - 0.5 of a cubic window of one channel.

    A square one where it is of two dimensions.
    """
    sides = (side,) * dimensions
    half = _number(1, 1) + _number(2, _FLOAT) + _message(9, struct.pack("<f", 0.5)) + _message(8, b"half")
    axis = _message(1, b"axis") + _number(3, 1) + _number(20, 2)
    graph = b"".join(
        [
            _node(b"Sub", (b"half", b"x"), b"dark"),
            _node(b"Sub", (b"x", b"half"), b"bright"),
            _node(b"Concat", (b"dark", b"bright"), b"y", axis),
            _message(2, b"brighter"),
            _message(5, half),
            _message(11, _value(b"x", (1, 1, *sides))),
            _message(12, _value(b"y", (1, 2, *sides))),
        ]
    )
    return _number(1, 8) + _message(7, graph) + _message(8, _message(1, b"") + _number(2, 17))
