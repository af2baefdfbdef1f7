"""Operations a second in batches of fifty: `python -m tests.bench.server_push`.

One request is one push of 50 operations of one journal. By count 60 % are entries of gates, 30 %
sales of two lent tickets, 5 % releases of a unit, 5 % shift entries of the house journal; then the
same with sales alone. On each database; the figures are those of the slower one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import httpx

from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from tests.bench._books import check_books
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import (
    EVENT,
    UNITS_PER_GRANT_MAX,
    VENUE,
    BenchNode,
    Journal,
    Lent,
    boxgate_server,
    entry_op,
    make_house,
    performances_for,
    release_op,
    sale_op,
    shift_op,
)
from tests.bench._load import Played, RequestFiles, play, require_wrk
from tests.bench.server_sales import lend
from ticketing.journal import Op, OpKind
from ticketing.operations import SaleLine

OPS_PER_BATCH = 50
CONNECTIONS = 16
# 20 batches: 7 of a till (300 sales, 50 releases), 12 of a gate (600 entries), 1 of the house
# (50 shift entries). A gate's come when enough has been sold.
_TILL_BATCHES, _GATE_BATCHES = 7, 12
_SALES_PER_CYCLE, _RELEASES_PER_CYCLE = 300, 50
_UNITS_PER_CYCLE = 2 * _SALES_PER_CYCLE + _RELEASES_PER_CYCLE


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    options = _options(argv)
    require_wrk()
    found = {name: _measure_on(name, options) for name in options.database or DATABASES}
    slower = min(found.values(), key=lambda each: each["operations_per_s"])
    print(json.dumps({**slower, "databases": found}))


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.server_push")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--operations", type=int, default=120_000, help="of the mix, prepared")
    parser.add_argument("--sales", type=int, default=48_000, help="of sales alone, prepared")
    parser.add_argument("--folder", help="where the database is (the system's temporary folder)")
    return parser.parse_args(argv)


def _measure_on(database: str, options: argparse.Namespace) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory(prefix="boxgate-bench-", dir=options.folder) as folder,
        bench_database(database) as url,
    ):
        return _measure(Path(folder), url, database, options)


def _measure(
    folder: Path, url: str, database: str, options: argparse.Namespace
) -> dict[str, float]:
    cycles = -(-options.operations // (CONNECTIONS * 20 * OPS_PER_BATCH))
    batches = -(-options.sales // (CONNECTIONS * OPS_PER_BATCH))
    of_mix, of_sales = cycles * _UNITS_PER_CYCLE, 2 * batches * OPS_PER_BATCH
    of_mix += -(-of_mix // (UNITS_PER_GRANT_MAX - 1))  # a sale leaves the odd last one of a grant
    performances = (
        1 + performances_for(CONNECTIONS, of_mix) + performances_for(CONNECTIONS, of_sales)
    )
    settings = make_house(folder, url, performances)
    mixed = RequestFiles(folder / "mixed", CONNECTIONS)
    sales = RequestFiles(folder / "sales", CONNECTIONS)
    with boxgate_server(settings) as server:
        with httpx.Client(base_url=server.url, timeout=60) as http:
            began = time.monotonic()
            tills = _enrol(http, settings, NodeRole.TILL, 2 * CONNECTIONS)
            gates = _enrol(http, settings, NodeRole.GATE, CONNECTIONS)
            lent = lend(tills, [of_mix] * CONNECTIONS + [of_sales] * CONNECTIONS)
            for number in range(CONNECTIONS):
                door = _Door(tills[number], gates[number], deque(lent[number]))
                mixed.write(number, door.cycles(cycles))
                seller = _Door(
                    tills[CONNECTIONS + number], gates[number], deque(lent[CONNECTIONS + number])
                )
                sales.write(number, seller.sales_alone(batches))
            print(f"   {database}: prepared in {time.monotonic() - began:.0f} s", flush=True)
        operations = play(server.url, mixed, options.seconds)
        sold = play(server.url, sales, options.seconds)
    for what, played in (("mixed", operations), ("sales alone", sold)):
        _tell(database, what, played)
    engine = open_engine(settings.database)
    stored = check_books(
        engine,
        acknowledged=OPS_PER_BATCH * (operations.requests + sold.requests),
        in_flight_max=2 * CONNECTIONS * OPS_PER_BATCH,
    )
    engine.dispose()
    print(f"   {database}: the books are right: {stored} operations stored")
    return {
        "operations_per_s": round(operations.per_s * OPS_PER_BATCH, 1),
        "sales_only_per_s": round(sold.per_s * OPS_PER_BATCH, 1),
        "p99_ms": round(operations.p99_ms, 2),
        "errors": operations.errors + sold.errors + operations.ran_out + sold.ran_out,
    }


def _tell(database: str, what: str, played: Played) -> None:
    print(
        f"   {database}, {what}: {played.per_s * OPS_PER_BATCH:.0f} operations/s, batch p50 "
        f"{played.p50_ms:.1f} ms, p99 {played.p99_ms:.1f} ms, {played.errors} errors, "
        f"{played.ran_out} connections ran out of requests; "
        f"wrk took {played.cpu_us:.0f} us a batch",
        flush=True,
    )


def _enrol(http: httpx.Client, settings: Settings, role: NodeRole, count: int) -> list[BenchNode]:
    return [
        BenchNode(http, role).enrol(settings, f"{role} {number + 1}").sign_in()
        for number in range(count)
    ]


@dataclass
class _Door:
    """A till and a gate whose requests go over one connection: what is sold there comes in there."""

    till: BenchNode
    gate: BenchNode
    lent: deque[Lent]
    at: int = 0
    waiting: deque[SaleLine] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.sales = Journal(self.till, EVENT)
        self.entries = Journal(self.gate, EVENT)
        self.shifts = Journal(self.till, VENUE)

    def cycles(self, count: int) -> Iterator[bytes]:
        for _cycle in range(count):
            selling = self._till_ops()
            entering = self._entry_ops()
            batches = [0] * 2
            while sum(batches) < _TILL_BATCHES + _GATE_BATCHES:
                may_enter = len(self.waiting) >= OPS_PER_BATCH or batches[0] == _TILL_BATCHES
                turn = 1 if may_enter and batches[1] < _GATE_BATCHES else 0
                batches[turn] += 1
                journal = (self.sales, self.entries)[turn]
                yield _batch(journal, (selling, entering)[turn])
            yield _batch(self.shifts, self._shift_ops())

    def sales_alone(self, batches: int) -> Iterator[bytes]:
        ops = self._sale_ops()
        for _number in range(batches):
            yield _batch(self.sales, ops)

    def _till_ops(self) -> Iterator[Op]:
        every = _SALES_PER_CYCLE // _RELEASES_PER_CYCLE
        for _release in range(_RELEASES_PER_CYCLE):
            yield from islice(self._sale_ops(), every)
            grant = self._units(1)
            unit = grant.units[self.at][0]
            self.at += 1  # now: whoever takes the last of a cycle does not come back for more
            yield release_op(self.sales, grant, [unit])

    def _sale_ops(self) -> Iterator[Op]:
        while True:
            sale = self.till.sale(self._units(2), self.at)
            self.at += 2
            self.waiting.extend(sale.lines)
            yield sale_op(self.sales, sale)

    def _entry_ops(self) -> Iterator[Op]:
        while True:
            yield entry_op(self.entries, self.gate.entry(self.waiting.popleft(), "lane 1"))

    def _shift_ops(self) -> Iterator[Op]:
        while True:
            yield shift_op(self.shifts, OpKind.SIGN_IN)
            yield shift_op(self.shifts, OpKind.SIGN_OUT)

    def _units(self, count: int) -> Lent:
        """The grant to take the next units of; a rest that is too short is left."""
        while self.at + count > len(self.lent[0].units):
            self.lent.popleft()
            self.at = 0
        return self.lent[0]


def _batch(journal: Journal, ops: Iterator[Op]) -> bytes:
    prev = journal.hash
    return journal.push_request(prev, list(islice(ops, OPS_PER_BATCH)))


if __name__ == "__main__":
    main(sys.argv[1:])
