"""Records for tests: valid by default, each attribute open to the test that cares."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, time

import factory

from studies.models import (
    Blob,
    GeometryVerdict,
    Instance,
    Patient,
    Role,
    Series,
    Study,
    Team,
    TeamMembership,
    Upload,
    User,
)

PASSWORD = "correct horse battery"


def make_uid() -> str:
    """Return a fresh DICOM UID under the UUID root (PS3.5, B.2)."""
    return f"2.25.{uuid.uuid4().int}"


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class UserFactory(factory.django.DjangoModelFactory):
    """A clinician; `teams=[...]` makes them a member."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    first_name = "Pat"
    last_name = factory.Sequence(lambda n: f"Reader{n}")
    role = Role.CLINICIAN
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def teams(self, create: bool, extracted: list[Team] | None, **_kwargs: object) -> None:
        for team in extracted or ():
            TeamMembership.objects.create(team=team, user=self)


class PatientFactory(factory.django.DjangoModelFactory):
    """A patient of their home team; `teams=[...]` shares them with others."""

    class Meta:
        model = Patient
        skip_postgeneration_save = True

    home_team = factory.SubFactory(TeamFactory)
    patient_id = factory.Sequence(lambda n: f"PID{n:06d}")
    patient_name = factory.Sequence(lambda n: f"DOE^JANE{n}")
    patient_birth_date = date(1961, 5, 17)
    patient_sex = "F"

    @factory.post_generation
    def teams(self, create: bool, extracted: list[Team] | None, **_kwargs: object) -> None:
        self.teams.add(*(extracted or ()))


class StudyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Study

    patient = factory.SubFactory(PatientFactory)
    home_team = factory.SelfAttribute("patient.home_team")
    study_instance_uid = factory.LazyFunction(make_uid)
    study_date = date(2026, 3, 1)
    study_time = time(9, 30)
    study_description = "MR brain"
    accession_number = factory.Sequence(lambda n: f"ACC{n:06d}")
    modalities = "MR"


class SeriesFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Series

    study = factory.SubFactory(StudyFactory)
    series_instance_uid = factory.LazyFunction(make_uid)
    series_number = factory.Sequence(lambda n: n + 1)
    series_description = "T1 contrast"
    modality = "MR"
    geometry_verdict = GeometryVerdict.REGULAR
    geometry_explanation = "A regular volume."
    spacing_mm = factory.LazyFunction(lambda: [3.0, 1.0, 1.0])
    contents_digest = factory.LazyFunction(lambda: hashlib.sha256(uuid.uuid4().bytes).hexdigest())


class BlobFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Blob

    digest = factory.LazyFunction(lambda: hashlib.sha256(uuid.uuid4().bytes).hexdigest())
    size_bytes = 1024


class InstanceFactory(factory.django.DjangoModelFactory):
    """A record without a file; tests that read pixels ingest a phantom instead."""

    class Meta:
        model = Instance

    series = factory.SubFactory(SeriesFactory)
    home_team = factory.SelfAttribute("series.study.home_team")
    sop_instance_uid = factory.LazyFunction(make_uid)
    sop_class_uid = "1.2.840.10008.5.1.4.1.1.4"
    transfer_syntax_uid = "1.2.840.10008.1.2.1"
    instance_number = factory.Sequence(lambda n: n + 1)
    rows = 32
    columns = 32
    pixel_digest = factory.LazyFunction(lambda: hashlib.sha256(uuid.uuid4().bytes).hexdigest())
    blob = factory.SubFactory(BlobFactory)


class UploadFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Upload

    team = factory.SubFactory(TeamFactory)
    file_name = "series.zip"
    size_bytes = 1024
