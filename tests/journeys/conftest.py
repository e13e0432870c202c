"""A real Chromium against the real stack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType, Page, expect, sync_playwright

from segweb.setup.debian import find_browser
from tests.stack import SLOW_WORKER, LiveStack, run_stack, slow_worker_spec

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
WINDOW_PAUSE_S = 0.05
expect.set_options(timeout=60_000)  # a slow machine is no failure


def launch(browser_type: BrowserType, *more_flags: str) -> Browser:
    """Start the machine's Chromium without a window."""
    return browser_type.launch(executable_path=find_browser(), args=[*FLAGS, *more_flags])


def new_page(browser: Browser, base_url: str) -> Page:
    """Open a page in a profile of its own, at the size of a small workstation."""
    fresh = browser.new_context(base_url=base_url, viewport={"width": 1280, "height": 720})
    fresh.set_default_timeout(30_000)
    return fresh.new_page()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, headless; skips loudly where there is none."""
    path = find_browser()
    if path is None:
        pytest.skip("NO BROWSER: install chromium to run the browser journeys")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps an event loop in this thread
    with sync_playwright() as playwright:
        chromium = launch(playwright.chromium)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def stack(django_db_setup: None, django_db_blocker: Any) -> Iterator[LiveStack]:
    """The whole stack; networks run on a worker that rests after each window, so that a journey can step in."""
    with run_stack(django_db_blocker, workers=("record", "cpu")) as running:
        running.start_child(slow_worker_spec("gpu", WINDOW_PAUSE_S))
        assert SLOW_WORKER in running.children
        yield running


@pytest.fixture
def context(browser: Browser, stack: LiveStack) -> Iterator[BrowserContext]:
    """A browser profile of its own."""
    opened = new_page(browser, stack.base_url)
    yield opened.context
    opened.context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test on any script error or violation of the content security policy."""
    [opened] = context.pages
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    assert faults == []
