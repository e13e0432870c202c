"""A job over PET: what is marked is uptake in SUV, whatever the scanner stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from inference.job_states import JobState
from inference.models import SegmentationJob
from inference.pipeline.segment import segment
from inference.services.jobs import request_job
from inference.services.runs import run_job
from studies.models import Series, User
from studies.services.segmentations import load_label_map
from tests.archives import archive_series
from tests.enhanced_pet import SUV_PER_BECQUEREL, write_enhanced_pet
from tests.factories import PatientFactory, StudyFactory
from tests.inference.volumes import measure_dice
from tests.phantoms import SeriesSpec, centre_mm, sphere

pytestmark = pytest.mark.django_db

PET = SeriesSpec(name="pet", modality="PT", shape=(24, 30, 30), spacing_mm=(4.0, 4.0, 4.0))
BACKGROUND, LESION = 1.6, 8.0
RADIUS_MM = 22.0


def run(series: Series, person: User, parameters: dict[str, object]) -> SegmentationJob:
    job, _ = request_job(series, requested_by=person, model_name="pet_uptake", parameters=parameters)
    run_job(job.pk, segment=segment)
    job.refresh_from_db()
    return job


def write_pet(folder: Path) -> Path:
    """SUV 8 in a ball, 1.6 around it, stored in Bq/mL with a slope of its own for each slice."""
    uptake = np.where(sphere(PET, RADIUS_MM, centre_mm(PET)), LESION, BACKGROUND)
    written = replace(PET, voxels=uptake / SUV_PER_BECQUEREL)
    return write_enhanced_pet(folder / "pet.dcm", written, lambda index: 2.0 + 0.1 * index)


def test_the_threshold_is_suv_not_what_the_scanner_stored(reader: User, tmp_path: Path) -> None:
    study = StudyFactory(patient=PatientFactory(home_team=reader.teams.all()[0]))
    series = archive_series([write_pet(tmp_path)], study=study)
    ball = sphere(PET, RADIUS_MM, centre_mm(PET))
    for parameters, expected in (
        ({"least_suv": 2.5}, ball),
        ({"least_suv": 1.5}, np.ones(PET.shape, bool)),
        ({"least_suv": 1.5, "share": 41.0}, ball),
        ({"least_suv": 8.5}, np.zeros(PET.shape, bool)),
    ):
        job = run(series, reader, parameters)
        assert (job.state, job.failure) == (JobState.SUCCEEDED, "")
        assert job.revision is not None
        found = load_label_map(job.revision).voxels == 1
        assert found.sum() == expected.sum()
        assert not expected.any() or measure_dice(found, expected) == 1.0


def test_pet_without_the_dose_is_refused_in_words(reader: User, tmp_path: Path) -> None:
    path = write_pet(tmp_path)
    header = dcmread(path)
    del header.RadiopharmaceuticalInformationSequence
    header.save_as(path)
    study = StudyFactory(patient=PatientFactory(home_team=reader.teams.all()[0]))
    job = run(archive_series([path], study=study), reader, {})
    assert (job.state, job.failure_code) == (JobState.FAILED, "job.inputs_without_suv")
    assert "no SUV" in job.failure
