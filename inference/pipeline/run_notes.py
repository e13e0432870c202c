"""What a run has to tell a person besides its labels: that it went another way than it was meant to.

Knows no torch: whoever starts a run gathers the notes, and whatever runs below writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_notes: ContextVar[list[str] | None] = ContextVar("notes of the run", default=None)
_count = 0


@contextmanager
def gather_notes() -> Iterator[list[str]]:
    """Give the list that fills while the block runs; each sentence comes once, in the order of events."""
    global _count
    _count += 1
    gathered: list[str] = []
    token = _notes.set(gathered)
    try:
        yield gathered
    finally:
        _notes.reset(token)


def write_note(sentence: str) -> None:
    """Tell the person who reads the result; nobody hears it outside of `gather_notes`."""
    gathered = _notes.get()
    if gathered is not None and sentence not in gathered:
        gathered.append(sentence)


def count_runs() -> int:
    """Return the number of the run that is under way, or of the last one: two runs never have the same."""
    return _count
