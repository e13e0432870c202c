"""What the quality gate did not let pass waits on the worklist until a person vouches for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from studies.label_maps.codec import encode_brick
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import (
    AlgorithmType,
    AuditEntry,
    GateOutcome,
    Role,
    SegmentationRevision,
    SegmentationState,
    Series,
    Study,
    User,
)
from studies.permissions import RoleForbiddenError
from studies.services.acceptance import AlreadyAcceptedError, accept_segmentation
from studies.services.segmentations import record_segmentation, save_revision, store_label_map
from studies.services.studies import note_segmentation_state
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, write_series

pytestmark = pytest.mark.django_db

SPEC = SeriesSpec(shape=(4, 12, 12))
GATE = {
    "outcome": "needs_eyes",
    "reasons": [
        {
            "code": "gate.nothing_marked",
            "words": "Nothing was marked.",
            "segment_number": 1,
            "aspect": "",
            "value": None,
            "limit": None,
        }
    ],
    "predicted_dice": {},
    "distance": 1.0,
    "most": 1.5,
}


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def series(tmp_path: Path, person: User) -> Series:
    patient = PatientFactory(home_team=person.teams.all()[0])
    return archive_series(write_series(tmp_path / "dicom", SPEC), study__patient=patient)


@pytest.fixture
def run(series: Series, person: User) -> Callable[..., SegmentationRevision]:
    """Store what a run found, as a worker does."""

    def record(outcome: GateOutcome = GateOutcome.NEEDS_EYES, name: str = "Head") -> SegmentationRevision:
        voxels = np.zeros(SPEC.shape, np.uint8)
        found = LabelMap(voxels, describe_grid(series), (SegmentDescription(1, "Head"),))
        revision = record_segmentation(
            series,
            name=name,
            stored=store_label_map(series, found),
            algorithm_type=AlgorithmType.AUTOMATIC,
            provenance={"act": "segmented", "gate": GATE | {"outcome": str(outcome)}},
            model_version="1.2.0",
            gate_outcome=outcome,
            created_by=person,
        )
        note_segmentation_state(series.study_id, SegmentationState.SEGMENTED, 1.0)
        return revision

    return record


def state_of(series: Series) -> str:
    return Study.objects.get(pk=series.study_id).segmentation_state


def test_a_person_who_accepts_takes_the_study_off_those_that_wait(
    run: Callable[..., SegmentationRevision], series: Series, person: User, client: Client
) -> None:
    first, second = run(), run(name="Heart")
    assert state_of(series) == "needs_eyes"
    client.force_login(person)
    (line,) = client.get("/api/worklist", {"state": "needs_eyes"}).json()["results"]
    assert [(each["name"], each["model_version"], each["gate_outcome"]) for each in line["runs"]] == [
        ("Heart", "1.2.0", "needs_eyes"),
        ("Head", "1.2.0", "needs_eyes"),
    ]
    answer = client.post(f"/api/segmentations/{first.segmentation_id}/accept")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["needs_eyes"], told["accepted_by"]) == (False, str(person))
    assert told["gate"] == GATE
    assert state_of(series) == "needs_eyes"
    assert client.post(f"/api/segmentations/{first.segmentation_id}/accept").json()["code"] == AlreadyAcceptedError.code
    client.post(f"/api/segmentations/{second.segmentation_id}/accept")
    assert state_of(series) == "segmented"
    assert client.get("/api/worklist", {"state": "needs_eyes"}).json()["results"] == []
    assert AuditEntry.objects.filter(act="segmentation.accepted").count() == 2


def test_a_correction_by_a_person_vouches_for_it(
    run: Callable[..., SegmentationRevision], series: Series, person: User
) -> None:
    base = run()
    drawn = np.ones((1, *SPEC.shape[1:]), np.uint8)
    save_revision(base, patch_bricks=encode_brick(drawn, slice_start=1), created_by=person)
    base.segmentation.refresh_from_db()
    assert (base.segmentation.accepted_by, base.segmentation.needs_eyes) == (person, False)
    assert state_of(series) == "segmented"


def test_what_passed_waits_for_nobody_and_what_failed_waits_with_the_rest(
    run: Callable[..., SegmentationRevision], series: Series, person: User, client: Client
) -> None:
    run(GateOutcome.PASSED)
    run(GateOutcome.NOT_JUDGED, name="Otsu")
    assert state_of(series) == "segmented"
    client.force_login(person)
    found = partial(client.get, "/api/worklist")
    assert found({"state": "needs_eyes"}).json()["results"] == []
    waiting = run()
    assert found({"state": "failed"}).json()["results"] == []
    note_segmentation_state(series.study_id, SegmentationState.FAILED, 0.0)
    for asked_for in ("failed", "needs_eyes"):
        (line,) = found({"state": asked_for}).json()["results"]
        assert line["segmentation_state"] == "failed"
    accept_segmentation(waiting.segmentation, accepted_by=person)
    assert state_of(series) == "failed", "the run has still failed"
    note_segmentation_state(series.study_id, SegmentationState.RUNNING, 0.5)
    assert state_of(series) == "running"


def test_a_viewer_vouches_for_nothing(run: Callable[..., SegmentationRevision], series: Series) -> None:
    viewer = UserFactory(role=Role.VIEWER, teams=[series.study.home_team])
    with pytest.raises(RoleForbiddenError):
        accept_segmentation(run().segmentation, accepted_by=viewer)
    assert state_of(series) == "needs_eyes"


def test_the_worklist_tells_each_version_once_and_what_waits_first(
    run: Callable[..., SegmentationRevision], person: User, client: Client
) -> None:
    run(name="Otsu", outcome=GateOutcome.NOT_JUDGED)
    run()
    run(GateOutcome.PASSED)
    run(GateOutcome.PASSED, name="Heart")
    client.force_login(person)
    (line,) = client.get("/api/worklist").json()["results"]
    assert line["segmentation_count"] == 4
    assert [(each["name"], each["gate_outcome"]) for each in line["runs"]] == [
        ("Head", "needs_eyes"),
        ("Heart", "passed"),
        ("Otsu", "not_judged"),
    ]
