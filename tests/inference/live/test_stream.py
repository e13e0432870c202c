"""The live overlay over real sockets: order, resumption, pace, and who is let in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.utils import timezone
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from inference.consumers import JobConsumer
from inference.job_states import JobState
from inference.model_spec import Progress
from inference.models import JobBrick, SegmentationJob
from inference.services.endings import end_job
from inference.services.lease import Lease
from inference.services.recorder import Recorder
from inference.services.runs import claim_job
from segweb.asgi import application
from studies.models import Role, User
from tests.factories import PatientFactory, SeriesFactory, TeamFactory, UserFactory
from tests.inference.live.viewers import Viewer
from tests.stack import LiveStack, sign_in

SHAPE = (12, 24, 20)


def labels(seed: int = 1, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return a label map with structure, the same for a seed."""
    coarse = np.random.default_rng(seed).integers(0, 3, (shape[0], shape[1] // 4, shape[2] // 4), dtype=np.uint8)
    return np.kron(coarse, np.ones((1, 4, 4), np.uint8))


class Worker:
    """The writing half of a worker in the test's hands: the real claim, recorder and end, without an engine."""

    def __init__(self, job: SegmentationJob) -> None:
        claimed = claim_job(job.pk, worker="test")
        assert claimed is not None
        self.job = claimed
        self.recorder = Recorder(claimed, Lease(claimed))

    def write(self, voxels: np.ndarray, slices: range) -> None:
        """Make slices final, one slab each."""
        for done, place in enumerate(slices, start=1):
            self.recorder(Progress("segmenting", done, len(slices), voxels[place : place + 1], (place, 0, 0)))

    def end(self, state: JobState = JobState.CANCELLED) -> None:
        """End the attempt."""
        end_job(self.job, state)


@pytest.fixture
def job(stack: LiveStack) -> SegmentationJob:
    """A job that waits, over a series of a team's patient."""
    team = TeamFactory()
    series = SeriesFactory(study__patient=PatientFactory(home_team=team))
    return SegmentationJob.objects.create(
        series=series,
        model_name="otsu",
        model_version="1",
        parameters_digest="0" * 64,
        requested_by=UserFactory(teams=[team]),
        queued_at=timezone.now(),
        enqueued_at=timezone.now() + timedelta(hours=1),  # nobody sends it to the stack's own workers
    )


@pytest.fixture
def viewer_for(stack: LiveStack, job: SegmentationJob) -> Callable[..., Viewer]:
    """Make a signed-in viewer of the job."""
    assert job.requested_by is not None
    key = sign_in(job.requested_by)
    return lambda **options: Viewer(stack, key, job.pk, **options)


async def test_a_viewer_gets_every_slab_as_it_becomes_final(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer, truth = viewer_for(), labels()
    watching = asyncio.create_task(viewer.watch())
    worker = await sync_to_async(Worker)(job)
    order = [5, 6, 4, 7, 3, 8, 2, 9, 1, 10, 0, 11]
    for count, place in enumerate(order, start=1):
        await sync_to_async(worker.write)(truth, range(place, place + 1))
        async with asyncio.timeout(5):
            while len(viewer.bricks) < count:
                await asyncio.sleep(0.005)
    await sync_to_async(worker.end)()
    await watching
    assert [brick.slice_start for brick in viewer.bricks] == order
    np.testing.assert_array_equal(viewer.label_map(SHAPE), truth)
    ended = viewer.told("stream.ended")[0]
    assert (ended["attempt"], ended["last_sequence"], ended["state"]) == (1, 12, "cancelled")
    assert ended["revision_id"] is None


async def test_a_job_in_advance_is_awaited_once_somebody_follows_it(job: SegmentationJob, viewer_for: Callable) -> None:
    jobs = SegmentationJob.objects.filter(pk=job.pk)
    await jobs.aupdate(is_awaited=False)
    assert job.requested_by is not None
    await User.objects.filter(pk=job.requested_by.pk).aupdate(role=Role.VIEWER)
    viewer = viewer_for()
    watching = asyncio.create_task(viewer.watch())
    async with asyncio.timeout(10):
        while not any(message["job"]["is_awaited"] for message in viewer.told("job.progressed")):
            await asyncio.sleep(0.01)
    assert (await jobs.aget()).is_awaited
    await jobs.aupdate(state=JobState.CANCELLED, attempt=1)
    await watching


async def test_a_browser_that_was_away_gets_exactly_what_it_missed(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer, truth = viewer_for(), labels()
    worker = await sync_to_async(Worker)(job)
    await sync_to_async(worker.write)(truth, range(5))
    await viewer.watch(until_bricks=3)
    await sync_to_async(worker.write)(truth, range(5, 12))
    await sync_to_async(worker.end)()
    before = len(viewer.bricks)
    await viewer.watch()
    assert before == 3
    assert [brick.sequence for brick in viewer.bricks] == list(range(1, 13))
    assert len(viewer.told("attempt.started")) == 1, "a resumed stream does not begin again"
    np.testing.assert_array_equal(viewer.label_map(SHAPE), truth)


async def test_another_attempt_starts_the_stream_again(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer, truth, other = viewer_for(), labels(1), labels(2)
    watching = asyncio.create_task(viewer.watch())
    first = await sync_to_async(Worker)(job)
    await sync_to_async(first.write)(other, range(6))
    await sync_to_async(lambda: SegmentationJob.objects.filter(pk=job.pk).update(state=JobState.QUEUED))()
    second = await sync_to_async(Worker)(job)
    await sync_to_async(second.write)(truth, range(12))
    await sync_to_async(second.end)()
    await watching
    assert [message["attempt"] for message in viewer.told("attempt.started")][-1] == 2
    assert viewer.told("stream.ended")[-1]["attempt"] == 2
    np.testing.assert_array_equal(viewer.label_map(SHAPE), truth)


async def test_pointers_that_are_lost_cost_one_poll(
    job: SegmentationJob, viewer_for: Callable, settings: object
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}  # nobody hears it
    viewer, truth = viewer_for(), labels()
    watching = asyncio.create_task(viewer.watch())
    worker = await sync_to_async(Worker)(job)
    await sync_to_async(worker.write)(truth, range(12))
    await sync_to_async(worker.end)()
    await watching
    np.testing.assert_array_equal(viewer.label_map(SHAPE), truth)


async def test_at_most_eight_bricks_are_on_the_way_to_a_browser_that_does_not_draw(
    job: SegmentationJob, viewer_for: Callable
) -> None:
    stalled, brisk, truth = viewer_for(is_acknowledging=False), viewer_for(), labels()
    waiting = asyncio.create_task(stalled.watch())
    watching = asyncio.create_task(brisk.watch())
    worker = await sync_to_async(Worker)(job)
    began = time.monotonic()
    await sync_to_async(worker.write)(truth, range(12))
    await sync_to_async(worker.end)()
    await watching
    assert time.monotonic() - began < 5, "the stalled browser held up the worker or the other one"
    assert len(brisk.bricks) == 12
    await asyncio.sleep(1.5)
    assert len(stalled.bricks) == 8
    waiting.cancel()


async def test_a_browser_that_never_draws_is_left_and_resumes(job: SegmentationJob, viewer_for: Callable) -> None:
    """Against the consumer itself, with a short patience: over the stack it is half a minute."""
    truth, viewer = labels(), viewer_for()
    worker = await sync_to_async(Worker)(job)
    await sync_to_async(worker.write)(truth, range(12))
    headers = [(b"cookie", f"sessionid={viewer.session_key}".encode()), (b"origin", b"http://127.0.0.1")]
    patience, JobConsumer.STALL_S = JobConsumer.STALL_S, 1.0
    try:
        scope = {"type": "websocket", "path": f"/ws/jobs/{job.pk}", "headers": headers, "query_string": b""}
        socket = ApplicationCommunicator(application, scope)
        await socket.send_input({"type": "websocket.connect"})
        resume = {"type": "stream.resume", "attempt": 0, "after_sequence": 0}
        await socket.send_input({"type": "websocket.receive", "text": json.dumps(resume)})
        codes = []
        async with asyncio.timeout(10):
            while not codes:
                message = await socket.receive_output(timeout=5)
                codes = [message["code"]] if message["type"] == "websocket.close" else []
        assert codes == [JobConsumer.STALLED]
        await socket.send_input({"type": "websocket.disconnect", "code": JobConsumer.STALLED})
        await socket.wait(timeout=5)
    finally:
        JobConsumer.STALL_S = patience
    await sync_to_async(worker.end)()
    viewer.attempt, viewer.sequence = 1, 8
    await viewer.watch()
    assert [brick.sequence for brick in viewer.bricks] == [9, 10, 11, 12]


async def test_fifty_viewers_see_the_same_and_hold_nobody_up(job: SegmentationJob, viewer_for: Callable) -> None:
    truth = labels()
    viewers = [viewer_for() for _ in range(50)]
    watching = [asyncio.create_task(viewer.watch(within_s=120)) for viewer in viewers]
    worker = await sync_to_async(Worker)(job)
    await sync_to_async(worker.write)(truth, range(12))
    await sync_to_async(worker.end)()
    await asyncio.gather(*watching)
    for viewer in viewers:
        np.testing.assert_array_equal(viewer.label_map(SHAPE), truth)


async def test_bricks_that_are_gone_end_the_stream_at_once(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer = viewer_for()
    worker = await sync_to_async(Worker)(job)
    await sync_to_async(worker.write)(labels(), range(12))
    await sync_to_async(worker.end)()
    await sync_to_async(lambda: JobBrick.objects.all().delete())()
    await viewer.watch(within_s=30)
    assert viewer.bricks == []
    assert viewer.told("stream.ended")[0]["last_sequence"] == 12


async def test_moving_the_focus_reaches_the_worker(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer = viewer_for()
    worker = await sync_to_async(Worker)(job)
    async with viewer.stack.websocket(f"/ws/jobs/{job.pk}", viewer.session_key) as socket:
        await viewer.say(socket, type="focus.moved", voxel=[7, 5, 4])
        async with asyncio.timeout(5):
            while await sync_to_async(worker.recorder)(Progress("segmenting", 1, 4)) != (7, 5, 4):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "stream.resume", "attempt": "x"}', "null", "\x00"])
async def test_nonsense_closes_the_socket(job: SegmentationJob, viewer_for: Callable, text: str) -> None:
    viewer = viewer_for()
    async with viewer.stack.websocket(f"/ws/jobs/{job.pk}", viewer.session_key) as socket:
        await socket.send(text)
        assert await closing_code(socket) == 4400


async def closing_code(socket: object) -> int | None:
    """Read until the server closes, and return its code."""
    try:
        async with asyncio.timeout(12):
            async for _ in socket:
                pass
    except ConnectionClosed:
        pass
    return socket.close_code


async def test_a_stranger_is_refused_with_4401(job: SegmentationJob, stack: LiveStack) -> None:
    for path in (f"/ws/jobs/{job.pk}", f"/ws/studies/{job.series.study_id}", "/ws/worklist"):
        for key in (None, "forged"):
            async with stack.websocket(path, key) as socket:
                assert await closing_code(socket) == 4401


async def test_another_teams_job_and_an_unknown_one_are_refused_alike(job: SegmentationJob, stack: LiveStack) -> None:
    stranger = await sync_to_async(lambda: sign_in(UserFactory(teams=[TeamFactory()])))()
    for path in (f"/ws/jobs/{job.pk}", f"/ws/jobs/{uuid4()}", f"/ws/studies/{job.series.study_id}"):
        async with stack.websocket(path, stranger) as socket:
            assert await closing_code(socket) == 4404


async def test_a_foreign_origin_is_refused(job: SegmentationJob, stack: LiveStack) -> None:
    key = await sync_to_async(sign_in)(job.requested_by)
    with pytest.raises(InvalidStatus):
        async with connect(
            f"ws://127.0.0.1:{stack.port}/ws/jobs/{job.pk}",
            additional_headers={"Cookie": f"sessionid={key}"},
            origin="https://evil.example",
        ):
            pass


async def test_signing_out_closes_the_sockets(job: SegmentationJob, stack: LiveStack) -> None:
    client = await sync_to_async(stack.browser_session)(job.requested_by)
    key = client.cookies["sessionid"]
    async with stack.websocket(f"/ws/jobs/{job.pk}", key) as socket:
        await socket.recv()
        answer = await sync_to_async(client.delete)(f"{stack.base_url}/api/session", timeout=10)
        assert answer.status_code == 204
        began = time.monotonic()
        assert await closing_code(socket) == 4401
        assert time.monotonic() - began < 3, "told at once, not found out at the next check"


async def test_leaving_the_team_closes_the_socket(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer = viewer_for()
    async with viewer.stack.websocket(f"/ws/jobs/{job.pk}", viewer.session_key) as socket:
        await socket.recv()
        await sync_to_async(lambda: job.requested_by.memberships.all().delete())()
        assert await closing_code(socket) == 4404


async def test_the_worklist_and_the_study_hear_of_their_own(job: SegmentationJob, viewer_for: Callable) -> None:
    viewer = viewer_for()
    stranger = await sync_to_async(lambda: sign_in(UserFactory(teams=[TeamFactory()])))()
    study = f"/ws/studies/{job.series.study_id}"
    async with (
        viewer.stack.websocket("/ws/worklist", viewer.session_key) as worklist,
        viewer.stack.websocket(study, viewer.session_key) as reading,
        viewer.stack.websocket("/ws/worklist", stranger) as elsewhere,
    ):
        await asyncio.sleep(0.5)
        await sync_to_async(Worker)(job)
        async with asyncio.timeout(30):
            assert json.loads(await worklist.recv()) == {
                "type": "worklist.changed",
                "study_id": str(job.series.study_id),
            }
            progressed = json.loads(await reading.recv())
        assert (progressed["type"], progressed["job"]["state"]) == ("job.progressed", "running")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await elsewhere.recv()
