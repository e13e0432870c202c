"""The browsers' part of the bench: sockets that acknowledge what they receive, and one that does not."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from websockets.asyncio.client import connect

from inference.models import SegmentationJob
from segweb.supervision.stack import HOST
from studies.models import Patient, Role, Series, Study, Team, TeamMembership, User

SEQUENCE = struct.Struct("<I")
SEQUENCE_AT = 8  # in a brick's header
ALL_IN_WITHIN_S = 60.0


@dataclass
class Browser:
    """One socket, and when each brick of the newest attempt came."""

    is_stalled: bool = False
    came_at: dict[int, float] = field(default_factory=dict)
    is_in: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, address: str, cookie: str) -> None:
        """Follow the job to its end; a stalled browser acknowledges nothing."""
        origin = address.replace("ws://", "http://").split("/ws/")[0]
        async with connect(address, additional_headers={"Cookie": cookie}, origin=origin, max_size=None) as socket:  # type: ignore[arg-type]
            await socket.send('{"type":"stream.resume","attempt":0,"after_sequence":0}')
            async for message in socket:
                now = time.monotonic()
                if isinstance(message, bytes):
                    (sequence,) = SEQUENCE.unpack_from(message, SEQUENCE_AT)
                    self.came_at[sequence] = now
                    if not self.is_stalled:
                        await socket.send(f'{{"type":"bricks.acknowledged","sequence":{sequence}}}')
                elif self._is_end(message):
                    return

    def _is_end(self, message: str) -> bool:
        self.is_in.set()
        kind = json.loads(message)["type"]
        if kind == "attempt.started":
            self.came_at.clear()
        return bool(kind == "stream.ended")


async def play_browsers(wish: dict[str, Any]) -> dict[str, Any]:
    """Open the sockets, start the worker, follow to the end, and compare the clocks (one machine, one clock)."""
    job_id, cookie = await sync_to_async(_make_job)()
    browsers = [Browser() for _ in range(wish["viewers"])]
    stalled = [Browser(is_stalled=True) for _ in range(wish["stalled"])]
    address = f"ws://{HOST}:{wish['port']}/ws/jobs/{job_id}"
    watching = [asyncio.create_task(browser.watch(address, cookie)) for browser in browsers]
    waiting = [asyncio.create_task(browser.watch(address, cookie)) for browser in stalled]
    async with asyncio.timeout(ALL_IN_WITHIN_S):
        await asyncio.gather(*(browser.is_in.wait() for browser in [*browsers, *stalled]))
    task = json.dumps({**wish["task"], "job_id": str(job_id)})
    worker = await asyncio.create_subprocess_exec(*wish["worker"], "--task", task, stdout=asyncio.subprocess.PIPE)
    output, _ = await worker.communicate()
    if worker.returncode:
        raise SystemExit(f"The bench's worker failed with {worker.returncode}.")
    async with asyncio.timeout(ALL_IN_WITHIN_S):
        await asyncio.gather(*watching)
    for each in waiting:
        each.cancel()
    figures: dict[str, Any] = json.loads(output)["worker"]
    return figures | _compare(figures, browsers) | {"stalled_got": [len(browser.came_at) for browser in stalled]}


def _compare(figures: dict[str, Any], browsers: list[Browser]) -> dict[str, Any]:
    """Return what the browsers saw, in terms of the worker's clock."""
    if "began_at" in figures:
        first = [min(browser.came_at.values()) - figures["began_at"] for browser in browsers]
        last = [max(browser.came_at.values()) - figures["began_at"] for browser in browsers]
        return {"first_brick_s": round(max(first), 3), "last_brick_s": round(max(last), 3)}
    emitted_at = figures.pop("emitted_at")
    late = sorted(
        (came_at - emitted_at[sequence - 1]) * 1000
        for browser in browsers
        for sequence, came_at in browser.came_at.items()
    )
    return {
        "bricks": len(emitted_at),
        "lost": sum(len(emitted_at) - len(browser.came_at) for browser in browsers),
        "latency_p50_ms": round(late[len(late) // 2], 2),
        "latency_p99_ms": round(late[int(0.99 * (len(late) - 1))], 2),
        "latency_worst_ms": round(late[-1], 2),
    }


def _make_job() -> tuple[UUID, str]:
    """Make a reader, a series and a job that nobody but the bench's worker will take."""
    number = User.objects.count()
    team = Team.objects.create(name=f"Bench {number}")
    reader = User.objects.create(username=f"bench{number}", role=Role.CLINICIAN)
    TeamMembership.objects.create(team=team, user=reader)
    patient = Patient.objects.create(home_team=team, patient_id=f"B{number}")
    patient.teams.add(team)
    study = Study.objects.create(patient=patient, home_team=team, study_instance_uid=f"2.25.{number + 1}")
    series = Series.objects.create(study=study, series_instance_uid=f"2.25.{number + 1}.1", modality="MR")
    job = SegmentationJob.objects.create(
        series=series,
        requested_by=reader,
        model_name="bench",
        model_version="1",
        parameters_digest=str(number),
        queued_at=timezone.now(),
        enqueued_at=timezone.now() + timedelta(hours=1),
    )
    session = SessionStore()
    session[SESSION_KEY] = str(reader.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = reader.get_session_auth_hash()
    session.create()
    return job.pk, f"sessionid={session.session_key}"
