"""A real server and a real Chromium. Whatever the browser complains of fails the test."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.console_house import ConsoleHouse, console_house

# Figures that take long to make, on a busy machine, are made anew after twenty times as long
# (`services/freshness.py`), and news of them come then.
expect.set_options(timeout=40_000)

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",  # tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",  # as a gate's screen is started: it may sound
]
_REPORT_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation',"
    " e => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI));"
)

OpenPage = Callable[..., Page]


@dataclass(frozen=True)
class RunningServer:
    """The sample house, served by a process of its own."""

    address: str
    data_dir: Path
    password: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data_dir = tmp_path_factory.mktemp("house") / "data"
    command = [sys.executable, "-m", "sync_server"]
    folder = ["--data-dir", str(data_dir)]
    made = subprocess.run(
        [*command, "init", "--sample", "theatre", "--json", *folder],
        check=True,
        capture_output=True,
        text=True,
    )
    log = data_dir.with_name("serve.log")
    with (
        log.open("w") as err,
        subprocess.Popen(
            [*command, "serve", "--port", "0", *folder],
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), log.read_text()
        password = json.loads(made.stdout)["manager"]["password"]
        yield RunningServer(line.split()[-1], data_dir, password)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs Debian's chromium ({CHROMIUM}): sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, server: RunningServer) -> Iterator[OpenPage]:
    """Open a page of the server: see `opened_pages`."""
    with opened_pages(chromium, lambda: server.address) as open_:
        yield open_


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """A house of the module's own, whose tills and gates are the test's."""
    with console_house(tmp_path_factory.mktemp("arena")) as made:
        yield made


@pytest.fixture
def open_console(chromium: Browser, house: ConsoleHouse) -> Iterator[OpenPage]:
    """Open a page of the house's console: see `opened_pages`."""
    with opened_pages(chromium, lambda: house.server.url) as open_:
        yield open_


@contextmanager
def opened_pages(chromium: Browser, address: Callable[[], str]) -> Iterator[OpenPage]:
    """Open pages in fresh contexts; `context` options as Playwright's new_context takes them.

    `expected` is a part of a complaint that the browser must make, such as a refusal's status;
    `possible` of one that it may make, by chance.
    """
    complaints: list[str] = []
    wanted: list[str] = []
    allowed: list[str] = []
    contexts = []

    def note(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def open_(path: str = "/", *, expected: str = "", possible: str = "", **context: Any) -> Page:
        wanted.extend([expected] if expected else [])
        allowed.extend(each for each in (expected, possible) if each)
        made = chromium.new_context(**{"locale": "en-GB", **context})
        made.set_default_timeout(30_000)
        made.add_init_script(_REPORT_VIOLATIONS)
        contexts.append(made)
        page = made.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.goto(address() + path)
        return page

    yield open_
    for made in contexts:
        made.close()
    unexpected = [text for text in complaints if not any(each in text for each in allowed)]
    missing = [each for each in wanted if not any(each in text for text in complaints)]
    assert (unexpected, missing) == ([], [])
