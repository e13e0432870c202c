"""Registrations of two series: asked for once, never left waiting, turned round exactly, moved within limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from studies import events
from studies.events import RegistrationFinished, study_group
from studies.models import AuditEntry, Patient, Role, Series, SeriesRegistration, User
from studies.queue import StudyTask
from studies.services import registrations
from studies.services.registrations import (
    OtherPatientError,
    find_registration,
    find_registrations,
    prior_to_current,
    register_series,
    request_registration,
)
from tests.archives import archive_series
from tests.factories import PatientFactory, SeriesFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, lopsided_body, write_projection, write_series

pytestmark = pytest.mark.django_db

SHIFT_MM = np.array([6.0, -4.0, 5.0])
SPEC = SeriesSpec(shape=(26, 40, 40), spacing_mm=(5.0, 4.0, 4.0), origin_mm=(-78.0, -78.0, -62.5), modality="CT")


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the registrations that were enqueued."""
    ids: list[str] = []

    def enqueue(task: str, *, registration_id: str = "", **_rest: object) -> None:
        if task == StudyTask.REGISTER_SERIES:
            ids.append(registration_id)

    monkeypatch.setattr(registrations, "enqueue_on_commit", enqueue)
    return ids


@pytest.fixture
def person() -> User:
    made: User = UserFactory(teams=[TeamFactory()])
    return made


@pytest.fixture
def patient(person: User) -> Patient:
    made: Patient = PatientFactory(home_team=person.teams.get())
    return made


def archive(folder: Path, patient: Patient, name: str, date: str, at_mm: np.ndarray) -> Series:
    spec = replace(SPEC, name=name, study_date=date, voxels=lopsided_body(SPEC, at_mm))
    return archive_series(write_series(folder / name, spec), study__patient=patient)


@pytest.fixture
def pair(patient: Patient, tmp_path: Path) -> tuple[Series, Series]:
    """The same body on two dates, moved by `SHIFT_MM` in between."""
    prior = archive(tmp_path, patient, "prior", "20250101", np.zeros(3))
    return prior, archive(tmp_path, patient, "current", "20260101", SHIFT_MM)


def test_a_known_shift_is_found_and_both_studies_are_told(
    pair: tuple[Series, Series],
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[tuple[str, events.Event]] = []
    monkeypatch.setattr(events, "publish", lambda group, event: told.append((group, event)))
    asked = request_registration(*pair)
    assert (request_registration(*pair).pk, sent) == (asked.pk, [asked.pk])
    with django_capture_on_commit_callbacks(execute=True):
        register_series(asked.pk)
        register_series(asked.pk)
    found = find_registration(*pair)
    assert found is not None
    assert (found.state, found.problems) == ("done", [])
    np.testing.assert_allclose(prior_to_current(found) @ [0, 0, 0, 1], [*SHIFT_MM, 1], atol=1.0)
    finished = RegistrationFinished(
        registration_id=asked.pk, prior_series_id=pair[0].pk, current_series_id=pair[1].pk, state=found.state
    )
    assert {group for group, _ in told} == {study_group(series.study_id) for series in pair}
    assert [event for _, event in told] == [finished, finished]


def stored_way(prior: Series, current: Series) -> SeriesRegistration:
    """A finished registration with a way of its own: a turn about z by a quarter, a stretch and a shift."""
    row = request_registration(prior, current)
    row.state, row.confidence, row.overlap = "done", 0.9, 1.0
    row.prior_to_current_mm = [0.0, -1.05, 0.0, 10.0, 1.05, 0.0, 0.0, -20.0, 0.0, 0.0, 1.0, 5.0, 0.0, 0.0, 0.0, 1.0]
    row.save()
    return row


def test_the_way_back_undoes_the_way_there_nudged_or_not(pair: tuple[Series, Series], person: User, sent) -> None:
    prior, current = pair
    row = stored_way(prior, current)
    for nudge in ([0.0, 0.0, 0.0], [3.0, -2.0, 7.0]):
        registrations.nudge_registration(row, nudge, by=person)
        there, back = find_registration(prior, current), find_registration(current, prior)
        assert there
        assert back
        assert there.pk == back.pk
        np.testing.assert_allclose(prior_to_current(back) @ prior_to_current(there), np.eye(4), atol=1e-9)
    turned = find_registration(current, prior)
    assert turned
    moved = registrations.nudge_registration(turned, [1.0, 2.0, 3.0], by=person)
    np.testing.assert_allclose(moved.nudge_mm, [1.0, 2.0, 3.0], atol=1e-9)
    there, back = find_registration(prior, current), find_registration(current, prior)
    assert there
    assert back
    np.testing.assert_allclose(prior_to_current(back) @ prior_to_current(there), np.eye(4), atol=1e-9)


def test_all_pairs_at_once_are_as_each_pair_alone(patient: Patient, sent: list[str]) -> None:
    series = [SeriesFactory(study__patient=patient) for _ in range(3)]
    first, second, third = series
    stored = request_registration(first, second)
    SeriesRegistration.objects.filter(pk=stored.pk).update(state="done", nudge_mm=[3.0, -2.0, 7.0])
    request_registration(third, first)
    found = find_registrations(series)
    assert {pair: row.pk for pair, row in found.items()} == {
        (one.pk, other.pk): row.pk for one in series for other in series if (row := find_registration(one, other))
    }
    assert set(found) == {
        *((first.pk, second.pk), (second.pk, first.pk)),
        *((first.pk, third.pk), (third.pk, first.pk)),
    }
    back = find_registration(second, first)
    assert back
    np.testing.assert_array_equal(prior_to_current(found[second.pk, first.pk]), prior_to_current(back))
    Series.objects.filter(pk=second.pk).update(contents_digest="f" * 64)  # more images arrived: nothing is known yet
    second.refresh_from_db()
    assert set(find_registrations(series)) == {(first.pk, third.pk), (third.pk, first.pk)}


def test_the_same_series_lies_on_itself_at_once(pair: tuple[Series, Series], sent: list[str]) -> None:
    found = request_registration(pair[0], pair[0])
    assert (found.state, found.confidence, sent) == ("done", 1.0, [])
    np.testing.assert_array_equal(prior_to_current(found), np.eye(4))


def test_a_projection_fails_in_words(pair: tuple[Series, Series], patient: Patient, tmp_path: Path, sent) -> None:
    picture = write_projection(tmp_path / "chest.dcm", np.full((32, 40), 900, np.uint16))
    chest = archive_series([picture], study__patient=patient, series_description="Chest PA")
    asked = request_registration(chest, pair[1])
    register_series(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.reason_code) == ("failed", "series.not_a_volume")
    assert "Chest PA" in asked.reason
    assert request_registration(chest, pair[1]).state == "failed"
    assert request_registration(chest, pair[1], retry_failed=True).state == "pending"
    assert sent == [asked.pk, asked.pk]


def test_what_nobody_foresaw_leaves_nothing_waiting(patient: Patient, sent) -> None:
    """Records without files: the archive has lost them."""
    prior, current = (SeriesFactory(study__patient=patient) for _ in range(2))
    asked = request_registration(prior, current)
    register_series(asked.pk)
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert asked.reason


def test_images_that_arrive_later_ask_anew(pair: tuple[Series, Series], sent: list[str]) -> None:
    asked = request_registration(*pair)
    Series.objects.filter(pk=pair[1].pk).update(contents_digest="f" * 64)
    grown = Series.objects.get(pk=pair[1].pk)
    register_series(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.reason_code) == ("failed", "registration.series_changed")
    assert request_registration(pair[0], grown).pk != asked.pk


def test_two_patients_are_never_aligned(pair: tuple[Series, Series], tmp_path: Path) -> None:
    stranger = SeriesFactory()
    with pytest.raises(OtherPatientError):
        request_registration(stranger, pair[1])


def test_the_door_asks_tells_and_moves(pair: tuple[Series, Series], person: User, client: Client, sent) -> None:
    prior, current = pair
    address = f"/api/series/{current.pk}/registrations/{prior.pk}"
    client.force_login(person)
    assert client.get(address).json()["state"] == "none"
    assert SeriesRegistration.objects.count() == 0
    asked = client.post(address)
    assert (asked.status_code, asked.json()["state"], asked.json()["prior_to_current_mm"]) == (202, "pending", None)
    early = client.put(f"{address}/nudge", {"nudge_mm": [0, 0, 1]}, content_type="application/json")
    assert (early.status_code, early.json()["code"]) == (409, "registration.not_done")
    stored_way(prior, current)
    moved = client.put(f"{address}/nudge", {"nudge_mm": [0, 0, 4]}, content_type="application/json").json()
    assert (moved["nudge_mm"], moved["nudged_by"], moved["prior_to_current_mm"][11]) == ([0, 0, 4], person.username, 9)
    assert AuditEntry.objects.filter(act="registration.nudged", actor=person.username).count() == 1
    far = client.put(f"{address}/nudge", {"nudge_mm": [40, 40, 0]}, content_type="application/json")
    assert far.status_code == 422
    assert client.get(address).json()["nudge_mm"] == [0, 0, 4]


def test_a_viewer_looks_and_does_not_move(pair: tuple[Series, Series], person: User, client: Client, sent) -> None:
    prior, current = pair
    stored_way(prior, current)
    viewer = UserFactory(teams=[person.teams.get()], role=Role.VIEWER)
    client.force_login(viewer)
    address = f"/api/series/{current.pk}/registrations/{prior.pk}"
    assert client.get(address).json()["state"] == "done"
    refused = client.put(f"{address}/nudge", {"nudge_mm": [0, 0, 4]}, content_type="application/json")
    assert refused.status_code == 403
    other = UserFactory(teams=[TeamFactory()])
    client.force_login(other)
    assert client.get(address).status_code == 404
    assert SeriesRegistration.objects.get().nudge_mm == [0.0, 0.0, 0.0]
