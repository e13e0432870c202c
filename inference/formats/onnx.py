"""ONNX: a network as a graph of named operators.

ONNX holds no code. What an operator does is decided by the runtime, so operators outside the standard's own domain,
functions defined in the file, and weights kept in other files are refused here, by reading the file's own structure
before any runtime sees it. A graph can still be made to use up time and memory: the worker's limits end it.

References
----------
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers)
"""

from __future__ import annotations

from collections.abc import Iterator

from inference.formats.refusals import BrokenModelError, UnsafeModelError

_OWN_DOMAINS = frozenset({b"", b"ai.onnx"})
_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 5, 6, 11
_TENSOR_EXTERNAL = 13
_TENSOR_LOCATION = 14
_DEEPEST = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check_onnx(name: str, data: bytes) -> None:
    """Refuse a file that is no ONNX model or uses more than the standard's operators; runs nothing.

    Raises
    ------
    UnsafeModelError
        Names the operator.
    BrokenModelError
        Where it cannot be read.
    """
    try:
        graphs = 0
        for field, value in _read_fields(memoryview(data)):
            if field == _MODEL_FUNCTIONS:
                raise UnsafeModelError(f"{name} defines operators of its own. Export it with standard ones only.")
            if field == _MODEL_GRAPH and isinstance(value, memoryview):
                graphs += 1
                _check_graph(name, value, 0)
    except (IndexError, ValueError) as error:
        raise BrokenModelError(f"{name} is no whole ONNX file. Copy or export it again.") from error
    if graphs != 1:
        raise BrokenModelError(f"{name} is no ONNX file: it holds {graphs} graphs.")


def _check_graph(name: str, graph: memoryview, depth: int) -> None:
    if depth > _DEEPEST:
        raise UnsafeModelError(f"{name} nests graphs without end.")
    for field, value in _read_fields(graph):
        if field == _GRAPH_NODE and isinstance(value, memoryview):
            _check_node(name, value, depth)
        elif field == _GRAPH_INITIALIZER and isinstance(value, memoryview):
            _check_tensor(name, value)


def _check_node(name: str, node: memoryview, depth: int) -> None:
    operator, domain = b"", b""
    for field, value in _read_fields(node):
        if not isinstance(value, memoryview):
            continue
        if field == _NODE_OPERATOR:
            operator = bytes(value)
        elif field == _NODE_DOMAIN:
            domain = bytes(value)
        elif field == _NODE_ATTRIBUTE:
            _check_attribute(name, value, depth)
    if domain not in _OWN_DOMAINS:
        shown = f"{domain.decode(errors='replace')}::{operator.decode(errors='replace')}"[:120]
        raise UnsafeModelError(f"{name} uses the operator {shown}, which is not ONNX's own. Export without it.")


def _check_attribute(name: str, attribute: memoryview, depth: int) -> None:
    for field, value in _read_fields(attribute):
        if isinstance(value, memoryview) and field in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
            _check_graph(name, value, depth + 1)
        elif isinstance(value, memoryview) and field == _ATTRIBUTE_TENSOR:
            _check_tensor(name, value)


def _check_tensor(name: str, tensor: memoryview) -> None:
    for field, value in _read_fields(tensor):
        if field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and value == 1):
            raise UnsafeModelError(f"{name} keeps weights in other files. Export it as one file.")


def _read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Return the fields of a protocol buffer message by number; raises IndexError or ValueError where it is none."""
    offset, end = 0, len(message)
    while offset < end:
        key, offset = _read_varint(message, offset)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            number, offset = _read_varint(message, offset)
            yield field, number
            continue
        if kind == _BYTES:
            size, offset = _read_varint(message, offset)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"{kind} is no kind of field")
        if field == 0 or offset + size > end:
            raise ValueError("a field ends after its message")
        yield field, message[offset : offset + size]
        offset += size


def _read_varint(message: memoryview, offset: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, offset
        shift += 7
        if shift > 63:
            raise ValueError("a number without end")
