"""Pictures of the running product for README: a stack of its own on the demo cases, a browser, a person at work."""

from __future__ import annotations

import io
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from PIL import Image

from segweb.setup.debian import find_browser
from segweb.supervision.stack import HOST
from studies.label_maps.codec import decode_brick

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTH, HEIGHT = 1280, 720
COURSE = "CT chest"
STUDY, SERIES, MODEL = "MR brain", "T1 3D with contrast", "Enhancing brain lesion (T1 with contrast)"
UP_WITHIN_S, RUN_WITHIN_S = 600.0, 900.0
BROWSER_FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_PASSWORD = re.compile(r"^\s*clinician\s+(\S+)\s+one-time password: (\S+)$")


class NotTakenError(Exception):
    """The pictures could not be taken; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Portal:
    """A running portal and the account to sign in with."""

    url: str
    username: str
    password: str


def take_screenshots(target: Path, say: Callable[[str], object]) -> list[Path]:
    """Write worklist.png, patient.png, course.png and reading.png to ``target`` and return their paths."""
    browser_path = find_browser()
    if browser_path is None:
        raise NotTakenError("There is no Chromium on this machine. On Debian or Ubuntu: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NotTakenError("Playwright is missing; make test installs it with what the tests need.") from error
    target.mkdir(parents=True, exist_ok=True)
    with running_portal() as portal, sync_playwright() as playwright:
        say(f"The portal runs at {portal.url}.")
        browser = playwright.chromium.launch(executable_path=browser_path, args=BROWSER_FLAGS)
        page = browser.new_context(base_url=portal.url, viewport={"width": WIDTH, "height": HEIGHT}).new_page()
        try:
            _sign_in(page, portal)
            taken = [
                _reading(page, target, say),
                _worklist(page, target),
                _patient(page, target),
                _course(page, target),
            ]
        finally:
            browser.close()
    return taken


@contextmanager
def running_portal() -> Iterator[Portal]:
    """Start the embedded stack with its demo cases on a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="segweb-screenshots-") as folder, socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
        probe.close()
        foreign = ("SEGWEB_DATABASE_URL", "SEGWEB_BROKER_URL")
        env = {name: value for name, value in os.environ.items() if name not in foreign}
        env |= {"SEGWEB_DATA_DIR": folder, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "manage.py", "up", "--port", str(port)]
        stack = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=settings.BASE_DIR, env=env, stdout=subprocess.PIPE, text=True
        )
        try:
            username, password = _read_account(stack)
            yield Portal(f"http://{HOST}:{port}", username, password)
        finally:
            stack.terminate()
            with suppress(subprocess.TimeoutExpired):
                stack.wait(30)
            stack.kill()


def _read_account(stack: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the demo clinician's name and one-time password, which `manage.py up` prints once it is up."""
    deadline = time.monotonic() + UP_WITHIN_S
    for line in stack.stdout or ():
        if found := _PASSWORD.match(line):
            return found[1], found[2]
        if time.monotonic() > deadline:
            break
    raise NotTakenError("The portal did not start. Run it by hand to see why: make run")


def _sign_in(page: Page, portal: Portal) -> None:
    page.goto("/")
    page.get_by_label("User name").fill(portal.username)
    page.get_by_label("Password", exact=True).fill(portal.password)
    page.keyboard.press("Enter")
    page.get_by_label("Current password").fill(portal.password)
    chosen = secrets.token_urlsafe(16)
    page.get_by_label("New password", exact=True).fill(chosen)
    page.get_by_label("New password again").fill(chosen)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Worklist").wait_for()
    page.get_by_role("button", name="Dismiss this notice").click()


def _worklist(page: Page, target: Path) -> Path:
    page.goto("/")
    page.get_by_role("row").filter(has_text=STUDY).first.wait_for()
    return _save(page, target / "worklist.png")


def _patient(page: Page, target: Path) -> Path:
    page.get_by_role("row").filter(has_text=STUDY).first.locator("a[href^='/patients/']").first.click()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    return _save(page, target / "patient.png")


def _course(page: Page, target: Path) -> Path:
    """Answer what the chest patient's course asks, as a reader would, and show the plots with the verdict."""
    from playwright.sync_api import expect

    page.goto("/")
    page.get_by_role("row").filter(has_text=COURSE).first.locator("a[href^='/patients/']").first.click()
    table = page.get_by_role("table", name="Lesions by date")
    table.get_by_role("row").first.wait_for()
    asked = table.get_by_role("button", name=re.compile("^To confirm"))
    while (count := asked.count()) > 0:
        asked.first.click()
        page.get_by_role("menuitem", name="Gone", exact=True).click()
        expect(asked).to_have_count(count - 1)
    page.get_by_role("tab", name="Targets").click()
    page.get_by_role("button", name="Confirm these targets").click()
    expect(page.get_by_role("region", name="Response").get_by_text("suggested by the software")).to_have_count(0)
    page.get_by_role("heading", level=1).scroll_into_view_if_needed()
    page.mouse.move(WIDTH // 2, 4)
    page.wait_for_load_state("networkidle")
    return _save(page, target / "course.png")


def _reading(page: Page, target: Path, say: Callable[[str], object]) -> Path:
    """Open the newest brain study, let the network run, and show the slice that holds most of what it found."""
    page.get_by_role("row").filter(has_text=STUDY).first.locator("a[href^='/studies/']").first.click()
    _until(page, "v => v.isComplete", 120)
    if SERIES not in (page.get_by_role("button", name=re.compile("Series")).first.text_content() or ""):
        page.get_by_role("button", name=re.compile("Series")).first.click()
        page.get_by_role("option").filter(has_text=SERIES).click()
        _until(page, "v => v.isComplete", 120)
    page.get_by_role("tab", name=re.compile("^Run")).click()
    page.get_by_role("button", name=re.compile("Model$")).click()
    page.get_by_role("option", name=MODEL, exact=True).click()
    page.get_by_role("button", name=re.compile("^Run$")).click()
    say("The network runs ...")
    revision = _until(page, "v => v.jobState === 'succeeded' && v.shownRevisionId", RUN_WITHIN_S)
    _show_centre(page, revision)
    page.get_by_role("tab", name=re.compile("^Segments")).click()
    return _save(page, target / "reading.png")


def _show_centre(page: Page, revision: str) -> None:
    """Put the crosshair where the label map is thickest."""
    answer = page.request.get(f"/api/revisions/{revision}/label-map")
    voxels = decode_brick(answer.body(), max_voxels=10**9).voxels
    if not voxels.any():
        raise NotTakenError("The network found nothing on the demo case; there is no overlay to show.")
    k = int(np.count_nonzero(voxels, axis=(1, 2)).argmax())
    rows, columns = np.nonzero(voxels[k])
    page.keyboard.press("Home")
    for key, count in (("PageDown", k // 10), ("ArrowDown", k % 10)):
        for _ in range(count):
            page.keyboard.press(key)
    _until(page, f"v => v.sliceIndex === {k}", 30)
    place = _until(page, f"v => v.pagePointOf([{k}, {int(np.median(rows))}, {int(np.median(columns))}])", 30)
    page.mouse.click(*place)
    page.mouse.move(WIDTH - 20, HEIGHT - 120)


def _until(page: Page, expression: str, within_s: float) -> Any:
    """Wait until an expression on the viewer's counters is true, and return it."""
    deadline = time.monotonic() + within_s
    asked = f"async () => {{ const v = window.__segweb?.viewer; return v ? await ({expression})(v) : null }}"
    while not (value := page.evaluate(asked)):
        if time.monotonic() > deadline:
            raise NotTakenError(f"The page did not come to this within {within_s:.0f} s: {expression}")
        page.wait_for_timeout(100)
    return value


def _save(page: Page, path: Path) -> Path:
    """Write what the page shows, as small as it goes without a loss."""
    page.wait_for_timeout(500)  # the last hover and fade
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, optimize=True)
    return path
