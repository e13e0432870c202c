"""What the demo patients' lesions did: outlines known from how they were generated, followed date by date."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from inference.training.synthetic.catalogue import DemoCase, outlines_path
from studies.label_maps.codec import decode_brick
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, Series, Study, Team, TherapyKind, Timepoint, User
from studies.permissions import ACTING_ROLES
from studies.services.segmentations import create_segmentation
from studies.services.therapy import record_therapy
from studies.services.timepoints import follow_study, plan_response
from studies.services.volumes import describe_grid
from studies.tracking.criteria.verdict import Criterion

OUTLINE_NAME = "Outline known from the generator (synthetic)"


@dataclass(frozen=True, slots=True)
class DemoCourse:
    """By which criterion a demo patient is followed, and what was done."""

    criterion: Criterion
    therapy: tuple[dict[str, Any], ...]


COURSES = {
    "chest-ct": DemoCourse(
        Criterion.RECIST_1_1,
        (
            {
                "kind": TherapyKind.SYSTEMIC,
                "name": "Chemotherapy (synthetic)",
                "start_date": date(2026, 1, 26),
                "end_date": None,
            },
        ),
    ),
    "glioma": DemoCourse(
        Criterion.RANO_2_0,
        (
            {
                "kind": TherapyKind.RADIATION,
                "name": "Radiation 60 Gy (synthetic)",
                "start_date": date(2025, 11, 10),
                "end_date": date(2025, 12, 19),
            },
            {
                "kind": TherapyKind.SYSTEMIC,
                "name": "Temozolomide (synthetic)",
                "start_date": date(2025, 11, 10),
                "end_date": None,
            },
        ),
    ),
}


def follow_case(team: Team, case: DemoCase, folder: Path) -> None:
    """Follow a case's lesions where it has outlines and nobody follows it yet; the outlines are used up by it."""
    outlines = outlines_path(folder)
    course, person = COURSES.get(case.name), _find_person(team)
    studies = Study.objects.filter(home_team=team, study_instance_uid__in=case.study_instance_uids)
    if course and person and not Timepoint.objects.filter(study__in=studies).exists():
        for path in sorted(outlines.glob("*")):
            series = Series.objects.filter(study__in=studies, series_instance_uid=path.name).first()
            if series is not None:
                _follow(series, path.read_bytes(), person)
        patient = studies[0].patient
        plan_response(patient, criterion=course.criterion, by=person)
        for values in course.therapy:
            record_therapy(patient, values=values, by=person)
    shutil.rmtree(outlines, ignore_errors=True)


def _follow(series: Series, brick: bytes, person: User) -> None:
    label_map = LabelMap(decode_brick(brick).voxels, describe_grid(series), (SegmentDescription(1, "Lesion"),))
    revision = create_segmentation(
        series,
        name=OUTLINE_NAME,
        label_map=label_map,
        algorithm_type=AlgorithmType.AUTOMATIC,
        provenance={"act": "generated", "source": "the synthetic case's own definition"},
        created_by=None,
    )
    follow_study(series.study, segmentation=revision.segmentation, by=person)


def _find_person(team: Team) -> User | None:
    return team.members.filter(role__in=ACTING_ROLES).order_by("-role", "username").first()
