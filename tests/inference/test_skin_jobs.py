"""A dropped photograph from the door to the label map, and what is no photograph of skin."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from inference.job_states import JobState
from inference.models import SegmentationJob
from inference.pipeline.segment import segment
from inference.services.runs import run_job
from inference.training.synthetic.skin import draw_skin_case
from studies.dicom.wrap import StatedDetails, WrapContext, encode_object
from studies.dicom.wrap_picture import wrap_picture
from studies.models import Series, User
from studies.services.segmentations import load_label_map
from tests.archives import archive_series
from tests.factories import PatientFactory, StudyFactory
from tests.inference.volumes import measure_dice
from tests.phantoms import SeriesSpec, write_series

pytestmark = pytest.mark.django_db


def archive_picture(pixels: np.ndarray, folder: Path, reader: User, kind: str = "JPEG") -> Series:
    """Take a picture in as the door does, as a photograph."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    details = StatedDetails(patient_id="P1", patient_name="DOE^JANE", modality="XC", study_date=date(2026, 11, 23))
    path = folder / "picture.dcm"
    path.write_bytes(encode_object(wrap_picture(stream.getvalue(), WrapContext(details, "team", "a" * 64))))
    study = StudyFactory(patient=PatientFactory(home_team=reader.teams.all()[0]))
    return archive_series([path], study=study)


def request(series: Series, person: User) -> object:
    client = Client()
    client.force_login(person)
    asked = {"series_id": str(series.pk), "model_name": "skin_lesion"}
    return client.post("/api/jobs", json.dumps(asked), content_type="application/json")


def run(series: Series, person: User) -> SegmentationJob:
    answer = request(series, person)
    assert answer.status_code in (200, 201), answer.content
    job = SegmentationJob.objects.get(series=series)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_lesion_on_a_dropped_photograph_is_outlined(reader: User, tmp_path: Path, kind: str) -> None:
    case = draw_skin_case(np.random.default_rng(4), 1)
    pixels = np.stack([plane[0] for plane in case.colours], axis=-1)
    job = run(archive_picture(pixels, tmp_path, reader, kind), reader)
    assert (job.state, job.failure, job.notes) == (JobState.SUCCEEDED, "", [])
    assert job.revision is not None
    found = load_label_map(job.revision)
    assert found.segments[0].segment_label == "Skin lesion"
    assert measure_dice(found.voxels == 1, case.truth > 0) > 0.85


def test_a_picture_of_one_colour_gives_nothing_and_the_reason(reader: User, tmp_path: Path) -> None:
    job = run(archive_picture(np.full((60, 80, 3), (200, 150, 120), np.uint8), tmp_path, reader), reader)
    assert job.state == JobState.SUCCEEDED
    assert job.revision is not None
    assert not load_label_map(job.revision).voxels.any()
    assert "Nothing is marked on picture 1: no part differs" in job.notes[0]


def test_grey_pictures_and_other_modalities_are_refused_in_words(reader: User, tmp_path: Path) -> None:
    job = run(archive_picture(np.full((60, 80), 90, np.uint8), tmp_path, reader), reader)
    assert (job.state, job.failure_code) == (JobState.FAILED, "series.no_colours")
    spec = SeriesSpec(name="ct", modality="CT", shape=(4, 20, 20))
    study = StudyFactory(patient=PatientFactory(home_team=reader.teams.all()[0]))
    answer = request(archive_series(write_series(tmp_path / "ct", spec), study=study), reader)
    assert answer.status_code in (409, 422)
    assert "this series is CT" in answer.json()["detail"]
