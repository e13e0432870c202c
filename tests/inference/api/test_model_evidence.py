"""What was measured of a network that ships, from the training's files to the card; scores known from geometry."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from django.test import Client
from PIL import Image

from inference import evidence
from inference.evaluation.cases import OutlinedCase
from inference.evaluation.metrics import measure_agreement
from inference.evaluation.run import CaseScore, Evaluated
from inference.evaluation.shipped import write_shipped
from inference.registry import get_model
from studies.models import User
from tests.inference.volumes import make_volume

pytestmark = pytest.mark.django_db

NAME = "enhancing_lesion"
SHAPE = (6, 24, 24)
TRAINING = {
    "set": "somewhere.zip",
    "licence": "CC BY 4.0",
    "citation": "Doe J, 2026",
    "cases": {"train": 40, "tune": 8, "validate": 3},
    "machine": "two cores",
    "cpu_s": 600,
    "seed": 7,
    "steps": 900,
    "run_shape": list(SHAPE),
    "run_seconds": 1.5,
    "run_peak_bytes": 2**29,
}


def box(columns: int) -> npt.NDArray[np.bool_]:
    """A block of 4 x 10 columns."""
    voxels = np.zeros(SHAPE, bool)
    voxels[1:5, 4:14, 4 : 4 + columns] = True
    return voxels


def evaluate(name: str, columns: int) -> Evaluated:
    """A block of ten columns is outlined, the first `columns` of them are marked: Dice 2 c / (10 + c)."""
    truth, found = box(10), box(columns)
    image = make_volume(np.where(truth, 200.0, 50.0).astype(np.float32))
    agreement = measure_agreement(found, truth, image.geometry.spacing_mm)
    simple = measure_agreement(box(5), truth, image.geometry.spacing_mm)
    score = CaseScore(name, 1, "Lesion", agreement, simple, 0.5, {}, True)
    return Evaluated(OutlinedCase(name, image, (), truth.astype(np.uint8), True, {}), found.astype(np.uint8), (score,))


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network was measured on three cases."""
    cases = [evaluate("worst", 2), evaluate("middling", 6), evaluate("best", 10)]
    scores = [score for case in cases for score in case.scores]
    write_shipped(tmp_path, get_model(NAME), scores, cases, [], baseline="region", training=TRAINING)
    monkeypatch.setattr(evidence, "WEIGHTS_FOLDER", tmp_path)


@pytest.mark.usefixtures("measured")
def test_the_card_shows_what_was_measured_beside_the_baseline(reader: User) -> None:
    client = Client()
    client.force_login(reader)
    card = client.get(f"/api/models/{NAME}").json()
    found = card["evidence"]
    [segment] = found["segments"]
    dice = [2 * columns / (10 + columns) for columns in (2, 6, 10)]
    assert (segment["cases"], segment["dice"]["count"], segment["below_half"]) == (3, 3, 1)
    assert segment["dice"]["mean"] == pytest.approx(np.mean(dice))
    assert segment["dice"]["median"] == pytest.approx(0.75)
    assert segment["baseline_dice"]["mean"] == pytest.approx(2 * 5 / 15)
    assert [(each["index"], each["case"]) for each in found["worst"]] == [(0, "worst"), (1, "middling"), (2, "best")]
    assert found["worst"][0]["dice"] == {"Lesion": pytest.approx(dice[0])}
    assert (found["training"]["train_cases"], found["training"]["run_peak_bytes"]) == (40, 2**29)
    assert card["evaluation"]["by"] == "segweb"
    assert f"mean Dice {np.mean(dice):.3f}" in card["evaluation"]["text"]
    facts = {fact["name"]: fact["value"] for fact in card["origin"]}
    assert facts["training_data"] == "somewhere.zip, Doe J, 2026"
    assert facts["data_licence"] == "CC BY 4.0"
    assert facts["training"] == "900 steps, seed 7, 10 CPU minutes, two cores"


@pytest.mark.usefixtures("measured")
def test_every_case_and_the_pictures_of_the_worst_are_there(reader: User) -> None:
    client = Client()
    client.force_login(reader)
    table = client.get(f"/api/models/{NAME}/cases")
    assert table["Content-Type"].startswith("text/csv")
    assert f"{NAME}-cases.csv" in table["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [line["case"] for line in lines] == ["worst", "middling", "best"]
    assert [float(line["dice"]) for line in lines] == pytest.approx([1 / 3, 0.75, 1.0], abs=1e-4)
    picture = client.get(f"/api/models/{NAME}/worst-cases/0")
    assert Image.open(io.BytesIO(picture.content)).size == (SHAPE[2], SHAPE[1])
    again = client.get(f"/api/models/{NAME}/worst-cases/0", headers={"If-None-Match": picture["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    missing = client.get(f"/api/models/{NAME}/worst-cases/3")
    assert (missing.status_code, missing.json()["code"]) == (409, "model.not_measured")


def test_a_model_that_nobody_measured_says_so(reader: User) -> None:
    client = Client()
    client.force_login(reader)
    assert client.get("/api/models/otsu").json()["evidence"] is None
    for door in ("cases", "worst-cases/0"):
        answer = client.get(f"/api/models/otsu/{door}")
        assert (answer.status_code, answer.json()["code"]) == (409, "model.not_measured")


def test_a_calibrated_network_says_how_far_it_can_be_believed(reader: User) -> None:
    client = Client()
    client.force_login(reader)
    found = client.get("/api/models/hippocampus").json()["evidence"]["calibration"]
    assert found["after"]["error"] < found["before"]["error"]
    assert found["level"] == 0.9
    assert [each["segment_label"] for each in found["intervals"]] == ["Hippocampus, head", "Hippocampus, body and tail"]
    assert all(0 < each["within"] <= each["judged_on"] == found["judged_on"] for each in found["intervals"])
    assert sum(found["after"]["shares"]) == pytest.approx(1.0, abs=0.001)


@pytest.mark.usefixtures("measured")
def test_without_a_calibration_none_is_stated(reader: User) -> None:
    client = Client()
    client.force_login(reader)
    assert client.get(f"/api/models/{NAME}").json()["evidence"]["calibration"] is None
