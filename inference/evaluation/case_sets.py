"""Sets of outlined cases, read one at a time. Imports neither torch nor Django."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from inference.evaluation.cases import LeftOut, OutlinedCase, find_cases, iterate_cases
from inference.evaluation.facts import read_table
from inference.evaluation.sources import open_source


class Cases(Protocol):
    """Outlined cases, wherever they lie."""

    @property
    def total(self) -> int:
        """How many there are, those included that will be left out while they are read."""
        ...

    def read(self, left_out: list[LeftOut]) -> Iterator[OutlinedCase]:
        """Yield those that can be read; the others join `left_out`."""
        ...


class FileCases:
    """Cases in a folder or zip.

    Raises
    ------
    studies.errors.DomainError
        Where there is not one pair, the archive is refused, or its table cannot be read.
    """

    def __init__(self, path: Path, *, modality: str) -> None:
        self._source = open_source(path)
        self._modality = modality
        self._files, self._alone = find_cases(self._source)
        self._table = read_table(self._source)

    @property
    def total(self) -> int:
        """How many pairs there are."""
        return len(self._files)

    def read(self, left_out: list[LeftOut]) -> Iterator[OutlinedCase]:
        """Yield the cases that can be read."""
        left_out += self._alone
        yield from iterate_cases(self._source, self._files, left_out, modality=self._modality, table=self._table)
