"""Label maps over HTTP."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client

from studies.label_maps.codec import decode_brick, encode_brick
from studies.models import Role, Series, User
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, write_series

pytestmark = pytest.mark.django_db

SPEC = SeriesSpec(shape=(6, 16, 20))
OCTETS = "application/octet-stream"


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, settings) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"


@pytest.fixture
def person() -> User:
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def series(tmp_path: Path, person: User) -> Series:
    patient = PatientFactory(home_team=person.teams.all()[0])
    return archive_series(write_series(tmp_path / "dicom", SPEC), study__patient=patient)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def begin(client: Client, series: Series) -> dict:
    wish = {"name": "By hand", "segments": [{"segment_number": 1, "segment_label": "Lesion"}]}
    answer = client.post(f"/api/series/{series.pk}/segmentations", wish, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def save(client: Client, segmentation: dict, base: str, patch: bytes) -> object:
    return client.post(f"/api/segmentations/{segmentation['id']}/revisions?base={base}", patch, content_type=OCTETS)


def square(slice_index: int) -> bytes:
    voxels = np.zeros((1, 16, 20), np.uint8)
    voxels[0, 2:6, 3:8] = 1
    return encode_brick(voxels, slice_start=slice_index)


def test_begin_draw_save_and_read_back(series: Series, person: User) -> None:
    client = signed_in(person)
    segmentation = begin(client, series)
    first = segmentation["revisions"][0]
    assert (first["number"], first["segments"][0]["colour"]) == (1, "#e69f00")
    answer = save(client, segmentation, first["id"], square(2))
    assert answer.status_code == 201, answer.content
    second = answer.json()
    assert (second["number"], second["base_id"]) == (2, first["id"])
    assert second["segments"][0]["voxel_count"] == 20
    assert second["segments"][0]["volume_ml"] == pytest.approx(20 * 2.5 * 0.8 * 0.7 / 1000)
    brick = client.get(f"/api/revisions/{second['id']}/label-map")
    assert "immutable" in brick["Cache-Control"]
    np.testing.assert_array_equal(decode_brick(brick.content).voxels[2, 2:6, 3:8], 1)
    again = client.get(f"/api/revisions/{second['id']}/label-map", headers={"If-None-Match": brick["ETag"]})
    assert again.status_code == 304


def test_a_stale_base_is_a_409_that_shows_the_latest_and_changes_nothing(series: Series, person: User) -> None:
    client = signed_in(person)
    segmentation = begin(client, series)
    base = segmentation["revisions"][0]["id"]
    latest = save(client, segmentation, base, square(1)).json()
    refused = save(client, segmentation, base, square(2))
    assert refused.status_code == 409
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "revision.stale_base"
    assert refused.json()["latest"] == latest
    revisions = client.get(f"/api/series/{series.pk}/segmentations").json()["results"][0]["revisions"]
    assert [revision["number"] for revision in revisions] == [1, 2]


def cut(client: Client, revision: dict, column: float) -> object:
    """Draw a line down the columns, seen through the acquired image."""
    ends = [[*(SPEC.index_to_patient_mm @ [2.0, row, column, 1.0])[:3]] for row in (0.0, 9.0)]
    wish = {"segment_number": 1, "ends_mm": ends, "sight": [0.0, 0.0, 1.0]}
    return client.post(f"/api/revisions/{revision['id']}/cut", wish, content_type="application/json")


def test_a_line_across_a_lesion_parts_it(series: Series, person: User) -> None:
    client = signed_in(person)
    segmentation = begin(client, series)
    drawn = save(client, segmentation, segmentation["revisions"][0]["id"], square(2)).json()  # columns 3 to 7
    refused = cut(client, drawn, 12.0)
    assert (refused.status_code, refused.json()["code"]) == (422, "lesion.cut_misses")
    answer = cut(client, drawn, 4.5)
    assert answer.status_code == 201, answer.content
    parted = answer.json()
    named = [(each["segment_label"], each["voxel_count"]) for each in parted["segments"]]
    assert named == [("Lesion", 12), ("Lesion 2", 8)]
    stale = cut(client, drawn, 4.5)
    assert (stale.status_code, stale.json()["latest"]) == (409, parted)


def test_what_cannot_be_saved_is_refused(series: Series, person: User, settings) -> None:
    client = signed_in(person)
    segmentation = begin(client, series)
    base = segmentation["revisions"][0]["id"]
    assert save(client, segmentation, base, b"nonsense").status_code == 422
    assert save(client, segmentation, "x", square(0)).status_code == 422
    assert save(client, segmentation, str(uuid4()), square(0)).status_code == 404
    assert save(client, {"id": str(uuid4())}, base, square(0)).status_code == 404
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert save(client, segmentation, base, bytes(101)).json()["code"] == "patch.too_large"


def test_exports_come_as_files(series: Series, person: User) -> None:
    client = signed_in(person)
    segmentation = begin(client, series)
    saved = save(client, segmentation, segmentation["revisions"][0]["id"], square(2)).json()
    for name, content_type, suffix in (
        ("dicom-seg", "application/dicom", "dcm"),
        ("nifti", "application/gzip", "nii.gz"),
    ):
        answer = client.get(f"/api/revisions/{saved['id']}/export?format={name}")
        assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
        assert f"By_hand_r2.{suffix}" in answer["Content-Disposition"]
        assert len(b"".join(answer.streaming_content)) > 100
    assert client.get(f"/api/revisions/{saved['id']}/export?format=stl").status_code == 422
    empty = client.get(f"/api/revisions/{segmentation['revisions'][0]['id']}/export?format=dicom-seg")
    assert (empty.status_code, empty.json()["code"]) == (409, "segmentation.not_exportable")


def test_strangers_other_teams_and_viewers_are_refused(series: Series, person: User) -> None:
    segmentation = begin(signed_in(person), series)
    revision = segmentation["revisions"][0]["id"]
    other, viewer = UserFactory(teams=[TeamFactory()]), UserFactory(role=Role.VIEWER, teams=list(person.teams.all()))
    reads = [f"/api/series/{series.pk}/segmentations", f"/api/revisions/{revision}/label-map"]
    export = f"/api/revisions/{revision}/export?format=nifti"
    for path in [*reads, export]:
        assert Client().get(path).status_code == 401
        assert signed_in(other).get(path).json()["code"] == "record.not_found"
    for path in reads:
        assert signed_in(viewer).get(path).status_code == 200
    assert signed_in(viewer).get(export).status_code == 403
    assert save(signed_in(viewer), segmentation, revision, square(0)).status_code == 403
    assert save(signed_in(other), segmentation, revision, square(0)).status_code == 404
