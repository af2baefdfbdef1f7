"""Sales a second through the whole server: `python -m tests.bench.server_sales`.

One HTTP request is one push of one operation that sells two lent tickets for cash: token, chain,
price check, claims, order, tickets, ledger, journal, feed, on the disk before the answer. Spread
over the journals of 64 tills, one request of each at a time, prepared in files before the clock
starts and sent by wrk. The same bytes then go to a bare aiohttp handler.

`--profile` says instead where the time of a sale goes, in one process and without HTTP.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from tests.bench._bare import bare_server
from tests.bench._books import check_books
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import (
    CAPACITY,
    EVENT,
    UNITS_PER_GRANT_MAX,
    BenchNode,
    Journal,
    Lent,
    boxgate_server,
    make_house,
    performances_for,
    sale_op,
)
from tests.bench._load import Played, RequestFiles, play, require_wrk
from tests.bench._stages import measure_stages

TILLS = 64
PROFILED_PER_TILL = 100


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = _options(argv)
    require_wrk()
    with (
        tempfile.TemporaryDirectory(prefix="boxgate-bench-", dir=options.folder) as folder,
        bench_database(options.database) as url,
    ):
        measure = _profile if options.profile else _measure
        result = measure(Path(folder), url, options)
    print(json.dumps(result))


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.server_sales")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--sales", type=int, default=90_000, help="how many are prepared")
    parser.add_argument("--folder", help="where the database is (the system's temporary folder)")
    parser.add_argument("--profile", action="store_true", help="microseconds by stage instead")
    parser.add_argument("--batch", type=int, default=TILLS, help="with --profile: per commit")
    return parser.parse_args(argv)


def _profile(folder: Path, url: str, options: argparse.Namespace) -> dict[str, object]:
    settings = make_house(folder, url, performances_for(TILLS, 2 * PROFILED_PER_TILL))
    files = RequestFiles(folder / "requests", TILLS)
    with boxgate_server(settings) as server:
        tills = _prepare(server.url, settings, files, PROFILED_PER_TILL)
    journals = [
        (till.id, files.folder / f"{number:03d}.requests") for number, till in enumerate(tills)
    ]
    found = measure_stages(settings, journals, options.batch)
    for stage, spent_us in found.items():
        print(f"   {stage:<18} {spent_us:8.1f} us")
    rounded = {stage.replace(" ", "_"): round(spent_us, 1) for stage, spent_us in found.items()}
    return {"database": options.database, "batch": options.batch, "us_per_sale": rounded}


def _measure(folder: Path, url: str, options: argparse.Namespace) -> dict[str, object]:
    per_till = -(-options.sales // TILLS)
    began = time.monotonic()
    settings = make_house(folder, url, performances_for(TILLS, 2 * per_till))
    files = RequestFiles(folder / "requests", TILLS)
    with boxgate_server(settings) as server:
        _prepare(server.url, settings, files, per_till)
        print(f"   {TILLS * per_till} sales prepared in {time.monotonic() - began:.0f} s")
        used_s = server.cpu_s()
        sold = play(server.url, files, options.seconds)
        used_s = server.cpu_s() - used_s
    _tell("sales", sold, used_s)
    engine = open_engine(settings.database)
    stored = check_books(engine, acknowledged=sold.requests - sold.errors, in_flight_max=TILLS)
    engine.dispose()
    print(f"   the books are right: {stored} sales stored, {sold.requests} acknowledged")
    with bare_server(folder) as bare:
        used_s = bare.cpu_s()
        yardstick = play(bare.url, files, max(3, options.seconds // 2))
        _tell("bare", yardstick, bare.cpu_s() - used_s)
    return {
        "database": options.database,
        "sales_per_s": round(sold.per_s, 1),
        "bare_per_s": round(yardstick.per_s, 1),
        "ratio": round(sold.per_s / yardstick.per_s, 3),
        "p50_ms": round(sold.p50_ms, 2),
        "p99_ms": round(sold.p99_ms, 2),
        "errors": sold.errors + sold.ran_out,
    }


def _tell(what: str, played: Played, server_cpu_s: float) -> None:
    print(
        f"   {what}: {played.per_s:.0f}/s, p50 {played.p50_ms:.1f} ms, p99 {played.p99_ms:.1f} ms, "
        f"{played.errors} errors; processor time of a request: server "
        f"{server_cpu_s * 1e6 / max(1, played.requests):.0f} us, wrk {played.cpu_us:.0f} us",
        flush=True,
    )


def _prepare(
    url: str, settings: Settings, files: RequestFiles, per_till: int
) -> Sequence[BenchNode]:
    with httpx.Client(base_url=url, timeout=60) as http:
        tills = [
            BenchNode(http, NodeRole.TILL).enrol(settings, f"Window {number + 1}").sign_in()
            for number in range(TILLS)
        ]
        lent = lend(tills, [2 * per_till] * TILLS)
    for number, till in enumerate(tills):
        files.write(number, _sales(till, lent[number], per_till))
    return tills


def lend(tills: Sequence[BenchNode], units: Sequence[int]) -> list[list[Lent]]:
    """Lend each till its number of units, in grants as large as may be."""
    grants: list[list[Lent]] = [[] for _ in tills]
    blocks = iter(
        (performance, first)
        for performance in range(1, 10_000)
        for first in range(1, CAPACITY, UNITS_PER_GRANT_MAX)
    )
    for number, till in enumerate(tills):
        left = units[number]
        while left:
            performance, first = next(blocks)
            count = min(left, UNITS_PER_GRANT_MAX)
            grants[number].append(till.acquire(performance, range(first, first + count)))
            left -= count
    return grants


def _sales(till: BenchNode, lent: Sequence[Lent], count: int) -> list[bytes]:
    journal = Journal(till, EVENT)
    requests = []
    pairs = ((grant, at) for grant in lent for at in range(0, len(grant.units), 2))
    for _number, (grant, at) in zip(range(count), pairs, strict=False):
        prev = journal.hash
        requests.append(journal.push_request(prev, [sale_op(journal, till.sale(grant, at))]))
    return requests


if __name__ == "__main__":
    main(sys.argv[1:])
