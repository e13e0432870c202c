"""The pages round the reading page: signing in, the worklist, a patient, and files on their way in."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from studies.models import Instance, Patient, Role, SegmentationState, Study, Team, User
from studies.services.words import index_studies
from tests.factories import PASSWORD, PatientFactory, StudyFactory, TeamFactory, UserFactory
from tests.journeys import acts
from tests.phantoms import SeriesSpec, write_series
from tests.stack import LiveStack, give_password

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SIZES = [{"width": 1280, "height": 720}, {"width": 820, "height": 1180}, {"width": 640, "height": 360}]
"""A small workstation, a tablet, and the workstation at 200 % zoom."""


@pytest.fixture(autouse=True)
def patience() -> None:
    """A busy machine answers late; five seconds are too few to call it wrong."""
    expect.set_options(timeout=20_000)


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="Chest")


@pytest.fixture
def clinician(team: Team) -> User:
    person = UserFactory(username="clinician", first_name="Ada", last_name="Example", teams=[team])
    give_password(person)
    return person


def patient_of(team: Team, name: str, dates: list[date | None]) -> Patient:
    """A patient with one study on each date."""
    patient: Patient = PatientFactory(home_team=team, patient_name=name, teams=[team])
    studies = [StudyFactory(patient=patient, study_date=day, study_description=f"MR of {name}") for day in dates]
    index_studies(Study.objects.select_related("patient").filter(pk__in=[study.pk for study in studies]))
    return patient


def drop(page: Page, paths: list[Path]) -> None:
    """Drop files or folders on the page as a file manager does, once the page has said that it will take them.

    A browser that has not heard yet that the page takes them lets a drop fall to nothing: then it is done again.
    """
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}

    def drag(kind: str) -> None:
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 400, "data": data})

    invitation = page.get_by_text("Drop to add")

    def is_invited() -> bool:
        drag("dragEnter")
        drag("dragOver")
        page.wait_for_timeout(50)
        return invitation.is_visible()

    def is_taken() -> bool:
        acts.poll(is_invited, bool)
        drag("drop")
        with suppress(PlaywrightTimeoutError):
            invitation.wait_for(state="hidden", timeout=3_000)
        return not invitation.is_visible()

    acts.poll(is_taken, bool)
    session.detach()


def strip(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def test_every_page_holds_to_wcag_at_every_size(page: Page, clinician: User, team: Team) -> None:
    patient = patient_of(team, "DOE^JANE", [date(2026, 1, 10), date(2026, 3, 1), None])
    Study.objects.filter(study_date=date(2026, 3, 1)).update(
        segmentation_state=SegmentationState.RUNNING, segmentation_progress=0.4
    )
    page.goto("/")
    page.get_by_role("button", name="Sign in").wait_for()
    acts.assert_accessible(page, "sign-in")
    acts.sign_in(page, clinician.username)
    for size in SIZES:
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.goto("/")
        row(page, "DOE, JANE").first.wait_for()
        acts.assert_accessible(page, f"worklist {size}")
        page.keyboard.press("?")
        page.get_by_role("dialog").wait_for()
        acts.assert_accessible(page, f"keys {size}")
        page.goto(f"/patients/{patient.pk}")
        page.get_by_role("heading", name="DOE, JANE").wait_for()
        acts.assert_accessible(page, f"patient {size}")
    page.goto("/nowhere")
    page.get_by_role("heading", name="Not found").wait_for()
    acts.assert_accessible(page, "not found")
    page.goto("/password")
    page.get_by_role("heading", name="Choose a new password").wait_for()
    acts.assert_accessible(page, "password")


def test_the_light_theme_and_the_second_language_hold_too(page: Page, clinician: User, team: Team) -> None:
    patient_of(team, "DOE^JANE", [date(2026, 1, 10)])
    acts.sign_in(page, clinician.username)
    for choice in ("Light", "Deutsch"):
        page.get_by_role("button", name="Ada Example").click()
        page.get_by_role("menuitemradio", name=choice).click()
        page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Arbeitsliste")).to_be_attached()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    acts.assert_accessible(page, "light, German")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.get_by_text("Nur für die Forschung")).to_be_visible()


def test_the_worklist_by_keyboard_with_its_place_in_the_address(page: Page, clinician: User, team: Team) -> None:
    patient_of(team, "DOE^JANE", [date(2026, 1, 10)])
    patient_of(team, "ROE^RICHARD", [date(2026, 2, 10)])
    acts.sign_in(page, clinician.username)
    expect(page.locator("tr[data-study]")).to_have_count(2)

    page.keyboard.press("/")
    page.keyboard.type("roe")
    expect(page.locator("tr[data-study]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?search=roe$"))
    page.reload()
    expect(page.locator("tr[data-study]")).to_have_count(1)

    page.keyboard.press("j")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="ROE, RICHARD")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(r"\?search=roe$"))
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="Patient", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?ordering=patient_name$"))
    expect(page.locator("tr[data-study]").first).to_contain_text("DOE, JANE")


def test_studies_stand_at_their_true_distance(page: Page, clinician: User, team: Team) -> None:
    patient = patient_of(team, "DOE^JANE", [date(2026, 1, 1), date(2026, 1, 31), date(2026, 5, 1), None])
    acts.sign_in(page, clinician.username)
    page.goto(f"/patients/{patient.pk}")
    expect(page.locator("[data-mark]")).to_have_count(3)
    marks = [
        box["x"] + box["width"] / 2
        for box in page.locator("[data-mark] circle:first-of-type").evaluate_all(
            "all => all.map(one => { const b = one.getBoundingClientRect(); return {x: b.x, width: b.width} })"
        )
    ]
    assert (marks[2] - marks[1]) / (marks[1] - marks[0]) == pytest.approx(90 / 30, rel=0.01)
    expect(page.get_by_role("row").filter(has_text="31 Jan 2026")).to_contain_text("30 days")
    expect(page.get_by_text("1 study has no date")).to_be_visible()
    page.locator("[data-mark]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-mark]").nth(1)).to_be_focused()


def test_another_teams_patient_is_not_found(page: Page, clinician: User) -> None:
    stranger = patient_of(TeamFactory(name="Elsewhere"), "SECRET^SAM", [date(2026, 1, 1)])
    acts.sign_in(page, clinician.username)
    expect(page.get_by_text("No studies yet")).to_be_visible()
    page.goto(f"/patients/{stranger.pk}")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    assert "SECRET" not in page.content()


def test_signing_in_brings_back_to_the_place_and_refuses_in_words(page: Page, clinician: User, team: Team) -> None:
    patient_of(team, "DOE^JANE", [date(2026, 1, 10)])
    page.goto("/?search=doe")
    page.get_by_label("User name").fill(clinician.username)
    page.get_by_label("Password", exact=True).fill("not it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(row(page, "DOE, JANE")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?search=doe$"))


def test_the_administrators_pages_lead_through_sign_in_and_back(page: Page) -> None:
    person = UserFactory(username="warden", role=Role.ADMINISTRATOR, must_change_password=True)
    give_password(person)
    page.goto("/admin/")
    page.get_by_label("User name").fill(person.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("a wholly different phrase")
    page.get_by_label("New password again").fill("a wholly different phrase")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="SegWeb administration")).to_be_visible()
    page.get_by_role("link", name="Teams", exact=True).click()
    expect(page.get_by_role("link", name="Add team")).to_be_visible()


def test_a_password_set_by_somebody_else_is_changed_first(page: Page, clinician: User) -> None:
    User.objects.filter(pk=clinician.pk).update(must_change_password=True)
    page.goto("/")
    page.get_by_label("User name").fill(clinician.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("a wholly different phrase")
    page.get_by_label("New password again").fill("a wholly different phrase")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Worklist")).to_be_attached()
    clinician.refresh_from_db()
    assert not clinician.must_change_password


def test_a_dropped_folder_survives_a_dropped_connection(
    page: Page, context: BrowserContext, clinician: User, tmp_path: Path
) -> None:
    paths = write_series(tmp_path / "ct", SeriesSpec())
    acts.sign_in(page, clinician.username)
    expect(page.get_by_text("No studies yet")).to_be_visible()
    context.set_offline(True)
    drop(page, [tmp_path / "ct"])
    expect(strip(page)).to_contain_text("Waiting for the connection")
    context.set_offline(False)
    expect(strip(page)).to_contain_text(f"{len(paths)} files added", timeout=60_000)
    assert Instance.objects.count() == len(paths)
    expect(page.locator("tr[data-study]")).to_have_count(1)

    drop(page, [paths[0]])
    page.get_by_role("button", name="Show files").click()
    expect(strip(page)).to_contain_text("Already here")
    assert Instance.objects.count() == len(paths)


def test_a_large_file_goes_on_where_it_stopped_after_a_reload(page: Page, clinician: User, tmp_path: Path) -> None:
    piece = 8 * 1024**2
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(5 * piece))
    acts.sign_in(page, clinician.username)
    cut_off: list[str] = []

    def cut_after_two_pieces(route: Route) -> None:
        offset = route.request.headers.get("upload-offset", "0")
        if int(offset) < 2 * piece:
            route.continue_()
        else:
            cut_off.append(offset)
            route.abort("internetdisconnected")

    page.route("**/api/uploads/*/content", cut_after_two_pieces)
    drop(page, [large])
    expect(strip(page)).to_contain_text("Waiting for the connection", timeout=60_000)
    assert set(cut_off) == {str(2 * piece)}
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks before it leaves an unfinished upload
    page.reload()
    page.unroute("**/api/uploads/*/content")
    expect(strip(page)).to_contain_text("1 upload was cut off")

    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.headers["upload-offset"]) if asked.method == "PATCH" else None)
    drop(page, [large])
    expect(strip(page)).to_contain_text("1 failed", timeout=60_000)  # it is no image: the reason is shown
    assert sent == [str(start * piece) for start in (2, 3, 4)]


def test_a_picture_is_asked_for_its_patient_and_nothing_is_invented(
    page: Page, clinician: User, tmp_path: Path
) -> None:
    for name in ("left.png", "right.png"):
        Image.effect_noise((64, 48), 40).convert("RGB").save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    acts.sign_in(page, clinician.username)
    drop(page, [tmp_path])
    expect(strip(page)).to_contain_text("2 need details", timeout=60_000)
    expect(strip(page)).to_contain_text("1 failed")
    strip(page).get_by_role("button", name="Give details").first.click()
    form = page.get_by_role("dialog")
    acts.assert_accessible(page, "details")
    expect(form.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    form.get_by_label("Patient ID").fill("EYE-1")
    form.get_by_label("Patient name").fill("Argus, Ada")
    form.get_by_label("Study date").fill("2026-11-20")
    form.get_by_role("button", name="Modality").click()
    page.get_by_role("option", name="OP").click()
    form.get_by_text("Use for 1 more file").click()
    form.get_by_role("button", name="Add", exact=True).click()
    expect(strip(page)).to_contain_text("2 files added", timeout=60_000)
    expect(row(page, "Argus, Ada")).to_be_visible()
    patient = Patient.objects.get(patient_id="EYE-1")
    assert (patient.patient_name, patient.patient_birth_date, patient.patient_sex) == ("Argus^Ada", None, "")
    page.get_by_role("button", name="Clear the list").click()
    expect(strip(page)).to_have_count(0)
    page.reload()
    expect(row(page, "Argus, Ada")).to_be_visible()
    expect(strip(page)).to_have_count(0)


def test_a_colleagues_study_does_not_move_the_rows(
    page: Page, stack: LiveStack, clinician: User, team: Team, tmp_path: Path
) -> None:
    patient_of(team, "DOE^JANE", [date(2026, 1, 10)])
    colleague = UserFactory(username="colleague", teams=[team])
    give_password(colleague)
    write_series(tmp_path / "ct", SeriesSpec())
    acts.sign_in(page, clinician.username)
    expect(page.locator("tr[data-study]")).to_have_count(1)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    browser = page.context.browser
    assert browser is not None
    other = browser.new_context(base_url=stack.base_url).new_page()
    acts.sign_in(other, colleague.username)
    acts.upload_folder(other, tmp_path / "ct")
    other.context.close()
    expect(page.get_by_text("The list has changed")).to_be_visible()
    expect(page.locator("tr[data-study]")).to_have_count(1)
    page.keyboard.press("r")
    expect(page.locator("tr[data-study]")).to_have_count(2)


def test_nothing_is_sent_before_the_team_is_chosen(page: Page, clinician: User, tmp_path: Path) -> None:
    second = TeamFactory(name="Neuro-oncology")
    second.members.add(clinician)
    paths = write_series(tmp_path / "ct", SeriesSpec())
    acts.sign_in(page, clinician.username)
    drop(page, [tmp_path / "ct"])
    expect(strip(page)).to_contain_text("For which team?")
    send = strip(page).get_by_role("button", name="Send", exact=True)
    expect(send).to_be_disabled()
    strip(page).get_by_role("button", name="Team").click()
    page.get_by_role("option", name="Neuro-oncology").click()
    send.click()
    expect(strip(page)).to_contain_text(f"{len(paths)} files added", timeout=60_000)
    assert Study.objects.get().home_team == second


def test_a_viewer_sees_but_does_not_add(page: Page, team: Team, tmp_path: Path) -> None:
    viewer = UserFactory(username="viewer", role=Role.VIEWER, teams=[team])
    give_password(viewer)
    patient_of(team, "DOE^JANE", [date(2026, 1, 10)])
    (tmp_path / "a.dcm").write_bytes(b"x")
    acts.sign_in(page, viewer.username)
    expect(row(page, "DOE, JANE")).to_be_visible()
    expect(page.get_by_role("button", name="Add studies")).to_have_count(0)
    drop(page, [tmp_path / "a.dcm"])
    expect(page.get_by_text("Your role or team does not allow adding studies.")).to_be_visible()
