"""A patient followed over HTTP: dates, lesions, verdicts, what stands behind them, and what readers say instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from studies.models import AuditEntry, Lesion, Role
from studies.services import registrations
from tests.factories import UserFactory
from tests.followed import DATES, A, B, Course, grown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _registered_by_definition(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(registrations, "_is_same_place", lambda prior, current: True)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(tmp_path)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(client: Client, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
    answer = client.generic(method, path, json.dumps(body) if body is not None else "", "application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_course_from_two_dates_to_a_signed_override(course: Course) -> None:
    first = course.date(DATES[0], [A, B])
    second = course.date(DATES[1], [grown(A, 13.0), B])
    client, patient = signed_in(course.person), f"/api/patients/{course.patient.pk}"
    tracking = ask(client, "GET", f"{patient}/tracking")
    assert [(each["day"], each["is_baseline"], each["matching_state"]) for each in tracking["timepoints"]] == [
        (0, True, "matched"),
        (56, False, "matched"),
    ]
    one, two = tracking["lesions"]
    assert (one["name"], one["role"], one["is_role_suggested"]) == ("L1", "target", True)
    assert one["measurability"]["rule_id"] == "R11.MEAS.SLICE"
    assert [each["timepoint_id"] for each in one["observations"]] == [str(first.pk), str(second.pk)]

    verdict = ask(client, "GET", f"{patient}/assessment?criterion=RECIST_1_1")
    latest = verdict["timepoints"][-1]
    assert latest["overall_response"] == "PD"
    assert latest["numbers"]["low"] <= latest["numbers"]["value"] <= latest["numbers"]["high"]
    assert verdict["questions"] == ["The targets L1 and L2 were suggested by the software. Confirm or change them."]
    nadir = verdict["timepoints"][0]["numbers"]["value"]
    bands = [each["bands_after"] for each in verdict["timepoints"]]  # the sum grew: the nadir stays the baseline's
    assert [each["progression_at"] for each in bands] == [pytest.approx(max(1.2 * nadir, nadir + 5))] * 2
    assert [each["partial_at"] for each in bands] == [pytest.approx(0.7 * nadir)] * 2

    for lesion in (one, two):
        ask(client, "PATCH", f"/api/lesions/{lesion['id']}", {"organ": "liver"})
    chosen = ask(client, "PUT", f"{patient}/targets", {"lesion_ids": [one["id"], two["id"]]})
    assert [(each["role"], each["is_role_suggested"]) for each in chosen["lesions"]] == [("target", False)] * 2
    assert ask(client, "GET", f"{patient}/assessment")["questions"] == []

    insight = ask(client, "GET", f"{patient}/assessment/insight?criterion=RECIST_1_1")
    assert sum(each["share"] for each in insight["probability"]["shares"]) == pytest.approx(1.0)
    assert insight["selection"]["total"] == 3  # L1, L2, both
    grew = [c for c in insight["lesion_changes"] if c["lesion"] == "L1" and c["reference"] == "baseline"]
    assert grew[0]["diameter"]["growth_probability"] > 0.99
    assert insight["flip_margins"]
    brain = ask(client, "GET", f"{patient}/assessment/insight?criterion=RANO_2_0")
    assert brain["probability"]["shares"] == []
    assert brain["probability"]["unknown_because"].startswith("Unknown")

    wish = {"criterion": "RECIST_1_1", "digest": verdict["digest"], "response": "SD", "reason": "Abscess."}
    refused = ask(client, "POST", f"{patient}/assessment/override", wish, status=409)
    assert refused["code"] == "assessment.stale"
    wish["digest"] = insight["digest"]
    answered = ask(client, "POST", f"{patient}/assessment/override", wish)
    assert answered["timepoints"][-1]["overall_response"] == "PD"  # the computed value stays
    assert (answered["overrides"][0]["response"], answered["overrides"][0]["reason"]) == ("SD", "Abscess.")
    assert AuditEntry.objects.filter(act="assessment.overridden").count() == 1


def test_a_cohort_says_how_sure_each_best_change_is(course: Course) -> None:
    course.date(DATES[0], [A, B])
    course.date(DATES[1], [grown(A, 13.0), B])
    client, patient = signed_in(course.person), f"/api/patients/{course.patient.pk}"
    insight = ask(client, "GET", f"{patient}/assessment/insight?criterion=RECIST_1_1")
    cohort = ask(client, "GET", "/api/cohort?criterion=RECIST_1_1")
    (member,) = cohort["members"]
    assert member["best_percent"] > 20
    assert member["best_low_percent"] < member["best_percent"] < member["best_high_percent"]
    of_sum = next(c["change"] for c in insight["sum_changes"] if c["reference"] == "baseline")
    assert member["best_percent"] == pytest.approx(of_sum["percent"])
    assert member["best_low_percent"] == pytest.approx(of_sum["low_percent"])
    assert (member["partial_percent"], member["progression_percent"]) == (-30.0, 20.0)
    (by_products,) = ask(client, "GET", "/api/cohort?criterion=RANO_2_0")["members"]
    assert (by_products["best_low_percent"], by_products["best_high_percent"]) == (None, None)
    assert (by_products["partial_percent"], by_products["progression_percent"]) == (-50.0, 25.0)
    assert by_products["best_unknown_because"].startswith("Unknown, because no repeatability figure is known")
    assert [each["response"] for each in member["responses"]] == ["BASELINE", "PD"]


def test_lesions_are_tried_as_targets_before_they_are_chosen(course: Course) -> None:
    course.date(DATES[0], [A, B, ((15.0, 25.0, 70.0), 7.0)])
    client, patient = signed_in(course.person), f"/api/patients/{course.patient.pk}"
    organs = {"L1": "Left lung", "L2": "right lung", "L3": "lung"}
    for lesion in Lesion.objects.all():
        Lesion.objects.filter(pk=lesion.pk).update(organ=organs[lesion.name])
    ids = [str(each.pk) for each in Lesion.objects.order_by("number")]
    before = list(Lesion.objects.order_by("number").values_list("role", flat=True))
    check = f"{patient}/targets/check?lesion_ids="
    first_two, everything = (check + "&lesion_ids=".join(chosen) for chosen in (ids[:2], ids))
    fine = ask(client, "GET", first_two)
    assert fine == {"organs": [{"organ": "lung", "count": 2}], "problems": []}
    many = ask(client, "GET", everything)
    assert many == {"organs": [{"organ": "lung", "count": 3}], "problems": ["TOO_MANY_PER_ORGAN"]}
    Lesion.objects.filter(pk=ids[2]).update(kind="node")
    nodes = ask(client, "GET", everything)
    assert nodes["organs"] == [{"organ": "lung", "count": 2}, {"organ": "lymph nodes", "count": 1}]
    assert list(Lesion.objects.order_by("number").values_list("role", flat=True)) == before
    ask(signed_in(UserFactory()), "GET", everything, status=404)
    assert ask(client, "GET", f"{patient}/targets/check") == {"organs": [], "problems": []}


def test_what_cannot_be_judged_says_why(course: Course) -> None:
    client, patient = signed_in(course.person), f"/api/patients/{course.patient.pk}"
    problem = ask(client, "GET", f"{patient}/assessment", status=422)
    assert problem["code"] == "criteria.baseline_missing"
    assert ask(client, "GET", f"{patient}/assessment?criterion=GUESS", status=422)["code"] == "input.invalid"
    changed = ask(client, "PATCH", f"{patient}/plan", {"configuration": {"min_sd_days": "soon"}}, status=422)
    assert changed["code"] == "criteria.configuration_invalid"


def test_a_viewer_reads_and_changes_nothing(course: Course) -> None:
    course.date(DATES[0], [A])
    viewer = signed_in(UserFactory(role=Role.VIEWER, teams=[course.patient.home_team]))
    lesion = Lesion.objects.get()
    assert ask(viewer, "GET", f"/api/patients/{course.patient.pk}/tracking")["lesions"]
    assert ask(viewer, "PATCH", f"/api/lesions/{lesion.pk}", {"organ": "lung"}, status=403)["code"] == "role.forbidden"
    stranger = signed_in(UserFactory())
    ask(stranger, "GET", f"/api/patients/{course.patient.pk}/tracking", status=404)


def test_dates_imaged_otherwise_are_not_compared_until_a_reader_accepts_it(course: Course) -> None:
    course.date(DATES[0], [A])
    second = course.date(DATES[1], [A], modality="MR")
    client, patient = signed_in(course.person), f"/api/patients/{course.patient.pk}"
    verdict = ask(client, "GET", f"{patient}/assessment")
    assert verdict["timepoints"][-1]["overall_response"] == "NE"
    assert "The baseline is CT, this date is MR." in verdict["questions"][0]
    ask(client, "PATCH", f"/api/timepoints/{second.pk}", {"comparability_accepted_reason": "Contrast allergy."})
    assert ask(client, "GET", f"{patient}/assessment")["timepoints"][-1]["overall_response"] == "SD"


def test_therapy_is_recorded_changed_and_removed(course: Course) -> None:
    client, patient = signed_in(course.person), f"/api/patients/{course.patient.pk}"
    wish = {"kind": "radiation", "name": "60 Gy", "start_date": "2026-01-20", "end_date": "2026-03-02"}
    (line,) = ask(client, "POST", f"{patient}/therapies", wish, status=201)["therapy"]
    late = ask(client, "PATCH", f"/api/therapies/{line['id']}", {"end_date": "2026-01-01"}, status=422)
    assert "ends before it begins" in late["detail"]
    for slip in ("0026-01-20", "2206-01-20"):
        refused = ask(
            client, "PATCH", f"/api/therapies/{line['id']}", {"start_date": slip, "end_date": None}, status=422
        )
        assert f"The year {int(slip[:4])} cannot be right" in refused["detail"]
    assert ask(client, "DELETE", f"/api/therapies/{line['id']}")["therapy"] == []


def test_what_rests_on_an_old_page_is_refused_and_changes_nothing(course: Course) -> None:
    """Two people on one page: the second says nothing about what they did not see."""
    first, last = course.date(DATES[0], [A, B]), course.date(DATES[1], [A, B])
    colleague = UserFactory(teams=[course.patient.home_team], first_name="Kim", last_name="")
    client, other = signed_in(course.person), signed_in(colleague)
    patient = f"/api/patients/{course.patient.pk}"
    ids = [str(each.pk) for each in Lesion.objects.order_by("number")]
    ask(other, "PUT", f"{patient}/targets", {"lesion_ids": ids[:1], "seen_ids": ids})
    late = ask(client, "PUT", f"{patient}/targets", {"lesion_ids": ids[1:], "seen_ids": ids}, status=409)
    assert late["code"] == "tracking.changed"
    assert "L1 now" in late["detail"]
    assert [each.role for each in Lesion.objects.order_by("number")] == ["target", "non_target"]

    seen = last.observations.get(lesion_id=ids[0])
    said = f"/api/lesions/{ids[0]}/timepoints/{last.pk}"
    ask(other, "PUT", said, {"state": "absent", "seen": "measured"})
    for method, address, body in (
        ("PUT", said, {"state": "not_evaluable", "seen": "measured"}),
        ("POST", f"/api/observations/{seen.pk}/confirm", {"seen": "measured"}),
    ):
        refused = ask(client, method, address, body, status=409)
        assert "L1 was changed by Kim since you looked: gone now." in refused["detail"]
    assert last.observations.get(lesion_id=ids[0]).confirmed_by == colleague

    part = {"component": last.observations.get(lesion_id=ids[1]).components[0], "lesion_id": None}
    elsewhere = {"revision_id": str(first.revision_id), "lesion_id": ids[1]}
    moved = ask(client, "POST", f"/api/timepoints/{last.pk}/assign", {**part, "seen": elsewhere}, status=409)
    assert moved["code"] == "tracking.changed"
    ask(
        client,
        "POST",
        f"/api/timepoints/{last.pk}/assign",
        {**part, "seen": {**elsewhere, "revision_id": str(last.revision_id)}},
    )
    assert Lesion.objects.count() == 3
