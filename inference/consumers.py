"""The live overlay's socket: bricks in order and without holes, at the pace the browser draws them.

The worker writes bricks as rows and publishes a pointer; this side reads the rows. A lost pointer costs at most one
poll, a slow browser holds up nobody: it has at most `IN_FLIGHT` bricks on the way, and rows wait for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, ClassVar
from uuid import UUID

from channels.db import database_sync_to_async
from django.urls import path

from inference.events import AttemptStarted, StreamEnded, evaluation_group
from inference.model_spec import Focus
from inference.selectors import StreamState, get_evaluation_for, get_job_for
from inference.services.jobs import await_job, move_focus
from inference.stream_cache import StreamCache
from studies.consumers import Message, SignedInConsumer
from studies.events import encode_event, job_group
from studies.models import User
from studies.permissions import ACTING_ROLES

_cache = StreamCache()


class JobConsumer(SignedInConsumer):
    """Streams one job to one browser."""

    IN_FLIGHT: ClassVar[int] = 8
    POLL_S: ClassVar[float] = 1.0
    STALL_S: ClassVar[float] = 30.0
    FOCUS_S: ClassVar[float] = 0.2
    BAD_MESSAGE: ClassVar[int] = 4400

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wake = asyncio.Event()
        self._is_resumed = self._has_ended = False
        self._attempt = self._sent = self._acknowledged = 0
        self._known = (0, 0)
        """Attempt and sequence of the newest brick heard of."""
        self._acknowledged_at = time.monotonic()
        self._progress: str | None = None
        self._told: str | None = None
        self._state: StreamState | None = None
        self._heard_at = self._looked_at = self._fresh_since = 0.0
        """When progress was last heard of and the row last read; how new a reading must be to be believed."""
        self._focus: Focus | None = None
        self._focus_written = asyncio.Event()

    @property
    def job_id(self) -> UUID:
        """The job named in the address."""
        job_id: UUID = self.scope["url_route"]["kwargs"]["job_id"]
        return job_id

    def check_visible(self, user: User) -> None:
        """Refuse what the person may not see."""
        get_job_for(user, self.job_id)

    async def opened(self) -> None:
        """Follow the job, which somebody waits for from now on; bricks flow once the browser has said what it has."""
        await self.join(job_group(self.job_id))
        await database_sync_to_async(await_job)(self.job_id)
        self.accompany(self._pump())
        self.accompany(self._write_focus())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take what the browser says: resume, acknowledge, look elsewhere."""
        try:
            message = json.loads(text_data or "")
            match message["type"]:
                case "stream.resume":
                    self._resume(int(message["attempt"]), int(message["after_sequence"]))
                case "bricks.acknowledged":
                    self._acknowledge(int(message["sequence"]))
                case "focus.moved":
                    self._focus = _read_voxel(message["voxel"])
                    self._focus_written.set()
        except (ValueError, TypeError, KeyError):
            await self.leave(self.BAD_MESSAGE)

    async def pointer_moved(self, message: Message) -> None:
        """Hear from the worker that bricks can be read."""
        self._known = max(self._known, (message["attempt"], message["sequence"]))
        if message["is_over"]:
            self._fresh_since = time.monotonic()
        self._wake.set()

    async def event_published(self, message: Message) -> None:
        """Hear of progress; only the newest is told, so that a slow browser gathers no backlog."""
        self._progress = message["text"]
        self._heard_at = time.monotonic()
        self._wake.set()

    def _resume(self, attempt: int, after_sequence: int) -> None:
        self._attempt, self._sent = max(attempt, 0), max(after_sequence, 0)
        self._acknowledged = self._sent
        self._is_resumed, self._has_ended = True, False
        self._fresh_since = self._acknowledged_at = time.monotonic()
        self._wake.set()

    def _acknowledge(self, sequence: int) -> None:
        if self._acknowledged < sequence <= self._sent:
            was_full = self._sent - self._acknowledged >= self.IN_FLIGHT
            self._acknowledged, self._acknowledged_at = sequence, time.monotonic()
            if was_full:  # else nothing waits for it
                self._wake.set()

    async def _pump(self) -> None:
        """Send what can be sent; wake for pointers, acknowledgements and, should one be lost, every second."""
        is_woken = False
        while True:
            if not is_woken or self._fresh_since > self._looked_at:
                await self._look()
            await self._tell_progress()
            if self._is_resumed:
                await self._send_bricks()
            if self._sent > self._acknowledged and time.monotonic() - self._acknowledged_at > self.STALL_S:
                await self.leave(self.STALLED)
                return
            is_woken = await self._is_woken()

    async def _is_woken(self) -> bool:
        try:
            async with asyncio.timeout(self.POLL_S):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _look(self) -> None:
        """Read the job's row, or a neighbour's reading of it: the channel layer may lose any message."""
        began = time.monotonic()
        since = max(self._fresh_since, began - self.POLL_S / 2)
        self._state = await _cache.stream_state(self.job_id, since=since)
        self._looked_at = began
        self._known = max(self._known, (self._state.status.attempt, self._state.brick_count))
        if began - self._heard_at > self.POLL_S:
            self._progress = self._state.progress

    async def _tell_progress(self) -> None:
        if self._progress not in (None, self._told):
            self._told = self._progress
            await self.deliver(text=self._progress)

    async def _send_bricks(self) -> None:
        await self._follow_attempt()
        room = self.IN_FLIGHT - (self._sent - self._acknowledged)
        while room > 0 and self._known > (self._attempt, self._sent):
            bricks = await _cache.bricks(self.job_id, self._attempt, after=self._sent, limit=room)
            if not bricks:
                break
            for sequence, data in bricks:
                if self._sent == self._acknowledged:
                    self._acknowledged_at = time.monotonic()
                await self.deliver(data=data)
                self._sent = sequence
            room = self.IN_FLIGHT - (self._sent - self._acknowledged)
        await self._end_stream()

    async def _follow_attempt(self) -> None:
        """Start again where another attempt has taken over, or where the browser claims more than there is."""
        attempt, sequence = self._known
        if attempt and (attempt != self._attempt or self._sent > sequence):
            self._attempt, self._sent, self._acknowledged, self._has_ended = attempt, 0, 0, False
            await self.deliver(text=encode_event(AttemptStarted(attempt=attempt)))

    async def _end_stream(self) -> None:
        """Say once that the job is over, after its last brick or when its bricks are gone."""
        state = self._state
        if self._has_ended or state is None or not state.is_over or state.status.attempt != self._attempt:
            return
        if await self._is_brick_left(state):
            return
        self._has_ended = True
        await self.deliver(text=state.progress)
        await self.deliver(text=encode_event(_stream_ended(state)))

    async def _is_brick_left(self, state: StreamState) -> bool:
        if self._sent >= state.brick_count:
            return False
        return bool(await _cache.bricks(self.job_id, self._attempt, after=self._sent, limit=1))

    async def _write_focus(self) -> None:
        """Note where the reader looks, the newest only and now and then."""
        while True:
            await self._focus_written.wait()
            self._focus_written.clear()
            if self._focus is not None and self.user.role in ACTING_ROLES:
                await database_sync_to_async(move_focus)(self.job_id, self._focus)
            await asyncio.sleep(self.FOCUS_S)


def _read_voxel(value: object) -> Focus:
    if not isinstance(value, list):
        raise TypeError("A voxel is a list of three indices.")
    z, y, x = (max(0, min(int(index), 2**31 - 1)) for index in value)
    return z, y, x


def _stream_ended(state: StreamState) -> StreamEnded:
    return StreamEnded(
        attempt=state.status.attempt,
        last_sequence=state.brick_count,
        state=state.status.state,
        revision_id=state.status.revision_id,
        digest=state.digest,
    )


class EvaluationConsumer(SignedInConsumer):
    """Tells an administrator how far an evaluation is; the page asks the row for what it missed."""

    @property
    def evaluation_id(self) -> UUID:
        """The evaluation named in the address."""
        evaluation_id: UUID = self.scope["url_route"]["kwargs"]["evaluation_id"]
        return evaluation_id

    async def opened(self) -> None:
        """Follow it."""
        await self.join(evaluation_group(self.evaluation_id))

    def check_visible(self, user: User) -> None:
        """Refuse everybody but administrators of the team."""
        get_evaluation_for(user, self.evaluation_id)


websocket_urlpatterns = [
    path("ws/jobs/<uuid:job_id>", JobConsumer.as_asgi()),
    path("ws/evaluations/<uuid:evaluation_id>", EvaluationConsumer.as_asgi()),
]
