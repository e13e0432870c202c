"""A patient followed over dates: balls painted on phantoms of one grid, taken in, marked, matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studies.label_maps.codec import encode_brick
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, LesionObservation, Patient, Segmentation, Timepoint, User
from studies.services.lesion_matching import match_lesions
from studies.services.segmentations import create_segmentation, save_revision
from studies.services.timepoints import follow_study
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.factories import PatientFactory, StudyFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, lopsided_body, write_series

SPEC = SeriesSpec(shape=(24, 96, 96), spacing_mm=(2.0, 1.0, 1.0))
DATES = (date(2026, 1, 12), date(2026, 3, 9), date(2026, 5, 4))
Ball = tuple[tuple[float, float, float], float]
"""Centre in voxels (slice, row, column) and radius in mm."""


def paint(balls: Sequence[Ball]) -> npt.NDArray[np.uint8]:
    voxels = np.zeros(SPEC.shape, np.uint8)
    index = np.indices(SPEC.shape).astype(float)
    for centre, radius_mm in balls:
        offset = (index - np.reshape(centre, (3, 1, 1, 1))) * np.reshape(SPEC.spacing_mm, (3, 1, 1, 1))
        voxels[(offset**2).sum(axis=0) <= radius_mm**2] = 1
    return voxels


def _middle_mm() -> npt.NDArray[np.float64]:
    middle = [size / 2 for size in SPEC.shape]
    return np.asarray(SPEC.index_to_patient_mm @ [*middle, 1.0])[:3]


class Course:
    """A patient with dates on one grid; `has_body` paints anatomy that a registration can hold on to."""

    def __init__(self, folder: Path, *, has_body: bool = False) -> None:
        self.person: User = UserFactory(teams=[TeamFactory()])
        self.patient: Patient = PatientFactory(home_team=self.person.teams.all()[0])
        self._folder = folder
        self._has_body = has_body
        self._count = 0

    def archive(self, when: date | None, balls: Sequence[Ball], *, modality: str = "CT") -> Segmentation:
        """Take in a study and mark the balls."""
        self._count += 1
        folder = self._folder / str(self._count)
        spec = replace(SPEC, name=f"date {self._count}", modality=modality)
        if self._has_body:
            spec = replace(spec, voxels=np.where(paint(balls) > 0, 60, lopsided_body(spec, _middle_mm())))
        study = StudyFactory(patient=self.patient, study_date=when)
        series = archive_series(write_series(folder, spec), study=study)
        revision = create_segmentation(
            series,
            name="Lesions",
            label_map=LabelMap(paint(balls), describe_grid(series), (SegmentDescription(1, "Lesion"),)),
            algorithm_type=AlgorithmType.MANUAL,
            provenance={},
            created_by=self.person,
        )
        return revision.segmentation

    def date(self, when: date | None, balls: Sequence[Ball], *, modality: str = "CT") -> Timepoint:
        """Take in a study, mark the balls, follow it."""
        segmentation = self.archive(when, balls, modality=modality)
        timepoint = follow_study(segmentation.series.study, segmentation=segmentation, by=self.person)
        self.match()
        return Timepoint.objects.get(pk=timepoint.pk)

    def match(self) -> None:
        match_lesions(self.patient.pk)

    def redraw(self, timepoint: Timepoint, balls: Sequence[Ball]) -> None:
        base = timepoint.segmentation.revisions.last()
        assert base is not None
        save_revision(base, patch_bricks=encode_brick(paint(balls), slice_start=0), created_by=self.person)
        self.match()

    def seen(self, timepoint: Timepoint) -> dict[str, LesionObservation]:
        return {each.lesion.name: each for each in timepoint.observations.select_related("lesion")}


A: Ball = ((8.0, 30.0, 30.0), 8.0)
B: Ball = ((15.0, 60.0, 65.0), 6.0)


def grown(ball: Ball, radius_mm: float) -> Ball:
    """The same ball with another radius."""
    return (ball[0], radius_mm)
