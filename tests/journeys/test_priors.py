"""Two dates of one patient side by side: one place on both, moved by hand, never linked in silence when in doubt."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, Patient, Series, SeriesRegistration, User
from studies.services.segmentations import create_segmentation
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.factories import PatientFactory, StudyFactory, TeamFactory, UserFactory
from tests.journeys import acts
from tests.phantoms import SeriesSpec, lopsided_body, sphere, write_series
from tests.stack import LiveStack, give_password

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

SHIFT_MM = np.array([6.0, -4.0, 5.0])
NOW = SeriesSpec(name="Chest 3 mm", shape=(44, 70, 70), spacing_mm=(3.0, 2.0, 2.0), origin_mm=(-70.0, -70.0, -64.0))
BEFORE = replace(NOW, shape=(26, 60, 60), spacing_mm=(5.0, 2.4, 2.4))
"""The prior has other slices and pixels; the body lay elsewhere, by `SHIFT_MM`."""
LARGE_MM, SMALL_MM = np.array([14.0, 8.0, 6.0]), np.array([-18.0, 4.0, 10.0])
CYST_MM = np.array([-20.0, -20.0, 8.0])
NOW_COLOUR, CYST_COLOUR = "#e69f00", "#cc79a7"
NUDGE_MM = np.array([3.0, 0.0, 0.0])


@dataclass(frozen=True)
class Case:
    """A patient with two dates; the later one has two lesions of 18 and 10 mm."""

    person: User
    prior: Series
    current: Series


def archive(folder: Path, patient: Patient, spec: SeriesSpec, date: str, at_mm: np.ndarray) -> Series:
    spec = replace(spec, study_date=date, voxels=lopsided_body(spec, at_mm))
    study = StudyFactory(
        patient=patient, study_date=f"{date[:4]}-{date[4:6]}-{date[6:]}", study_description=f"CT {date}", series_count=1
    )
    return archive_series(write_series(folder / date, spec), study=study, series_description=spec.name)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    team = TeamFactory(name="Neuro-oncology")
    person = UserFactory(username="reader", teams=[team])
    give_password(person)
    patient = PatientFactory(home_team=team)
    prior = archive(tmp_path, patient, BEFORE, "20250110", np.zeros(3))
    current = archive(tmp_path, patient, NOW, "20260112", SHIFT_MM)
    marked = sphere(NOW, 9.0, SHIFT_MM + LARGE_MM) | sphere(NOW, 5.0, SHIFT_MM + SMALL_MM)
    label_map = LabelMap(marked.astype(np.uint8), describe_grid(current), (SegmentDescription(1, "Lesion"),))
    create_segmentation(
        current,
        name="By hand",
        label_map=label_map,
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=person,
    )
    create_segmentation(
        prior,
        name="By hand",
        label_map=LabelMap(
            marks_before(),
            describe_grid(prior),
            (SegmentDescription(1, "Cyst", colour=CYST_COLOUR), SegmentDescription(2, "lesion", colour="#56b4e9")),
        ),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={},
        created_by=person,
    )
    return Case(person, prior, current)


def marks_before() -> np.ndarray:
    """The large lesion under another number than now, and a cyst; the small lesion was not marked."""
    marks = sphere(BEFORE, 8.0, CYST_MM).astype(np.uint8)
    marks[sphere(BEFORE, 9.0, LARGE_MM)] = 2
    return marks


def places(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """Return where the crosshairs of the prior and of the current series lie, patient mm."""
    found = acts.counter(page, "v => ({ prior: v.prior.priorMm, current: v.prior.currentMm })")
    return np.array(found["prior"]), np.array(found["current"])


def assert_same_place(page: Page, shift_mm: np.ndarray) -> None:
    """The crosshair that follows is at the voxel nearest to the place: within half a voxel, and 1 mm of alignment."""
    half_mm = np.array([*BEFORE.spacing_mm[:0:-1], BEFORE.spacing_mm[0]]) / 2.0
    acts.poll(lambda: np.subtract(*places(page)[::-1]), lambda d: bool((np.abs(d - shift_mm) <= half_mm + 1.0).all()))


def test_a_lesion_is_found_on_the_date_before(page: Page, stack: LiveStack, case: Case) -> None:
    acts.sign_in(page, case.person.username)
    page.goto(f"/studies/{case.current.study_id}?series={case.current.pk}")
    acts.wait_for(page, "v => v.isComplete && v.lesionCount === 2", within_s=60)
    lesions = page.get_by_role("list", name="Lesions of Lesion").get_by_role("button")
    assert diameters_mm(lesions.first) == pytest.approx([18.0, 18.0], abs=2.0 * np.hypot(2.0, 2.0))
    assert diameters_mm(lesions.last) == pytest.approx([10.0, 10.0], abs=2.0 * np.hypot(2.0, 2.0))
    lesions.first.press("Enter")
    expect(lesions.first).to_have_attribute("aria-pressed", "true")
    acts.poll(lambda: places_of_current(page), lambda at: bool((np.abs(at - SHIFT_MM - LARGE_MM) <= 3.0).all()))

    compare_side_by_side(page)
    labels_of_the_prior(page, case)
    flicker_and_difference(page)
    nudge(page, case)
    doubt_unlinks(page, case)


def diameters_mm(line: Locator) -> list[float]:
    """Read "21 × 20 mm" off a lesion's line; a diameter may be off by the diagonal of a pixel at either end."""
    found = re.search(r"([\d.]+) × ([\d.]+) mm", line.inner_text())
    assert found is not None
    return [float(found[1]), float(found[2])]


def places_of_current(page: Page) -> np.ndarray:
    slice_index, row, column = acts.counter(page, "v => v.voxel")
    return np.asarray(NOW.index_to_patient_mm @ [slice_index, row, column, 1.0])[:3]


def compare_side_by_side(page: Page) -> None:
    page.keyboard.press("k")
    acts.wait_for(page, "v => v.prior?.lamp === 'trusted' && v.prior.isComplete", within_s=120)
    expect(page.get_by_text("Prior 10 Jan 2025")).to_be_visible()
    assert_same_place(page, SHIFT_MM)
    before = places(page)[1]
    prior = page.locator("[data-plane=acquired]").first
    prior.hover()
    page.mouse.wheel(0, 100)
    acts.poll(lambda: places(page)[1], lambda at: abs(at[2] - before[2]) >= 3.0)  # the other date scrolls too
    assert_same_place(page, SHIFT_MM)
    prior.click(position={"x": 180, "y": 260})
    acts.poll(lambda: places(page)[1], lambda at: bool((np.abs(at - before)[:2] > 2.0).any()))
    assert_same_place(page, SHIFT_MM)


def labels_of_the_prior(page: Page, case: Case) -> None:
    """Over the prior's images lie its own labels, the same lesion in the colour it has now, another in its own."""
    newest = case.prior.segmentations.get().revisions.get()
    acts.wait_for(page, f"v => v.prior.shownRevisionId === '{newest.pk}'")
    assert acts.counter(page, "v => v.prior.overlayVoxels") == np.count_nonzero(marks_before())
    lesions = page.get_by_role("list", name="Lesions of Lesion").get_by_role("button")
    lesions.last.press("Enter")  # the image through the small one passes through the large one too
    expect(lesions.last).to_have_attribute("aria-pressed", "true")
    assert_same_place(page, SHIFT_MM)
    slice_index = acts.counter(page, "v => v.prior.voxel[0]")
    places = [index_of(BEFORE, at_mm) for at_mm in (LARGE_MM, CYST_MM)]
    points = [acts.counter(page, f"v => v.priorPointOf([{slice_index}, {r:.0f}, {c:.0f}])") for _, r, c in places]
    bare = shades(page, *points, hides=True)
    tinted = [blend(grey, colour) for grey, colour in zip(bare, (NOW_COLOUR, CYST_COLOUR), strict=True)]
    acts.poll(lambda: shades(page, *points), lambda seen: bool(np.abs(seen - tinted).max() <= 3))

    page.keyboard.press("t")  # laid over the current images, the prior's labels take the place of the current ones
    acts.wait_for(page, "v => v.prior.mode === 'flicker' && v.prior.isLaidOver")  # the one pane has its new size
    large_now = np.rint(index_of(NOW, SHIFT_MM + LARGE_MM)).astype(int)
    now = acts.counter(page, "v => v.voxel")
    over = [acts.point_of(page, (now[0], int(row), int(column))) for row, column in (large_now[1:], now[1:])]
    bare = shades(page, *over, hides=True)
    tinted = [blend(bare[0], NOW_COLOUR), bare[1]]
    acts.poll(lambda: shades(page, *over), lambda seen: bool(np.abs(seen - tinted).max() <= 3))
    page.keyboard.press("d")
    acts.wait_for(page, "v => v.prior.mode === 'side'")


def index_of(spec: SeriesSpec, at_mm: np.ndarray) -> np.ndarray:
    """Return the voxel (slice, row, column) at a place, between voxels."""
    return np.asarray(np.linalg.inv(spec.index_to_patient_mm) @ [*at_mm, 1.0])[:3]


def shades(page: Page, *points: tuple[float, float], hides: bool = False) -> np.ndarray:
    """Return the colours at points of the page, without labels if they are to be hidden meanwhile."""
    if hides:
        page.keyboard.press("o")
        page.wait_for_timeout(400)
    seen = acts.picture(page)
    if hides:
        page.keyboard.press("o")
    return np.array([seen[round(y), round(x)] for x, y in points])


def blend(grey: np.ndarray, colour: str) -> np.ndarray:
    """A colour laid over a grey as the page does at first: 35 %."""
    laid = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return 0.65 * grey + 0.35 * laid


def flicker_and_difference(page: Page) -> None:
    page.keyboard.press("t")
    acts.wait_for(page, "v => v.prior.mode === 'flicker' && v.prior.showsPrior")
    expect(page.get_by_text("Prior 10 Jan 2025, laid over")).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_text("Current 12 Jan 2026")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_text("Current minus prior 10 Jan 2025")).to_be_visible()
    page.keyboard.press("Escape")
    acts.wait_for(page, "v => v.prior.mode === 'side'")


def nudge(page: Page, case: Case) -> None:
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    acts.poll(  # on a slow machine each step is saved by itself
        lambda: SeriesRegistration.objects.values_list("nudge_mm", flat=True).get(current_series=case.current),
        lambda nudge_mm: bool(np.allclose(nudge_mm, NUDGE_MM, atol=1e-9)),
    )
    assert_same_place(page, SHIFT_MM + NUDGE_MM)
    page.get_by_role("button", name="Take the move back").click()
    acts.poll(
        lambda: SeriesRegistration.objects.values_list("nudge_mm", flat=True).get(current_series=case.current),
        lambda nudge_mm: nudge_mm == [0.0, 0.0, 0.0],
    )


def doubt_unlinks(page: Page, case: Case) -> None:
    SeriesRegistration.objects.update(problems=["registration.no_clear_optimum"], confidence=0.3)
    assert f"compare={case.prior.pk}" in page.url
    page.reload()
    acts.wait_for(page, "v => v.prior?.lamp === 'doubtful' && v.prior.isComplete", within_s=60)
    assert acts.counter(page, "v => v.prior.isLinked") is False
    expect(page.get_by_text("Moving the prior by a centimetre fits nearly as well.").first).to_be_visible()
    expect(page.get_by_role("button", name="Flicker")).to_be_disabled()
    acts.assert_accessible(page, "comparison in doubt")
    page.get_by_role("button", name="Link anyway").click()
    assert_same_place(page, SHIFT_MM)
    page.keyboard.press("Escape")
    acts.wait_for(page, "v => v.prior === undefined")
