"""A MONAI bundle's configuration read as data: references between its parts are followed, expressions never run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from inference.formats.archive import read_file
from inference.formats.refusals import BrokenModelError, NotUnderstoodError, UnsafeModelError

_MOST_BYTES = 1024**2
_DEEPEST = 32
_LITERAL = {
    "$torch.float32": "float32",
    "$torch.float": "float32",
    "$np.float32": "float32",
    "$numpy.float32": "float32",
    "$None": None,
}
"""Expressions that are nothing but another spelling of a value."""


class Config:
    """The content of a bundle's configuration files.

    References such as "@image_size" are resolved to what they name; what begins with "$" would be run by MONAI as
    Python, and is refused wherever it is asked for.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    def has(self, name: str) -> bool:
        """Tell whether there is a part of that name."""
        return name in self._content

    def part(self, name: str) -> Any:
        """Return a part as it stands, unresolved."""
        if name not in self._content:
            raise NotUnderstoodError(f"The bundle's configuration has no part {name!r}, which SegWeb reads.")
        return self._content[name]

    def resolve(self, value: Any, *, where: str, depth: int = 0) -> Any:
        """Return a value with all its references followed.

        Raises
        ------
        UnsafeModelError
            Where it holds an expression; names it and does not run it.
        BrokenModelError
            Where a reference leads nowhere or round in a circle.
        """
        if depth > _DEEPEST:
            raise BrokenModelError(f"{where} is nested without end.")
        if isinstance(value, str):
            return self._resolve_text(value, where, depth)
        if isinstance(value, list):
            return [self.resolve(item, where=where, depth=depth + 1) for item in value]
        if isinstance(value, dict):
            return {key: self.resolve(item, where=f"{where}.{key}", depth=depth + 1) for key, item in value.items()}
        return value

    def _resolve_text(self, value: str, where: str, depth: int) -> Any:
        if value in _LITERAL:
            return _LITERAL[value]
        if value.startswith("$"):
            raise UnsafeModelError(
                f"{where} is the expression {value[:120]!r}. SegWeb runs no code of a bundle: write the value itself."
            )
        if value.startswith("%"):
            raise NotUnderstoodError(f"{where} is the macro {value[:120]!r}. Write the value itself.")
        if value.startswith("@"):
            return self.resolve(self._look_up(value[1:], where), where=f"{where} ({value[:64]})", depth=depth + 1)
        return value

    def _look_up(self, reference: str, where: str) -> Any:
        found: Any = self._content
        for step in reference.replace("#", "::").split("::"):
            if isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            elif isinstance(found, Mapping) and step in found:
                found = found[step]
            else:
                raise BrokenModelError(f"{where} refers to {reference[:120]!r}, which is not there.")
        return found


def read_config(root: Path, stem: str) -> Config:
    """Read ``configs/<stem>.json`` or ``.yaml``.

    Raises
    ------
    BrokenModelError
        Where neither is there or it is not JSON or YAML.
    UnsafeModelError
        Where YAML uses aliases or tags, which can build objects and grow without end.
    """
    for suffix in (".json", ".yaml", ".yml"):
        if (root / "configs" / f"{stem}{suffix}").is_file():
            data = read_file(root, f"configs/{stem}{suffix}", most_bytes=_MOST_BYTES)
            return Config(_parse(data, f"{stem}{suffix}"))
    raise BrokenModelError(f"The bundle has no configs/{stem}.json or .yaml.")


def _parse(data: bytes, name: str) -> Mapping[str, Any]:
    try:
        content = json.loads(data) if name.endswith(".json") else _parse_yaml(data, name)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise BrokenModelError(f"{name} cannot be read: {str(error)[:200]}") from error
    if not isinstance(content, dict):
        raise BrokenModelError(f"{name} is no table of parts.")
    return content


def _parse_yaml(data: bytes, name: str) -> Any:
    for event in yaml.parse(data, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise UnsafeModelError(f"{name} uses YAML's aliases or tags. Write it without them, or as JSON.")
    return yaml.safe_load(data)
