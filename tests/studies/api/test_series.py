"""A series' pixels reach the browser whole, compressed as it takes them, and only when they have changed."""

from __future__ import annotations

import gzip
import logging
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client
from PIL import Image

from studies.api.streams import choose_encoding
from studies.models import AuditEntry, Series, User
from studies.services.pixels import Encoding, compressed_chunks, pixels_version
from studies.storage import derived_path
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, write_series

SHAPE = (5, 24, 30)
VOXELS = np.random.default_rng(3).integers(-500, 900, SHAPE).astype(np.int16)
pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> User:
    made: User = UserFactory.create(teams=[TeamFactory.create()])
    return made


@pytest.fixture
def series(reader: User, tmp_path: Path) -> Series:
    paths = write_series(tmp_path, SeriesSpec(shape=SHAPE, voxels=VOXELS))
    return archive_series(paths, study__patient=PatientFactory.create(home_team=reader.teams.get()))


@pytest.fixture
def get(reader: User, client: Client) -> Callable[..., Any]:
    client.force_login(reader)
    return lambda path, **headers: client.get(path, headers={name.replace("_", "-"): v for name, v in headers.items()})


def decode(answer: Any) -> bytes:
    body = answer.getvalue()
    match answer.get("Content-Encoding"):
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(body)
        case "gzip":
            return gzip.decompress(body)
    return bytes(body)


@pytest.mark.parametrize("accepted", ["gzip, deflate, br, zstd", "gzip", "identity", "", "br;q=1.0, *;q=0"])
def test_the_frames_say_how_the_pixels_lie_whatever_the_encoding(
    accepted: str, series: Series, get: Callable[..., Any]
) -> None:
    layout = get(f"/api/series/{series.pk}/frames").json()
    for _ in range(2):  # while compressing, and from the copy
        answer = get(f"/api/series/{series.pk}/pixels", accept_encoding=accepted)
        assert "Accept-Encoding" in answer["Vary"]
        values = np.frombuffer(decode(answer), dtype=f"<{np.dtype(layout['dtype']).str[1:]}").reshape(SHAPE)
        np.testing.assert_array_equal(values, VOXELS)
    assert layout["total_bytes"] == values.nbytes
    assert layout["geometry"]["shape"] == list(SHAPE)
    frame = layout["frames"][3]
    alone = get(f"/api/series/{series.pk}/frames/3/pixels", accept_encoding=accepted)
    assert decode(alone) == values.tobytes()[frame["byte_offset"] : frame["byte_offset"] + frame["byte_length"]]


def test_what_the_browser_holds_is_not_sent_again_and_is_asked_for_each_time(
    series: Series, get: Callable[..., Any]
) -> None:
    for path in ("pixels", "frames/0/pixels", "thumbnail"):
        first = get(f"/api/series/{series.pk}/{path}", accept_encoding="gzip")
        assert first["Cache-Control"] == "private, no-cache"
        again = get(f"/api/series/{series.pk}/{path}", accept_encoding="zstd", if_none_match=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        other = get(f"/api/series/{series.pk}/{path}", if_none_match='"something-else"')
        assert other.status_code == 200


def test_a_stream_that_breaks_off_leaves_no_copy_and_a_whole_one_does(series: Series) -> None:
    class Source:
        copy_key = f"{'ab' * 32}.v1"
        size_bytes = 4

        def chunks(self) -> Any:
            yield os.urandom(1 << 20)
            yield b"tail"

    copy = derived_path("pixels_gzip", Source.copy_key)
    stream = compressed_chunks(Source(), Encoding.GZIP)
    next(stream)
    stream.close()
    assert not copy.exists()
    assert list(copy.parent.iterdir()) == []
    whole = b"".join(compressed_chunks(Source(), Encoding.GZIP))
    assert copy.read_bytes() == whole
    copy.unlink()


def test_a_full_disk_costs_the_copy_and_not_the_reader(
    series: Series, get: Callable[..., Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> Any:
        raise OSError(28, "No space left on device")

    layout = get(f"/api/series/{series.pk}/frames").json()
    derived_path("pixels_zstd", pixels_version(series)).unlink(missing_ok=True)
    monkeypatch.setattr("studies.services.pixels.temporary_file", refuse)
    with caplog.at_level(logging.WARNING):
        answer = get(f"/api/series/{series.pk}/pixels", accept_encoding="zstd")
        assert len(decode(answer)) == layout["total_bytes"]
    assert "No compressed copy" in caplog.text


def test_the_thumbnail_is_a_png_and_an_instance_the_file_that_came(series: Series, get: Callable[..., Any]) -> None:
    picture = Image.open(BytesIO(get(f"/api/series/{series.pk}/thumbnail").content))
    assert picture.format == "PNG"
    assert max(picture.size) <= 256
    instance = series.instances.order_by("instance_number").first()
    assert instance is not None
    answer = get(f"/api/instances/{instance.pk}/file")
    assert answer["Content-Type"] == "application/dicom"
    assert answer["Content-Disposition"] == f'attachment; filename="{instance.sop_instance_uid}.dcm"'
    assert answer.getvalue()[128:132] == b"DICM"
    assert AuditEntry.objects.get(act="instance.exported").patient_id == str(series.study.patient_id)


def test_looking_at_pixels_is_recorded_once_however_many_frames(series: Series, get: Callable[..., Any]) -> None:
    for path in ("frames", "pixels", "frames/0/pixels", "frames/1/pixels", "thumbnail"):
        get(f"/api/series/{series.pk}/{path}")
    entry = AuditEntry.objects.get(act="series.viewed")
    assert (entry.subject_id, entry.patient_id) == (str(series.pk), str(series.study.patient_id))


@pytest.mark.parametrize("path", ["frames/99/pixels", "frames/-1/pixels"])
def test_a_frame_that_is_not_there_is_not_found(path: str, series: Series, get: Callable[..., Any]) -> None:
    assert get(f"/api/series/{series.pk}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("zstd, gzip", "zstd"),
        ("gzip;q=1.0, zstd;q=0", "gzip"),
        ("GZIP", "gzip"),
        ("*", "zstd"),
        ("identity", "identity"),
        ("br, deflate", "identity"),
        ("zstd;q=nonsense", "identity"),
        ("", "identity"),
    ],
)
def test_the_encoding_is_one_the_browser_takes(header: str, chosen: str) -> None:
    assert choose_encoding(header).value == chosen


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_pixels_come_as_a_stream(series: Series, reader: User) -> None:
    client = AsyncClient()
    await sync_to_async(client.force_login)(reader)
    answer = await client.get(f"/api/series/{series.pk}/pixels", headers={"Accept-Encoding": "identity"})
    assert answer.is_async
    chunks = [chunk async for chunk in answer.streaming_content]
    assert len(chunks) == SHAPE[0]  # frame by frame, never the whole at once
    assert b"".join(chunks) == VOXELS.astype("<i2").tobytes()
