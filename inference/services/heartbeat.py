"""The heartbeat of a long task that has a row of its own: while it beats, nobody else takes the row."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from inference.services.lease import HEARTBEAT_S

logger = logging.getLogger(__name__)


class Heartbeat:
    """Beats while a worker is at a task, and ends the worker where nothing moves on: no call ends a hung one.

    Parameters
    ----------
    renew
        Writes the time to the row; called on a thread of its own.
    stall_limit_s
        How long the task may go on without `note_progress`.
    """

    def __init__(self, renew: Callable[[], None], *, name: str, stall_limit_s: float) -> None:
        self._renew, self._name, self._stall_limit_s = renew, name, stall_limit_s
        self._is_over = threading.Event()
        self._progressed_at = time.monotonic()
        self._thread = threading.Thread(target=self._beat, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def note_progress(self) -> None:
        """Tell that the task is not stuck."""
        self._progressed_at = time.monotonic()

    def _beat(self) -> None:
        try:
            while not self._is_over.wait(HEARTBEAT_S):
                if time.monotonic() - self._progressed_at > self._stall_limit_s:
                    logger.critical("%s has not moved for %.0f s; this worker ends.", self._name, self._stall_limit_s)
                    logging.shutdown()
                    os.kill(os.getpid(), signal.SIGKILL)
                self._beat_once()
        finally:
            connection.close()

    def _beat_once(self) -> None:
        try:
            self._renew()
        except DatabaseError as error:
            logger.warning("A heartbeat was not written: %s", error)
            connection.close()
