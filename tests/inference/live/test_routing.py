"""A rule on the running stack: files are sent, and nobody asks for what is found in the study."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np

from inference.job_states import JobState
from inference.models import RoutingNote, RoutingRule, SegmentationJob
from studies.label_maps.codec import decode_brick
from studies.models import Role, User
from tests.factories import TeamFactory, UserFactory
from tests.inference.conftest import BALL, BALL_RADIUS_MM
from tests.phantoms import sphere, write_series
from tests.stack import LiveStack, wait_until
from tests.studies.ingest.support import zip_of

TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


def upload(stack: LiveStack, person: User, content: bytes) -> None:
    """Send a file as the page does: announced, then in one piece."""
    portal = stack.browser_session(person)
    name = base64.b64encode(b"disc.zip").decode()
    announced = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
    answer = portal.post(f"{stack.base_url}/api/uploads", headers=announced, timeout=30)
    assert answer.status_code == 201, answer.text
    location = f"{stack.base_url}{answer.headers['Location']}"
    sent = portal.patch(location, data=content, headers={**TUS, "Upload-Offset": "0"}, timeout=30)
    assert sent.status_code == 204, sent.text


def test_what_a_rule_wants_is_there_before_the_study_is_opened(stack: LiveStack, tmp_path: Path) -> None:
    team = TeamFactory()
    chief, clinician = UserFactory(role=Role.ADMINISTRATOR, teams=[team]), UserFactory(teams=[team])
    rule = {"title": "Balls", "team_id": str(team.pk), "modality": "CT", "body_part": "phantom", "model_name": "otsu"}
    answer = stack.browser_session(chief).post(f"{stack.base_url}/api/routing-rules", json=rule, timeout=30)
    assert answer.status_code == 201, answer.text

    ball = np.where(sphere(BALL, BALL_RADIUS_MM), 100, -800)
    files = write_series(tmp_path / "series", replace(BALL, voxels=ball, patient_id="ROUTED-1"))
    upload(stack, clinician, zip_of({path.name: path for path in files}))
    done = SegmentationJob.objects.filter(state=JobState.SUCCEEDED)
    wait_until(done.exists, within_s=90, what="the rule's job has succeeded")

    job = done.get()
    assert (job.rule, job.requested_by, job.is_awaited) == (RoutingRule.objects.get(), None, False)
    assert (job.device, bool(job.worker)) == ("CPU", True)
    wait_until(RoutingNote.objects.exists, within_s=10, what="the series is noted as routed")
    reader = stack.browser_session(clinician)
    brick = decode_brick(reader.get(f"{stack.base_url}/api/revisions/{job.revision_id}/label-map", timeout=30).content)
    np.testing.assert_array_equal(brick.voxels == 2, sphere(BALL, BALL_RADIUS_MM))
    queue = stack.browser_session(chief).get(f"{stack.base_url}/api/queue", timeout=30).json()
    assert [(worker["queue"], worker["device"]) for worker in queue["workers"]] == [("cpu", "CPU")]
