"""What the reading page does when things do not go straight: other label maps, other readers, other browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from inference.models import SegmentationJob
from studies.label_maps.codec import decode_brick, encode_brick
from studies.label_maps.label_map import LabelMap, SegmentDescription
from studies.models import AlgorithmType, Role, Segmentation, SegmentationRevision, Series, Team, User
from studies.services.segmentations import create_segmentation, load_label_map
from studies.services.volumes import describe_grid
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.journeys import acts
from tests.journeys.conftest import launch, new_page
from tests.phantoms import SeriesSpec, sphere, touching_pair, write_projection, write_series
from tests.stack import LiveStack, give_password

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

BALL = SeriesSpec(modality="MR", shape=(16, 48, 64), spacing_mm=(2.0, 1.0, 1.0), intercept=0.0)
RADIUS_MM = 8.0
CENTRE: acts.Voxel = (8, 24, 32)
GROUND: acts.Voxel = (8, 6, 8)
LONG_BALL = replace(BALL, shape=(360, 64, 64), spacing_mm=(1.5, 1.5, 1.5))
"""So tall that the network needs more than twenty layers of windows."""


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="Neuro-oncology")


@pytest.fixture
def clinician(team: Team) -> User:
    return person_of(team, "ada")


def person_of(team: Team, username: str, role: Role = Role.CLINICIAN) -> User:
    person: User = UserFactory(username=username, first_name=username.title(), role=role, teams=[team])
    give_password(person)
    return person


def ball_of(
    team: Team, folder: Path, spec: SeriesSpec = BALL, *, shape: np.ndarray | None = None
) -> tuple[Series, SegmentationRevision]:
    """Archive a bright ball, or what else there is to be seen, on a dark ground, segmented already."""
    ball = sphere(spec, RADIUS_MM) if shape is None else shape
    rows, columns = np.indices(spec.shape)[1:]
    voxels = np.where(ball, 900, 100 + (rows + columns) % 40)
    series = archive_series(
        write_series(folder, replace(spec, voxels=voxels)), study__patient=PatientFactory(home_team=team)
    )
    revision = create_segmentation(
        series,
        name="Ball",
        label_map=LabelMap(ball.astype(np.uint8), describe_grid(series), (SegmentDescription(1, "Ball"),)),
        algorithm_type=AlgorithmType.MANUAL,
        provenance={"act": "drawn"},
        created_by=None,
    )
    return series, revision


def open_series(page: Page, series: Series, reader: User) -> None:
    acts.sign_in(page, reader.username)
    page.goto(f"/studies/{series.study_id}?series={series.pk}")
    acts.wait_for(page, "v => v.isComplete", within_s=60)


def shows(page: Page, revision: SegmentationRevision) -> None:
    """The label map on screen is this revision's, voxel for voxel."""
    acts.wait_for(page, f"v => v.shownRevisionId === '{revision.pk}'", within_s=60)
    assert acts.counter(page, "v => v.labelMapDigest()") == revision.digest


def draw(page: Page, voxel: acts.Voxel) -> None:
    """Draw a dot with the brush where a voxel is."""
    page.keyboard.press("b")
    page.mouse.click(*acts.point_of(page, voxel))


def test_labels_damaged_on_their_way_are_fetched_as_stored(
    page: Page, stack: LiveStack, clinician: User, team: Team, tmp_path: Path
) -> None:
    series, _ = ball_of(team, tmp_path)
    damaged: list[int] = []

    def damage_the_first(line: WebSocketRoute) -> None:
        server = line.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if isinstance(message, bytes) and not damaged:
                brick = decode_brick(message, max_voxels=10**6)
                damaged.append(brick.sequence)
                message = encode_brick(
                    np.ones_like(brick.voxels),
                    slice_start=brick.slice_start,
                    sequence=brick.sequence,
                    job_id=brick.job_id,
                )
            line.send(message)

        server.on_message(pass_on)

    page.route_web_socket(re.compile(r"/ws/jobs/"), damage_the_first)
    open_series(page, series, clinician)
    acts.choose_model(page, "Otsu's threshold")
    page.get_by_role("button", name=re.compile("^Run$")).click()
    acts.wait_for(page, "v => v.jobState === 'succeeded'", within_s=60)
    job = SegmentationJob.objects.get()
    assert job.revision is not None
    shows(page, job.revision)
    assert damaged == [1]
    assert acts.counter(page, "v => v.overlayVoxels") == np.count_nonzero(sphere(BALL, RADIUS_MM))


def test_a_run_that_is_cancelled_gives_the_earlier_label_map_back(
    page: Page, stack: LiveStack, clinician: User, team: Team, tmp_path: Path
) -> None:
    series, ball = ball_of(team, tmp_path, LONG_BALL)
    voxels = int(np.count_nonzero(sphere(LONG_BALL, RADIUS_MM)))
    open_series(page, series, clinician)
    shows(page, ball)
    acts.choose_model(page, acts.network_title())
    page.get_by_role("button", name=re.compile("^Run$")).click()
    acts.wait_for(page, "v => v.drawnSequence >= 1", within_s=120)
    assert acts.counter(page, "v => v.shownRevisionId") is None

    # Another label map, looked at meanwhile, stays as it is while the run goes on.
    page.get_by_role("tab", name=re.compile("^History")).click()
    page.get_by_role("button", name=re.compile("^Revision 1")).click()
    shows(page, ball)
    done = SegmentationJob.objects.get().windows_done
    acts.poll(lambda: SegmentationJob.objects.get().windows_done, lambda now: now > done, within_s=60)
    shows(page, ball)
    page.get_by_role("tab", name=re.compile("^Run")).click()
    page.get_by_role("button", name="Show its labels").click()
    acts.wait_for(page, "v => v.drawnSequence >= 1 && !v.shownRevisionId", within_s=60)

    page.reload()  # the run is found again where it stands, the label map before it is not forgotten
    acts.wait_for(page, "v => v.jobState === 'running' && !v.shownRevisionId", within_s=60)
    page.get_by_role("tab", name=re.compile("^Run")).click()
    page.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(page.get_by_text("Cancelled. Nothing was stored.")).to_be_visible()
    shows(page, ball)
    assert acts.counter(page, "v => v.overlayVoxels") == voxels
    assert SegmentationRevision.objects.count() == 1


def test_images_that_arrive_meanwhile_are_announced(
    page: Page, stack: LiveStack, browser: Browser, clinician: User, tmp_path: Path
) -> None:
    for path in write_series(tmp_path / "all", BALL)[:8]:
        (tmp_path / "first").mkdir(exist_ok=True)
        path.rename(tmp_path / "first" / path.name)
    acts.sign_in(page, clinician.username)
    acts.upload_folder(page, tmp_path / "first")
    acts.open_study(page, "MR")
    assert acts.counter(page, "v => v.sliceCount") == 8

    elsewhere = new_page(browser, stack.base_url)
    acts.sign_in(elsewhere, clinician.username)
    acts.upload_folder(elsewhere, tmp_path / "all")
    elsewhere.context.close()
    expect(page.get_by_text("More images of this series have arrived.")).to_be_visible()
    acts.choose_model(page, "Otsu's threshold")
    expect(page.get_by_role("button", name=re.compile("^Run$"))).to_be_disabled()
    page.reload()
    acts.wait_for(page, "v => v.isComplete && v.sliceCount === 16", within_s=60)
    expect(page.get_by_text("More images of this series have arrived.")).to_have_count(0)


def test_two_readers_on_one_base_overwrite_nothing(
    page: Page, stack: LiveStack, browser: Browser, clinician: User, team: Team, tmp_path: Path
) -> None:
    series, ball = ball_of(team, tmp_path)
    other = new_page(browser, stack.base_url)
    open_series(page, series, clinician)
    open_series(other, series, person_of(team, "bob"))
    shows(other, ball)
    shows(page, ball)
    locked_segments_are_left_alone(page)

    draw(page, GROUND)
    page.keyboard.press("Control+s")
    acts.wait_for(page, "v => v.saveState === 'saved'")
    first = SegmentationRevision.objects.get(base=ball)

    draw(other, (GROUND[0], GROUND[1], GROUND[2] + 40))
    mine = acts.counter(other, "v => v.labelMapDigest()")
    other.keyboard.press("Control+s")
    dialog = other.get_by_role("alertdialog", name="Somebody saved in between")
    expect(dialog).to_contain_text("Ada")
    acts.assert_accessible(other, "conflict")
    other.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert acts.counter(other, "v => v.labelMapDigest()") == mine
    other.keyboard.press("Control+s")
    dialog.get_by_role("button", name="Save mine as a new segmentation").click()
    acts.wait_for(other, "v => v.saveState === 'saved'")
    copy = Segmentation.objects.exclude(pk=ball.segmentation_id).get()
    shows(other, copy.revisions.get(number=2))
    assert copy.revisions.get(number=2).digest == mine
    assert list(ball.segmentation.revisions.values_list("number", "digest")) == [(1, ball.digest), (2, first.digest)]

    other.get_by_role("tab", name=re.compile("^History")).click()
    other.get_by_role("button", name=re.compile("^Revision 1")).last.click()
    shows(other, ball)
    draw(other, GROUND)
    other.keyboard.press("Control+s")
    dialog.get_by_role("button", name="Open theirs, discard mine").click()
    shows(other, first)
    assert SegmentationRevision.objects.count() == 4
    assert load_label_map(first).voxels[GROUND] == 1
    other.context.close()


def locked_segments_are_left_alone(page: Page) -> None:
    """The brush neither adds to a locked segment nor does the eraser take from it."""
    before = acts.counter(page, "v => v.labelMapDigest()")
    page.get_by_role("tab", name=re.compile("^Segments")).click()
    page.get_by_role("button", name=re.compile("^Lock Ball")).click()
    draw(page, GROUND)
    expect(page.get_by_text("Ball is locked. Unlock it to draw with it.")).to_be_visible()
    page.keyboard.press("e")
    page.mouse.click(*acts.point_of(page, CENTRE))
    page.wait_for_timeout(200)
    assert acts.counter(page, "v => v.labelMapDigest()") == before
    assert acts.counter(page, "v => v.saveState") == "clean"
    page.get_by_role("button", name="Unlock Ball").click()


def test_two_lesions_that_touch_are_cut_by_a_line(
    page: Page, stack: LiveStack, clinician: User, team: Team, tmp_path: Path
) -> None:
    pair = touching_pair(BALL, RADIUS_MM)  # as a reader wants them: the left one 1, the right one 2
    series, whole = ball_of(team, tmp_path, shape=pair > 0)
    open_series(page, series, clinician)
    shows(page, whole)
    draw(page, GROUND)  # what is not saved yet is part of what is cut
    drawn = acts.counter(page, "v => v.labelMapDigest()")
    page.keyboard.press("u")
    expect(page.get_by_text("Draw a line right across two lesions that touch.")).to_be_visible()
    line(page, (8, 30, 56), (8, 44, 56))
    expect(page.get_by_text("The line crosses no lesion of this segment; draw it right across one.")).to_be_visible()
    acts.wait_for(page, "v => v.saveState === 'saved'")
    saved = SegmentationRevision.objects.get(base=whole)
    shows(page, saved)
    assert saved.digest == drawn

    line(page, (8, 8, 31.5), (8, 40, 31.5))
    acts.wait_for(page, f"v => v.shownRevisionId !== '{saved.pk}' && v.saveState === 'saved' && v.lesionCount === 3")
    parted = SegmentationRevision.objects.get(base=saved)
    shows(page, parted)
    expected = load_label_map(saved).voxels
    expected[pair == 2] = 2
    np.testing.assert_array_equal(load_label_map(parted).voxels, expected)
    expect(page.get_by_title("Draw with Ball 2", exact=True)).to_be_visible()
    acts.assert_accessible(page, "cut")

    page.keyboard.press("Control+z")
    acts.wait_for(page, "v => v.saveState === 'unsaved'")
    assert acts.counter(page, "v => v.labelMapDigest()") == drawn
    # Cut again, from the side: what was taken back is saved first and leaves no segment behind.
    line(page, (2, 24, 31.5), (14, 24, 31.5), plane="along_rows")
    acts.wait_for(page, "v => v.saveState === 'saved' && v.lesionCount === 3")
    assert list(whole.segmentation.revisions.order_by("number").values_list("digest", flat=True)) == [
        whole.digest,
        drawn,
        parted.digest,
        drawn,
        parted.digest,
    ]


def line(page: Page, start: tuple[float, ...], end: tuple[float, ...], plane: str = "acquired") -> None:
    """Draw a straight line from voxel to voxel."""
    points = [acts.counter(page, f"v => v.pagePointOf({list(place)}, '{plane}')") for place in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    page.mouse.up()


def test_a_viewer_reads_and_changes_nothing(page: Page, stack: LiveStack, team: Team, tmp_path: Path) -> None:
    series, ball = ball_of(team, tmp_path)
    open_series(page, series, person_of(team, "vera", Role.VIEWER))
    shows(page, ball)
    page.keyboard.press("ArrowDown")
    acts.wait_for(page, f"v => v.sliceIndex === {BALL.shape[0] // 2 + 1}")
    for key in ("b", "e"):
        page.keyboard.press(key)
        assert acts.counter(page, "v => v.tool") == "crosshair"
    for name in (re.compile("^Brush"), re.compile("^Eraser"), re.compile("^Lock Ball")):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    expect(page.get_by_role("button", name=re.compile("^Save$"))).to_have_count(0)
    expect(page.get_by_role("button", name="Draw a new one")).to_have_count(0)
    acts.assert_accessible(page, "segments")
    acts.choose_model(page, "Otsu's threshold")
    expect(page.get_by_role("button", name=re.compile("^Run$"))).to_be_disabled()
    expect(page.get_by_text("Your role may look at results, not run models.")).to_be_visible()
    acts.assert_accessible(page, "run")
    page.get_by_role("tab", name=re.compile("^History")).click()
    acts.assert_accessible(page, "history")


@pytest.fixture(params=["webgl", "no_webgl"])
def reader(request: pytest.FixtureRequest, browser: Browser, stack: LiveStack) -> Iterator[Page]:
    """A page with WebGL, and one in a browser that offers none."""
    chromium = browser if request.param == "webgl" else launch(browser.browser_type, "--disable-3d-apis")
    opened = new_page(chromium, stack.base_url)
    yield opened
    opened.context.close()
    if chromium is not browser:
        chromium.close()


def test_an_x_ray_is_white_where_it_stores_nothing_with_and_without_webgl(
    reader: Page, request: pytest.FixtureRequest, clinician: User, team: Team, tmp_path: Path
) -> None:
    stored = np.repeat(np.repeat(np.array([[0, 2047, 4095]], np.uint16), 256, axis=0), 128, axis=1)
    path = write_projection(tmp_path / "x.dcm", stored)
    series = archive_series([path], study__patient=PatientFactory(home_team=team))
    open_series(reader, series, clinician)
    has_webgl = "no_webgl" not in request.node.name
    assert acts.counter(reader, "v => v.hasWebGl") is has_webgl
    expect(reader.get_by_text("No WebGL: drawn by the processor")).to_have_count(0 if has_webgl else 1)

    # MONOCHROME1: the smallest value is white
    acts.poll(lambda: greys(reader), lambda seen: seen == pytest.approx([255, 128, 0], abs=2))
    reader.keyboard.press("i")
    acts.poll(lambda: greys(reader), lambda seen: seen == pytest.approx([0, 127, 255], abs=2))


def greys(page: Page) -> list[float]:
    """Grey values on screen in the middle of the three stripes."""
    points = [acts.point_of(page, (0, 128, column)) for column in (64, 192, 320)]
    seen = acts.picture(page)
    return [float(seen[round(y), round(x)].mean()) if round(x) < seen.shape[1] else 0.0 for x, y in points]


def test_without_webgl_a_series_is_read_and_corrected_all_the_same(
    stack: LiveStack, browser: Browser, clinician: User, team: Team, tmp_path: Path
) -> None:
    series, ball = ball_of(team, tmp_path)
    chromium = launch(browser.browser_type, "--disable-3d-apis")
    page = new_page(chromium, stack.base_url)
    open_series(page, series, clinician)
    shows(page, ball)
    assert acts.counter(page, "v => v.hasWebGl") is False
    acts.go_to_slice(page, GROUND[0])
    page.keyboard.press("b")
    for _ in range(5):
        page.keyboard.press("[")  # down to 1 mm: the voxel and its four neighbours
    draw(page, GROUND)
    page.keyboard.press("Control+s")
    acts.wait_for(page, "v => v.saveState === 'saved'")
    saved = load_label_map(SegmentationRevision.objects.get(base=ball)).voxels.astype(int)
    _, row, column = GROUND
    changed = {tuple(int(i) for i in place) for place in np.argwhere(saved - load_label_map(ball).voxels)}
    assert changed == {
        (8, row, column),
        (8, row - 1, column),
        (8, row + 1, column),
        (8, row, column - 1),
        (8, row, column + 1),
    }
    chromium.close()
