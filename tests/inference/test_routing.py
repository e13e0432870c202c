"""From images that arrive to a label map nobody asked for by hand: rules, the real ingest, the real engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from inference.job_states import JobState
from inference.models import ModelSetting, RoutingNote, RoutingRule, SegmentationJob, UsageLimit
from inference.pipeline.segment import segment
from inference.registry import list_models
from inference.selectors import describe_job
from inference.services.jobs import ModelDisabledError, cancel_job, request_job
from inference.services.routing import route_settled_series
from inference.services.routing_care import FORGOTTEN_AFTER, LOOK_BACK, MOST_REMINDERS, tend_routing
from inference.services.routing_view import explain_routing
from inference.services.rule_matching import holds_for
from inference.services.runs import run_next_job
from studies.models import AuditEntry, Instance, Series, Study, Team, User
from studies.queue import StudyTask
from studies.services.segmentations import load_label_map
from studies.services.volumes import prepare_series
from tests.factories import TeamFactory, UserFactory
from tests.inference.test_job_inputs import GIVEN, PLAIN, body, import_difference, models, write
from tests.phantoms import SeriesSpec, sphere, write_series
from tests.studies.ingest.support import send, zip_of

__all__ = ["models"]

pytestmark = pytest.mark.django_db
CHEST = SeriesSpec(name="lung", shape=(12, 32, 40), spacing_mm=(2.0, 1.0, 1.0), study_description="CT thorax")
RADIUS_MM = 8.0

Tasks = list[dict[str, Any]]
Arrive = Callable[..., list[Series]]


@pytest.fixture
def team(reader: User) -> Team:
    return reader.teams.get()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Tasks:
    """What would go to the broker once committed; the tests stand in for it."""
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    tasks: Tasks = []
    for module in ("uploads", "volumes"):
        monkeypatch.setattr(
            f"studies.services.{module}.enqueue_on_commit",
            lambda task, **stated: transaction.on_commit(lambda: tasks.append({"task": task, **stated})),
        )
    return tasks


@pytest.fixture
def settle(sent: Tasks, django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """Do an act, commit it, and prepare the series it wants prepared, as the worker does."""

    def run(act: Callable[[], object]) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            act()
        while sent:
            task = sent.pop(0)
            if task["task"] == StudyTask.PREPARE_SERIES:
                prepare_series(UUID(str(task["series_id"])), contents_digest=task["contents_digest"])

    return run


@pytest.fixture
def arrive(team: Team, reader: User, settle: Callable[..., None], tmp_path: Path) -> Arrive:
    """Send a series through the door and let it settle; return the study's series."""

    def come(spec: SeriesSpec, paths: list[Path] | None = None, *, person: User | None = None) -> list[Series]:
        ball = np.where(sphere(spec, RADIUS_MM), 100, -800)
        files = paths or write_series(tmp_path / spec.series_instance_uid, replace(spec, voxels=ball))
        sender = person or reader
        disc = zip_of({path.name: path for path in files})
        settle(lambda: send(sender.teams.get(), sender, disc, name="disc.zip"))
        study = Study.objects.get(study_instance_uid=spec.study_instance_uid, home_team=sender.teams.get())
        return list(study.series.order_by("series_number"))

    return come


def lay_down(**values: Any) -> RoutingRule:
    defaults = {"title": "Balls", "modality": "CT", "model_name": "otsu"}
    return RoutingRule.objects.create(**{**defaults, **values})


def test_a_series_that_arrives_is_segmented_before_anybody_opens_it(arrive: Arrive, team: Team) -> None:
    rule = lay_down(team=team, body_part="Thorax")
    (series,) = arrive(CHEST)
    job = SegmentationJob.objects.get()
    assert (job.series, job.rule, job.requested_by, job.is_awaited) == (series, rule, None, False)
    assert job.contents_digest == series.contents_digest
    assert job.focus == (0, 0, 0), "nobody looks: one sweep from the end needs half the memory of one to both sides"
    status = describe_job(job)
    assert (status.rule_title, status.requested_by, status.is_awaited) == ("Balls", None, False)
    entry = AuditEntry.objects.get(act="job.requested")
    assert (entry.actor, entry.details["rule"], entry.patient_id) == ("system", "Balls", str(series.study.patient_id))

    assert run_next_job("cpu", segment=segment)
    job.refresh_from_db()
    assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
    assert job.revision is not None
    np.testing.assert_array_equal(load_label_map(job.revision).voxels == 2, sphere(CHEST, RADIUS_MM))
    assert job.revision.created_by is None


def test_a_rule_asks_once_of_the_same_images_whatever_came_of_it(arrive: Arrive, reader: User) -> None:
    lay_down()
    (series,) = arrive(CHEST)
    cancel_job(SegmentationJob.objects.get(), cancelled_by=reader)
    route_settled_series(series=series)
    assert SegmentationJob.objects.count() == 1
    Series.objects.filter(pk=series.pk).update(contents_digest="0" * 64)
    route_settled_series(series=Series.objects.get(pk=series.pk))
    assert SegmentationJob.objects.count() == 2, "other images are another question"


def test_what_a_person_had_done_is_not_done_again(arrive: Arrive, reader: User) -> None:
    (series,) = arrive(CHEST)
    request_job(series, requested_by=reader, model_name="otsu", parameters={})
    run_next_job("cpu", segment=segment)
    lay_down()
    route_settled_series(series=series)
    assert SegmentationJob.objects.count() == 1


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"modality": "MR"}, False),
        ({"body_part": "THORAX"}, True),
        ({"body_part": "head"}, False),
        ({"body_part": "thor"}, False),
        ({"description": "lu"}, True),
        ({"description": "lung liver"}, False),
        ({"has_contrast": True}, False),
        ({"has_contrast": False}, False),
        ({"weighting": "T1"}, False),
        ({"body_part": "head, thorax"}, True),
        ({"body_part": "head, neck"}, False),
        ({"description": "liver, lu"}, True),
        ({"excluded": "liver, lung"}, False),
        ({"excluded": "thorax"}, True),
    ],
)
def test_a_series_that_says_nothing_does_not_satisfy_a_rule_that_asks(
    arrive: Arrive, conditions: dict[str, Any], holds: bool
) -> None:
    lay_down(**conditions)
    arrive(CHEST)
    assert SegmentationJob.objects.exists() is holds


@pytest.mark.parametrize(
    ("header", "conditions", "holds"),
    [
        ({"EchoTime": 90.0, "RepetitionTime": 5000.0}, {"weighting": "T2"}, True),
        ({"EchoTime": 90.0, "RepetitionTime": 5000.0}, {"weighting": "T1"}, False),
        ({"ContrastBolusAgent": "Gadobutrol"}, {"has_contrast": True}, True),
        ({"ContrastBolusAgent": "NONE"}, {"has_contrast": False}, True),
        ({"ContrastBolusAgent": "Gadobutrol"}, {"has_contrast": False}, False),
        ({"BodyPartExamined": "BRAIN"}, {"body_part": "brain"}, True),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, {}, False),
        ({"ImageType": ["DERIVED", "PRIMARY", "OTHER"]}, {}, True),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, {}, False),
    ],
)
def test_headers_decide(
    arrive: Arrive, tmp_path: Path, header: dict[str, Any], conditions: dict[str, Any], holds: bool
) -> None:
    lay_down(modality="MR", **conditions)
    spec = replace(CHEST, name="axial", modality="MR", extra=header)
    arrive(spec)
    assert SegmentationJob.objects.exists() is holds


def test_umlauts_may_be_written_either_way(arrive: Arrive) -> None:
    lay_down(body_part="Schädel, Oberschenkel")
    arrive(replace(CHEST, study_description="CT SCHAEDEL"))
    assert SegmentationJob.objects.exists()


def judge(series: Series) -> dict[str, tuple[str, str]]:
    """Return for each rule what it made of the series, and why."""
    verdicts = explain_routing(series).verdicts
    return {each.title: (str(each.outcome), str(each.mismatch.code) if each.mismatch else "") for each in verdicts}


def test_why_a_series_ran_or_not_is_said_for_each_rule(arrive: Arrive, client: Client, reader: User) -> None:
    lay_down(title="runs")
    lay_down(title="elsewhere", body_part="brain")
    lay_down(title="without", excluded="lung")
    lay_down(title="switched off", is_enabled=False, model_name="kmeans")
    lay_down(title="model gone", model_name="gone")
    lay_down(title="other images", modality="MR")
    (series,) = arrive(CHEST)
    assert judge(series) == {
        "runs": ("ran", ""),
        "model gone": ("refused", ""),
        "switched off": ("off", ""),
        "elsewhere": ("does_not_fit", "rule.other_body_part"),
        "without": ("does_not_fit", "rule.excluded_word"),
    }
    client.force_login(reader)
    answer = client.get(f"/api/series/{series.pk}/routing").json()
    assert (answer["state"], answer["other_rules"]) == ("asked", 1)
    assert answer["verdicts"][0]["job_id"] == str(SegmentationJob.objects.get().pk)
    assert "gone" in answer["verdicts"][1]["refusal"]
    assert answer["verdicts"][3]["mismatch"] == {
        "code": "rule.other_body_part",
        "asked": "brain",
        "said": "lung CT thorax",
    }
    lay_down(title="newer", model_name="kmeans")
    assert judge(series)["newer"] == ("not_asked", "")
    Series.objects.filter(pk=series.pk).update(contents_digest="0" * 64)
    assert str(explain_routing(Series.objects.get(pk=series.pk)).state) == "waiting"


def test_each_team_has_its_own_rules_and_those_of_every_team(arrive: Arrive, team: Team) -> None:
    other = UserFactory(teams=[TeamFactory()])
    mine, everybodys = lay_down(team=team, title="Mine"), lay_down(title="All", model_name="kmeans")
    arrive(CHEST)
    arrive(CHEST, person=other)
    asked = SegmentationJob.objects.values_list("series__study__home_team", "rule")
    assert sorted(asked, key=str) == sorted(
        [(team.pk, mine.pk), (team.pk, everybodys.pk), (other.teams.get().pk, everybodys.pk)], key=str
    )


def test_a_model_that_is_switched_off_and_a_rule_that_is_are_left_alone(arrive: Arrive, reader: User) -> None:
    lay_down(is_enabled=False)
    rule = lay_down()
    ModelSetting.objects.create(model_name="otsu", is_enabled=False)
    (series,) = arrive(CHEST)
    assert holds_for(rule, series)
    assert not SegmentationJob.objects.exists()
    with pytest.raises(ModelDisabledError, match="switched off"):
        request_job(series, requested_by=reader, model_name="otsu", parameters={})


def test_a_model_that_cannot_take_the_series_or_is_gone_does_not_hold_up_the_others(arrive: Arrive) -> None:
    lay_down(model_name="gone")
    lay_down(model_name=next(spec.name for spec in list_models() if "CT" not in (spec.modalities or {"CT"})))
    lay_down(model_name="kmeans")
    arrive(CHEST)
    assert [job.model_name for job in SegmentationJob.objects.all()] == ["kmeans"]


def test_a_network_that_reads_two_series_waits_for_the_second_and_is_asked_once(
    arrive: Arrive, models: Path, tmp_path: Path
) -> None:
    import_difference(models / "in", ("T1", "T1c"), frozenset({"MR"}))
    lay_down(modality="MR", model_name="difference")
    first = write(tmp_path, PLAIN, body(PLAIN), EchoTime=10.0, RepetitionTime=500.0)
    second = write(
        tmp_path, GIVEN, body(GIVEN, enhancing=600.0), EchoTime=10.0, RepetitionTime=500.0, ContrastBolusAgent="Gd"
    )
    arrive(*first)
    assert not SegmentationJob.objects.exists()
    series = arrive(*second)
    job = SegmentationJob.objects.get()
    assert [each["series_id"] for each in job.inputs] == [str(each.pk) for each in series]
    for each in series:
        route_settled_series(series=each)
    assert SegmentationJob.objects.count() == 1


def test_a_job_waits_until_the_team_has_room_and_is_not_lost(
    arrive: Arrive, settle: Callable[..., None], team: Team, reader: User
) -> None:
    UsageLimit.objects.create(team=team, most_per_person=1, most_per_team=1)
    lay_down()
    (first,) = arrive(CHEST)
    (second,) = arrive(replace(CHEST, study_date="20260203"))
    assert SegmentationJob.objects.get().series == first
    assert [note.series for note in RoutingNote.objects.filter(is_postponed=True)] == [second]
    settle(tend_routing)
    assert SegmentationJob.objects.count() == 1, "there is no room yet"
    run_next_job("cpu", segment=segment)
    settle(tend_routing)
    assert SegmentationJob.objects.get(state=JobState.QUEUED).series == second
    assert not RoutingNote.objects.filter(is_postponed=True).exists()


def age(series: Series, by: timedelta) -> None:
    Instance.objects.filter(series=series).update(received_at=timezone.now() - by)


def test_a_series_whose_message_was_lost_is_routed_all_the_same(
    arrive: Arrive, settle: Callable[..., None], sent: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_down()
    with monkeypatch.context() as lossy:
        lossy.setattr("tests.inference.test_routing.prepare_series", lambda *_args, **_stated: None)
        (series,) = arrive(CHEST)
        settle(tend_routing)
        assert not RoutingNote.objects.exists(), "it may still be growing"
        age(series, FORGOTTEN_AFTER + timedelta(seconds=1))
        for _ in range(MOST_REMINDERS + 2):
            settle(tend_routing)
            RoutingNote.objects.update(reminded_at=None)
    assert RoutingNote.objects.get().reminders == MOST_REMINDERS, "what cannot be read is not tried for ever"
    RoutingNote.objects.update(reminders=0)
    settle(tend_routing)
    assert SegmentationJob.objects.get().series == series
    assert RoutingNote.objects.get().reminders == 0
    assert tend_routing() == 0


def test_a_rule_is_not_held_against_what_arrived_before_it(arrive: Arrive, settle: Callable[..., None]) -> None:
    (series,) = arrive(CHEST)
    age(series, FORGOTTEN_AFTER + timedelta(seconds=1))
    lay_down()
    settle(tend_routing)
    RoutingNote.objects.all().delete()
    Study.objects.update(received_at=timezone.now() - LOOK_BACK - timedelta(seconds=1))
    settle(tend_routing)
    assert not SegmentationJob.objects.exists()
