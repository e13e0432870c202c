"""Evaluations over HTTP: asked for, run, judged, read and downloaded; refused in sentences; hidden from others."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pytest
from django.test import Client
from django.utils import timezone

from inference.evaluation.record import evaluate_into_files
from inference.models import EvaluationState, ModelEvaluation
from inference.services.evaluation_care import MOST_ATTEMPTS, REMIND_AFTER, tend_evaluations
from inference.services.evaluation_runs import run_evaluation, stand_aside
from inference.services.evaluations import evaluations_folder
from inference.services.lease import LEASE
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.label_maps.nifti import write_nifti, write_volume_nifti
from studies.models import AlgorithmType, AuditEntry, Role, Series, Team, User
from studies.services.segmentations import create_segmentation
from studies.services.volumes import describe_grid
from tests.factories import TeamFactory, UserFactory
from tests.inference.conftest import BALL, BALL_RADIUS_MM
from tests.inference.volumes import ball, make_volume
from tests.phantoms import sphere

pytestmark = pytest.mark.django_db

SHAPE = (6, 24, 24)
SCANNERS = ("Alpha One", "Alpha One", "Alpha One", "Alpha One", "Alpha One", "Beta Two")


def encode_cases(folder: Path, *, count: int = 6, table: bool = True, number: int = 1) -> bytes:
    """A bright ball in a less bright one on black, outlined exactly; the last of another scanner."""
    buffer = io.BytesIO()
    truth = ball(SHAPE, (3, 12, 12), 8).astype(np.uint8) + ball(SHAPE, (3, 12, 12), 5)
    with zipfile.ZipFile(buffer, "w") as archive:
        for index in range(count):
            noise = np.random.default_rng(index).normal(0, 3, SHAPE)
            volume = make_volume((100.0 * truth + noise).astype(np.float32))
            image, label = folder / "image.nii.gz", folder / "label.nii.gz"
            write_volume_nifti(volume, image)
            write_nifti(LabelMap(truth * np.uint8(number), volume.geometry, ()), label)
            archive.write(image, f"images/c{index}.nii.gz")
            archive.write(label, f"labels/c{index}.nii.gz")
        if table:
            rows = [f"c{index},{SCANNERS[index]},North" for index in range(count)]
            archive.writestr("cases.csv", "\n".join(["case,scanner,site", *rows]))
    return buffer.getvalue()


@pytest.fixture
def team() -> Team:
    return TeamFactory.create(name="Chest")


@pytest.fixture
def administrator(team: Team) -> User:
    return UserFactory.create(role=Role.ADMINISTRATOR, teams=[team])


@pytest.fixture
def portal(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def ask(client: Client, body: bytes = b"", **wish: Any) -> Any:
    said = quote(json.dumps({"model": "otsu", "file_name": "cases.zip", **wish}))
    return client.post(f"/api/evaluations?wish={said}", body, content_type="application/octet-stream")


def run(evaluation_id: str) -> None:
    run_evaluation(
        ModelEvaluation.objects.get(pk=evaluation_id).pk, evaluate=evaluate_into_files, between_cases=pass_by
    )


def pass_by() -> None:
    """Nobody else waits."""


def finish(client: Client, body: bytes, **wish: Any) -> dict[str, Any]:
    answer = ask(client, body, **wish)
    assert answer.status_code == 201, answer.content
    run(answer.json()["id"])
    found: dict[str, Any] = client.get(f"/api/evaluations/{answer.json()['id']}").json()
    return found


def test_a_model_is_run_judged_and_grouped_by_what_the_table_tells(
    portal: Client, administrator: User, tmp_path: Path
) -> None:
    found = finish(portal, encode_cases(tmp_path), least_dice=0.9)
    assert (found["state"], found["verdict"], found["cases_done"], found["cases_total"]) == (
        "finished",
        "accepted",
        6,
        6,
    )
    assert found["requested_by"] == str(administrator)
    report = found["report"]
    assert report["judgement"]["segments"][0]["ground"] == "low_reaches"
    darker = [group for group in report["by"]["scanner"] if group["segment_label"] == "Darker tissue"]
    assert [(group["group"], group["cases"]) for group in darker] == [("Alpha One", 5), ("Beta Two", 1)]
    assert {group["group"] for group in report["by"]["site"]} == {"North"}
    assert report["by"]["sequence"] == []
    assert report["summaries"][0]["model"]["dice"]["count"] == 6
    assert report["summaries"][0]["baseline"]["dice"]["count"] == 6
    assert len(report["worst"]) == 3
    assert report["software_version"]
    assert report["weights_sha256"] == ""
    assert {entry.act for entry in AuditEntry.objects.all()} >= {
        "model_evaluation.requested",
        "model_evaluation.finished",
    }
    assert list(evaluations_folder().glob("*/*")) == []  # images are not kept


def test_what_is_left_can_be_downloaded(portal: Client, tmp_path: Path) -> None:
    found = finish(portal, encode_cases(tmp_path, count=2))
    at = f"/api/evaluations/{found['id']}/files"
    content = json.loads(portal.get(f"{at}/evaluation.json").content)
    assert content["model"]["name"] == "otsu"
    assert content["record"]["file_sha256"] == found["sha256"]
    assert portal.get(f"{at}/cases.csv").content.decode().count("\n") == 1 + 2 * 2
    page = portal.get(f"{at}/evaluation.html")
    assert b"By scanner" in page.content
    assert b"Not told by any header" in page.content
    assert page["Content-Disposition"].startswith("attachment")
    assert portal.get(f"{at}/worst-1.webp").content[:4] == b"RIFF"
    assert portal.get(f"{at}/nothing").json()["code"] == "evaluation.no_such_file"


def test_few_cases_cannot_tell_and_many_bad_ones_are_not_accepted(portal: Client, tmp_path: Path) -> None:
    few = finish(portal, encode_cases(tmp_path, count=2), least_dice=0.5)
    assert (few["verdict"], few["report"]["judgement"]["segments"][0]["ground"]) == ("cannot_tell", "few")
    swapped = {"1": [2], "2": [1]}
    bad = finish(portal, encode_cases(tmp_path), least_dice=0.9, segments=swapped)
    assert bad["verdict"] == "not_accepted"
    assert {each["ground"] for each in bad["report"]["judgement"]["segments"]} == {"high_below"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no zip", "cases.missing"),
        (b"PK\x05\x06" + bytes(18), "cases.missing"),
    ],
)
def test_what_holds_no_case_is_refused_in_a_sentence(portal: Client, body: bytes, code: str) -> None:
    found = finish(portal, body)
    assert (found["state"], found["failure_code"]) == ("refused", code)
    assert found["failure"].endswith(".")
    assert found["report"] is None


def test_labels_the_model_does_not_have_are_named(portal: Client, tmp_path: Path) -> None:
    spec_with_two = "hippocampus"
    found = finish(portal, encode_cases(tmp_path, count=1, number=9), model=spec_with_two)
    assert found["failure_code"] == "cases.none_usable"
    assert "hold the numbers 9, 18" in found["failure"]
    assert "Say which numbers count as which" in found["failure"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"model": "nobodys"}, "model.unknown"),
        ({"baseline": "magic"}, "evaluation.unknown_baseline"),
        ({"model": "region_growing"}, "evaluation.model_unsuitable"),
        ({"segments": {"7": [1]}}, "evaluation.unknown_segment"),
        ({"cases_from": "archive"}, "cases.missing"),
    ],
)
def test_wishes_that_could_only_fail_are_refused_at_once(portal: Client, wish: dict[str, Any], code: str) -> None:
    answer = ask(portal, b"zip", **wish)
    assert answer.json()["code"] == code
    assert ModelEvaluation.objects.count() == 0


def test_nothing_and_too_much_are_refused(portal: Client, settings: Any) -> None:
    assert ask(portal).json()["code"] == "cases.missing"
    settings.SEGWEB_MAX_UPLOAD_BYTES = 10
    assert ask(portal, bytes(11)).status_code == 413
    assert list(evaluations_folder().glob("*")) == []


def test_the_same_question_is_not_asked_twice_at_once(portal: Client, tmp_path: Path) -> None:
    body = encode_cases(tmp_path, count=1)
    assert ask(portal, body).status_code == 201
    assert ask(portal, body).json()["code"] == "evaluation.under_way"


def test_an_evaluation_is_cancelled_while_it_waits_and_while_it_runs(portal: Client, tmp_path: Path) -> None:
    waiting = ask(portal, encode_cases(tmp_path, count=1)).json()["id"]
    assert portal.post(f"/api/evaluations/{waiting}/cancel").json()["state"] == "cancelled"
    assert portal.post(f"/api/evaluations/{waiting}/cancel").json()["code"] == "evaluation.finished"
    running = ask(portal, encode_cases(tmp_path, count=3)).json()["id"]

    def cancel() -> None:
        portal.post(f"/api/evaluations/{running}/cancel")

    evaluation = ModelEvaluation.objects.get(pk=running)
    run_evaluation(evaluation.pk, evaluate=evaluate_into_files, between_cases=cancel)
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.cases_done) == (EvaluationState.CANCELLED, 1)
    assert evaluation.files.count() == 0


def test_jobs_that_wait_go_between_two_cases(portal: Client, tmp_path: Path) -> None:
    ran: list[int] = []
    evaluation = ask(portal, encode_cases(tmp_path, count=3)).json()["id"]
    found = ModelEvaluation.objects.get(pk=evaluation)
    run_evaluation(found.pk, evaluate=evaluate_into_files, between_cases=lambda: ran.append(1))
    assert len(ran) == 3
    stand_aside("gpu", segment=pytest.fail)  # nothing waits: nothing runs


def test_a_lost_message_is_sent_again_and_a_lost_worker_is_told(portal: Client, tmp_path: Path) -> None:
    evaluation = ModelEvaluation.objects.get(pk=ask(portal, encode_cases(tmp_path, count=1)).json()["id"])
    assert tend_evaluations() == 0
    long_ago = timezone.now() - max(REMIND_AFTER, LEASE) - timedelta(seconds=5)
    mine = ModelEvaluation.objects.filter(pk=evaluation.pk)
    mine.update(enqueued_at=long_ago)
    assert tend_evaluations() == 1
    for attempt in range(1, MOST_ATTEMPTS + 1):
        mine.update(state=EvaluationState.RUNNING, attempt=attempt, heartbeat_at=long_ago)
        assert tend_evaluations() == 1
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.failure_code) == ("refused", "evaluation.worker_lost")


def test_label_maps_that_people_left_are_cases(
    portal: Client, administrator: User, ball_of: Callable[[User], Series]
) -> None:
    """What a person drew in the archive is held against the model run anew; another team's is not reachable."""
    series = ball_of(administrator)
    label_map = LabelMap(mark_ball(), describe_grid(series), (SegmentDescription(1, "Brighter tissue"),))
    store(series, label_map, AlgorithmType.AUTOMATIC, administrator)
    assert ask(portal, cases_from="archive").json()["code"] == "cases.missing"  # nobody has looked at it
    store(series, label_map, AlgorithmType.MANUAL, administrator)
    found = finish(portal, b"", cases_from="archive")
    assert found["state"] == "finished", found["failure"]
    assert found["report"]["cases"][0]["case"] == f"series {str(series.pk)[:8]}"
    brighter = found["report"]["summaries"][1]
    assert (brighter["segment_label"], brighter["model"]["dice"]["count"]) == ("Brighter tissue", 1)
    patient = series.study.patient
    assert patient.patient_name not in json.dumps(found)
    assert patient.patient_id not in json.dumps(found)
    administrator.memberships.all().delete()
    team = TeamFactory.create()
    assert ask(portal, cases_from="archive", team=str(team.pk)).json()["code"] == "record.not_found"
    assert portal.get(f"/api/evaluations/{found['id']}").json()["code"] == "record.not_found"


def mark_ball() -> npt.NDArray[np.uint8]:
    """Outline the ball that `ball_of` archives."""
    return np.asarray(sphere(BALL, BALL_RADIUS_MM), np.uint8)


def store(series: Series, label_map: LabelMap, kind: AlgorithmType, person: User) -> None:
    create_segmentation(
        series, name="By hand", label_map=label_map, algorithm_type=kind, provenance={}, created_by=person
    )
