"""One of everything of one team, for the tests of who may see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from inference.models import JobMap, ModelEvaluation, RoutingRule, SegmentationJob
from studies.label_maps.label_map import SegmentDescription
from studies.models import Lesion, Team, Timepoint, User
from studies.services.registrations import request_registration
from studies.services.segmentations import create_empty
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UploadFactory, UserFactory, make_uid
from tests.phantoms import SeriesSpec, write_series


@dataclass(frozen=True)
class Records:
    """One of everything, of one team."""

    team: Team
    owner: User
    ids: dict[str, object]


@pytest.fixture
def make_records(tmp_path: Path) -> Callable[[], Records]:
    def make() -> Records:
        team = TeamFactory.create()
        owner = UserFactory.create(teams=[team])
        patient = PatientFactory.create(home_team=team)
        folder = tmp_path / patient.patient_id
        folder.mkdir()
        spec = SeriesSpec(shape=(4, 16, 20), voxels=np.arange(4 * 16 * 20).reshape(4, 16, 20) % 97)
        series = archive_series(write_series(folder, spec), study__patient=patient)
        prior = archive_series(
            write_series(folder, replace(spec, name="prior", study_date="20250102")), study__patient=patient
        )
        request_registration(prior, series)
        revision = create_empty(series, name="By hand", segments=(SegmentDescription(1, "Lesion"),), created_by=owner)
        job = SegmentationJob.objects.create(series=series, model_name="otsu", model_version="1", parameters_digest="x")
        job_map = JobMap.objects.create(job=job, kind="uncertainty", payload=b"", low=0.0, high=1.0, unit="share")
        rule = RoutingRule.objects.create(title="Every CT", team=team, modality="CT", model_name="otsu")
        evaluation = ModelEvaluation.objects.create(team=team, requested_by=owner, model_name="otsu", baseline="none")
        upload = UploadFactory.create(team=team, created_by=owner)
        timepoint = Timepoint.objects.create(study=series.study, segmentation=revision.segmentation)
        lesion = Lesion.objects.create(patient=patient, number=1, tracking_uid=make_uid(), segment_label="Lesion")
        observation = lesion.observations.create(timepoint=timepoint, state="present")
        therapy = patient.therapy_lines.create(kind="surgery", name="Resection", start_date=date(2026, 1, 2))
        ids: dict[str, object] = {
            "patient_id": patient.pk,
            "study_id": series.study_id,
            "series_id": series.pk,
            "prior_id": prior.pk,
            "instance_id": series.instances.first().pk,
            "segmentation_id": revision.segmentation_id,
            "revision_id": revision.pk,
            "upload_id": upload.pk,
            "job_id": job.pk,
            "map_id": job_map.pk,
            "timepoint_id": timepoint.pk,
            "lesion_id": lesion.pk,
            "observation_id": observation.pk,
            "therapy_id": therapy.pk,
            "rule_id": rule.pk,
            "evaluation_id": evaluation.pk,
            "index": 0,
            "number": 1,
            "name": "otsu",
            "version": "1.0.0",
        }
        return Records(team, owner, ids)

    return make
