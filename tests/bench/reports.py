"""Reports of a large house: `python -m tests.bench.reports`.

A million tickets of one event with a hundred performances, sold over sixty days by forty windows,
half of them let in. First how long counting all of that once takes, and what a batch of sales
waits beside it and without it; then, while sales go on, how long each report takes to its last
byte, and how soon a sale is in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import EVENT, BenchNode, boxgate_server, catalogue_document
from tests.bench.console import _busy, _p95_ms, _Sales, _timed, make_house_with_manager, sign_in_at
from tests.bench.growth import _fill, _sell

TICKETS, TILLS, DAYS = 1_000_000, 40, 60
BATCHES, LOOKS = 100, 30
_COPY, _SALES_PER_BATCH = 10_000, 50
_PERFORMANCES_FREE = 60
_REPORTS = {
    "sales": "/console/reports",
    "sales_of_performance": f"/console/reports?event={EVENT}&performance=1",
    "sales_csv": "/console/reports/sales.csv",
    "slots": "/console/reports/slots?first=",
    "entries": f"/console/reports/entries?event={EVENT}",
}


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.reports")
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


def _measure(folder: Path, url: str, tickets: int) -> dict[str, Any]:
    copies = max(1, tickets // _COPY)
    catalogue = catalogue_document(copies + 1 + _PERFORMANCES_FREE)
    settings, password = make_house_with_manager(folder, url, catalogue)
    with boxgate_server(settings) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        tills = [
            BenchNode(http, NodeRole.TILL).enrol(settings, f"Window {number}")
            for number in range(1, TILLS + 1)
        ]
        _sell(tills[0].sign_in(), 1, _COPY // 2)
        ids = [till.id for till in tills]
    began = time.monotonic()
    _fill(settings, 1, 1, ids[0])
    _fill(settings, 1, copies, ids[0])
    _spread(settings, ids)
    print(f"   {copies * _COPY} tickets, filled in {time.monotonic() - began:.0f} s", flush=True)
    with (
        boxgate_server(settings) as server,
        httpx.Client(base_url=server.url, timeout=120) as http,
        httpx.Client(base_url=server.url, timeout=120, follow_redirects=True) as desk,
    ):
        sign_in_at(desk, password)
        sales = _Sales(
            BenchNode(http, NodeRole.TILL).enrol(settings, "Seller").sign_in(), copies + 1
        )
        sales.run(10)
        quiet = _waits(sales, BATCHES)
        began = time.monotonic()
        first_s = _timed(lambda: desk.get(_REPORTS["sales"]).raise_for_status())
        beside: list[float] = []
        while _counted_ms(desk) == 0:
            beside += _waits(sales, 20)
        counting_s = time.monotonic() - began
        print(f"   counted in {counting_s:.1f} s beside {len(beside)} batches", flush=True)
        with _busy(lambda: sales.run(1)):
            took = {
                name: [_timed(lambda p=path: _whole(desk, p)) for _ in range(LOOKS)]  # type: ignore[misc]
                for name, path in _REPORTS.items()
            }
        late = [_until_shown(desk, sales) for _ in range(5)]
        again = _waits(sales, BATCHES)
        sums = _sums(settings)
    return {
        "report_median_ms": {name: _median_ms(each) for name, each in took.items()},
        "report_p95_ms": {name: _p95_ms(each) for name, each in took.items()},
        "first_report_s": round(first_s, 2),
        "counting_all_s": round(counting_s, 1),
        "sums": sums,
        "shown_after_s": round(statistics.median(late), 2),
        "batch_of_50_sales_median_ms": {
            "before_counting": _median_ms(quiet),
            "beside_counting_all": _median_ms(beside),
            "afterwards": _median_ms(again),
        },
        "batch_of_50_sales_max_ms": {
            "before_counting": round(1000 * max(quiet), 1),
            "beside_counting_all": round(1000 * max(beside, default=0), 1),
        },
    }


def _spread(settings: Settings, tills: Sequence[str]) -> None:
    """Windows, days, hours, tiers and types by turns; every second ticket is let in."""
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        for table in ("report_mark", "sale_sum", "entry_sum"):  # the house had one window till now
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
        number = "rowid" if connection.dialect.name == "sqlite" else "rev"
        now_ms = round(time.time() * 1000)
        connection.execute(
            text(
                f"UPDATE orders SET sold_ms = :now - ({number} * 7919 % {DAYS * 24 * 4}) * 900000"  # noqa: S608
            ),
            {"now": now_ms},
        )
        connection.execute(
            text(
                f"UPDATE ticket SET tier_id = 'tier' || {number} % 4, "  # noqa: S608
                f"ticket_type_id = 'type' || {number} % 3"
            )
        )
        for at, till in enumerate(tills):
            connection.execute(
                text(
                    f"UPDATE orders SET node_id = :n, receipt_no = :n || id "  # noqa: S608
                    f"WHERE {number} % {len(tills)} = {at}"
                ),
                {"n": till},
            )
        head = connection.execute(
            text("SELECT head FROM stream WHERE event_id = :e"), {"e": EVENT}
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO entry (event_id, op_id, ticket_id, perf_id, unit, node_id, lane, "
                "phase, at_ms, offline, journalled, rev) SELECT event_id, id, id, perf_id, unit, "
                "'gate' || unit % 8, 'A', 'passed', :now - perf_id * 86400000 + unit % 120 * 60000, "
                "0, 1, :head + row_number() OVER (ORDER BY id) FROM ticket WHERE unit % 2 = 0"
            ),
            {"now": now_ms, "head": head},
        )
        connection.execute(
            text("UPDATE stream SET head = (SELECT max(rev) FROM entry) WHERE event_id = :e"),
            {"e": EVENT},
        )
    engine.dispose()


def _waits(sales: _Sales, batches: int) -> list[float]:
    """Seconds that each batch took."""
    return [_SALES_PER_BATCH / sales.run(1) for _ in range(batches)]


def _whole(desk: httpx.Client, path: str) -> None:
    desk.get(path).raise_for_status()


def _counted_ms(desk: httpx.Client) -> int:
    return int(desk.get(f"/console/reports.json?event={EVENT}&performance=1").json()["counted_ms"])


def _until_shown(desk: httpx.Client, sales: _Sales) -> float:
    """Seconds from a sale's answer until the report has it."""

    def sold() -> int:
        lines = desk.get(f"/console/reports.json?event={EVENT}").json()["lines"]
        return sum(line["sold_count"] for line in lines if line["by"] == "till")

    before, began = sold(), time.monotonic()
    sales.run(1)
    while sold() == before and time.monotonic() - began < 60:
        time.sleep(0.05)
    return time.monotonic() - began


def _sums(settings: Settings) -> int:
    engine = open_engine(settings.database)
    with engine.connect() as connection:
        found = int(connection.execute(text("SELECT count(*) FROM sale_sum")).scalar_one())
    engine.dispose()
    return found


def _median_ms(seconds: Sequence[float]) -> float:
    return round(statistics.median(seconds) * 1000, 1) if seconds else 0.0


if __name__ == "__main__":
    main(sys.argv[1:])
