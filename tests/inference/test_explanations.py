"""Why a network marked a lesion, from the question to the answer in the browser."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from inference.models import JobMap, SegmentationJob
from inference.pipeline.explain import explain
from inference.pipeline.explanation import ChannelEffect, Explained
from inference.pipeline.segment import segment
from inference.services.jobs import cancel_job, request_job, retry_job
from inference.services.model_figures import measure_usage
from inference.services.runs import run_job
from studies.models import AuditEntry, Role, User
from studies.services.segmentations import create_empty, load_label_map
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.inference.volumes import ball
from tests.phantoms import SeriesSpec, write_series

pytestmark = pytest.mark.django_db
SHAPE, SPACING_MM = (20, 48, 48), (2.0, 2.0, 2.0)


@pytest.fixture
def run_of(tmp_path: Path, reader: User) -> Callable[..., SegmentationJob]:
    """Run a model over a body with a bright lesion."""

    def run(model: str = "enhancing_lesion") -> SegmentationJob:
        body = ball(SHAPE, (10, 24, 24), 44.0, SPACING_MM)
        lesion = ball(SHAPE, (10, 20, 22), 9.0, SPACING_MM)
        grain = np.random.default_rng(3).normal(0.0, 15.0, SHAPE)
        voxels = (np.where(lesion, 900, np.where(body, 400, 0)) + grain).clip(0).astype(np.int16)
        patient = PatientFactory(home_team=reader.teams.all()[0])
        spec = SeriesSpec(
            shape=SHAPE, spacing_mm=SPACING_MM, modality="MR", voxels=voxels, patient_id=patient.patient_id
        )
        series = archive_series(write_series(tmp_path, spec), study__patient=patient)
        job, _ = request_job(series, model_name=model, parameters={}, requested_by=reader)
        run_job(job.pk, segment=segment)
        job.refresh_from_db()
        assert job.state == "succeeded", job.failure
        return job

    return run


def ask(client: Client, run: SegmentationJob, **wish: object) -> Any:
    question = {"method": "grad_cam_deepest", "segment_number": 1, "lesion_number": 1} | wish
    return client.post(f"/api/revisions/{run.revision_id}/explanations", question, content_type="application/json")


def work(job_id: str, **seams: Any) -> SegmentationJob:
    run_job(SegmentationJob.objects.get(pk=job_id).pk, segment=segment, **{"explain": explain} | seams)
    return SegmentationJob.objects.get(pk=job_id)


def test_a_reader_learns_what_an_answer_rests_on(
    run_of: Callable[..., SegmentationJob], reader: User, client: Client
) -> None:
    run = run_of()
    client.force_login(reader)
    asked = ask(client, run)
    assert asked.status_code == 201, asked.content
    told = asked.json()
    assert (told["state"], told["is_awaited"], told["segmentation_id"]) == ("queued", True, None)
    job = work(told["id"])
    assert job.state == "succeeded", job.failure
    answer = client.get(f"/api/jobs/{told['id']}").json()
    assert answer["explanation"]["revision_id"] == str(run.revision_id)
    assert answer["explanation"]["method"] == "grad_cam_deepest"
    assert answer["explanation"]["score"] > 0, "the network would mark this lesion"
    (found,) = answer["maps"]
    assert (found["kind"], found["low"], found["high"]) == ("explanation", 0.0, 1.0)
    voxels = np.frombuffer(gzip.decompress(client.get(f"/api/job-maps/{found['id']}").content), np.uint8)
    assert voxels.size == load_label_map(run.revision).voxels.size
    assert voxels.max() > 200
    assert AuditEntry.objects.filter(act="explanation.requested", subject_id=str(job.pk)).count() == 1
    assert ask(client, run).status_code == 200, "the same question is answered already"


def test_a_question_is_no_run(run_of: Callable[..., SegmentationJob], reader: User, client: Client) -> None:
    run = run_of()
    client.force_login(reader)
    study = run.series.study
    study.refresh_from_db()
    before = (study.segmentation_state, measure_usage(run.model_name, run.model_version))
    asked = ask(client, run).json()
    study.refresh_from_db()
    assert (study.segmentation_state, measure_usage(run.model_name, run.model_version)) == before
    assert [job["id"] for job in client.get(f"/api/jobs?series={run.series_id}").json()["results"]] == [str(run.pk)]
    asked_about = client.get(f"/api/jobs?explains={run.revision_id}").json()["results"]
    assert [job["id"] for job in asked_about] == [asked["id"]]
    work(asked["id"])
    study.refresh_from_db()
    assert (study.segmentation_state, measure_usage(run.model_name, run.model_version)) == before


def test_nobody_else_may_ask_or_see(run_of: Callable[..., SegmentationJob], reader: User, client: Client) -> None:
    run = run_of()
    client.force_login(reader)
    job = work(ask(client, run).json()["id"])
    client.force_login(UserFactory(teams=[TeamFactory()]))
    assert ask(client, run).status_code == 404
    assert client.get(f"/api/jobs/{job.pk}").status_code == 404
    assert client.get(f"/api/job-maps/{JobMap.objects.get(job=job).pk}").status_code == 404
    assert client.get(f"/api/jobs?explains={run.revision_id}").json()["results"] == []
    client.force_login(UserFactory(teams=[run.series.study.home_team], role=Role.VIEWER))
    assert ask(client, run).status_code == 403
    assert client.get(f"/api/jobs/{job.pk}").status_code == 200, "who reads sees what others have asked"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"method": "channel_ablation"}, "explanation.one_channel"),
        ({"segment_number": 9}, "explanation.segment_not_of_model"),
        ({"method": "tea_leaves"}, "input.invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_code(
    wish: dict[str, object], code: str, run_of: Callable[..., SegmentationJob], reader: User, client: Client
) -> None:
    client.force_login(reader)
    refused = ask(client, run_of(), **wish)
    assert (refused.status_code in (400, 422), refused.json()["code"]) == (True, code)


def test_what_no_network_made_has_no_reasons_to_tell(
    run_of: Callable[..., SegmentationJob], reader: User, client: Client
) -> None:
    run = run_of("otsu")
    client.force_login(reader)
    refused = ask(client, run)
    assert (refused.status_code, refused.json()["code"]) == (422, "explanation.no_network")
    run.revision = create_empty(
        run.series, name="By hand", segments=load_label_map(run.revision).segments, created_by=reader
    )
    refused = ask(client, run)
    assert (refused.status_code, refused.json()["code"]) == (422, "explanation.no_network")


def test_a_lesion_that_is_not_there_fails_in_words(
    run_of: Callable[..., SegmentationJob], reader: User, client: Client
) -> None:
    client.force_login(reader)
    job = work(ask(client, run_of(), lesion_number=99).json()["id"])
    assert (job.state, job.failure_code) == ("failed", "explanation.lesion_lost")


def test_it_is_cancelled_between_two_passes_and_asked_again(
    run_of: Callable[..., SegmentationJob], reader: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.services.recorder.LOOK_S", 0.0)
    monkeypatch.setattr("inference.services.recorder.PROGRESS_S", 0.0)
    client.force_login(reader)
    told = ask(client, run_of(), method="occlusion").json()
    passes = []

    def watched(volume: Any, spec: Any, on_progress: Any, **question: Any) -> Explained:
        def report(progress: Any) -> None:
            if progress.stage == "explaining":
                passes.append(progress)
            if len(passes) == 2:
                cancel_job(SegmentationJob.objects.get(pk=told["id"]), cancelled_by=reader)
            on_progress(progress)

        return explain(volume, spec, report, **question)

    job = work(told["id"], explain=watched)
    assert (job.state, len(passes)) == ("cancelled", 2)
    assert job.stage == "explaining"
    assert job.windows_total > 60
    retry_job(job, retried_by=reader)
    numbers = (ChannelEffect("T1 with contrast", 2.5, 0.25),)
    job = work(told["id"], explain=lambda *given, **question: Explained(3.0, effects=numbers))
    assert client.get(f"/api/jobs/{job.pk}").json()["explanation"]["effects"] == [
        {"channel": "T1 with contrast", "score_fall": 2.5, "kept_share": 0.25}
    ]
