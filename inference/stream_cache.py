"""What the sockets of one process share: a brick is read once, however many browsers watch the job.

Used from an event loop. The rows are read on a thread of its own with a connection that stays open: opening one for
each brick would cost more than the brick.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from inference.selectors import StreamState, describe_stream, read_bricks

READ_AHEAD = 8
CACHE_BYTES = 64 * 1024**2
CACHED_STATES = 256

Bricks = list[tuple[int, bytes]]
Result = TypeVar("Result")

_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="brick-reader")


class StreamCache:
    """The newest bricks and job states that this process has read."""

    def __init__(self) -> None:
        self._bricks: OrderedDict[tuple[UUID, int, int], bytes] = OrderedDict()
        self._size_bytes = 0
        self._states: OrderedDict[UUID, tuple[float, StreamState]] = OrderedDict()
        self._reading: dict[object, asyncio.Future[Any]] = {}

    async def bricks(self, job_id: UUID, attempt: int, *, after: int, limit: int) -> Bricks:
        """Return the bricks that follow `after`, in order and without a hole, at most `limit`; empty when none is."""
        key = (job_id, attempt, after)
        found = self._cached(key, limit)
        if not found and key in self._reading:  # somebody reads it now, perhaps since before it was there
            await asyncio.wait([self._reading[key]])
            found = self._cached(key, limit)
        if not found:
            rows = await self._read(key, lambda: read_bricks(job_id, attempt=attempt, after=after, limit=READ_AHEAD))
            self._keep(job_id, attempt, rows)
            found = rows[:limit]
        return found

    async def stream_state(self, job_id: UUID, *, since: float) -> StreamState:
        """Return where the job's stream stood at `time.monotonic()` == `since`, or later."""
        while True:
            read_at, state = self._states.get(job_id, (0.0, None))
            if state is not None and read_at >= since:
                return state
            if job_id in self._reading:
                await asyncio.wait([self._reading[job_id]])
            else:
                began = time.monotonic()
                fresh = await self._read(job_id, lambda: describe_stream(job_id))
                self._states[job_id] = (began, fresh)
                self._states.move_to_end(job_id)
                if len(self._states) > CACHED_STATES:
                    self._states.popitem(last=False)
                return fresh

    async def _read(self, key: object, read: Callable[[], Result]) -> Result:
        reading = asyncio.get_running_loop().run_in_executor(_reader, _on_open_connection, read)
        self._reading[key] = reading
        try:
            return await asyncio.shield(reading)
        finally:
            if self._reading.get(key) is reading:
                del self._reading[key]

    def _cached(self, key: tuple[UUID, int, int], limit: int) -> Bricks:
        job_id, attempt, after = key
        found: Bricks = []
        while len(found) < limit and (data := self._bricks.get((job_id, attempt, after + len(found) + 1))) is not None:
            found.append((after + len(found) + 1, data))
        return found

    def _keep(self, job_id: UUID, attempt: int, rows: Bricks) -> None:
        for sequence, data in rows:
            key = (job_id, attempt, sequence)
            if key not in self._bricks:
                self._bricks[key] = data
                self._size_bytes += len(data)
        while self._size_bytes > CACHE_BYTES and len(self._bricks) > READ_AHEAD:
            _, dropped = self._bricks.popitem(last=False)
            self._size_bytes -= len(dropped)


def _on_open_connection(read: Callable[[], Result]) -> Result:
    if connection.errors_occurred:  # by age it would be closed each time: SQLite's connections have none
        connection.close()
    return read()


def close_reader() -> None:
    """End the reading thread and its connection; the next read begins another (tests drop their database)."""
    global _reader
    _reader.submit(lambda: connection.close()).result()
    _reader.shutdown(wait=True)
    _reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="brick-reader")
