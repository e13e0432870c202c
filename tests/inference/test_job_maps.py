"""How sure a run was, from the engine to the browser."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from inference.models import JobMap, SegmentationJob
from inference.pipeline.segment import segment
from inference.registry import get_model
from inference.services.jobs import request_job
from inference.services.runs import run_job
from studies.label_maps.codec import encode_brick
from studies.models import Series, User
from studies.services.segmentations import load_label_map, save_revision
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.inference.conftest import BALL
from tests.phantoms import SeriesSpec, write_series

pytestmark = pytest.mark.django_db
MR = replace(BALL, modality="MR")


def run(series: Series, person: User, model: str, **parameters: float) -> SegmentationJob:
    job, _ = request_job(series, model_name=model, parameters=parameters, requested_by=person)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    assert job.state == "succeeded", job.failure
    return job


@pytest.fixture
def noise(tmp_path: Path, reader: User) -> Series:
    """Archive an image that no network can be sure of."""
    grain = np.random.default_rng(1).normal(300.0, 120.0, (12, 48, 48))
    bright = np.exp(
        -sum((axis - n / 2) ** 2 for axis, n in zip(np.indices(grain.shape), grain.shape, strict=True)) / 40
    )
    voxels = np.clip(grain + 600 * bright, 0, 2000).astype(np.int16)
    patient = PatientFactory(home_team=reader.teams.all()[0])
    spec = SeriesSpec(
        shape=(12, 48, 48), spacing_mm=(2.0, 1.0, 1.0), modality="MR", voxels=voxels, patient_id=patient.patient_id
    )
    return archive_series(write_series(tmp_path, spec), study__patient=patient)


def test_a_network_delivers_how_sure_it_is_with_its_labels(noise: Series, reader: User, client: Client) -> None:
    job = run(noise, reader, "enhancing_lesion")
    client.force_login(reader)
    (told,) = client.get(f"/api/jobs/{job.pk}").json()["maps"]
    assert (told["kind"], told["low"], told["high"]) == ("uncertainty", 0.0, 1.0)
    answer = client.get(f"/api/job-maps/{told['id']}")
    labels = load_label_map(job.revision).voxels
    doubt = np.frombuffer(gzip.decompress(answer.content), np.uint8).reshape(labels.shape)
    assert doubt.max() > 0
    (histogram,) = JobMap.objects.get(pk=told["id"]).histograms.values()
    # of two classes the one above a half is the label; where both round to it a voxel may fall either way
    assert abs(sum(histogram[10:]) - int(labels.sum())) <= 2
    assert client.get(f"/api/job-maps/{told['id']}", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_method_without_probabilities_claims_none(ball_of: Callable[..., Series], reader: User) -> None:
    assert not run(ball_of(reader), reader, "otsu").maps.exists()


def test_a_map_goes_with_its_job_and_is_nobody_elses(
    ball_of: Callable[..., Series], reader: User, client: Client
) -> None:
    job = run(ball_of(reader, MR), reader, "enhancing_lesion")
    found = job.maps.get()
    client.force_login(UserFactory(teams=[TeamFactory()]))
    assert client.get(f"/api/job-maps/{found.pk}").status_code == 404
    job.bricks.all().delete()
    job.delete()
    assert not JobMap.objects.filter(pk=found.pk).exists()


def ask_intervals(client: Client, job: SegmentationJob) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/api/revisions/{job.revision_id}/volume-intervals").json()
    return answer


def test_volumes_have_an_interval_of_the_runs_own_doubt_until_a_person_edits(
    noise: Series, reader: User, client: Client
) -> None:
    job = run(noise, reader, "enhancing_lesion")
    client.force_login(reader)
    told = ask_intervals(client, job)
    (histogram,) = JobMap.objects.get(job=job).histograms.values()
    (interval,) = told["intervals"]
    voxel_ml = 2.0 / 1000.0
    assert (interval["basis"], interval["reason"], interval["cases"]) == ("own_doubt", "not_calibrated", None)
    assert interval["low_ml"] == pytest.approx(min(sum(histogram[19:]) * voxel_ml, interval["expected_ml"]))
    assert interval["high_ml"] == pytest.approx(max(sum(histogram[1:]) * voxel_ml, interval["expected_ml"]))

    whole = encode_brick(np.zeros((12, 48, 48), np.uint8), slice_start=0)
    job.revision = save_revision(job.revision, patch_bricks=whole, created_by=reader)
    assert ask_intervals(client, job) == {"level": 0.9, "intervals": [], "reason": "edited"}


def test_volumes_of_a_calibrated_network_have_a_conformal_interval(noise: Series, reader: User, client: Client) -> None:
    job = run(noise, reader, "hippocampus")
    client.force_login(reader)
    told = ask_intervals(client, job)
    calibration = get_model("hippocampus").calibration
    assert calibration is not None
    for interval in told["intervals"]:
        margin = calibration.margins[interval["segment_number"]]
        if interval["expected_ml"] == 0:
            assert (interval["reason"], interval["cases"]) == ("nothing_expected", None)
            continue
        assert (interval["basis"], interval["reason"], interval["cases"]) == ("conformal", None, margin.cases)
        assert interval["low_ml"] == pytest.approx(interval["expected_ml"] * math.exp(margin.low))
        assert interval["high_ml"] == pytest.approx(interval["expected_ml"] * math.exp(margin.high))
    assert len(told["intervals"]) == 2


def test_a_method_without_probabilities_has_no_such_interval(ball: Series, reader: User, client: Client) -> None:
    job = run(ball, reader, "otsu")
    client.force_login(reader)
    assert ask_intervals(client, job) == {"level": 0.9, "intervals": [], "reason": "no_probabilities"}


def test_an_image_that_a_network_did_not_learn_from_needs_eyes_and_one_without_a_gate_is_not_judged(
    noise: Series, reader: User, client: Client
) -> None:
    client.force_login(reader)
    told = client.get(f"/api/jobs/{run(noise, reader, 'hippocampus').pk}").json()
    assert told["gate"]["outcome"] == "needs_eyes"
    assert "gate.unlike_training" in {reason["code"] for reason in told["gate"]["reasons"]}
    (judged,) = client.get(f"/api/series/{noise.pk}/segmentations").json()["results"]
    assert (judged["needs_eyes"], judged["model_version"]) == (True, told["model_version"])
    assert judged["gate"] == told["gate"]
    otsu = client.get(f"/api/jobs/{run(noise, reader, 'otsu').pk}").json()
    assert otsu["gate"]["outcome"] == "not_judged"
    assert [reason["code"] for reason in otsu["gate"]["reasons"]] == ["gate.no_reference"]
    (line,) = client.get("/api/worklist").json()["results"]
    assert line["segmentation_state"] == "needs_eyes"
