"""Three dates of one patient: lesions found again, judged by two criteria, and a verdict that an edit turns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studies.label_maps.codec import encode_brick
from studies.models import Assessment, Lesion, LesionObservation, LesionState, MatchingState, TherapyLine, Timepoint
from tests.followed import DATES, A, B, Ball, Course, grown, paint
from tests.journeys import acts
from tests.stack import LiveStack, give_password

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


SAVE = """async ([address, bytes]) => {
  const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
  const headers = { "X-CSRFToken": token, "Content-Type": "application/octet-stream" };
  return (await fetch(address, { method: "POST", headers, body: new Uint8Array(bytes) })).status;
}"""


@dataclass(frozen=True)
class Case:
    """A patient with three dates that nobody follows yet."""

    course: Course
    address: str


@pytest.fixture
def case(tmp_path: Path) -> Case:
    course = Course(tmp_path, has_body=True)
    give_password(course.person)
    steps: list[list[Ball]] = [[A, B], [grown(A, 8.5), B], [grown(A, 8.5), grown(B, 6.5)]]
    for when, balls in zip(DATES, steps, strict=True):
        course.archive(when, balls)
    return Case(course, f"/patients/{course.patient.pk}")


def test_from_three_dates_to_a_verdict_that_an_edit_turns(page: Page, stack: LiveStack, case: Case) -> None:
    acts.sign_in(page, case.course.person.username)
    follow_all_dates(page, case)
    confirm_targets(page)
    two_criteria(page)
    an_edit_turns_it(page)
    a_reader_overrides(page)
    a_therapy_is_recorded(page)
    acts.assert_accessible(page, "patient with a course")


def follow_all_dates(page: Page, case: Case) -> None:
    page.goto(case.address)
    expect(page.get_by_text("No date is followed yet")).to_be_visible()
    for number in range(3):
        page.get_by_role("button", name="Segmentation that counts").nth(number).click()
        page.get_by_role("option", name="Lesions").click()
        acts.poll(Timepoint.objects.count, lambda count, wanted=number + 1: count == wanted)
    acts.poll(
        lambda: set(Timepoint.objects.values_list("matching_state", flat=True)),
        lambda states: states == {MatchingState.MATCHED},
        within_s=240,
    )
    assert Lesion.objects.count() == 2
    seen = LesionObservation.objects.filter(state=LesionState.MEASURED)
    assert seen.count() == 6
    assert Lesion.objects.values("tracking_uid").distinct().count() == 2


def confirm_targets(page: Page) -> None:
    page.get_by_role("tab", name="Targets").click()
    expect(page.get_by_text("were suggested by the software").first).to_be_visible()
    page.get_by_role("button", name="Confirm these targets").click()
    acts.poll(lambda: Lesion.objects.filter(is_role_suggested=True).count(), lambda left: left == 0)


def two_criteria(page: Page) -> None:
    verdict = page.get_by_role("region", name="Response")
    expect(verdict.get_by_role("status").get_by_text("SD", exact=True)).to_be_visible()
    expect(verdict.get_by_text("R11.T.SUM", exact=False).first).to_be_visible()
    expect(verdict.get_by_text("Over all legal choices of targets", exact=False)).to_be_visible()
    verdict.get_by_role("button", name="RECIST 1.1 Criterion").click()
    page.get_by_role("option", name="RANO 2.0", exact=True).click()
    expect(verdict.get_by_text("RN.2D", exact=False).first).to_be_visible()
    expect(verdict.get_by_text("Unknown", exact=False).first).to_be_visible()  # no repeatability of products is known
    verdict.get_by_role("button", name="RANO 2.0 Criterion").click()
    page.get_by_role("option", name="RECIST 1.1").first.click()


def an_edit_turns_it(page: Page) -> None:
    """Somebody corrects a mask while the page is open: the verdict follows by itself, and says why."""
    last = Timepoint.objects.order_by("study__study_date").last()
    assert last is not None
    base = last.segmentation.revisions.last()
    assert base is not None
    bricks = encode_brick(paint([grown(A, 14.0), grown(B, 6.5)]), slice_start=0)
    saved = page.evaluate(SAVE, [f"/api/segmentations/{base.segmentation_id}/revisions?base={base.pk}", list(bricks)])
    assert saved == 201
    verdict = page.get_by_role("region", name="Response")
    expect(verdict.get_by_role("status").get_by_text("PD", exact=True)).to_be_visible()
    expect(verdict.get_by_text("SD became PD", exact=False)).to_be_visible()
    expect(verdict.get_by_text("Day 112, L1: was", exact=False)).to_be_visible()
    assert list(Assessment.objects.order_by("created_at").values_list("overall_response", flat=True))[-2:] == [
        "SD",
        "PD",
    ]


def a_reader_overrides(page: Page) -> None:
    verdict = page.get_by_role("region", name="Response")
    verdict.get_by_role("button", name="Override").click()
    verdict.get_by_label("Reason").fill("Bleeding, not growth.")
    verdict.get_by_role("button", name="Record").click()
    expect(verdict.get_by_text("by Pat", exact=False)).to_be_visible()
    expect(verdict.get_by_role("status").get_by_text("PD", exact=True).first).to_be_visible()  # the computed one stays


def a_therapy_is_recorded(page: Page) -> None:
    """A slip in the year is refused in the form; what is removed can be taken back; the time axis shows it."""
    page.get_by_role("tab", name="Therapy").click()
    page.get_by_role("button", name="Add therapy").click()
    page.get_by_label("Name").fill("Radiation 60 Gy")
    page.get_by_label("Start").fill("0206-01-20")
    expect(page.get_by_text("This year cannot be right.")).to_be_visible()
    page.get_by_label("Start").fill("2026-01-20")
    page.get_by_label("End").fill("2026-01-02")
    expect(page.get_by_text("The end lies before the start.")).to_be_visible()
    page.get_by_label("End").fill("2026-03-02")
    page.get_by_role("button", name="Save", exact=True).click()
    given = page.get_by_role("table", name="Therapy")
    expect(given.get_by_role("row").filter(has_text="Radiation 60 Gy")).to_be_visible()
    span = page.get_by_role("img", name="Radiation 60 Gy (systemic), 20 Jan 2026 - 2 Mar 2026")
    expect(span).to_be_visible()
    page.get_by_role("button", name="Remove Radiation 60 Gy").click()
    expect(span).to_have_count(0)
    page.get_by_role("button", name="Take it back").click()
    expect(span).to_be_visible()
    assert TherapyLine.objects.get().name == "Radiation 60 Gy"
