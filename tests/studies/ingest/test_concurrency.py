"""Two workers on one study, and workers that die: nothing twice, nothing lost."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from studies.models import Instance, Patient, Reception, Series, Study, StudyWord, Team, Upload, UploadState, User
from studies.services import audit
from studies.services import ingest as ingest_module
from studies.services.ingest import claim_uploads, ingest_upload
from studies.services.upload_care import remind_of_waiting
from tests.factories import TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, write_series
from tests.studies.ingest.support import outcomes, receive, zip_of

SPEC = SeriesSpec(shape=(24, 8, 8), spacing_mm=(2.0, 1.0, 1.0))


@pytest.fixture
def team(transactional_db: None) -> Team:
    return TeamFactory()


@pytest.fixture
def clinician(team: Team) -> User:
    return UserFactory(teams=[team])


def run_side_by_side(*upload_ids: uuid.UUID) -> None:
    """Read uploads in one thread each, all starting together."""
    start = threading.Barrier(len(upload_ids))
    errors: list[Exception] = []

    def work(upload_id: uuid.UUID) -> None:
        try:
            start.wait(10)
            ingest_upload(upload_id)
        except Exception as error:  # noqa: BLE001 - the test must see what a thread died of
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(upload_id,)) for upload_id in upload_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def check_whole() -> None:
    assert (Patient.objects.count(), Study.objects.count(), Series.objects.count()) == (1, 1, 1)
    assert Instance.objects.count() == 24
    series, study = Series.objects.get(), Study.objects.get()
    assert (series.geometry_verdict, series.instance_count, study.instance_count) == ("regular", 24, 24)
    assert StudyWord.objects.filter(word="phantom").count() == 1
    assert audit.verify_chain().is_whole


def test_tasks_of_the_same_study_make_it_once(
    team: Team, clinician: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "FIRST_BATCH", 3)
    paths = write_series(tmp_path, SPEC)
    parts = [paths[0::3], paths[1::3], [*paths[2::3], *paths[3:5], paths[6]]]  # the last three are in two parts
    uploads = [receive(team, clinician, zip_of({path.name: path for path in part})) for part in parts]
    run_side_by_side(*(upload.pk for upload in uploads))
    check_whole()
    assert set(Upload.objects.values_list("state", flat=True)) == {UploadState.INGESTED}
    assert Reception.objects.filter(outcome="stored").count() == 24
    assert Reception.objects.filter(outcome="duplicate").count() == 3


def test_tasks_of_the_same_drop_share_it_without_overlap(team: Team, clinician: User, tmp_path: Path) -> None:
    batch = uuid.uuid4()
    uploads = [receive(team, clinician, path.read_bytes(), batch=batch) for path in write_series(tmp_path, SPEC)]
    run_side_by_side(uploads[0].pk, uploads[5].pk, uploads[23].pk)
    check_whole()
    assert Reception.objects.count() == 24
    assert set(Upload.objects.values_list("state", flat=True)) == {UploadState.INGESTED}


def test_a_dead_workers_upload_is_taken_over_where_it_stopped(
    team: Team, clinician: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WorkerKilled(BaseException):
        pass

    monkeypatch.setattr(ingest_module, "FIRST_BATCH", 5)
    upload = receive(team, clinician, zip_of({path.name: path for path in write_series(tmp_path, SPEC)}))
    record, calls = ingest_module.record_batch, []

    def killed_at_the_second(*arguments: object) -> object:
        calls.append(None)
        if len(calls) == 2:
            record(*arguments)  # type: ignore[arg-type]
            raise WorkerKilled
        return record(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_module, "record_batch", killed_at_the_second)
    with pytest.raises(WorkerKilled):
        ingest_upload(upload.pk)
    assert Instance.objects.count() == Series.objects.get().instance_count == 5
    assert claim_uploads(upload.pk) == []
    assert remind_of_waiting() == 0

    Upload.objects.update(claimed_at=timezone.now() - timedelta(minutes=5))
    assert remind_of_waiting() == 1
    ingest_upload(upload.pk)
    upload.refresh_from_db()
    assert upload.state == UploadState.INGESTED
    assert list(set(outcomes(upload).values())) == [("stored", "")]
    check_whole()


def test_a_worker_taken_for_dead_records_nothing_twice(
    team: Team, clinician: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = receive(team, clinician, zip_of({path.name: path for path in write_series(tmp_path, SPEC)}))
    record, calls = ingest_module.record_batch, []

    def overtaken(*arguments: object) -> object:
        if not calls:
            calls.append(None)
            Upload.objects.update(claimed_at=timezone.now() - timedelta(minutes=5))
            ingest_upload(upload.pk)
        return record(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_module, "record_batch", overtaken)
    ingest_upload(upload.pk)
    check_whole()
    assert Reception.objects.count() == 24


def test_an_upload_that_cannot_be_recorded_does_not_hold_up_the_others(
    team: Team, clinician: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = uuid.uuid4()
    paths = write_series(tmp_path, replace(SPEC, shape=(3, 8, 8)))
    uploads = [receive(team, clinician, path.read_bytes(), name=path.name, batch=batch) for path in paths]
    record = ingest_module.record_batch

    def poisoned(team: Team, arrivals: list[tuple[Upload, object]]) -> object:
        if any(upload.pk == uploads[1].pk for upload, _ in arrivals):
            raise ValueError("nobody foresaw this")
        return record(team, arrivals)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_module, "record_batch", poisoned)
    ingest_upload(uploads[0].pk)
    states = [Upload.objects.get(pk=upload.pk).state for upload in uploads]
    assert states == [UploadState.INGESTED, UploadState.FAILED, UploadState.INGESTED]
    assert Upload.objects.get(pk=uploads[1].pk).reason_code == "upload.not_recorded"
