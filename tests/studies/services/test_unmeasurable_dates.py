"""A date on which nothing can be measured says why, and leaves no number behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studies.label_maps.label_map import SegmentDescription
from studies.models import LesionObservation, MatchingState, Timepoint
from studies.services import registrations
from studies.services.assessments import assess_patient
from studies.services.segmentations import create_empty
from studies.services.timepoints import OtherStudyError, follow_study
from studies.tracking.criteria.verdict import Response
from tests.archives import archive_series
from tests.factories import StudyFactory
from tests.followed import DATES, SPEC, A, Course
from tests.phantoms import write_series

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _registered_by_definition(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SEGWEB_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(registrations, "_is_same_place", lambda prior, current: True)


def test_a_series_with_a_gap_is_followed_without_a_number(tmp_path: Path) -> None:
    course = Course(tmp_path)
    course.date(DATES[0], [A])
    study = StudyFactory(patient=course.patient, study_date=DATES[1])
    spec = replace(SPEC, name="gap", missing=frozenset({9}))
    series = archive_series(write_series(tmp_path / "gap", spec), study=study)
    revision = create_empty(
        series, name="By hand", segments=(SegmentDescription(1, "Lesion"),), created_by=course.person
    )
    follow_study(study, segmentation=revision.segmentation, by=course.person)
    course.match()
    timepoint = Timepoint.objects.get(study=study)
    assert (timepoint.matching_state, timepoint.problem_code) == (MatchingState.FAILED, "measurement.no_geometry")
    assert not LesionObservation.objects.filter(timepoint=timepoint).exists()
    found = assess_patient(course.patient)
    assert found.verdict.latest.overall_response is Response.NE
    assert any("nothing could be measured" in question for question in found.record.questions)


def test_a_segmentation_of_another_study_is_refused(tmp_path: Path) -> None:
    course = Course(tmp_path)
    first = course.date(DATES[0], [A])
    other = StudyFactory(patient=course.patient, study_date=DATES[1])
    with pytest.raises(OtherStudyError, match="another study"):
        follow_study(other, segmentation=first.segmentation, by=course.person)
