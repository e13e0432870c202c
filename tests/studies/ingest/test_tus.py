"""The tus door: pieces, offsets, who may send, and what is safe once it is answered."""

from __future__ import annotations

import base64
import io
import os
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from studies.models import Role, Team, Upload, UploadState, User
from studies.services import uploads as door
from studies.services.upload_care import expire_uploads, remind_of_waiting, sweep_folders
from studies.services.uploads import append_bytes, part_path, register_upload
from tests.factories import TeamFactory, UserFactory

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def portal(clinician: User) -> Client:
    return sign_in(clinician)


def create(portal: Client, size: int, **values: str) -> str:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(**{"filename": "a.dcm", **values})}
    response = portal.post("/api/uploads", b"", headers=headers, content_type=PIECE)
    assert response.status_code == 201, response.content
    return str(response["Location"])


def patch(portal: Client, location: str, content: bytes, offset: int) -> object:
    return portal.patch(location, content, content_type=PIECE, headers={**TUS, "Upload-Offset": str(offset)})


def offset_of(portal: Client, location: str) -> int:
    response = portal.head(location, headers=TUS)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    return int(response["Upload-Offset"])


def test_a_file_sent_in_pieces_is_whole_and_handed_to_a_worker(
    portal: Client, team: Team, clinician: User, django_capture_on_commit_callbacks: object
) -> None:
    content = os.urandom(100_000)
    batch = str(uuid.uuid4())
    location = create(portal, len(content), relative_path="folder/ä b.dcm", batch=batch)
    assert patch(portal, location, content[:60_000], 0).status_code == 204  # type: ignore[attr-defined]
    assert offset_of(portal, location) == 60_000
    last = patch(portal, location, content[60_000:], 60_000)
    assert (last.status_code, last["Upload-Offset"], last["Tus-Resumable"]) == (204, "100000", "1.0.0")  # type: ignore[attr-defined]
    upload = Upload.objects.get()
    assert (upload.state, upload.file_name, upload.team, upload.created_by) == (
        UploadState.RECEIVED,
        "folder/ä b.dcm",
        team,
        clinician,
    )
    assert str(upload.batch) == batch
    assert part_path(upload.pk).read_bytes() == content


def test_the_first_piece_may_come_with_the_creation(portal: Client) -> None:
    headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata(filename="a")}
    response = portal.post("/api/uploads", b"01234", content_type=PIECE, headers=headers)
    assert (response.status_code, response["Upload-Offset"]) == (201, "5")
    assert offset_of(portal, response["Location"]) == 5


def test_the_answer_waits_for_the_disk_and_the_record(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    location = create(portal, 6)
    synced: list[int] = []
    monkeypatch.setattr(door.os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    assert patch(portal, location, b"abcdef", 0).status_code == 204  # type: ignore[attr-defined]
    assert synced == [6]
    assert Upload.objects.get().received_bytes == 6


def test_a_piece_at_another_offset_is_a_conflict(portal: Client) -> None:
    location = create(portal, 10)
    patch(portal, location, b"01234", 0)
    response = patch(portal, location, b"789", 7)
    assert response.status_code == 409  # type: ignore[attr-defined]
    assert response.json()["code"] == "upload.offset_differs"  # type: ignore[attr-defined]
    assert offset_of(portal, location) == 5


def test_what_came_before_the_line_dropped_is_kept(team: Team, clinician: User) -> None:
    class DroppedLine(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not (chunk := super().read(4)):
                raise ConnectionResetError
            return chunk

    upload = register_upload(team, created_by=clinician, file_name="a", size_bytes=20)
    with pytest.raises(ConnectionResetError):
        append_bytes(upload, offset=0, stream=DroppedLine(b"0123456789"))
    upload.refresh_from_db()
    assert upload.received_bytes == 10
    append_bytes(upload, offset=10, stream=io.BytesIO(b"abcdefghij"))
    assert part_path(upload.pk).read_bytes() == b"0123456789abcdefghij"


def test_bytes_that_were_never_answered_for_are_overwritten(team: Team, clinician: User) -> None:
    upload = register_upload(team, created_by=clinician, file_name="a", size_bytes=8)
    append_bytes(upload, offset=0, stream=io.BytesIO(b"0123"))
    with part_path(upload.pk).open("ab") as part:  # a crash between the disk and the record
        part.write(b"????")
    upload.refresh_from_db()
    assert upload.received_bytes == 4
    append_bytes(upload, offset=4, stream=io.BytesIO(b"4567"))
    assert part_path(upload.pk).read_bytes() == b"01234567"


def test_more_bytes_than_announced_are_refused(portal: Client) -> None:
    location = create(portal, 4)
    response = patch(portal, location, b"012345", 0)
    assert (response.status_code, response.json()["code"]) == (413, "upload.too_large")  # type: ignore[attr-defined]
    assert Upload.objects.get().state == UploadState.RECEIVING


def test_an_empty_piece_changes_nothing(portal: Client) -> None:
    location = create(portal, 4)
    headers = {**TUS, "Upload-Offset": "0"}
    response = portal.generic("PATCH", location, headers=headers, CONTENT_TYPE=PIECE, CONTENT_LENGTH="0")
    assert (response.status_code, response["Upload-Offset"]) == (204, "0")
    headers = {**TUS, "Upload-Length": "4", "Upload-Metadata": metadata(filename="a")}
    response = portal.generic("POST", "/api/uploads", headers=headers, CONTENT_TYPE=PIECE, CONTENT_LENGTH="0")
    assert (response.status_code, response["Upload-Offset"]) == (201, "0")


def test_a_piece_of_another_type_is_refused(portal: Client) -> None:
    location = create(portal, 4)
    headers = {**TUS, "Upload-Offset": "0"}
    response = portal.patch(location, b"0123", content_type="application/octet-stream", headers=headers)
    assert response.status_code == 415


def test_two_requests_cannot_write_at_once(portal: Client) -> None:
    location = create(portal, 4)
    with door._open_part(Upload.objects.get().pk):
        assert patch(portal, location, b"0123", 0).status_code == 423  # type: ignore[attr-defined]
    assert patch(portal, location, b"0123", 0).status_code == 204  # type: ignore[attr-defined]


def test_a_full_disk_is_said_and_the_offset_stays_true(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    location = create(portal, 8)
    patch(portal, location, b"0123", 0)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(door, "_write_piece", full)
    response = patch(portal, location, b"4567", 4)
    assert (response.status_code, response.json()["code"]) == (507, "storage.full")  # type: ignore[attr-defined]
    assert offset_of(portal, location) == 4


def test_a_file_that_cannot_fit_is_refused_before_it_is_sent(portal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "RESERVE_BYTES", 10**18)
    headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata(filename="a")}
    response = portal.post("/api/uploads", b"", headers=headers, content_type=PIECE)
    assert (response.status_code, response.json()["code"]) == (507, "storage.full")
    assert not Upload.objects.exists()


def test_a_file_over_the_limit_is_refused(portal: Client, settings: object) -> None:
    settings.SEGWEB_MAX_UPLOAD_BYTES = 100  # type: ignore[attr-defined]
    headers = {**TUS, "Upload-Length": "101", "Upload-Metadata": metadata(filename="a")}
    response = portal.post("/api/uploads", b"", headers=headers, content_type=PIECE)
    assert (response.status_code, response.json()["code"]) == (413, "upload.too_large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "10"}, 412),
        ({**TUS}, 400),
        ({**TUS, "Upload-Length": "-1"}, 400),
        ({**TUS, "Upload-Length": "ten"}, 400),
        ({**TUS, "Upload-Defer-Length": "1"}, 400),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": "filename ???"}, 400),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": "team bm90LWEtdXVpZA=="}, 400),
    ],
)
def test_a_malformed_creation_is_refused(portal: Client, headers: dict[str, str], status: int) -> None:
    response = portal.post("/api/uploads", b"", headers=headers, content_type=PIECE)
    assert response.status_code == status, response.content
    assert response["Tus-Version"] == "1.0.0"
    assert not Upload.objects.exists()


def test_options_name_what_is_offered(portal: Client) -> None:
    response = portal.options("/api/uploads")
    assert response.status_code == 204
    assert "creation" in response["Tus-Extension"]
    assert int(response["Tus-Max-Size"]) > 0


def test_an_upload_is_invisible_to_everybody_else(portal: Client, team: Team, clinician: User) -> None:
    location = create(portal, 10)
    upload = Upload.objects.get()
    colleague, stranger = sign_in(UserFactory(teams=[team])), Client()
    unknown = f"/api/uploads/{uuid.uuid4()}/content"
    for method in ("head", "patch", "delete"):
        extra = {"content_type": PIECE} if method == "patch" else {}
        headers = {**TUS, "Upload-Offset": "0"}
        other = getattr(colleague, method)(location, headers=headers, **extra)
        absent = getattr(colleague, method)(unknown, headers=headers, **extra)
        assert (other.status_code, other.content) == (absent.status_code, absent.content)
        assert other.status_code == 404
        assert getattr(stranger, method)(location, headers=headers, **extra).status_code == 401
    for path in ("", "/details", "/retry"):
        method = "get" if not path else "post"
        response = getattr(colleague, method)(f"/api/uploads/{upload.pk}{path}", content_type="application/json")
        assert response.status_code == 404
    assert colleague.get("/api/uploads").json()["results"] == []
    assert Upload.objects.filter(pk=upload.pk).exists()


def test_an_upload_is_out_of_reach_once_its_sender_has_left_the_team(
    portal: Client, team: Team, clinician: User
) -> None:
    location = create(portal, 10)
    team.memberships.all().delete()
    assert portal.head(location, headers=TUS).status_code == 404


def test_a_viewer_may_not_send(team: Team) -> None:
    viewer = sign_in(UserFactory(teams=[team], role=Role.VIEWER))
    headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata(filename="a")}
    response = viewer.post("/api/uploads", b"", headers=headers, content_type=PIECE)
    assert (response.status_code, response.json()["code"]) == (403, "role.forbidden")
    assert viewer.get("/api/uploads").status_code == 200


def test_a_file_goes_to_the_team_named_and_to_no_other(portal: Client, team: Team, clinician: User) -> None:
    foreign, second = TeamFactory(), TeamFactory()
    headers = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata(filename="a", team=str(foreign.pk))}
    assert portal.post("/api/uploads", b"", headers=headers, content_type=PIECE).status_code == 404
    second.memberships.create(user=clinician)
    headers["Upload-Metadata"] = metadata(filename="a")
    undecided = portal.post("/api/uploads", b"", headers=headers, content_type=PIECE)
    assert (undecided.status_code, undecided.json()["code"]) == (422, "upload.team_needed")
    create(portal, 10, team=str(second.pk))
    assert Upload.objects.get().team == second


def test_an_unfinished_file_can_be_thrown_away(portal: Client, django_capture_on_commit_callbacks: object) -> None:
    location = create(portal, 10)
    part = part_path(Upload.objects.get().pk)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert portal.delete(location, headers=TUS).status_code == 204
    assert not part.exists()
    assert portal.head(location, headers=TUS).status_code == 404


def test_a_file_that_is_being_read_cannot_be_taken_back(portal: Client) -> None:
    location = create(portal, 4)
    patch(portal, location, b"0123", 0)
    response = portal.delete(location, headers=TUS)
    assert (response.status_code, response.json()["code"]) == (409, "upload.finished")


def test_unfinished_files_expire(portal: Client, django_capture_on_commit_callbacks: object) -> None:
    kept, old = create(portal, 10), create(portal, 10)
    upload = Upload.objects.get(pk=old.split("/")[3])
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert expire_uploads() == 1
    assert portal.head(old, headers=TUS).status_code == 404
    assert not part_path(upload.pk).exists()
    assert "Upload-Expires" in portal.head(kept, headers=TUS).headers


def test_an_upload_whose_message_was_lost_is_handed_out_again(
    portal: Client, django_capture_on_commit_callbacks: object
) -> None:
    patch(portal, create(portal, 4), b"0123", 0)
    with django_capture_on_commit_callbacks() as young:  # type: ignore[operator]
        assert remind_of_waiting() == 0
    Upload.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    with django_capture_on_commit_callbacks() as old:  # type: ignore[operator]
        assert remind_of_waiting() == 1
        assert remind_of_waiting() == 0
    assert (len(young), len(old)) == (0, 1)


def test_parts_without_an_upload_are_swept(portal: Client, data_folder: Path) -> None:
    create(portal, 10)
    folder = data_folder / "uploads"
    orphan = folder / str(uuid.uuid4())
    orphan.write_bytes(b"left by a crash")
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    assert sweep_folders() == 1
    assert [path.name for path in folder.iterdir()] == [str(Upload.objects.get().pk)]


def test_uploads_are_listed_by_drop_and_state(portal: Client) -> None:
    batch = str(uuid.uuid4())
    create(portal, 10, batch=batch)
    patch(portal, create(portal, 1), b"0", 0)
    of_batch = portal.get(f"/api/uploads?batch={batch}").json()["results"]
    assert [(row["batch"], row["state"]) for row in of_batch] == [(batch, "receiving")]
    received = portal.get("/api/uploads?state=received").json()["results"]
    assert [row["received_bytes"] for row in received] == [1]
    assert portal.get("/api/uploads?state=nonsense").status_code == 400
