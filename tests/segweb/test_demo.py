"""The demo cases end up in the archive once, visible to the demo team."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_django import Settings

from inference.training.synthetic.catalogue import get_case, truth_path
from segweb.demo import DEMO_TEAM, demo_folder, is_loaded, seed_demo
from studies.models import AuditEntry, Instance, Patient, Team, User
from studies.permissions import visible_patients
from studies.services.accounts import create_first_accounts

pytestmark = pytest.mark.django_db(transaction=True)
CASES = (get_case("fundus"),)


@pytest.fixture
def data_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.SEGWEB_DATA_DIR = tmp_path
    return tmp_path


def test_a_case_is_generated_loaded_once_and_shown_to_the_team(data_folder: Path) -> None:
    create_first_accounts()
    lines: list[str] = []
    assert seed_demo(lines.append, CASES) == 1
    team = Team.objects.get(name=DEMO_TEAM)
    assert sorted(team.members.values_list("username", flat=True)) == ["admin", "clinician"]
    patient = Patient.objects.get()
    assert patient.is_synthetic
    assert patient.patient_name == "SYNTHETIC^EYE-01"
    assert list(visible_patients(User.objects.get(username="clinician"))) == [patient]
    assert not visible_patients(User.objects.create_user("stranger")).exists()
    assert is_loaded(team, CASES[0])
    assert json.loads(truth_path(demo_folder() / "fundus").read_text()) == []
    assert not (demo_folder() / "fundus").exists()  # the archive holds the files
    assert any("Fundus" in line for line in lines)

    entries = AuditEntry.objects.count()
    assert seed_demo(lines.append, CASES) == 0
    assert Instance.objects.count() == 1
    assert AuditEntry.objects.count() == entries


def test_what_a_stopped_run_left_half_done_is_made_again(data_folder: Path) -> None:
    left = demo_folder() / "fundus"
    left.mkdir(parents=True)
    (left / "half.dcm").write_bytes(b"not finished")
    assert seed_demo(lambda line: None, CASES) == 1
    assert Instance.objects.count() == 1


def test_an_archive_that_was_emptied_gets_its_cases_again(data_folder: Path) -> None:
    demo_folder().mkdir(parents=True)
    truth_path(demo_folder() / "fundus").write_text("[]")
    assert seed_demo(lambda line: None, CASES) == 1
    assert Instance.objects.count() == 1
