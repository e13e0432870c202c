"""`manage.py import_dicom`, and files that do not say whose they are."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from PIL import Image

from studies.models import AuditEntry, Instance, Patient, Series, Study, Team, Upload, UploadState, User
from studies.services import audit
from studies.services.ingest import ingest_upload
from studies.services.upload_care import expire_uploads
from studies.services.uploads import part_path
from studies.storage import BlobStore
from tests.factories import UserFactory
from tests.phantoms import SeriesSpec, write_cine, write_enhanced, write_projection, write_series
from tests.studies.ingest.support import outcomes, send, zip_of

SPEC = SeriesSpec(shape=(4, 16, 12), spacing_mm=(2.0, 1.0, 1.0))
DETAILS = {
    "patient_id": "F-1",
    "patient_name": "Retina^Rita",
    "patient_birth_date": "1961-05-06",
    "patient_sex": "F",
    "modality": "OP",
    "study_date": "2026-03-04",
    "study_description": "Fundus",
    "pixel_spacing_mm": None,
}


def import_dicom(path: Path, team: Team, **options: object) -> str:
    output = io.StringIO()
    call_command("import_dicom", str(path), team=team.name, stdout=output, **options)
    return output.getvalue()


def fundus() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_a_folder_of_everything_is_imported_and_summed_up(team: Team, tmp_path: Path) -> None:
    folder = tmp_path / "disc"
    write_series(folder / "ct", SPEC)
    write_enhanced(folder / "enhanced.dcm", replace(SPEC, name="enhanced", modality="MR", study_description="MR"))
    write_cine(folder / "cine.dcm", np.zeros((6, 8, 8), np.uint8))
    write_projection(folder / "chest.dcm", np.zeros((16, 16), np.uint16))
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "zipped.zip").write_bytes(zip_of({"again.dcm": next((folder / "ct").iterdir())}))
    output = import_dicom(folder, team)
    assert "7 stored, 1 duplicate, 0 refused, 1 skipped, 4 series" in output
    assert "zipped.zip/again.dcm" in output
    verdicts = dict(Series.objects.values_list("modality", "geometry_verdict"))
    assert (verdicts["CT"], verdicts["MR"]) == ("regular", "regular")
    assert Upload.objects.get().state == UploadState.INGESTED


def test_importing_twice_stores_once(team: Team, tmp_path: Path) -> None:
    write_series(tmp_path / "ct", SPEC)
    import_dicom(tmp_path / "ct", team)
    assert "0 stored, 4 duplicate" in import_dicom(tmp_path / "ct", team)
    assert Instance.objects.count() == 4


def test_a_printed_line_is_on_disk_and_in_the_record(
    team: Team, tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_series(tmp_path / "ct", SPEC)
    seen: list[str] = []

    class Checked(io.StringIO):
        def write(self, text: str) -> int:
            for path in paths:
                if path.name in text:
                    instance = Instance.objects.get(receptions__path=path.name)
                    assert BlobStore(data_folder).path(instance.blob_id).read_bytes() == path.read_bytes()
                    seen.append(path.name)
            return super().write(text)

    call_command("import_dicom", str(tmp_path / "ct"), team=team.name, stdout=Checked())
    assert seen == [path.name for path in paths]


def test_a_refusal_is_printed_with_its_reason_and_the_exit_code_tells(team: Team, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "ct", SPEC)
    paths[0].write_bytes(paths[0].read_bytes()[:-50])
    (tmp_path / "ct" / "link.dcm").symlink_to(paths[1])
    output = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("import_dicom", str(tmp_path / "ct"), team=team.name, stdout=output)
    assert caught.value.returncode == 1
    assert "file.truncated" in output.getvalue()
    assert "archive.symbolic_link" in output.getvalue()
    assert "3 stored" in output.getvalue()


@pytest.mark.parametrize("change", [{"team": "Nobody"}, {"user": "nobody"}, {"path": "/nowhere/at/all"}])
def test_a_wrong_name_says_what_is_known(team: Team, tmp_path: Path, change: dict[str, str]) -> None:
    options = {"team": team.name, "user": "", **change}
    with pytest.raises(CommandError, match="There is no"):
        call_command("import_dicom", options.pop("path", str(tmp_path)), **options, stdout=io.StringIO())


def test_a_picture_is_imported_with_its_patient_stated_and_not_without(team: Team, tmp_path: Path) -> None:
    (tmp_path / "eye.png").write_bytes(fundus())
    output = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_dicom", str(tmp_path / "eye.png"), team=team.name, stdout=output)
    assert "details.missing" in output.getvalue()
    stated = {"patient_id": "F-1", "patient_name": "Retina^Rita", "modality": "OP", "study_date": date(2026, 3, 4)}
    with pytest.raises(CommandError, match="--modality"):
        import_dicom(tmp_path / "eye.png", team, **{**stated, "modality": ""})
    assert "1 stored" in import_dicom(tmp_path / "eye.png", team, **stated)
    assert Patient.objects.get().patient_name == "Retina^Rita"


# --- asking for what is missing -----------------------------------------------------------------------------------


@pytest.fixture
def portal(clinician: User) -> Client:
    client = Client()
    client.force_login(clinician)
    return client


def state(portal: Client, upload: Upload, **changes: object) -> tuple[int, dict[str, object]]:
    body = json.dumps({**DETAILS, **changes})
    response = portal.post(f"/api/uploads/{upload.pk}/details", body, content_type="application/json")
    return response.status_code, response.json()


def test_a_picture_waits_until_its_patient_is_stated(team: Team, clinician: User, portal: Client) -> None:
    upload = send(team, clinician, fundus(), name="eye.png")
    assert upload.state == UploadState.NEEDS_DETAILS
    assert not Patient.objects.exists()
    shown = portal.get(f"/api/uploads/{upload.pk}").json()
    assert shown["needed_details"] == ["patient_id", "patient_name", "modality", "study_date"]

    status, answer = state(portal, upload)
    assert (status, answer["state"], answer["needed_details"]) == (200, "received", [])
    ingest_upload(upload.pk)
    shown = portal.get(f"/api/uploads/{upload.pk}").json()
    assert (shown["state"], shown["counts"]["stored"]) == ("ingested", 1)
    study = Study.objects.get()
    assert shown["study_ids"] == [str(study.pk)]
    patient = study.patient
    assert (patient.patient_id, patient.patient_name, patient.patient_birth_date) == (
        "F-1",
        "Retina^Rita",
        date(1961, 5, 6),
    )
    assert (study.study_date, study.modalities) == (date(2026, 3, 4), "OP")
    assert Upload.objects.get().blob is not None
    details = AuditEntry.objects.get(act="upload.details_stated").details
    assert "Rita" not in json.dumps(details)


@pytest.mark.parametrize(
    "bad",
    [
        {"patient_id": ""},
        {"patient_id": "   "},
        {"patient_name": ""},
        {"modality": ""},
        {"modality": "op\\x"},
        {"study_date": None},
        {"study_date": "yesterday"},
        {"patient_name": "A\\B"},
        {"patient_sex": "X"},
        {"pixel_spacing_mm": [0.1]},
        {"pixel_spacing_mm": [0, -1]},
    ],
)
def test_details_that_make_no_sense_are_refused(
    team: Team, clinician: User, portal: Client, bad: dict[str, object]
) -> None:
    upload = send(team, clinician, fundus(), name="eye.png")
    status, _ = state(portal, upload, **bad)
    assert status in (400, 422)
    upload.refresh_from_db()
    assert upload.state == UploadState.NEEDS_DETAILS


def test_details_are_stated_once_and_by_the_sender(team: Team, clinician: User, portal: Client) -> None:
    upload = send(team, clinician, fundus(), name="eye.png")
    colleague = Client()
    colleague.force_login(UserFactory(teams=[team]))
    assert state(colleague, upload)[0] == 404
    assert state(portal, upload)[0] == 200
    assert state(portal, upload)[0] == 409


def test_pictures_in_a_zip_wait_while_the_dicom_beside_them_is_stored(
    team: Team, clinician: User, portal: Client, tmp_path: Path
) -> None:
    path = write_series(tmp_path, SPEC)[0]
    upload = send(team, clinician, zip_of({"a.dcm": path, "eye.png": fundus()}), name="mixed.zip")
    assert upload.state == UploadState.NEEDS_DETAILS
    assert outcomes(upload) == {"a.dcm": ("stored", "")}
    state(portal, upload)
    ingest_upload(upload.pk)
    upload.refresh_from_db()
    assert upload.state == UploadState.INGESTED
    assert outcomes(upload) == {"a.dcm": ("stored", ""), "eye.png": ("stored", "")}
    assert Patient.objects.count() == 2


def test_a_picture_nobody_describes_is_thrown_away_in_the_end(
    team: Team, clinician: User, django_capture_on_commit_callbacks: object
) -> None:
    upload = send(team, clinician, fundus(), name="eye.png")
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert expire_uploads() == 1
    upload.refresh_from_db()
    assert (upload.state, upload.reason_code) == (UploadState.FAILED, "upload.expired")
    assert not part_path(upload.pk).exists()


def test_a_failed_upload_can_be_tried_again(team: Team, clinician: User, portal: Client) -> None:
    upload = send(team, clinician, b"nothing anybody can read", name="notes.txt")
    assert upload.state == UploadState.FAILED
    response = portal.post(f"/api/uploads/{upload.pk}/retry")
    assert (response.status_code, response.json()["state"]) == (200, "received")
    assert portal.post(f"/api/uploads/{upload.pk}/retry").status_code == 409
    ingest_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.reason_code) == (UploadState.FAILED, "file.unsupported")
    part_path(upload.pk).unlink()
    response = portal.post(f"/api/uploads/{upload.pk}/retry")
    assert (response.status_code, response.json()["code"]) == (409, "upload.source_gone")


def test_the_audit_trail_stays_whole(team: Team, clinician: User, tmp_path: Path) -> None:
    path = write_series(tmp_path, SPEC)[0]
    send(team, clinician, path)
    send(team, clinician, path.read_bytes()[:-9])
    assert audit.verify_chain().is_whole
    received = AuditEntry.objects.get(act="study.received")
    assert (received.actor, received.patient_id) == (clinician.username, str(Patient.objects.get().pk))
    assert SPEC.patient_name not in json.dumps(list(AuditEntry.objects.values()), default=str)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "stored", "verdicts"),
    [
        ("mr_vs_seg_001", 60, {("MR", "regular")}),
        ("dicom_transfer_syntaxes", 9, {("MR", "duplicates")}),
    ],
)
def test_real_studies_are_taken_in_whole(
    team: Team, shared_data: Path, folder: str, stored: int, verdicts: set[tuple[str, str]]
) -> None:
    output = import_dicom(shared_data / folder, team)
    assert f"{stored} stored, 0 duplicate, 0 refused" in output
    assert set(Series.objects.values_list("modality", "geometry_verdict")) == verdicts
