"""The contract with the browser: the API as OpenAPI, the events as JSON Schema, both made from the code that serves.

`frontend/src/contract/` holds the result; npm's `contract` script turns it into TypeScript. Making it twice gives the
same bytes, so a test can tell whether it is fresh.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from types import ModuleType
from typing import Any
from uuid import UUID

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

import inference.events
import studies.events

EVENT_MODULES: tuple[ModuleType, ...] = (studies.events, inference.events)
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
}


class PortalSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]  # registers itself
    """The session cookie."""

    target_class = "studies.permissions.SessionAuthentication"
    name = "session"


class SignInScheme(SessionScheme):  # type: ignore[no-untyped-call]  # registers itself
    """The session cookie, also of a person who must choose a password first."""

    target_class = "studies.permissions.SignInAuthentication"
    name = "session_before_password"


class ContractError(Exception):
    """The code cannot be described exactly: mend the serializer or dataclass it names."""


def build_openapi() -> dict[str, Any]:
    """Return the OpenAPI document; any warning of the generator is an error here."""
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    complaints = [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]
    if complaints:
        raise ContractError("The API cannot be described exactly:\n" + "\n".join(sorted(complaints)))
    return typing.cast(dict[str, Any], schema)


def build_event_schema() -> dict[str, Any]:
    """Return a JSON Schema with every dataclass of the event modules as a definition."""
    definitions: dict[str, Any] = {}
    names: list[str] = []
    for event in _event_dataclasses():
        names.append(event.__name__)
        _define(event, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "SocketMessage",
        "description": "Every text message that crosses a WebSocket, in either direction.",
        "oneOf": [{"$ref": f"#/definitions/{name}"} for name in sorted(names)],
        "definitions": dict(sorted(definitions.items())),
    }


def to_json(document: dict[str, Any]) -> str:
    """Return a document as the text that is committed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _event_dataclasses() -> Iterator[type]:
    """Find the dataclasses that carry a `type`: the messages themselves."""
    for module in EVENT_MODULES:
        for _name, member in inspect.getmembers(module, inspect.isclass):
            is_own = member.__module__ == module.__name__ and dataclasses.is_dataclass(member)
            if is_own and any(field.name == "type" for field in dataclasses.fields(member)):
                yield member


def _define(model: type, definitions: dict[str, Any]) -> dict[str, Any]:
    name = model.__name__
    if name not in definitions:
        definitions[name] = {}  # reserved: a type may name itself
        hints = typing.get_type_hints(model)
        fields = [field.name for field in dataclasses.fields(model)]
        definitions[name] = {
            "type": "object",
            "description": inspect.cleandoc(model.__doc__ or ""),
            "properties": {field: _describe(hints[field], definitions) for field in fields},
            "required": fields,
            "additionalProperties": False,
        }
    return {"$ref": f"#/definitions/{name}"}


def _describe(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a type annotation as `studies.events.encode_event` writes its values."""
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if inspect.isclass(hint) and dataclasses.is_dataclass(hint):
        return _define(hint, definitions)
    if inspect.isclass(hint) and issubclass(hint, Enum):
        definitions[hint.__name__] = {"type": "string", "enum": [member.value for member in hint]}
        return {"$ref": f"#/definitions/{hint.__name__}"}
    return _describe_generic(hint, definitions)


def _describe_generic(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_describe(argument, definitions) for argument in arguments]}
    if origin is list or (origin is tuple and arguments[1:] == (Ellipsis,)):
        return {"type": "array", "items": _describe(arguments[0], definitions)}
    if origin is tuple:
        items = [_describe(argument, definitions) for argument in arguments]
        return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _describe(arguments[1], definitions)}
    raise ContractError(f"Events cannot carry {hint}: say how it is written in segweb.contract.")
