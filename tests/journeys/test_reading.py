"""From a folder of real DICOM to a corrected, saved label map, in a browser, with the line cut on the way."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from scipy import ndimage

from inference.models import SegmentationJob
from studies.label_maps.codec import decode_brick
from studies.label_maps.label_map import digest_voxels
from studies.models import SegmentationRevision, Team, User
from studies.storage import blob_store
from tests.factories import StudyFactory, TeamFactory, UserFactory
from tests.journeys import acts
from tests.stack import LiveStack, give_password

pytestmark = [pytest.mark.journey, pytest.mark.real_data, pytest.mark.django_db(transaction=True)]

TUMOUR: acts.Voxel = (21, 285, 325)
"""A voxel well inside the enhancing tumour of mr_vs_seg_001."""


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="Neuro-oncology")


@pytest.fixture
def clinician(team: Team) -> User:
    person = UserFactory(username="reader", teams=[team])
    give_password(person)
    return person


def stored_voxels(revision: SegmentationRevision) -> np.ndarray:
    with blob_store().open(revision.blob_id) as stored:
        return decode_brick(stored.read(), max_voxels=10**9).voxels


def test_a_tumour_from_a_dropped_folder_is_found_explained_grown_and_corrected(
    page: Page, stack: LiveStack, clinician: User, shared_data: Path
) -> None:
    acts.sign_in(page, clinician.username)
    acts.upload_folder(page, shared_data / "mr_vs_seg_001" / "dicom")
    acts.open_study(page, "MR")
    assert acts.counter(page, "v => v.sliceCount") == 60
    found = find_the_tumour(page)
    see_how_sure_and_why(page)
    grown = grow_the_tumour_from_a_click(page)
    beside, own = lesion_at_the_tumour(found), lesion_at_the_tumour(grown)
    assert 2 * np.count_nonzero(beside & own) / (beside.sum() + own.sum()) > 0.5  # two methods, one tumour

    page.get_by_role("tab", name=re.compile("^History")).click()
    page.get_by_role("button", name=re.compile("^Revision 1")).last.click()  # the newest is listed first
    acts.wait_for(page, f"v => v.shownRevisionId === '{found.pk}' && v.overlayVoxels > 0")
    correct_and_save(page)
    assert SegmentationRevision.objects.get(base=found).created_by == clinician
    page.get_by_role("tab", name=re.compile("^Segments")).click()
    expect(page.get_by_text(re.compile("^Accepted or corrected by"))).to_be_visible()


def test_a_network_through_a_dropped_line_a_correction_and_a_cancelled_run(
    page: Page, stack: LiveStack, clinician: User, shared_data: Path
) -> None:
    elsewhere = StudyFactory(study_description="Not for this reader")

    acts.sign_in(page, clinician.username)
    acts.upload_folder(page, shared_data / "mr_vs_seg_001" / "dicom")
    acts.open_study(page, "MR")
    watch_the_network_through_a_dropped_line(page, stack)
    correct_and_save(page)
    cancel_a_run(page)

    page.goto(f"/studies/{elsewhere.pk}")
    expect(page.get_by_text("Not found", exact=True)).to_be_visible()
    expect(page.get_by_text("Not for this reader")).to_have_count(0)


def find_the_tumour(page: Page) -> SegmentationRevision:
    acts.choose_model(page, "Brain tumour (T1 with contrast)")
    page.get_by_role("button", name=re.compile("^Run$")).click()
    acts.wait_for(page, "v => v.jobState === 'succeeded' && v.shownRevisionId", within_s=240)
    job = SegmentationJob.objects.get(model_name="brain_tumour")
    assert job.revision is not None
    assert stored_voxels(job.revision)[TUMOUR] == 1
    assert acts.counter(page, "v => v.labelMapDigest()") == job.revision.digest
    return job.revision


def see_how_sure_and_why(page: Page) -> None:
    page.get_by_role("tab", name=re.compile("^Segments")).click()
    # nobody has outlined a volume that it read in three planes: how good this is, a person says
    expect(page.get_by_text("How good the marks are cannot be told", exact=False)).to_be_visible()
    choose_the_lesion_at(page, TUMOUR)
    sure = page.get_by_role("region", name="How sure the model was")
    without = acts.picture(page)
    sure.get_by_role("button", name="Show uncertainty (H)").click()
    acts.poll(lambda: reddened(without, acts.picture(page)), lambda pixels: pixels > 200)
    page.keyboard.press("h")
    acts.poll(lambda: reddened(without, acts.picture(page)), lambda pixels: pixels == 0)

    why = page.get_by_role("region", name="Why?")
    why.get_by_role("button", name=re.compile("Ask by")).click()
    page.get_by_role("option", name="coarsest features (Grad-CAM)").click()
    page.keyboard.press("y")
    answer = why.get_by_text(re.compile("^The network's answer for it"))
    expect(answer).to_be_in_viewport(timeout=120_000)
    acts.poll(lambda: reddened(without, acts.picture(page)), lambda pixels: pixels > 200)
    page.keyboard.press("h")


def choose_the_lesion_at(page: Page, voxel: acts.Voxel) -> None:
    """Go through the list as a reader does, each line bringing its lesion into view, until the one looked for comes."""
    for line in page.get_by_role("list", name="Lesions of Brain tumour").get_by_role("button").all():
        line.click()
        at = acts.counter(page, "v => v.voxel")
        if abs(at[0] - voxel[0]) <= 4 and abs(at[1] - voxel[1]) <= 40 and abs(at[2] - voxel[2]) <= 40:
            return
    pytest.fail("No lesion of the list lies at the tumour.")


def reddened(before: np.ndarray, after: np.ndarray) -> int:
    """Count the pixels of the images that have become purple, as no label is and what lies over them."""
    shift = (after - before)[60:600, 60:1020]
    return int(np.count_nonzero((shift[..., 0] > 15) & (shift[..., 2] > 10) & (shift[..., 1] < shift[..., 0] - 10)))


def lesion_at_the_tumour(revision: SegmentationRevision) -> np.ndarray:
    """Return the connected lesion of a label map that holds the tumour's voxel."""
    numbers, _ = ndimage.label(stored_voxels(revision) > 0)
    assert numbers[TUMOUR] > 0
    return np.asarray(numbers == numbers[TUMOUR])


def grow_the_tumour_from_a_click(page: Page) -> SegmentationRevision:
    acts.go_to_slice(page, TUMOUR[0])
    before = acts.picture(page)
    shown = acts.counter(page, "v => v.shownRevisionId")
    acts.choose_model(page, "Region growing")
    page.get_by_role("button", name="Click on the image").click()
    page.mouse.click(*acts.point_of(page, TUMOUR))
    # at this zoom a screen pixel is wider than a voxel: the point may be a neighbour
    expect(page.get_by_text(re.compile(rf"image {TUMOUR[0] + 1}, row 28[5-7], column 32[5-7]"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Run$")).click()
    grown = f"v => v.jobState === 'succeeded' && v.shownRevisionId && v.shownRevisionId !== '{shown}'"
    acts.wait_for(page, grown, within_s=120)

    job = SegmentationJob.objects.get(model_name="region_growing")
    assert job.revision is not None
    voxels = stored_voxels(job.revision)
    assert voxels[TUMOUR] == 1
    assert 0.1 < job.revision.segments.get().volume_ml < 20
    assert acts.counter(page, "v => v.overlayVoxels") == np.count_nonzero(voxels)
    assert np.abs(acts.picture(page) - before).max(axis=2).astype(bool).sum() > 50  # the overlay is on the screen
    return job.revision


def watch_the_network_through_a_dropped_line(page: Page, stack: LiveStack) -> None:
    acts.choose_model(page, acts.network_title())
    renders = acts.counter(page, "v => v.rendersWithOverlay")
    page.get_by_role("button", name=re.compile("^Run$")).click()
    acts.wait_for(page, "v => v.jobState === 'running'", within_s=120)
    acts.wait_for(page, "v => v.drawnSequence >= 2", within_s=300)

    web = stack.kill("web")
    acts.wait_for(page, "v => v.connection !== 'open'")
    stack.start_child(web)
    acts.wait_for(page, "v => v.connection === 'open'", within_s=120)
    acts.wait_for(page, "v => v.jobState === 'succeeded' && v.shownRevisionId", within_s=600)

    assert acts.counter(page, "v => v.rendersWithOverlay") - renders >= 3
    job = SegmentationJob.objects.exclude(model_name="region_growing").get()
    assert job.attempt == 1
    assert job.revision is not None
    assert acts.counter(page, "v => v.labelMapDigest()") == job.revision.digest
    assert digest_voxels(stored_voxels(job.revision)) == job.revision.digest


def correct_and_save(page: Page) -> None:
    shown = acts.counter(page, "v => v.shownRevisionId")
    before = acts.counter(page, "v => v.overlayVoxels")
    acts.go_to_slice(page, TUMOUR[0])
    page.keyboard.press("b")
    x, y = acts.point_of(page, (TUMOUR[0], TUMOUR[1] + 60, TUMOUR[2]))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=5)
    page.mouse.up()
    drawn = acts.wait_for(page, f"v => v.overlayVoxels > {before} && v.overlayVoxels")
    page.keyboard.press("Control+z")
    acts.wait_for(page, f"v => v.overlayVoxels === {before}")
    page.keyboard.press("Control+Shift+Z")
    acts.wait_for(page, f"v => v.overlayVoxels === {drawn}")
    page.keyboard.press("Control+s")
    acts.wait_for(page, "v => v.saveState === 'saved'")

    saved = SegmentationRevision.objects.get(base_id=shown)
    assert saved.number == 2
    assert np.count_nonzero(stored_voxels(saved)) == drawn
    assert acts.counter(page, "v => v.labelMapDigest()") == saved.digest
    assert digest_voxels(stored_voxels(SegmentationRevision.objects.get(pk=shown))) != saved.digest


def cancel_a_run(page: Page) -> None:
    revisions = SegmentationRevision.objects.count()
    shown = acts.counter(page, "v => v.shownRevisionId")
    acts.choose_model(page, acts.network_title())
    page.get_by_role("button", name=re.compile("^Run$")).click()
    acts.wait_for(page, "v => v.jobState === 'running'", within_s=120)
    page.get_by_role("button", name=re.compile("^Cancel")).click()
    acts.wait_for(page, "v => v.jobState === 'cancelled'")
    expect(page.get_by_text("Cancelled. Nothing was stored.")).to_be_visible()
    assert SegmentationRevision.objects.count() == revisions
    acts.wait_for(page, f"v => v.shownRevisionId === '{shown}'", within_s=60)
    assert acts.counter(page, "v => v.labelMapDigest()") == SegmentationRevision.objects.get(pk=shown).digest
