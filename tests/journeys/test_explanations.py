"""Why a network marked a lesion: asked, seen over the images, and refused where it cannot be told or not be asked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from inference.models import JobMap
from studies.models import Role, Series, User
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.inference.volumes import ball
from tests.journeys import acts
from tests.journeys.conftest import new_page
from tests.phantoms import SeriesSpec, write_series
from tests.stack import LiveStack, give_password

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SHAPE, SPACING_MM = (20, 48, 48), (2.0, 2.0, 2.0)
NETWORK = "Enhancing brain lesion (T1 with contrast)"


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """A body with a bright lesion, which the network marks."""
    body = ball(SHAPE, (10, 24, 24), 44.0, SPACING_MM)
    lesion = ball(SHAPE, (10, 20, 22), 9.0, SPACING_MM)
    grain = np.random.default_rng(3).normal(0.0, 15.0, SHAPE)
    voxels = (np.where(lesion, 900, np.where(body, 400, 0)) + grain).clip(0).astype(np.int16)
    spec = SeriesSpec(shape=SHAPE, spacing_mm=SPACING_MM, modality="MR", voxels=voxels)
    patient = PatientFactory(home_team=TeamFactory(name="Neuro-oncology"))
    return archive_series(write_series(tmp_path, spec), study__patient=patient)


def open_as(page: Page, series: Series, username: str, role: Role) -> None:
    person: User = UserFactory(username=username, role=role, teams=[series.study.home_team])
    give_password(person)
    acts.sign_in(page, username)
    page.goto(f"/studies/{series.study_id}?series={series.pk}")
    acts.wait_for(page, "v => v.isComplete", within_s=60)


def run(page: Page, title: str) -> None:
    acts.choose_model(page, title)
    page.get_by_role("button", name=re.compile("^Run$")).click()
    acts.wait_for(page, "v => v.jobState === 'succeeded' && v.shownRevisionId", within_s=90)
    page.get_by_role("tab", name=re.compile("^Segments")).click()


def test_a_reader_sees_what_a_lesion_rests_on(page: Page, stack: LiveStack, browser: Browser, series: Series) -> None:
    open_as(page, series, "ada", Role.CLINICIAN)
    run(page, NETWORK)
    page.get_by_role("list", name="Lesions of Enhancing lesion").get_by_role("button").first.click()
    why = page.get_by_role("region", name="Why?")
    without = acts.picture(page)
    why.get_by_role("button", name=re.compile("Ask by")).click()
    page.get_by_role("option", name="coarsest features (Grad-CAM)").click()
    why.get_by_role("button", name="Why lesion 1 of Enhancing lesion?").click()
    expect(why.get_by_text(re.compile("^The network's answer for it"))).to_be_visible()
    legend = page.get_by_role("region", name="What the answer rests on")
    expect(legend.get_by_role("button", name="Hide the map (H)")).to_be_visible()
    assert JobMap.objects.filter(kind="explanation").count() == 1
    acts.poll(lambda: reddened(without, acts.picture(page)), lambda pixels: pixels > 1000)
    acts.assert_accessible(page, "explanation")
    page.keyboard.press("h")
    acts.poll(lambda: reddened(without, acts.picture(page)), lambda pixels: pixels == 0)

    why.get_by_role("button", name=re.compile("Ask by")).click()
    page.get_by_role("option", name="leaving out one image of several").click()
    page.keyboard.press("y")
    expect(why.get_by_role("alert")).to_contain_text("reads one image only")
    expect(why.get_by_role("alert")).to_be_in_viewport()
    expect(why.get_by_text(re.compile("^The network's answer for it"))).to_have_count(0)  # it answers another question

    viewer = new_page(browser, stack.base_url)
    open_as(viewer, series, "vera", Role.VIEWER)
    expect(viewer.get_by_text(re.compile("^The network's answer for it"))).to_be_visible()
    expect(viewer.get_by_role("button", name=re.compile("^Why lesion"))).to_have_count(0)
    viewer.context.close()


def reddened(before: np.ndarray, after: np.ndarray) -> int:
    """Count the pixels of the images that have become purple: the map's colours, which no label has."""
    shift = (after - before)[60:600, 60:1020]
    return int(np.count_nonzero((shift[..., 0] > 15) & (shift[..., 2] > 10) & (shift[..., 1] < shift[..., 0] - 10)))
