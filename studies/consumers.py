"""Sockets of the clinical record: the worklist and an open study.

Every socket belongs to a signed-in person and looks again, every few seconds, whether it may stay open: a session
that ended or a team that was left closes it. No socket counts as an act of a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from uuid import UUID

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.urls import path
from redis.exceptions import RedisError

from studies.errors import ForbiddenError, NotFoundError
from studies.events import session_group, study_group, worklist_group
from studies.models import User
from studies.permissions import visible_teams
from studies.selectors.studies import get_study_for
from studies.services.people import is_session_idle

logger = logging.getLogger(__name__)

Message = dict[str, Any]


def find_session_user(session_key: str) -> User | None:
    """Return who is signed in under a session key; None once the session ended, idled out or may not act yet."""
    if not session_key:
        return None
    session = SessionStore(session_key=session_key)
    user = get_user(cast(HttpRequest, SimpleNamespace(session=session)))
    if not isinstance(user, User) or not user.is_active or user.must_change_password or is_session_idle(session):
        return None
    return user


class SignedInConsumer(AsyncWebsocketConsumer):  # type: ignore[misc] # channels ships no types
    """A socket of a signed-in person that closes itself when it may no longer be open."""

    SIGNED_OUT: ClassVar[int] = 4401
    FORBIDDEN: ClassVar[int] = 4403
    NOT_VISIBLE: ClassVar[int] = 4404
    STALLED: ClassVar[int] = 4408
    """The browser took nothing for too long: it connects again and resumes where it was."""
    BROKER_AWAY: ClassVar[int] = 1013

    RECHECK_S: ClassVar[float] = 5.0
    SEND_WITHIN_S: ClassVar[float] = 10.0

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Hold the conversation until the browser leaves, or until `give_up`."""
        self._conversation = asyncio.current_task()
        self._has_given_up = self._is_accepted = self._is_leaving = False
        self._companions: set[asyncio.Task[None]] = set()
        self._joined: set[str] = set()
        self.scope, self.base_send = scope, send
        try:
            await self._open_channel()
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            return
        except asyncio.CancelledError:
            if not self._has_given_up:
                raise
        except (RedisError, OSError) as error:
            logger.warning("The broker is away, a socket closes: %s", error)
            if not self._is_accepted:
                await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": self.BROKER_AWAY})
        finally:
            for task in self._companions:
                task.cancel()
            await self._leave_groups()

    async def dispatch(self, message: Message) -> None:
        """Call the handler at once; the parent class crosses to a thread first, for every message."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def _open_channel(self) -> None:
        """Listen to the channel layer on a task of its own; the parent class makes two new tasks for every message."""
        self.channel_layer = get_channel_layer()
        self.channel_name = await self.channel_layer.new_channel()
        self.accompany(self._listen())

    async def _listen(self) -> None:
        while True:
            await self.dispatch(await self.channel_layer.receive(self.channel_name))

    async def connect(self) -> None:
        """Accept, then close with a code that tells why: a refused handshake tells a browser nothing."""
        await self.accept()
        self._is_accepted = True
        self._session_key: str = self.scope["session"].session_key or ""
        refusal = await database_sync_to_async(self._check)()
        if refusal:
            await self.leave(refusal)
            return
        await self.join(session_group(self._session_key))
        await self.opened()
        self.accompany(self._keep_checking())

    async def join(self, group: str) -> None:
        """Receive what is published to a group."""
        if group not in self._joined:
            self._joined.add(group)
            await self.channel_layer.group_add(group, self.channel_name)

    def accompany(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work beside the conversation until it ends; a failure in it ends the conversation too."""
        task = asyncio.create_task(work)
        self._companions.add(task)
        task.add_done_callback(self._companion_ended)

    async def deliver(self, *, text: str | None = None, data: bytes | None = None) -> None:
        """Send to the browser; one that takes nothing for `SEND_WITHIN_S` is left, and resumes when it is back."""
        if self._is_leaving:
            return
        try:
            async with asyncio.timeout(self.SEND_WITHIN_S):
                await self.send(text_data=text, bytes_data=data)
        except OSError:  # it takes nothing (TimeoutError), or it has gone
            self.give_up()

    async def leave(self, code: int) -> None:
        """Close with a code, without waiting for a browser that does not read."""
        if self._is_leaving:
            return
        self._is_leaving = True
        try:
            async with asyncio.timeout(1.0):
                await self.close(code)
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """End the conversation without a word: nobody listens."""
        self._has_given_up = self._is_leaving = True
        if self._conversation is not None:
            self._conversation.cancel()

    async def event_published(self, message: Message) -> None:
        """Pass a published event on."""
        await self.deliver(text=message["text"])

    async def session_ended(self, message: Message) -> None:
        """Close at once when the person signs out."""
        await self.leave(self.SIGNED_OUT)

    async def opened(self) -> None:
        """Join groups and start; called once the person is known to be allowed."""

    def check_visible(self, user: User) -> None:
        """Raise `NotFoundError` or `ForbiddenError` unless the person may see what this tells of; runs in a thread."""

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(self.RECHECK_S)
            refusal = await database_sync_to_async(self._check)()
            if refusal:
                await self.leave(refusal)
                return
            await self.rechecked()

    async def rechecked(self) -> None:
        """Follow what may have changed since the last check; nothing by default."""

    def _check(self) -> int | None:
        user = find_session_user(self._session_key)
        if user is None:
            return self.SIGNED_OUT
        self.user = user
        try:
            self.check_visible(user)
        except NotFoundError:
            return self.NOT_VISIBLE
        except ForbiddenError:
            return self.FORBIDDEN
        return None

    async def _leave_groups(self) -> None:
        for group in self._joined:
            with contextlib.suppress(RedisError, OSError):
                await self.channel_layer.group_discard(group, self.channel_name)

    def _companion_ended(self, task: asyncio.Task[None]) -> None:
        self._companions.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A socket's companion failed", exc_info=error)
            self.give_up()


class WorklistConsumer(SignedInConsumer):
    """Tells a person which studies and uploads of their teams changed."""

    async def opened(self) -> None:
        """Join the worklists of the person's teams."""
        await self.rechecked()

    async def rechecked(self) -> None:
        """Follow the teams the person has joined or left meanwhile."""
        wanted = {worklist_group(team_id) for team_id in await database_sync_to_async(self._team_ids)()}
        for group in {g for g in self._joined if g.startswith("worklist.")} - wanted:
            self._joined.discard(group)
            await self.channel_layer.group_discard(group, self.channel_name)
        for group in wanted:
            await self.join(group)

    def _team_ids(self) -> list[UUID]:
        return list(visible_teams(self.user).values_list("id", flat=True))


class StudyConsumer(SignedInConsumer):
    """Tells who has a study open of its jobs, revisions and new images."""

    @property
    def study_id(self) -> UUID:
        """The study named in the address."""
        study_id: UUID = self.scope["url_route"]["kwargs"]["study_id"]
        return study_id

    async def opened(self) -> None:
        """Follow the study."""
        await self.join(study_group(self.study_id))

    def check_visible(self, user: User) -> None:
        """Refuse what the person may not see."""
        get_study_for(user, self.study_id)


websocket_urlpatterns = [
    path("ws/worklist", WorklistConsumer.as_asgi()),
    path("ws/studies/<uuid:study_id>", StudyConsumer.as_asgi()),
]
