"""The administrator's page of evaluations: a model is held against outlined cases before anybody trusts it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import write_nifti, write_volume_nifti
from studies.models import Role, Team, User
from tests.factories import TeamFactory, UserFactory
from tests.inference.volumes import ball, make_volume
from tests.journeys import acts
from tests.stack import give_password

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SHAPE = (6, 24, 24)
COUNT = 6


@pytest.fixture(autouse=True)
def own_folders() -> Iterator[None]:
    """Leave no file to the tests that follow."""
    yield
    shutil.rmtree(settings.SEGWEB_DATA_DIR / "evaluations", ignore_errors=True)


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="Chest")


def person(team: Team, role: Role) -> User:
    found = UserFactory(username=str(role), first_name="Ada", last_name="Example", role=role, teams=[team])
    give_password(found)
    return found


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """A bright ball in a less bright one, outlined exactly; the last image is damaged."""
    folder = tmp_path / "cases"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    truth = ball(SHAPE, (3, 12, 12), 8).astype(np.uint8) + ball(SHAPE, (3, 12, 12), 5)
    for index in range(COUNT + 1):
        noise = np.random.default_rng(index).normal(0, 3, SHAPE)
        volume = make_volume((100.0 * truth + noise).astype(np.float32))
        write_volume_nifti(volume, folder / "images" / f"c{index}.nii.gz")
        write_nifti(LabelMap(truth, volume.geometry, ()), folder / "labels" / f"c{index}.nii.gz")
    (folder / "images" / f"c{COUNT}.nii.gz").write_bytes(b"no image")
    scanners = "\n".join(f"c{index},{'Alpha One' if index else 'Beta Two'}" for index in range(COUNT))
    (folder / "cases.csv").write_text(f"case,scanner\n{scanners}\n")
    return folder


def start(page: Page, cases: Path) -> None:
    """Choose model, folder and threshold, and send."""
    page.get_by_role("button", name="New evaluation").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name=re.compile("Model$")).click()
    page.get_by_role("option", name=re.compile("Otsu")).click()
    form.get_by_test_id("choose-cases-folder").set_input_files(cases)
    form.get_by_label("Accept if the lower bound").fill("2")
    expect(form.get_by_text("Write a number from 0 to 1")).to_be_visible()
    expect(form.get_by_role("button", name="Start")).to_be_disabled()
    form.get_by_label("Accept if the lower bound").fill("0.8")
    acts.assert_accessible(page, "evaluation form")
    form.get_by_role("button", name="Start").click()
    expect(form).to_be_hidden()


def test_a_model_is_held_against_a_folder_of_cases_and_judged(page: Page, team: Team, cases: Path) -> None:
    acts.sign_in(page, person(team, Role.ADMINISTRATOR).username)
    page.get_by_role("link", name="Evaluations").click()
    expect(page.get_by_text("No evaluation yet")).to_be_visible()
    acts.assert_accessible(page, "no evaluation")
    start(page, cases)
    verdict = page.get_by_role("region", name="Verdict")
    expect(verdict.get_by_text("Accepted").first).to_be_visible(timeout=180_000)
    expect(verdict.get_by_text("The lower bound reaches what was asked.").first).to_be_visible()
    scanners = page.get_by_role("table", name="By scanner")
    expect(scanners.get_by_role("row").filter(has_text="Beta Two").first).to_contain_text("fewer than 5 cases")
    expect(page.get_by_text("By site: not told by any file.")).to_be_visible()
    expect(page.get_by_text("1 file left out")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("c[0-5]")).first).to_be_visible()
    acts.assert_accessible(page, "evaluation")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Cases (CSV)").click()
    assert Path(saved.value.path()).read_text().count("\n") == 1 + 2 * COUNT
    refuse_what_holds_no_case(page, cases)


def refuse_what_holds_no_case(page: Page, cases: Path) -> None:
    """A zip without pairs is told in a sentence with a code; in German too."""
    wrong = cases.parent / "wrong.zip"
    wrong.write_bytes(b"no zip at all")
    page.goto("/evaluations?model=otsu")
    form = page.get_by_role("dialog")
    form.get_by_test_id("choose-cases").set_input_files(wrong)
    form.get_by_role("button", name="Start").click()
    expect(page.get_by_text("wrong.zip is no whole zip file")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("cases.missing")).to_be_visible()
    acts.assert_accessible(page, "refused evaluation")
    page.get_by_role("button", name=re.compile("Ada Example")).click()
    page.get_by_role("menuitemradio", name="Deutsch").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Neue Bewertung")).to_be_visible()
    expect(page.get_by_text("Abgelehnt").first).to_be_visible()


def test_a_clinician_is_told_who_can_help(page: Page, team: Team) -> None:
    acts.sign_in(page, person(team, Role.CLINICIAN).username)
    expect(page.get_by_role("link", name="Evaluations")).to_be_hidden()
    page.goto("/evaluations")
    expect(page.get_by_text("Evaluations are looked after by administrators")).to_be_visible()
