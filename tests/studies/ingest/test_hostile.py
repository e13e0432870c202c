"""What strangers send: each bad file has a stored, shown reason, and the good one beside it is stored all the same."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import subprocess
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pytest_django.fixtures import Settings

from studies.intake.archives import ArchiveLimits
from studies.models import Instance, Team, Upload, UploadState, User
from studies.services import arrivals as arrivals_module
from studies.services.ingest import ingest_upload
from studies.services.uploads import retry_upload
from tests.phantoms import SeriesSpec, write_series
from tests.studies.ingest.support import outcomes, receive, send, zip_of

SPEC = SeriesSpec(shape=(3, 16, 12))
GOOD = "good.dcm"


@pytest.fixture
def slices(tmp_path: Path) -> list[Path]:
    return write_series(tmp_path / "series", SPEC)


@pytest.fixture
def good(slices: list[Path]) -> bytes:
    return slices[0].read_bytes()


def rewritten(path: Path, **values: object) -> bytes:
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def nested_sequences(path: Path, depth: int) -> bytes:
    """Return a file with sequences of undefined length, each in an item of the one before."""
    content = path.read_bytes()
    pixels = content.rindex(b"\xe0\x7f\x10\x00")
    opening = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return content[:pixels] + opening * depth + closing * depth + content[pixels:]


def bad_files(slices: list[Path]) -> dict[str, tuple[bytes, str]]:
    second, third = slices[1], slices[2]
    content = second.read_bytes()
    return {
        "truncated.dcm": (content[:-100], "file.truncated"),
        "truncated_in_header.dcm": (content[:700], "file.truncated"),
        "only_preamble.dcm": (content[:132], "file.truncated"),
        "no_pixels.dcm": (rewritten(second, PixelData=None), "file.no_pixels"),
        "absurd.dcm": (rewritten(second, Rows=65535, Columns=65535), "file.absurd_size"),
        "larger_than_its_pixels.dcm": (rewritten(second, Rows=160, Columns=120), "file.truncated"),
        "no_rows.dcm": (rewritten(second, Rows=None), "file.malformed"),
        "deep.dcm": (nested_sequences(third, 10_000), "file.nested_too_deep"),
        "no_study.dcm": (rewritten(second, StudyInstanceUID=None), "file.missing_identifier"),
        "bad_uid.dcm": (rewritten(second, SeriesInstanceUID="../../etc"), "file.missing_identifier"),
        "frames.dcm": (rewritten(second, NumberOfFrames=2_000_000), "file.absurd_size"),
        "empty": (b"", "file.empty"),
        "notes.txt": (b"The quick brown fox" * 50, "file.unsupported"),
        "images.tar": (b"\0" * 257 + b"ustar" + b"\0" * 250, "archive.unsupported"),
        "images.7z": (b"7z\xbc\xaf\x27\x1c" + b"\0" * 100, "archive.unsupported"),
        "cut.zip": (zip_of({"a": content})[:-30], "archive.damaged"),
    }


def test_every_bad_file_in_a_zip_has_its_reason_and_the_good_one_is_stored(
    team: Team, clinician: User, slices: list[Path], good: bytes
) -> None:
    bad = bad_files(slices)
    archive = zip_of({**{name: content for name, (content, _) in bad.items()}, GOOD: good})
    upload = send(team, clinician, archive, name="mixed.zip")
    found = outcomes(upload)
    assert found.pop(GOOD) == ("stored", "")
    assert found.pop("notes.txt") == ("skipped", "file.unsupported")
    assert found == {name: ("refused", code) for name, (_, code) in bad.items() if name != "notes.txt"}
    assert upload.state == UploadState.INGESTED
    assert all(reception.reason.endswith(".") for reception in upload.receptions.exclude(outcome="stored"))
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("name", ["truncated.dcm", "empty", "notes.txt", "deep.dcm", "cut.zip"])
def test_a_bad_file_alone_fails_with_its_reason(
    team: Team, clinician: User, slices: list[Path], name: str, data_folder: Path
) -> None:
    content, code = bad_files(slices)[name]
    upload = send(team, clinician, content, name=name)
    assert (upload.state, upload.reason_code) == (UploadState.FAILED, code)
    assert not Instance.objects.exists()
    assert not list((data_folder / "incoming").glob("*"))


def test_a_refused_object_is_kept_aside_byte_for_byte(
    team: Team, clinician: User, slices: list[Path], data_folder: Path
) -> None:
    content, _ = bad_files(slices)["truncated.dcm"]
    reception = send(team, clinician, content).receptions.get()
    assert reception.blob is not None
    assert (data_folder / "blobs" / reception.blob_id[:2] / reception.blob_id).read_bytes() == content  # type: ignore[operator]


def test_a_file_managers_leftovers_are_skipped_without_a_word(team: Team, clinician: User, good: bytes) -> None:
    junk = {"__MACOSX/._a.dcm": b"x", "disc/.DS_Store": b"x", "disc/Thumbs.db": b"x", f"disc/{GOOD}": good}
    upload = send(team, clinician, zip_of(junk))
    assert outcomes(upload) == {
        "__MACOSX/._a.dcm": ("skipped", ""),
        "disc/.DS_Store": ("skipped", ""),
        "disc/Thumbs.db": ("skipped", ""),
        f"disc/{GOOD}": ("stored", ""),
    }


def test_a_dicomdir_is_left_out_and_said(team: Team, clinician: User, slices: list[Path], good: bytes) -> None:
    dataset = pydicom.dcmread(slices[1])
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    stream = io.BytesIO()
    dataset.save_as(stream)
    upload = send(team, clinician, zip_of({"DICOMDIR": stream.getvalue(), GOOD: good}))
    assert outcomes(upload) == {"DICOMDIR": ("skipped", "file.is_dicomdir"), GOOD: ("stored", "")}


# --- archives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../escape.dcm", "/etc/passwd", "a/../../b.dcm", "C:\\windows\\a.dcm", "..\\b.dcm", "\\\\server\\a.dcm"]
)
def test_path_tricks_are_refused_by_name(
    team: Team, clinician: User, good: bytes, name: str, data_folder: Path
) -> None:
    before = {path for path in data_folder.parent.rglob("*") if not path.is_relative_to(data_folder)}
    upload = send(team, clinician, zip_of({name: good, GOOD: good}))
    assert sorted(code for _, code in outcomes(upload).values()) == ["", "archive.unsafe_path"]
    assert outcomes(upload)[GOOD] == ("stored", "")
    assert {path for path in data_folder.parent.rglob("*") if not path.is_relative_to(data_folder)} == before


def test_a_symbolic_link_is_refused(team: Team, clinician: User, good: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.dcm")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr(GOOD, good)
    upload = send(team, clinician, stream.getvalue())
    assert outcomes(upload) == {"link.dcm": ("refused", "archive.symbolic_link"), GOOD: ("stored", "")}


def locked(content: bytes, *, names: set[str] | None = None) -> bytes:
    """Set the encryption bit of members, in their own headers and in the directory."""
    data = bytearray(content)
    for signature, flags, name_at in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = data.find(signature)
        while at >= 0:
            length = struct.unpack_from("<H", data, at + (26 if name_at == 30 else 28))[0]
            if names is None or data[at + name_at : at + name_at + length].decode() in names:
                data[at + flags] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def test_a_password_protected_archive_is_said(team: Team, clinician: User, good: bytes) -> None:
    upload = send(team, clinician, locked(zip_of({GOOD: good, "b.dcm": good})), name="locked.zip")
    assert (upload.state, upload.reason_code) == (UploadState.FAILED, "archive.encrypted")
    assert outcomes(upload) == {"locked.zip": ("refused", "archive.encrypted")}


def test_one_locked_member_does_not_lock_the_others(team: Team, clinician: User, good: bytes) -> None:
    upload = send(team, clinician, locked(zip_of({"a.dcm": good, GOOD: good}), names={"a.dcm"}))
    assert outcomes(upload) == {"a.dcm": ("refused", "archive.encrypted"), GOOD: ("stored", "")}


def test_a_damaged_member_is_refused_and_not_stored(team: Team, clinician: User, good: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.dcm", good)
        archive.writestr(GOOD, good)
    data = bytearray(stream.getvalue())
    data[len(good) // 2] ^= 0xFF  # the checksum no longer fits
    upload = send(team, clinician, bytes(data))
    assert outcomes(upload) == {"a.dcm": ("refused", "archive.damaged"), GOOD: ("stored", "")}
    assert upload.receptions.get(path="a.dcm").blob is None


def test_an_archive_in_an_archive_is_read_and_a_deeper_one_is_not(team: Team, clinician: User, good: bytes) -> None:
    inner = zip_of({GOOD: good})
    upload = send(team, clinician, zip_of({"inner.zip": inner, "deeper.zip": zip_of({"inner.zip": inner})}))
    assert outcomes(upload) == {
        "inner.zip/good.dcm": ("stored", ""),
        "deeper.zip/inner.zip": ("refused", "archive.too_deep"),
    }


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        arrivals_module,
        "LIMITS",
        ArchiveLimits(max_files=50, max_total_bytes=40_000_000, max_ratio=50, free_bytes=5_000_000),
    )


def test_a_zip_bomb_stops_at_the_ratio(
    team: Team, clinician: User, good: bytes, small_limits: None, data_folder: Path
) -> None:
    bomb = zip_of({GOOD: good, "bomb.dcm": b"\0" * 128 + b"DICM" + b"\x7f" * 30_000_000, "after.dcm": good})
    started = time.monotonic()
    upload = send(team, clinician, bomb, name="bomb.zip")
    assert outcomes(upload) == {GOOD: ("stored", ""), "bomb.zip": ("refused", "archive.too_large")}
    assert time.monotonic() - started < 5
    assert sum(path.stat().st_size for path in (data_folder / "blobs").rglob("*") if path.is_file()) < 1_000_000
    assert not list((data_folder / "incoming").glob("*"))


def test_a_zip_bomb_of_nested_archives_stops_at_the_same_limit(team: Team, clinician: User, small_limits: None) -> None:
    layer = zip_of({f"{n}.dcm": b"\0" * 128 + b"DICM" + b"\x7f" * 1_000_000 for n in range(4)})
    upload = send(team, clinician, zip_of({f"{n}.zip": layer for n in range(10)}), name="bomb.zip")
    assert outcomes(upload)["bomb.zip"] == ("refused", "archive.too_large")


def test_an_archive_of_too_many_files_is_refused(team: Team, clinician: User, small_limits: None) -> None:
    upload = send(team, clinician, zip_of({f"{n}.txt": b"x" for n in range(51)}), name="many.zip")
    assert outcomes(upload) == {"many.zip": ("refused", "archive.too_large")}


def test_overlapping_members_are_refused(team: Team, clinician: User, good: bytes) -> None:
    """Fifield's bomb: many directory entries over one and the same packed kernel."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.dcm", good)
        archive.writestr("b.dcm", good)
        archive.filelist[1].header_offset = archive.filelist[0].header_offset
        archive.filelist[1].filename = archive.filelist[1].orig_filename = "a.dcm"
    upload = send(team, clinician, stream.getvalue(), name="overlap.zip")
    assert outcomes(upload) == {"overlap.zip": ("refused", "archive.damaged")}


def test_a_directory_that_lies_about_its_size_is_refused(team: Team, clinician: User, good: bytes) -> None:
    data = bytearray(zip_of({GOOD: good}))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<HHL", data, end + 8, 65000, 65000, 0xFFFFFFF0)
    upload = send(team, clinician, bytes(data), name="lies.zip")
    assert upload.reason_code in ("archive.too_large", "archive.damaged")


def test_an_empty_archive_is_said(team: Team, clinician: User) -> None:
    upload = send(team, clinician, zip_of({}))
    assert (upload.state, upload.reason_code) == (UploadState.FAILED, "archive.empty")


def test_names_of_control_characters_are_shown_harmlessly(team: Team, clinician: User, good: bytes) -> None:
    upload = send(team, clinician, zip_of({"a\x1b[31m\u202e.dcm": good}))
    assert list(outcomes(upload).values()) == [("stored", "")]
    assert all(path.isprintable() for path in outcomes(upload))


# --- header contents --------------------------------------------------------------------------------------------


def test_odd_text_never_stops_a_study(
    team: Team, clinician: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(
        SPEC,
        patient_name="N" * 400 + "\x00\x1b",
        study_description="x" * 300,
        extra={"AccessionNumber": "A" * 99, "StudyID": "S" * 99, "SeriesNumber": "", "StudyDate": "20261399"},
    )
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)
    path = write_series(tmp_path, spec)[0]
    upload = send(team, clinician, path)
    assert list(outcomes(upload).values()) == [("stored", "")]


def test_an_object_that_is_no_image_is_kept_and_not_shown(team: Team, clinician: User, slices: list[Path]) -> None:
    report = pydicom.dcmread(slices[0], stop_before_pixels=True)
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    report.Modality, report.SOPInstanceUID, report.SeriesInstanceUID = "SR", "1.2.3.4.5", "1.2.3.4"
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(report, keyword)
    item = Dataset()
    item.ValueType = "TEXT"
    report.ContentSequence = Sequence([item])
    stream = io.BytesIO()
    report.save_as(stream)
    upload = send(team, clinician, stream.getvalue())
    assert list(outcomes(upload).values()) == [("stored", "")]
    assert Instance.objects.get().series.geometry_verdict == "not_images"


# --- the disk ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A data folder on a real file system of 3 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs takes root here")
    settings.SEGWEB_DATA_DIR = folder
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_fails_the_upload_and_another_try_completes_it(
    team: Team, clinician: User, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.services.uploads.RESERVE_BYTES", 0)
    paths = write_series(tmp_path / "series", replace(SPEC, shape=(6, 512, 512)))  # 0.5 MiB each, nearly nothing packed
    upload = receive(team, clinician, zip_of({path.name: path for path in paths}), name="series.zip")
    (small_disk / "ballast").write_bytes(bytes(1_000_000))
    ingest_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.reason_code) == (UploadState.FAILED, "storage.full")
    stored = Instance.objects.count()
    assert 0 < stored < 6
    assert not list((small_disk / "incoming").glob("*"))
    assert set(outcomes(upload).values()) == {("stored", "")}

    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    retry_upload(upload, actor=clinician)
    ingest_upload(upload.pk)
    upload = Upload.objects.get(pk=upload.pk)
    assert upload.state == UploadState.INGESTED
    assert Instance.objects.count() == 6
    assert Instance.objects.first().series.geometry_verdict == "regular"  # type: ignore[union-attr]
