"""What a person does in the browser, in their words."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from inference.registry import list_models
from segweb.setup.frontend import FRONTEND
from tests.factories import PASSWORD

Voxel = tuple[int, int, int]

AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Sign in as a person would, by keyboard."""
    page.goto("/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()


def upload_folder(page: Page, folder: Path) -> None:
    """Choose a folder and wait until all its files are in the record."""
    count = sum(path.is_file() for path in folder.rglob("*"))
    page.get_by_test_id("choose-folder").set_input_files(folder)
    expect(page.get_by_text(re.compile(rf"^{count} files? added"))).to_be_visible(timeout=120_000)


def open_study(page: Page, text: str) -> None:
    """Open a study from the worklist and wait until all its images are there."""
    page.get_by_role("row").filter(has_text=text).locator("a[href^='/studies/']").first.click()
    wait_for(page, "v => v.isComplete", within_s=60)


def counter(page: Page, expression: str) -> Any:
    """Evaluate an expression on the viewer's read-only counters."""
    return page.evaluate(
        f"async () => {{ const v = window.__segweb?.viewer; return v ? await ({expression})(v) : null }}"
    )


def wait_for(page: Page, expression: str, *, within_s: float = 30.0) -> Any:
    """Wait until an expression on the viewer's counters is true, and return it."""
    deadline = time.monotonic() + within_s
    while True:
        value = counter(page, expression)
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {expression}; page: {page.url}"
        page.wait_for_timeout(50)


def go_to_slice(page: Page, slice_index: int) -> None:
    """Scroll to an image with the keyboard."""
    page.keyboard.press("Home")
    wait_for(page, "v => v.sliceIndex === 0")
    for _ in range(slice_index // 10):
        page.keyboard.press("PageDown")
    for _ in range(slice_index % 10):
        page.keyboard.press("ArrowDown")
    wait_for(page, f"v => v.sliceIndex === {slice_index}")


def point_of(page: Page, voxel: Voxel) -> tuple[float, float]:
    """Return where a voxel is on the page."""
    x, y = wait_for(page, f"v => v.pagePointOf({list(voxel)})")
    return float(x), float(y)


def choose_model(page: Page, title: str) -> None:
    """Open the run panel and choose a model by its title."""
    page.get_by_role("tab", name=re.compile("^Run")).click()
    page.get_by_role("button", name=re.compile("Model$")).click()
    page.get_by_role("option", name=title, exact=True).click()


def network_title() -> str:
    """Return what the first network that reads volumes whole is called: its labels stream while it runs."""
    return next(model.title for model in list_models() if model.network and model.network.flat_axis is None)


def assert_accessible(page: Page, where: str) -> None:
    """Let axe look at the page as it stands; it finds nothing."""
    found = page.evaluate(
        "async (rules) => {" + AXE.read_text() + "; return (await axe.run(document, {runOnly: rules})).violations }",
        RULES,
    )
    told = [f"{where}: {fault['id']} at {[node['target'] for node in fault['nodes']]}" for fault in found]
    assert told == [], told


def picture(page: Page) -> np.ndarray:
    """Return a screenshot as an array (row, column, 3)."""
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def poll(read: Callable[[], Any], wanted: Callable[[Any], bool], *, within_s: float = 20.0) -> Any:
    """Read until what is read is as wanted."""
    deadline = time.monotonic() + within_s
    while not wanted(value := read()):
        assert time.monotonic() < deadline, f"still {value!r} after {within_s:g} s"
        time.sleep(0.1)
    return value
