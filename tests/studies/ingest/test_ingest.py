"""From received bytes to records."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from studies.models import (
    AuditEntry,
    GeometryVerdict,
    Instance,
    Patient,
    Series,
    Study,
    StudyWord,
    Team,
    UploadState,
    User,
)
from studies.permissions import visible_patients
from studies.services.ingest import ingest_upload
from studies.services.uploads import part_path
from tests.factories import TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, write_series
from tests.studies.ingest.support import outcomes, receive, send, zip_of

SPEC = SeriesSpec(shape=(5, 16, 12), spacing_mm=(2.5, 0.8, 0.7))


def altered(path: Path, **values: object) -> bytes:
    """Return a file with other attributes."""
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    target = path.with_suffix(".altered")
    dataset.save_as(target)
    return target.read_bytes()


def test_a_zipped_series_becomes_patient_study_series_and_instances(
    team: Team, clinician: User, tmp_path: Path
) -> None:
    paths = write_series(tmp_path / "series", SPEC)
    upload = send(team, clinician, zip_of({f"disc/{path.name}": path for path in paths}), name="disc.zip")

    assert upload.state == UploadState.INGESTED
    assert set(outcomes(upload).values()) == {("stored", "")}
    patient = Patient.objects.get()
    assert (patient.patient_id, patient.patient_name, patient.home_team) == (SPEC.patient_id, SPEC.patient_name, team)
    assert visible_patients(clinician).get() == patient
    assert not visible_patients(UserFactory(teams=[TeamFactory()])).exists()
    study = Study.objects.get()
    assert (study.study_instance_uid, study.modalities, study.series_count, study.instance_count) == (
        SPEC.study_instance_uid,
        "CT",
        1,
        5,
    )
    series = Series.objects.get()
    assert series.geometry_verdict == GeometryVerdict.REGULAR
    assert series.spacing_mm == pytest.approx([2.5, 0.8, 0.7])
    assert (series.instance_count, series.frame_count) == (5, 5)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert {instance.blob_id for instance in Instance.objects.all()} == digests


def test_a_study_is_found_by_its_words(team: Team, clinician: User, tmp_path: Path) -> None:
    spec = replace(SPEC, patient_name="Müller^Änne", study_description="Thorax mit KM", shape=(1, 8, 8))
    send(team, clinician, write_series(tmp_path, spec)[0])
    words = set(StudyWord.objects.values_list("word", flat=True))
    assert {"muller", "anne", "thorax", "km", "phantom", "ct"} <= words


def test_the_same_file_twice_is_one_instance(team: Team, clinician: User, tmp_path: Path) -> None:
    path = write_series(tmp_path, SPEC)[0]
    send(team, clinician, path)
    upload = send(team, clinician, path)
    assert list(outcomes(upload).values()) == [("duplicate", "")]
    assert upload.state == UploadState.INGESTED
    assert Instance.objects.count() == 1


def test_the_same_image_under_another_header_is_a_duplicate(team: Team, clinician: User, tmp_path: Path) -> None:
    path = write_series(tmp_path, SPEC)[0]
    send(team, clinician, path)
    upload = send(team, clinician, altered(path, SeriesDescription="renamed"))
    assert list(outcomes(upload).values()) == [("duplicate", "instance.header_differs")]
    assert Series.objects.get().series_description != "renamed"


def test_other_pixels_under_a_known_uid_are_refused_and_kept_aside(team: Team, clinician: User, tmp_path: Path) -> None:
    path = write_series(tmp_path, SPEC)[0]
    send(team, clinician, path)
    pixels = bytearray(pydicom.dcmread(path).PixelData)
    pixels[0] ^= 1
    forged = altered(path, PixelData=bytes(pixels))
    upload = send(team, clinician, forged)

    assert upload.state == UploadState.FAILED
    assert upload.reason_code == "instance.pixels_differ"
    reception = upload.receptions.get()
    assert reception.blob_id == hashlib.sha256(forged).hexdigest()
    assert Instance.objects.get().blob_id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert AuditEntry.objects.filter(act="instance.refused").get().details["reason_code"] == "instance.pixels_differ"


def test_a_study_never_changes_hands(team: Team, clinician: User, tmp_path: Path) -> None:
    paths = write_series(tmp_path, SPEC)
    send(team, clinician, paths[0])
    upload = send(team, clinician, altered(paths[1], PatientID="SOMEBODY-ELSE"))
    assert upload.reason_code == "study.patient_differs"
    assert upload.receptions.get().blob is not None
    assert Instance.objects.count() == 1
    assert Patient.objects.count() == 1


def test_an_issuer_left_out_of_some_objects_is_no_other_patient(team: Team, clinician: User, tmp_path: Path) -> None:
    paths = write_series(tmp_path, SPEC)
    send(team, clinician, altered(paths[0], IssuerOfPatientID="HOSPITAL"))
    upload = send(team, clinician, paths[1])
    assert list(outcomes(upload).values()) == [("stored", "")]
    assert Patient.objects.count() == 1


def test_one_id_with_two_birth_dates_is_not_merged(team: Team, clinician: User, tmp_path: Path) -> None:
    first = write_series(tmp_path / "a", replace(SPEC, extra={"PatientBirthDate": "19600101"}))[0]
    second = write_series(
        tmp_path / "b", replace(SPEC, study_description="Another", extra={"PatientBirthDate": "19700101"})
    )[0]
    send(team, clinician, first)
    upload = send(team, clinician, second)
    assert upload.reason_code == "patient.birth_date_differs"
    assert Study.objects.count() == 1


def test_patients_without_an_id_are_never_merged(team: Team, clinician: User, tmp_path: Path) -> None:
    for description in ("One", "Two"):
        spec = replace(SPEC, patient_id="", study_description=description)
        for path in write_series(tmp_path / description, spec)[:2]:
            upload = send(team, clinician, path)
            assert list(outcomes(upload).values()) == [("stored", "")]
    assert Patient.objects.count() == 2
    assert Study.objects.count() == 2


def test_two_teams_hold_the_same_study_without_learning_of_each_other(
    team: Team, clinician: User, tmp_path: Path
) -> None:
    path = write_series(tmp_path, SPEC)[0]
    send(team, clinician, path)
    other = TeamFactory()
    upload = send(other, UserFactory(teams=[other]), path)
    assert list(outcomes(upload).values()) == [("stored", "")]
    assert Patient.objects.count() == Study.objects.count() == Instance.objects.count() == 2
    assert visible_patients(clinician).get().home_team == team


def test_a_later_slice_completes_the_series(team: Team, clinician: User, tmp_path: Path) -> None:
    paths = write_series(tmp_path, SPEC)
    send(team, clinician, zip_of({path.name: path for path in (paths[0], paths[1], paths[3], paths[4])}))
    series = Series.objects.get()
    assert series.geometry_verdict == GeometryVerdict.GAPS
    digest = series.contents_digest
    send(team, clinician, paths[2])
    series.refresh_from_db()
    assert series.geometry_verdict == GeometryVerdict.REGULAR
    assert series.instance_count == 5
    assert series.contents_digest != digest


def test_the_digest_of_contents_does_not_depend_on_the_order_of_arrival(
    team: Team, clinician: User, tmp_path: Path
) -> None:
    paths = write_series(tmp_path, SPEC)
    other = TeamFactory()
    send(team, clinician, zip_of({path.name: path for path in paths}))
    send(other, UserFactory(teams=[other]), zip_of({path.name: path for path in reversed(paths)}))
    assert len(set(Series.objects.values_list("contents_digest", flat=True))) == 1


def test_one_task_reads_the_whole_drop(
    team: Team, clinician: User, tmp_path: Path, django_assert_max_num_queries: object
) -> None:
    batch = TeamFactory().pk
    paths = write_series(tmp_path, replace(SPEC, shape=(30, 8, 8)))
    uploads = [receive(team, clinician, path.read_bytes(), name=path.name, batch=batch) for path in paths]
    with django_assert_max_num_queries(220):  # type: ignore[operator]
        ingest_upload(uploads[7].pk)
    for upload in uploads:
        upload.refresh_from_db()
        assert upload.state == UploadState.INGESTED
        assert list(outcomes(upload).values()) == [("stored", "")]
    assert Series.objects.get().geometry_verdict == GeometryVerdict.REGULAR


def test_reading_an_upload_again_changes_nothing(team: Team, clinician: User, tmp_path: Path) -> None:
    path = write_series(tmp_path, SPEC)[0]
    upload = send(team, clinician, path)
    before = list(Series.objects.values())
    ingest_upload(upload.pk)
    assert list(Series.objects.values()) == before
    assert upload.receptions.count() == 1


def test_what_was_received_goes_once_it_is_read(
    team: Team, clinician: User, tmp_path: Path, django_capture_on_commit_callbacks: object
) -> None:
    path = write_series(tmp_path, SPEC)[0]
    upload = receive(team, clinician, path.read_bytes())
    assert part_path(upload.pk).is_file()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        ingest_upload(upload.pk)
    assert not part_path(upload.pk).exists()
