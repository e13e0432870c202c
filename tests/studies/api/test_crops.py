"""A crop shows what lies at a place of the patient, to those who may see it."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from studies.models import Series, User
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, centre_mm, sphere, write_projection, write_series

pytestmark = pytest.mark.django_db
SPEC = SeriesSpec(shape=(16, 48, 48), spacing_mm=(3.0, 1.0, 1.0), origin_mm=(-24.0, -24.0, 0.0))
RADIUS_MM = 10.0
SHIFT_MM = np.array([4.0, 0.0, 0.0])


@pytest.fixture
def reader(tmp_path: Path, settings) -> User:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    made: User = UserFactory(teams=[TeamFactory()])
    return made


@pytest.fixture
def series(reader: User, tmp_path: Path) -> Series:
    voxels = np.where(sphere(SPEC, RADIUS_MM, centre_mm(SPEC) + SHIFT_MM), 240, -160)  # the edges of 40 +- 200
    paths = write_series(tmp_path / "dicom", replace(SPEC, voxels=voxels))
    return archive_series(paths, study__patient=PatientFactory(home_team=reader.teams.get()))


def test_a_ball_stands_in_the_middle_at_its_size(series: Series, reader: User, client: Client) -> None:
    client.force_login(reader)
    x, y, z = centre_mm(SPEC) + SHIFT_MM
    answer = client.get(f"/api/series/{series.pk}/crop", {"at": f"{x},{y},{z}", "size_mm": "40"})
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (
        200,
        "image/png",
        "private, no-cache",
    )
    picture = np.asarray(Image.open(BytesIO(answer.content))) > 127
    side = picture.shape[0]
    rows, columns = np.nonzero(picture)
    assert rows.mean() == pytest.approx((side - 1) / 2, abs=side / 40 / 2)
    assert columns.mean() == pytest.approx((side - 1) / 2, abs=side / 40 / 2)
    assert picture.sum() * (40.0 / side) ** 2 == pytest.approx(np.pi * RADIUS_MM**2, rel=0.1)
    again = client.get(
        f"/api/series/{series.pk}/crop",
        {"at": f"{x},{y},{z}", "size_mm": "40"},
        headers={"If-None-Match": answer["ETag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "query", [{}, {"at": "1,2"}, {"at": "1,2,x"}, {"at": "nan,0,0"}, {"at": "0,0,0", "size_mm": "9999"}]
)
def test_nonsense_is_refused(query: dict[str, str], series: Series, reader: User, client: Client) -> None:
    client.force_login(reader)
    assert client.get(f"/api/series/{series.pk}/crop", query).status_code == 422


def test_a_projection_has_no_crop(series: Series, reader: User, client: Client, tmp_path: Path) -> None:
    chest = archive_series(
        [write_projection(tmp_path / "chest.dcm", np.full((32, 40), 900, np.uint16))],
        study__patient=series.study.patient,
    )
    client.force_login(reader)
    answer = client.get(f"/api/series/{chest.pk}/crop", {"at": "0,0,0"})
    assert (answer.status_code, answer.json()["code"]) == (409, "series.not_a_volume")


def test_another_team_gets_nothing(series: Series, client: Client) -> None:
    client.force_login(UserFactory(teams=[TeamFactory()]))
    assert client.get(f"/api/series/{series.pk}/crop", {"at": "0,0,0"}).status_code == 404
