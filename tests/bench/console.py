"""The console of a large house: `python -m tests.bench.console`.

A million tickets of one event, 300 enrolled nodes. First how long the overview's first byte and
its painting in Chromium take, and a reconciliation's first byte, while sales go on; then whether
they slow the sales: pairs of runs, alternating which comes first, without anybody at the console
and with somebody who opens the overview and a reconciliation again and again. Beside the rates stands
the server's processor time for the same sales, which does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from sync_server import commands
from sync_server.services.initialise import finish
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import (
    CAPACITY,
    EVENT,
    UNITS_PER_GRANT_MAX,
    BenchNode,
    Journal,
    Lent,
    boxgate_server,
    catalogue_document,
)
from tests.bench.growth import _fill, _push, _sell
from tests.browser.conftest import CHROMIUM, FLAGS

TICKETS, NODES = 1_000_000, 300
PAIRS, BATCHES_PER_RUN, LOOKS, PAINTS = 10, 80, 60, 30
_COPY, _SALES_PER_BATCH = 10_000, 50
_PER_GRANT = UNITS_PER_GRANT_MAX
_OVERVIEW, _ACCOUNTS = "/console/", "/console/accounts?by=day"


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.console")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--tickets", type=int, default=TICKETS)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--folder", help="where the database is (the system's temporary folder)")
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory(prefix="boxgate-bench-", dir=options.folder) as folder,
        bench_database(options.database) as url,
    ):
        found = _measure(Path(folder), url, options.tickets, options.pairs)
    print(json.dumps({"database": options.database, "tickets": options.tickets, **found}))


def _measure(folder: Path, url: str, tickets: int, pairs: int) -> dict[str, float]:
    copies = max(1, tickets // _COPY)
    runs = 2 * pairs + 4
    performances = copies + 1 + -(-runs * BATCHES_PER_RUN * 2 * _SALES_PER_BATCH // CAPACITY)
    catalogue = catalogue_document(performances)
    settings, password = make_house_with_manager(folder, url, catalogue)
    with boxgate_server(settings) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        first = BenchNode(http, NodeRole.TILL).enrol(settings, "Window 1").sign_in()
        _sell(first, 1, _COPY // 2)
        for number in range(2, NODES + 1):
            role = NodeRole.GATE if number % 3 == 0 else NodeRole.TILL
            BenchNode(http, role).enrol(settings, f"Node {number}")
    began = time.monotonic()
    _fill(settings, 1, 1, first.id)
    _fill(settings, 1, copies, first.id)
    print(f"   {copies * _COPY} tickets, filled in {time.monotonic() - began:.0f} s", flush=True)
    with (
        boxgate_server(settings) as server,
        httpx.Client(base_url=server.url, timeout=120) as http,
        httpx.Client(base_url=server.url, timeout=120, follow_redirects=True) as desk,
    ):
        seller = BenchNode(http, NodeRole.TILL).enrol(settings, "Seller").sign_in()
        sales = _Sales(seller, copies + 1)
        sign_in_at(desk, password)
        first_s = _timed(lambda: desk.get(_OVERVIEW).raise_for_status())
        day_s = _timed(lambda: desk.get(_ACCOUNTS).raise_for_status())
        print(
            f"   the very first overview {first_s:.1f} s, reconciliation {day_s:.1f} s", flush=True
        )
        sales.run(5)
        with _busy(lambda: sales.run(1)):
            overview = [_first_byte(desk, _OVERVIEW) for _ in range(LOOKS)]
            accounts = [_first_byte(desk, _ACCOUNTS) for _ in range(LOOKS)]
            paints = _paints(server.url, password)
        ratios, cpu_ratios = [], []
        for number in range(pairs):
            rates: dict[bool, float] = {}
            used_s: dict[bool, float] = {}
            for looked_at in (True, False) if number % 2 else (False, True):
                used_s[looked_at] = -server.cpu_s()
                with _looking(desk) if looked_at else _nobody():
                    rates[looked_at] = sales.run(BATCHES_PER_RUN)
                used_s[looked_at] += server.cpu_s()
            ratios.append(rates[False] / rates[True])
            cpu_ratios.append(used_s[True] / used_s[False])
            print(f"   {rates[False]:.0f} sales/s, {rates[True]:.0f} while looked at", flush=True)
    return {
        "nodes": NODES,
        "overview_first_byte_p95_ms": _p95_ms(overview),
        "overview_paint_p95_ms": _p95_ms(paints),
        "reconciliation_first_byte_p95_ms": _p95_ms(accounts),
        "first_overview_after_start_s": round(first_s, 2),
        "sales_slowdown_ratio": round(statistics.median(ratios), 3),
        "server_cpu_ratio": round(statistics.median(cpu_ratios), 3),
    }


def make_house_with_manager(
    folder: Path, url: str, catalogue: Mapping[str, object]
) -> tuple[Settings, str]:
    """A house and the password of its manager."""
    settings = Settings(data_dir=folder / "data", database_url=url)
    made = commands.init(settings, None)
    finish(settings)
    file = folder / "catalogue.json"
    file.write_text(json.dumps(catalogue), encoding="utf-8")
    commands.import_catalogue(settings, file)
    open_engine(settings.database).dispose()
    return settings, made.sign_ins[0].password


class _Sales:
    """Sells on and on, in batches, place after place."""

    def __init__(self, seller: BenchNode, first_performance: int) -> None:
        self._seller, self._journal = seller, Journal(seller, EVENT)
        self._grants = self._lend(first_performance)
        self._lent: Lent | None = None
        self._at = 0
        self._lock = threading.Lock()

    def _lend(self, performance: int) -> Iterator[Lent]:
        for number in itertools.count(performance):
            for first in range(1, CAPACITY, _PER_GRANT):
                yield self._seller.acquire(number, range(first, first + _PER_GRANT))

    def run(self, batches: int) -> float:
        """So many batches; sales a second, the borrowing not counted."""
        took_s = 0.0
        with self._lock:
            for _ in range(batches):
                if self._lent is None or self._at >= _PER_GRANT:
                    self._seller.sign_in()
                    self._lent, self._at = next(self._grants), 0
                took_s += _push(self._journal, self._seller, self._lent, self._at)
                self._at += 2 * _SALES_PER_BATCH
        return batches * _SALES_PER_BATCH / took_s


def sign_in_at(desk: httpx.Client, password: str) -> None:
    """Sign in as the manager."""
    found = re.search(r'name="form_token" value="([^"]+)"', desk.get("/console/login").text)
    assert found is not None
    form = {"login": "manager", "password": password, "form_token": found[1]}
    answer = desk.post("/console/login", data=form, follow_redirects=False)
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.status_code


def _first_byte(desk: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    with desk.stream("GET", path) as answer:
        assert answer.status_code == httpx.codes.OK, answer.status_code
        chunks = answer.iter_raw()
        next(chunks)
        took_s = time.perf_counter() - began
        for _ in chunks:
            pass
    return took_s


def _paints(url: str, password: str) -> list[float]:
    """Seconds until the overview's content stood on the screen, as Chromium itself reports it."""
    script = (
        "() => new Promise(done => new PerformanceObserver(all => {"
        " const found = all.getEntriesByName('first-contentful-paint')[0];"
        " if (found) done(found.startTime); }).observe({type: 'paint', buffered: true}))"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context(locale="en-GB").new_page()
        page.goto(f"{url}/console/login")
        page.locator("#login").fill("manager")
        page.locator("#password").fill(password)
        page.locator("#password").press("Enter")
        page.locator("#live").wait_for()
        found = []
        for _ in range(PAINTS):
            page.goto(f"{url}{_OVERVIEW}")
            found.append(float(page.evaluate(script)) / 1000)
        browser.close()
    return found


@contextmanager
def _busy(work: Callable[[], object]) -> Iterator[None]:
    """The work again and again beside what is measured."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            work()
            over.wait(0.05)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _looking(desk: httpx.Client) -> Iterator[None]:
    """Somebody at the console, as fast as the page itself looks."""
    paths = itertools.cycle((_OVERVIEW, _ACCOUNTS))

    def look() -> None:
        desk.get(next(paths)).raise_for_status()
        time.sleep(1)

    with _busy(look):
        yield


@contextmanager
def _nobody() -> Iterator[None]:
    yield


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _p95_ms(seconds: Sequence[float]) -> float:
    return round(statistics.quantiles(seconds, n=20)[-1] * 1000, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
