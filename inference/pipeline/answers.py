"""The scores behind a run's labels, for whoever fits or judges them. Knows no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float16]
"""(class, slice, row, column) on the series' grid: what the softmax takes; only differences between classes count."""

_answers: ContextVar[list[Logits] | None] = ContextVar("scores of the run", default=None)


@contextmanager
def gather_answers() -> Iterator[list[Logits]]:
    """Give the scores that the block's runs end with, one array a run; without this nobody keeps them."""
    gathered: list[Logits] = []
    token = _answers.set(gathered)
    try:
        yield gathered
    finally:
        _answers.reset(token)


def is_gathering_answers() -> bool:
    """Tell whether anybody wants the scores."""
    return _answers.get() is not None


def deliver_answers(logits: Logits) -> None:
    """Hand a run's scores to whoever gathers."""
    gathered = _answers.get()
    if gathered is not None:
        gathered.append(logits)
