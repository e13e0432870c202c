"""The catalogue for administrators over HTTP: cards, imports, switching off, taking away."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch
from django.conf import settings
from django.test import Client
from django.utils import timezone

from inference import registry
from inference.formats.archive import MOST_BYTES
from inference.formats.taking import take_model
from inference.models import ModelImport, ModelSetting, SegmentationJob
from inference.pipeline.segment import segment
from inference.services.jobs import request_job
from inference.services.lease import LEASE
from inference.services.model_imports import (
    MOST_ATTEMPTS,
    REMIND_AFTER,
    import_path,
    run_import,
    sweep_imports,
    tend_imports,
)
from inference.services.runs import run_job
from studies.models import AuditEntry, Role, SegmentationRevision, Series, User
from tests.factories import UserFactory
from tests.inference.formats.bundles import write_bundle
from tests.inference.formats.nnunet_folders import FolderSpec, write_folder
from tests.inference.formats.onnx_files import encode_brighter
from tests.torchscript import encode_script

pytestmark = pytest.mark.django_db

DESCRIPTION = {"segments": ["Bright"], "window": [16, 16, 16], "scheme": "min_max", "intended_use": "Tests."}


class Brighter(torch.nn.Module):
    """Marks what is brighter than the middle of the range."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat((0.5 - image, image - 0.5), 1)


class Threefold(torch.nn.Module):
    """Answers three scores where two were said."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat((image, image, image), 1)


def encode_zip(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


@pytest.fixture
def administrator(reader: User) -> User:
    """In the same team as the reader."""
    return UserFactory(role=Role.ADMINISTRATOR, teams=list(reader.teams.all()))


@pytest.fixture
def models() -> Iterator[Path]:
    """The folder of imported models, empty before and after."""
    for name in ("models", "backends", "model-imports"):
        shutil.rmtree(settings.SEGWEB_DATA_DIR / name, ignore_errors=True)
    yield settings.SEGWEB_DATA_DIR / "models"
    for name in ("models", "backends", "model-imports"):
        shutil.rmtree(settings.SEGWEB_DATA_DIR / name, ignore_errors=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def send(client: Client, data: bytes, file_name: str, **said: Any) -> Any:
    wish = quote(json.dumps({"file_name": file_name, **said}))
    return client.post(f"/api/model-imports?wish={wish}", data, content_type="application/octet-stream")


def import_and_run(client: Client, data: bytes, file_name: str, **said: Any) -> dict[str, Any]:
    made = send(client, data, file_name, **said)
    assert made.status_code == 201, made.content
    run_import(made.json()["id"], take=take_model)
    results = client.get("/api/model-imports").json()["results"]
    return next(found for found in results if found["id"] == made.json()["id"])


def card_of(client: Client, name: str) -> dict[str, Any]:
    answer = client.get(f"/api/models/{name}")
    assert answer.status_code == 200, answer.content
    card: dict[str, Any] = answer.json()
    return card


def test_a_torchscript_file_from_the_browser_to_a_label_map(
    administrator: User, reader: User, ball: Series, models: Path
) -> None:
    client, data = signed_in(administrator), encode_script(Brighter())
    said = {"title": "Bright things", "licence": "MIT", "modalities": ["ct"], "description": DESCRIPTION}
    found = import_and_run(client, data, "bright.ts", **said)
    assert (found["state"], found["model_name"], found["model_version"]) == ("imported", "bright_things", "1")
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert list((settings.SEGWEB_DATA_DIR / "model-imports").iterdir()) == []
    card = card_of(signed_in(reader), "bright_things")
    assert card["intended_use"] == "Tests."
    assert card["modalities"] == ["CT"]
    assert card["segments"][0]["type"] == {"scheme": "SCT", "value": "85756007", "meaning": "Tissue"}
    assert card["network"]["window"] == [16, 16, 16]
    assert card["network"]["spacing_mm"] is None
    facts = {fact["name"]: fact["value"] for fact in card["origin"]}
    assert (facts["makers"], facts["file_name"], facts["sha256"]) == (None, "bright.ts", found["sha256"])
    assert card["evaluation"] == {"by": "", "text": ""}
    [machine] = card["machines"]
    reference = machine["checks"][0]
    assert (reference["backend"], reference["precision"], reference["lowest_dice"]) == ("torch", "f32", 1.0)
    assert sum(check["is_picked"] for check in machine["checks"]) == 1
    assert all(check["has_passed"] for check in machine["checks"] if check["is_picked"])
    assert card["figures"]["run_count"] == 0
    assert card["figures"]["median_s"] is None
    Series.objects.filter(pk=ball.pk).update(modality="CT")
    ball.refresh_from_db()
    job, _ = request_job(ball, requested_by=reader, model_name="bright_things", parameters={})
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    assert job.state == "succeeded", job.failure
    figures = card_of(client, "bright_things")["figures"]
    assert (figures["run_count"], figures["measured_count"]) == (1, 1)
    assert figures["median_s"] == figures["longest_s"] == job.timings_s["total"]
    assert figures["peak_memory_bytes"] == job.peak_memory_bytes


def test_an_onnx_file_and_a_bundle_come_in_the_same_way(administrator: User, models: Path, tmp_path: Path) -> None:
    client = signed_in(administrator)
    found = import_and_run(
        client, encode_brighter(16), "bright.onnx", name="bright", version="2", description=DESCRIPTION
    )
    assert (found["state"], found["model_name"], found["model_version"]) == ("imported", "bright", "2"), found
    bundle = encode_zip(write_bundle(tmp_path / "bundle"))
    found = import_and_run(client, bundle, "spleen.zip")
    assert (found["state"], found["model_name"]) == ("imported", "tiny_spleen")
    card = card_of(client, "tiny_spleen")
    facts = {fact["name"]: fact["value"] for fact in card["origin"]}
    assert (facts["makers"], facts["format"]) == ("Somebody", "MONAI bundle")
    assert card["intended_use"] == "Tests."
    assert card["segments"][0]["type"]["value"] == "78961009"
    again = import_and_run(client, bundle, "spleen.zip")
    assert (again["state"], again["failure_code"]) == ("refused", "model.exists")
    assert "another version" in again["failure"]


def test_an_nnunet_folder_in_a_zip_comes_in_too(administrator: User, models: Path, tmp_path: Path) -> None:
    client = signed_in(administrator)
    write_folder(tmp_path / "results", FolderSpec())
    found = import_and_run(client, encode_zip(tmp_path / "results"), "results.zip", name="balls")
    assert (found["state"], found["model_name"]) == ("imported", "balls"), found
    card = card_of(client, "balls")
    facts = {fact["name"]: fact["value"] for fact in card["origin"]}
    assert facts["makers"] is None
    assert "(5 cases)" in facts["training_data"]
    assert facts["training"].startswith("nnU-Net v2, ")
    assert card["machines"][0]["checks"][0]["lowest_dice"] == 1.0


@pytest.mark.parametrize(
    ("data", "said", "code"),
    [
        (b"hello", {"description": DESCRIPTION}, "model.format_unknown"),
        (b"hello", {}, "model.format_unknown"),
        (encode_script(Threefold()), {"description": DESCRIPTION}, "model.broken"),
        (encode_script(Brighter())[:900], {"description": DESCRIPTION}, "model.broken"),
        (encode_script(Brighter()), {"description": DESCRIPTION, "name": "otsu"}, "model.exists"),
        (encode_script(Brighter()), {"description": DESCRIPTION, "name": "../up"}, "model.not_understood"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence_and_leaves_nothing(
    administrator: User, models: Path, data: bytes, said: dict[str, Any], code: str
) -> None:
    found = import_and_run(signed_in(administrator), data, "model.pt", **said)
    assert (found["state"], found["failure_code"]) == ("refused", code)
    assert found["failure"].endswith(".")
    assert registry.list_models() == registry.list_built_in()
    assert [path for path in models.rglob("*") if path.is_file()] == []
    assert list((settings.SEGWEB_DATA_DIR / "model-imports").iterdir()) == []


@pytest.mark.parametrize(
    ("data", "file_name", "said", "status", "code"),
    [
        (b"x", "model.tar", {}, 422, "model.format_unknown"),
        (b"", "model.zip", {}, 422, "model.file_empty"),
        (b"x", "", {}, 400, "input.invalid"),
        (b"x", "m.ts", {"description": {"segments": [], "window": [1, 2, 3]}}, 400, "input.invalid"),
        (
            b"x", "m.ts", {"description": {**DESCRIPTION, "orientation": "RAX"}}, 422, "model.description_invalid",
        ),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused_at_the_door(
    administrator: User, models: Path, data: bytes, file_name: str, said: dict[str, Any], status: int, code: str
) -> None:
    answer = send(signed_in(administrator), data, file_name, **said)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not ModelImport.objects.exists()


def test_a_file_keeps_its_name_and_leaves_its_folder_behind(administrator: User, models: Path) -> None:
    client, data = signed_in(administrator), encode_script(Brighter())
    for sent, kept, name in (
        ("../../up/Bright things.ts", "Bright things.ts", "bright_things"),
        ("C:\\models\\a:b.ts", "a_b.ts", "a_b"),
    ):
        found = import_and_run(client, data, sent, description=DESCRIPTION)
        assert (found["file_name"], found["state"], found["model_name"]) == (kept, "imported", name), found
    refused = import_and_run(client, b"no zip at all", "wrong.zip")
    assert refused["failure"].startswith("wrong.zip is a single file")
    folder = settings.SEGWEB_DATA_DIR / "model-imports"
    assert list(folder.iterdir()) == []
    left = folder / "a crash left this"
    left.mkdir()
    assert sweep_imports() == 0
    os.utime(left, (0, 0))
    assert sweep_imports() == 1


def test_a_file_that_is_too_large_is_refused_and_not_kept(administrator: User, models: Path, settings: Any) -> None:
    client = signed_in(administrator)
    assert client.get("/api/model-imports").json()["most_bytes"] == min(settings.SEGWEB_MAX_UPLOAD_BYTES, MOST_BYTES)
    settings.SEGWEB_MAX_UPLOAD_BYTES = 10
    answer = send(client, bytes(11), "model.zip")
    assert (answer.status_code, answer.json()["code"]) == (413, "model.too_large")
    assert list((settings.SEGWEB_DATA_DIR / "model-imports").iterdir()) == []


def test_the_same_file_twice_at_once_is_refused(administrator: User, models: Path) -> None:
    client = signed_in(administrator)
    assert send(client, b"something", "model.zip").status_code == 201
    answer = send(client, b"something", "model.zip")
    assert (answer.status_code, answer.json()["code"]) == (409, "model.import_under_way")


def test_a_lost_message_and_a_dead_worker_are_made_good(
    administrator: User, models: Path, django_capture_on_commit_callbacks: Any
) -> None:
    send(signed_in(administrator), b"something", "model.zip")
    found = ModelImport.objects.get()
    assert tend_imports() == 0
    ModelImport.objects.update(enqueued_at=timezone.now() - 2 * REMIND_AFTER)
    assert tend_imports() == 1
    for attempt in range(1, MOST_ATTEMPTS + 1):
        lapsed = timezone.now() - LEASE - timedelta(seconds=1)
        ModelImport.objects.update(state="checking", attempt=attempt, heartbeat_at=lapsed)
        with django_capture_on_commit_callbacks(execute=True):
            assert tend_imports() == 1
        found.refresh_from_db()
        assert found.state == ("received" if attempt < MOST_ATTEMPTS else "refused")
    assert found.failure_code == "model.worker_lost"
    assert not import_path(found).exists()


def test_a_model_that_is_switched_off_says_so(administrator: User, reader: User, ball: Series) -> None:
    client, path = signed_in(administrator), f"/api/models?series={ball.pk}"
    answer = client.put("/api/models/otsu/setting", {"is_enabled": False}, content_type="application/json")
    assert answer.json() == {"is_enabled": False}
    listed = {model["name"]: model for model in signed_in(reader).get(path).json()["results"]}
    assert not listed["otsu"]["is_applicable"]
    assert not listed["otsu"]["is_enabled"]
    assert listed["otsu"]["reason"] == "An administrator has switched this model off."
    assert ModelSetting.objects.get().changed_by == administrator
    client.put("/api/models/otsu/setting", {"is_enabled": True}, content_type="application/json")
    listed = {model["name"]: model for model in signed_in(reader).get(path).json()["results"]}
    assert listed["otsu"]["is_applicable"]
    acts = AuditEntry.objects.filter(actor=administrator.username).values_list("act", flat=True)
    assert [act for act in acts if act.startswith("model.")] == ["model.switched_off", "model.switched_on"]


def test_a_version_goes_when_no_job_needs_it_and_its_label_maps_stay(
    administrator: User, reader: User, ball: Series, models: Path
) -> None:
    client = signed_in(administrator)
    import_and_run(client, encode_script(Brighter()), "bright.ts", name="bright", description=DESCRIPTION)
    job, _ = request_job(ball, requested_by=reader, model_name="bright", parameters={})
    answer = client.delete("/api/models/bright/versions/1")
    assert (answer.status_code, answer.json()["code"]) == (409, "model.in_use")
    run_job(job.pk, segment=segment)
    assert SegmentationJob.objects.get().state == "succeeded"
    assert client.delete("/api/models/bright/versions/1").status_code == 204
    assert client.get("/api/models/bright").status_code == 404
    assert list(models.iterdir()) == []
    provenance = SegmentationRevision.objects.get().provenance
    assert (provenance["model_name"], provenance["model_version"]) == ("bright", "1")
    assert client.get(f"/api/jobs/{job.pk}").json()["model_title"] == "bright"
    for path, code in (("bright/versions/1", "model.unknown"), ("otsu/versions/1.0.0", "model.ships_with_segweb")):
        assert client.delete(f"/api/models/{path}").json()["code"] == code


def test_the_card_of_what_ships_tells_where_it_comes_from(reader: User, models: Path) -> None:
    client = signed_in(reader)
    card = card_of(client, "enhancing_lesion")
    facts = {fact["name"]: fact["value"] for fact in card["origin"]}
    assert "Synthetic images from seed 20261122" in facts["training_data"]
    assert card["evaluation"]["by"] == "segweb"
    assert "on 5 synthetic cases" in card["evaluation"]["text"]
    assert "this network 0.64 (0.09 to 0.86)" in card["evaluation"]["text"]
    assert card["machines"] == []
    assert card["backend"] is None
    assert card["network"]["weights"][0]["size_bytes"] > 0
    plain = card_of(client, "otsu")
    assert plain["network"] is None
    assert plain["evaluation"] == {"by": "", "text": ""}
    listed = client.get("/api/models?figures=true").json()["results"]
    assert all(model["figures"]["run_count"] == 0 for model in listed)


def test_only_administrators_import_switch_and_take_away(reader: User) -> None:
    for person in (reader, UserFactory(role=Role.VIEWER)):
        client = signed_in(person)
        answers = [
            send(client, b"x", "model.zip"),
            client.get("/api/model-imports"),
            client.put("/api/models/otsu/setting", {"is_enabled": False}, content_type="application/json"),
            client.delete("/api/models/otsu/versions/1"),
        ]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(403, "role.forbidden")] * 4
    assert not ModelImport.objects.exists()
    assert not ModelSetting.objects.exists()
