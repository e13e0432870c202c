"""What a reader records beside the outlines reaches the verdict: reference tissues, Deauville scores, tumour parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from studies.models import AuditEntry, Lesion, Timepoint
from studies.services import registrations
from tests.followed import DATES, Course

pytestmark = pytest.mark.django_db

FIRST = (12.0, 30.0, 30.0)
SECOND = (12.0, 70.0, 70.0)


@pytest.fixture
def course(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Course:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(registrations, "_is_same_place", lambda prior, current: True)
    made = Course(tmp_path)
    made.date(DATES[0], [(FIRST, 10.0), (SECOND, 12.0)])
    made.date(DATES[1], [(FIRST, 10.0), (SECOND, 8.0)])
    return made


@pytest.fixture
def client(course: Course) -> APIClient:
    signed_in = APIClient()
    signed_in.force_login(course.person)
    return signed_in


def record(client: APIClient, timepoint: Timepoint, **values: Any) -> Any:
    return client.patch(f"/api/timepoints/{timepoint.pk}", values, format="json")


def assess(client: APIClient, course: Course, criterion: str) -> Any:
    return client.get(f"/api/patients/{course.patient.pk}/assessment", {"criterion": criterion})


def test_a_deauville_score_gives_a_verdict_and_its_change_is_explained(client: APIClient, course: Course) -> None:
    baseline, later = Timepoint.objects.all()
    client.patch(f"/api/patients/{course.patient.pk}/plan", {"criterion": "LUGANO_PET"}, format="json")
    assert record(client, baseline, deauville_score=5).status_code == 200
    assert assess(client, course, "LUGANO_PET").json()["timepoints"][-1]["overall_response"] == "NE"
    assert record(client, later, deauville_score=4).status_code == 200
    clause = assess(client, course, "LUGANO_PET").json()["timepoints"][-1]["clause"]
    assert clause["sentence"] == "Deauville 4, but whether the uptake changed was not recorded."
    record(client, later, uptake_trend="decreased")
    found = assess(client, course, "LUGANO_PET").json()
    assert found["timepoints"][-1]["overall_response"] == "PMR"
    assert found["best_overall_response"]["response"] == "PMR"
    assert found["flip"]["reasons"] == ["Day 56, uptake against the baseline: was not recorded, is decreased."]
    assert AuditEntry.objects.filter(act="timepoint.recorded").last().details["names"] == ["uptake_trend"]


IMPOSSIBLE: tuple[tuple[int, dict[str, Any]], ...] = (
    (400, {"deauville_score": 6}),
    (400, {"deauville_score": 0}),
    (400, {"uptake_trend": "gone"}),
    (400, {"liver_sul_mean": "0"}),
    (400, {"liver_sul_mean": "19"}),
    (400, {"blood_sul_sd": "-0.1"}),
    (422, {"liver_sul_mean": "0.3", "liver_sul_sd": "2.1"}),
)


def test_what_cannot_be_is_refused_and_nothing_is_kept(client: APIClient, course: Course) -> None:
    timepoint = Timepoint.objects.all()[0]
    for status, values in IMPOSSIBLE:
        assert record(client, timepoint, **values).status_code == status, values
        timepoint.refresh_from_db()
        nothing = ["" if name == "uptake_trend" else None for name in values]
        assert [getattr(timepoint, name) for name in values] == nothing


def test_reference_tissues_are_kept_and_taken_back(client: APIClient, course: Course) -> None:
    timepoint = Timepoint.objects.all()[0]
    said = {"liver_sul_mean": "1.90", "liver_sul_sd": "0.21", "reference_source": "right lobe, 3 cm"}
    answer = record(client, timepoint, **said).json()
    kept = next(each for each in answer["timepoints"] if each["id"] == str(timepoint.pk))["recorded"]
    assert {name: kept[name] for name in said} == said
    answer = record(client, timepoint, liver_sul_mean=None).json()
    assert answer["timepoints"][0]["recorded"]["liver_sul_mean"] is None


def test_both_parts_of_a_glioma_are_judged_alone_and_joined(client: APIClient, course: Course) -> None:
    shrunk, steady = Lesion.objects.all()  # the larger one has the smaller number
    targets = {"lesion_ids": [str(shrunk.pk), str(steady.pk)]}
    client.put(f"/api/patients/{course.patient.pk}/targets", targets, format="json")
    refused = assess(client, course, "RANO_MIXED")
    assert refused.status_code == 422
    assert "nobody said which part of the tumour L1, L2 is" in refused.json()["detail"]
    for lesion, component in ((steady, "CE"), (shrunk, "nonCE")):
        answer = client.patch(f"/api/lesions/{lesion.pk}", {"component": component}, format="json")
        assert answer.status_code == 200
    found = assess(client, course, "RANO_MIXED").json()["timepoints"][-1]
    # (8 / 12)^2 is -56 %: partial for the one, while the other did not change: stable with partial is partial
    assert found["overall_response"] == "PR"
    assert found["clause"]["rule_id"] == "RN.MIXED"
    assert found["clause"]["sentence"].startswith("Enhancing SD, non-enhancing PR")
    client.patch(f"/api/lesions/{shrunk.pk}", {"component": "CE"}, format="json")
    assert "no non-enhancing target" in assess(client, course, "RANO_MIXED").json()["detail"]
