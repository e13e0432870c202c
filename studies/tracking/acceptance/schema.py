"""The schema of acceptance vectors: what a file must look like, and fields that know whether somebody read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from studies.errors import InvalidInputError

SCHEMA = "segweb-criteria-vectors/1"
_NEEDED = ("id", "criterion", "expected")


class VectorFileError(InvalidInputError):
    """The file is no file of acceptance vectors."""

    code: ClassVar[str] = "criteria.vector_file_unreadable"


class VectorFieldError(InvalidInputError):
    """A vector says something this version cannot read."""

    code: ClassVar[str] = "criteria.vector_field_unreadable"


@dataclass(slots=True)
class Fields:
    """A JSON object that remembers which of its fields were read: what nobody read cannot have been checked."""

    values: Mapping[str, Any]
    name: str = ""
    _read: set[str] = field(default_factory=set)
    _parts: list[Fields] = field(default_factory=list)

    def take(self, *names: str, default: Any = None) -> Any:
        """Return the first of the named fields that is there, or the default."""
        self._read.update(names)
        return next((self.values[name] for name in names if name in self.values), default)

    def need(self, name: str) -> Any:
        """Return a field that must be there."""
        if name not in self.values:
            raise VectorFieldError(f"{self.name or 'The vector'} lacks the field {name!r}.")
        return self.take(name)

    def part(self, name: str) -> Fields:
        """Return an object inside this one, empty where it is not there."""
        return self._adopt(self.take(name, default={}) or {}, name)

    def parts(self, name: str) -> tuple[Fields, ...]:
        """Return a list of objects inside this one."""
        return tuple(
            self._adopt(item, f"{name} {number}") for number, item in enumerate(self.take(name, default=[]), 1)
        )

    def unread(self) -> tuple[str, ...]:
        """Return the names of the fields nobody read, here and inside."""
        here = [name for name in self.values if name not in self._read]
        return (*here, *(f"{part.name}: {name}" for part in self._parts for name in part.unread()))

    def _adopt(self, value: Any, name: str) -> Fields:
        if not isinstance(value, Mapping):
            raise VectorFieldError(f"{name} is {value!r}; an object is expected.")
        made = Fields(value, name)
        self._parts.append(made)
        return made


@dataclass(frozen=True, slots=True)
class Vector:
    """One acceptance vector: what goes in, what must come out."""

    vector_id: str
    criterion: str
    title: str
    rule_ref: str
    body: Mapping[str, Any]
    expected: Mapping[str, Any]


def read_vectors(document: object) -> tuple[Vector, ...]:
    """Return the vectors of a parsed file.

    Raises
    ------
    VectorFileError
        If the document is not in the schema; the message says what is wrong.
    """
    if not isinstance(document, Mapping) or "schema" not in document:
        raise VectorFileError(f'This is no file of acceptance vectors: it needs an object with "schema": "{SCHEMA}".')
    if document["schema"] != SCHEMA:
        raise VectorFileError(f"The file is in the schema {document['schema']!r}; this version reads {SCHEMA!r}.")
    listed = document.get("vectors")
    if not isinstance(listed, list) or not listed:
        raise VectorFileError('The file has no vectors: "vectors" must be a list that is not empty.')
    vectors = tuple(_read_vector(item, number) for number, item in enumerate(listed, 1))
    _refuse_twins(vector.vector_id for vector in vectors)
    return vectors


def _read_vector(item: object, number: int) -> Vector:
    if not isinstance(item, Mapping):
        raise VectorFileError(f"Vector {number} is no object.")
    missing = [name for name in _NEEDED if name not in item]
    if missing or not isinstance(item["expected"], Mapping):
        raise VectorFileError(
            f"Vector {item.get('id', number)} needs {', '.join(missing or ['an object as expected'])}."
        )
    about = ("id", "criterion", "title", "rule_ref", "reason", "source", "expected")
    return Vector(
        vector_id=str(item["id"]),
        criterion=str(item["criterion"]),
        title=str(item.get("title", "")),
        rule_ref=str(item.get("rule_ref", "")),
        body={name: value for name, value in item.items() if name not in about},
        expected=item["expected"],
    )


def _refuse_twins(vector_ids: Iterable[str]) -> None:
    listed = list(vector_ids)
    twins = sorted({vector_id for vector_id in listed if listed.count(vector_id) > 1})
    if twins:
        raise VectorFileError(f"Each vector needs an id of its own; {', '.join(twins)} occurs twice.")
