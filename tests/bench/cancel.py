"""Moving and cancelling a sold-out performance: `python -m tests.bench.cancel`.

50,000 tickets are sold for one performance. Then it is moved, cancelled, and its refund list looked
at and taken away as tables, while a window sells single tickets of another performance of the same
event: how long each takes, and how long the slowest sale beside it waited.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import httpx

from sync_server.services.permissions import NodeRole
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import (
    EVENT,
    BenchNode,
    Journal,
    boxgate_server,
    catalogue_document,
    sale_op,
)
from tests.bench.console import make_house_with_manager, sign_in_at
from tests.bench.growth import _sell
from ticketing.operations import Sale

TICKETS = 50_000
_PAUSE_S = 0.01
_GRANT = 1_000
_PAGE = "/console/performances/1"
_SEEN = re.compile(r'name="seen" value="(\d+)"')
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.cancel")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--tickets", type=int, default=TICKETS)
    parser.add_argument("--folder", help="where the database is (the system's temporary folder)")
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory(prefix="boxgate-bench-", dir=options.folder) as folder,
        bench_database(options.database) as url,
    ):
        found = _measure(Path(folder), url, options.tickets)
    print(json.dumps({"database": options.database, "tickets": options.tickets, **found}))


def _measure(folder: Path, url: str, tickets: int) -> dict[str, dict[str, float]]:
    found = {}
    catalogue = catalogue_document(3, capacity=tickets + _GRANT)
    settings, password = make_house_with_manager(folder, url, catalogue)
    with (
        boxgate_server(settings) as server,
        httpx.Client(base_url=server.url, timeout=120) as http,
        httpx.Client(base_url=server.url, timeout=120, follow_redirects=True) as desk,
    ):
        window = BenchNode(http, NodeRole.TILL).enrol(settings, "Window 1").sign_in()
        _sell(window, 1, tickets // 2)
        sales = _SingleSales(BenchNode(http, NodeRole.TILL).enrol(settings, "Seller").sign_in())
        sign_in_at(desk, password)
        manager = _Manager(desk, password)
        desk.get(_PAGE).raise_for_status()
        with sales:
            for name, work in manager.works():
                sales.begin()
                began = time.perf_counter()
                work()
                took_s = time.perf_counter() - began
                found[name] = {"took_s": round(took_s, 2), **sales.waits()}
                print(f"   {name}: {found[name]}", flush=True)
    return found


class _Manager:
    """Somebody at the console: each of their steps by name, one after the other."""

    def __init__(self, desk: httpx.Client, password: str) -> None:
        self._desk, self._password = desk, password

    def works(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What they do, in its order."""
        yield "nothing", lambda: time.sleep(2)
        times = {"date": "2027-02-20", "time": "19:30", "doors": "60", "runs": "120"}
        yield "see what a move means", lambda: self._get("/move", times)
        yield "move", lambda: self._post("/move", {**times, "reason": "bench"})
        yield "see what cancelling means", lambda: self._get("/cancel", {})
        yield "cancel", lambda: self._post("/cancel", {"reason": "bench"})
        for path in ("/refunds", "/refunds/refunds.csv", "/refunds/refunds.xlsx"):
            yield path, partial(self._get, path, {})

    def _get(self, path: str, query: dict[str, str]) -> str:
        answer = self._desk.get(f"{_PAGE}{path}", params=query)
        assert answer.status_code == httpx.codes.OK, answer.status_code
        return answer.text

    def _post(self, path: str, fields: dict[str, str]) -> None:
        page = self._get(path, fields if path == "/move" else {})
        form = {"own_password": self._password, **fields}
        for name, pattern in (("seen", _SEEN), ("form_token", _TOKEN)):
            found = pattern.search(page)
            assert found is not None, name
            form[name] = found[1]
        answer = self._desk.post(f"{_PAGE}{path}", data=form, follow_redirects=False)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.status_code


class _SingleSales:
    """A window that sells one order after the other, and how long each waited."""

    def __init__(self, seller: BenchNode) -> None:
        self._seller, self._journal = seller, Journal(seller, EVENT)
        self._waits: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def begin(self) -> None:
        """What was measured before does not count."""
        self._waits = []

    def waits(self) -> dict[str, float]:
        """How many orders since, and how long the middle and the slowest one waited."""
        waits = sorted(self._waits) or [0.0]
        middle, slowest = waits[len(waits) // 2], waits[-1]
        return {
            "sales": len(waits),
            "sale_median_ms": round(middle * 1000, 1),
            "sale_slowest_ms": round(slowest * 1000, 1),
        }

    def _run(self) -> None:
        first = 1
        while not self._over.is_set():
            lent = self._seller.acquire(2, range(first, first + _GRANT))
            first += _GRANT
            for at in range(0, _GRANT, 2):
                if self._over.wait(_PAUSE_S):
                    return
                self._sell(self._seller.sale(lent, at))

    def _sell(self, sale: Sale) -> None:
        journal, seller = self._journal, self._seller
        prev = journal.hash
        request = journal.push_request(prev, [sale_op(journal, sale)])
        head, _, body = request.partition(b"\r\n\r\n")
        headers = {"Authorization": f"Bearer {seller.token}", "Content-Type": "application/json"}
        began = time.perf_counter()
        answer = seller.http.post(head.split()[1].decode(), content=body, headers=headers)
        self._waits.append(time.perf_counter() - began)
        assert answer.status_code == httpx.codes.OK, answer.text


if __name__ == "__main__":
    main(sys.argv[1:])
