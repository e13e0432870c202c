"""The administrator's page: a model comes in, is checked, is switched off; a rule is laid down; others stay out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings
from playwright.sync_api import Page, expect

from studies.models import Role, Team, User
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.journeys import acts
from tests.phantoms import SeriesSpec, sphere, write_series
from tests.stack import give_password
from tests.torchscript import encode_script

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

BALL = SeriesSpec(shape=(12, 32, 40), spacing_mm=(2.0, 1.0, 1.0))
MODEL = "Bright things"


class Brighter(torch.nn.Module):
    """Marks what is brighter than the middle of the range."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat((0.5 - image, image - 0.5), 1)


@pytest.fixture(autouse=True)
def own_folders() -> Iterator[None]:
    """Leave no model to the tests that follow."""
    yield
    for name in ("models", "backends", "model-imports"):
        shutil.rmtree(settings.SEGWEB_DATA_DIR / name, ignore_errors=True)


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="Chest")


def person(team: Team, role: Role) -> User:
    found = UserFactory(username=str(role), first_name="Ada", last_name="Example", role=role, teams=[team])
    give_password(found)
    return found


@pytest.fixture
def images(team: Team, tmp_path: Path) -> None:
    """A bright ball in the record."""
    patient = PatientFactory(home_team=team, patient_name="DOE^JANE", teams=[team])
    voxels = np.where(sphere(BALL, 8.0), 100, -800)
    spec = replace(BALL, voxels=voxels, patient_id=patient.patient_id)
    (tmp_path / "ball").mkdir()
    archive_series(write_series(tmp_path / "ball", spec), study__patient=patient)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A network in a file."""
    path = tmp_path / "bright.ts"
    path.write_bytes(encode_script(Brighter()))
    return path


def import_script(page: Page, script: Path) -> None:
    """Choose the file, say what it expects, and send it."""
    page.get_by_role("button", name="Import a model").click()
    form = page.get_by_role("dialog")
    form.get_by_test_id("choose-model").set_input_files(script)
    form.get_by_label("Title").fill(MODEL)
    form.get_by_label("Segments").fill("Bright")
    form.get_by_label("Window, voxels").fill("12 x 32")
    expect(form.get_by_text("Three whole numbers")).to_be_visible()
    form.get_by_label("Window, voxels").fill("12 x 32 x 32")
    form.get_by_role("button", name="Grey values").click()
    page.get_by_role("option", name="least 0, greatest 1").click()
    acts.assert_accessible(page, "import form")
    form.get_by_role("button", name="Import", exact=True).click()
    expect(form).to_be_hidden()


def test_a_model_comes_in_is_used_by_a_rule_and_is_switched_off(
    page: Page, team: Team, images: None, script: Path, tmp_path: Path
) -> None:
    acts.sign_in(page, person(team, Role.ADMINISTRATOR).username)
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("table", name="Models").get_by_text("Otsu's threshold")).to_be_visible()
    import_script(page, script)
    imported = page.get_by_role("button", name="In the catalogue: bright_things 1")
    expect(imported).to_be_visible(timeout=120_000)
    imported.click()
    card = page.get_by_role("complementary", name=f"Card of {MODEL}")
    expect(card.get_by_text("runs the model")).to_be_visible()
    expect(card.get_by_text("SCT 85756007").first).to_be_visible()
    expect(card.get_by_text("No run has finished here yet")).to_be_visible()
    expect(card.get_by_text("Not evaluated here")).to_be_visible()
    acts.assert_accessible(page, "card")
    refuse_a_wrong_file(page, tmp_path)
    lay_down_a_rule(page)
    page.get_by_role("tab", name="Limits").click()
    expect(page.get_by_label("Chest: runs for one person")).to_be_visible()
    acts.assert_accessible(page, "limits")
    page.get_by_role("tab", name="Queue").click()
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    acts.assert_accessible(page, "queue")
    switch_off(page)


def refuse_a_wrong_file(page: Page, tmp_path: Path) -> None:
    """A file that is no model is told in a sentence, and the catalogue stays as it is."""
    wrong = tmp_path / "wrong.zip"
    wrong.write_bytes(b"no zip at all")
    page.get_by_role("button", name="Import a model").click()
    form = page.get_by_role("dialog")
    form.get_by_test_id("choose-model").set_input_files(wrong)
    form.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("wrong.zip is a single file")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("model.format_unknown")).to_be_visible()


def lay_down_a_rule(page: Page) -> None:
    """Write a rule, see what it would have run on, and save it."""
    page.get_by_role("tab", name="Routing").click()
    page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("complementary", name="New rule")
    form.get_by_label("Title").fill("Bright things in CT")
    form.get_by_role("button", name="Modality").click()
    page.get_by_role("option", name="CT", exact=True).click()
    form.get_by_role("button", name=re.compile("Model$")).click()
    page.get_by_role("option", name=MODEL).click()
    expect(form.get_by_text("1 of the newest 1 series")).to_be_visible()
    expect(form.get_by_role("link", name="DOE, JANE")).to_be_visible()
    acts.assert_accessible(page, "rule")
    form.get_by_label("Series description").fill("nothing of the kind")
    expect(form.get_by_text("0 of the newest 1 series")).to_be_visible()
    form.get_by_label("Series description").fill("")
    form.get_by_role("button", name="Save the rule").click()
    expect(form).to_be_hidden()
    expect(page.get_by_role("table", name="Routing rules").get_by_text("Bright things in CT")).to_be_visible()


def switch_off(page: Page) -> None:
    """The reading page offers the model until it is switched off."""
    offered = page.get_by_role("option", name=MODEL)

    def open_choice() -> None:
        page.goto("/")
        acts.open_study(page, "DOE, JANE")
        page.get_by_role("tab", name=re.compile("^Run")).click()
        page.get_by_role("button", name=re.compile("Model$")).click()
        expect(page.get_by_role("option", name="Otsu's threshold")).to_be_visible()

    open_choice()
    expect(offered).to_be_visible()
    page.goto("/models")
    page.get_by_role("switch", name=f"{MODEL} may be used").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("switch", name=f"{MODEL} may be used")).not_to_be_checked()
    page.reload()
    expect(page.get_by_role("switch", name=f"{MODEL} may be used")).not_to_be_checked()
    open_choice()
    expect(offered).to_have_count(0)


def test_a_clinician_finds_no_way_in(page: Page, team: Team) -> None:
    acts.sign_in(page, person(team, Role.CLINICIAN).username)
    expect(page.get_by_role("link", name="Worklist")).to_be_visible()
    expect(page.get_by_role("link", name="Models", exact=True)).to_have_count(0)
    page.goto("/models")
    expect(page.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    expect(page.get_by_text("Models are looked after by administrators")).to_be_visible()
    acts.assert_accessible(page, "refusal")
