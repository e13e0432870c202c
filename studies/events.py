"""What the clinical record tells browsers, as typed messages, and the one way to publish them.

A message is a pointer or a small status, never pixels: the channel layer delivers at most once, so whatever a browser
must not miss is re-readable from the database. The TypeScript types are generated from the dataclasses here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from studies.models import ReceptionOutcome, RegistrationState, UploadState

logger = logging.getLogger(__name__)

PUBLISH_BACKLOG = 1000
"""Messages in flight to the broker before further ones are dropped: a broker that is down must not eat the memory."""


class Event(Protocol):
    """A frozen dataclass with a `type`."""

    @property
    def type(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCounts:
    """Objects found in an upload, by outcome."""

    stored: int
    duplicate: int
    refused: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProblem:
    """One object of an upload that was not stored as a new instance, and why."""

    path: str
    outcome: ReceptionOutcome
    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStatus:
    """An upload as the API shows it."""

    id: UUID
    file_name: str
    size_bytes: int
    received_bytes: int
    state: UploadState
    reason_code: str
    reason: str
    batch: UUID | None
    created_at: datetime
    finished_at: datetime | None
    counts: UploadCounts
    problems: tuple[UploadProblem, ...]
    study_ids: tuple[UUID, ...]
    needed_details: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistChanged:
    """A row of the worklist is new or differs: fetch it again."""

    type: Literal["worklist.changed"] = "worklist.changed"
    study_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgressed:
    """An upload moved on."""

    type: Literal["upload.progressed"] = "upload.progressed"
    upload: UploadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyChanged:
    """The study's series or instances changed: fetch it again."""

    type: Literal["study.changed"] = "study.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSaved:
    """A label map has a new revision."""

    type: Literal["revision.saved"] = "revision.saved"
    segmentation_id: UUID
    revision_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationAccepted:
    """A person vouches for a segmentation."""

    type: Literal["segmentation.accepted"] = "segmentation.accepted"
    segmentation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationFinished:
    """A prior series has been laid over a current one, or could not be: both studies are told."""

    type: Literal["registration.finished"] = "registration.finished"
    registration_id: UUID
    prior_series_id: UUID
    current_series_id: UUID
    state: RegistrationState


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationNudged:
    """A person moved a prior series on by hand: both studies are told."""

    type: Literal["registration.nudged"] = "registration.nudged"
    registration_id: UUID
    prior_series_id: UUID
    current_series_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingChanged:
    """What is known of a patient's lesions, or the verdict on them, differs: fetch it again."""

    type: Literal["tracking.changed"] = "tracking.changed"
    patient_id: UUID


def worklist_group(team_id: UUID) -> str:
    """Everyone who has the worklist of a team open."""
    return f"worklist.{team_id}"


def study_group(study_id: UUID) -> str:
    """Everyone who has a study open."""
    return f"study.{study_id}"


def job_group(job_id: UUID) -> str:
    """Everyone who watches a segmentation job."""
    return f"job.{job_id}"


def session_group(session_key: str) -> str:
    """Every socket of one signed-in session; the key itself never leaves the database."""
    return f"session.{hashlib.sha256(session_key.encode()).hexdigest()[:32]}"


def encode_event(event: Event) -> str:
    """Return a message as the JSON text that browsers receive."""
    return json.dumps(asdict(event), cls=DjangoJSONEncoder, separators=(",", ":"))  # type: ignore[call-overload]


class _Publisher:
    """One event loop on one thread for all sends of this process: a loop per send costs four times as much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = threading.BoundedSemaphore(PUBLISH_BACKLOG)

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Hand a message to the loop and return at once."""
        if not self._slots.acquire(blocking=False):
            logger.warning("Broker is behind: a message to %s was dropped; browsers will poll.", group)
            return
        asyncio.run_coroutine_threadsafe(self._deliver(group, message), self._running_loop())

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="event-publisher", daemon=True).start()
            return self._loop

    async def _deliver(self, group: str, message: dict[str, Any]) -> None:
        try:
            layer = get_channel_layer()
            if layer is not None:
                await layer.group_send(group, message)
        except Exception as error:  # noqa: BLE001 - at most once: browsers poll for what is lost
            logger.warning("A message to %s was lost: %s", group, error)
        finally:
            self._slots.release()


_publisher = _Publisher()


def _start_afresh() -> None:
    global _publisher
    _publisher = _Publisher()  # a forked child has the parent's loop object but not its thread


os.register_at_fork(after_in_child=_start_afresh)


def publish(group: str, event: Event) -> None:
    """Send a message to the group's sockets now; lost without harm when the broker is away."""
    _publisher.send(group, {"type": "event.published", "text": encode_event(event)})


def publish_pointer_on_commit(group: str, **pointer: int) -> None:
    """Tell the group's sockets, once committed, up to where rows can be read; browsers never see the pointer."""
    transaction.on_commit(lambda: _publisher.send(group, {"type": "pointer.moved", **pointer}))


def publish_on_commit(group: str, event: Event) -> None:
    """Send a message once the surrounding transaction has committed."""
    transaction.on_commit(lambda: publish(group, event))


def end_session_on_commit(session_key: str) -> None:
    """Close every socket of a session that has just been signed out."""
    group = session_group(session_key)
    transaction.on_commit(lambda: _publisher.send(group, {"type": "session.ended"}))
