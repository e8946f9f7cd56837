"""A real browser for journeys: Debian's Chromium, driven by Playwright.

Where it is missing and the tests run as root on Debian it is installed; else the journeys say why they were skipped.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def pytest_configure() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs an event loop in the test's thread


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _install() -> None:
    with (Path(tempfile.gettempdir()) / "loyalty-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find_chromium() is None:
            for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"]):
                subprocess.run(["apt-get", "-qq", *command], check=False, capture_output=True, timeout=600)


class Traffic:
    """What a page has asked for and not got yet. Playwright's "networkidle" waits half a second more at each page."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._asked: set[Request] = set()
        page.on("request", lambda request: self._asked.add(request))
        page.on("requestfinished", lambda request: self._asked.discard(request))
        page.on("requestfailed", lambda request: self._asked.discard(request))

    def rest(self) -> None:
        """Until a page that has loaded got all that its scripts ask for at the start."""
        self._page.evaluate("new Promise(done => setTimeout(done, 50))")
        for _ in range(1000):
            if not self._asked:
                return
            self._page.wait_for_timeout(20)
        raise AssertionError([request.url for request in self._asked])


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A Playwright browser. Import of Playwright is here, since most tests need none."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - heavy

    if find_chromium() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is missing: install it (on Debian: apt-get install chromium) to run the browser journeys")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()
