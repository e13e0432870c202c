"""What runs beside the web server from its start to its end: the caretaker of jobs, rules, uploads and lesions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from django.db import DatabaseError, connection

from inference.services.evaluation_care import sweep_evaluations
from inference.services.model_imports import sweep_imports
from inference.services.reaper import reap
from inference.services.routing_care import tend_routing
from studies.services.statistics import refresh_statistics
from studies.services.tracking_care import tend_tracking
from studies.services.upload_care import sweep_folders, tend_uploads

logger = logging.getLogger(__name__)
REAP_EVERY_S = 2.0
TEND_EVERY_ROUNDS = 15
SWEEP_EVERY_ROUNDS = 1800
STATISTICS_IN_ROUND = 15
"""Of those of a sweep: soon after the start, then once between sweeps."""

Message = dict[str, Any]


class Caretaker:
    """A thread that looks after lost jobs, lost messages, old bricks and unfinished uploads.

    It lives in the web process because that is up whenever somebody is looking, and survives the death of any worker.
    """

    def __init__(self, *, every_s: float = REAP_EVERY_S) -> None:
        self._every_s = every_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="caretaker", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, waiting for what is in hand."""
        self._is_over.set()
        self._thread.join(timeout=5)

    def _look_after(self) -> None:
        for round_number in count(1):
            if self._is_over.wait(self._every_s):
                return
            try:
                reap()
                if round_number % TEND_EVERY_ROUNDS == 0:
                    tend_uploads()
                    tend_tracking()
                    tend_routing()
                if round_number % SWEEP_EVERY_ROUNDS == 0:
                    sweep_folders()
                    sweep_imports()
                    sweep_evaluations()
                if round_number % SWEEP_EVERY_ROUNDS == STATISTICS_IN_ROUND:
                    refresh_statistics()
            except DatabaseError as error:
                logger.warning("The caretaker could not reach the database: %s", error)
            except Exception:
                logger.exception("The caretaker failed and goes on")
            finally:
                connection.close()


class Lifespan:
    """The ASGI lifespan protocol."""

    async def __call__(
        self,
        _scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Start the caretaker with the server and stop it with the server."""
        caretaker = Caretaker()
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                caretaker.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                caretaker.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
