"""What a new history costs an event: `python -m tests.bench.recovery [--database postgres]`.

A till sold 100 thousand places, one by one, of allotments that a failover has lost together with
the sales. It pushes them (they are deferred), declares the allotments, and the event goes on:
`recover_s` is that last step, during which the event stands still. Then the ladder: 5 thousand
late sales of places that somebody else has by now, of which each moves to another free place.
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
from sqlalchemy import Engine

from sync_server.heart.history import Declare, Declared, Reported
from sync_server.heart.intake import OPS_PER_PUSH_MAX, Batch, Push, Taken
from sync_server.heart.lending import Acquire, Grant, Lend
from sync_server.heart.source import NodeRole, Source, Step, run_in
from sync_server.services.catalogue import PlanShelf
from sync_server.services.enrolment import Applicant, Enrolled, add_node
from sync_server.services.generations import Reason, mint
from sync_server.store.database import open_engine
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import (
    CAPACITY,
    EVENT,
    UNITS_PER_GRANT_MAX,
    VENUE,
    BenchNode,
    Journal,
    Lent,
    make_house,
    sale_op,
)
from ticketing.journal import ROOT_HASH, Op
from ticketing.keys import public_of

SALES, LATE_SALES = 100_000, 5_000


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.recovery")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--sales", type=int, default=SALES)
    parser.add_argument("--late", type=int, default=LATE_SALES)
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory(prefix="boxgate-bench-") as folder,
        bench_database(options.database) as url,
    ):
        last = -(-options.sales // CAPACITY) + 1
        engine = open_engine(make_house(Path(folder), url, last).database)
        try:
            till = _Till(engine)
            found = {"sales": options.sales} | till.recover(options.sales)
            found |= {"late_sales": options.late} | till.climb(options.late, last)
        finally:
            engine.dispose()
    for name, value in found.items():
        print(f"   {name:<20} {value:>12,.2f}")
    print(json.dumps(found | {"database": options.database}))


class _Till:
    """A till without a network: its steps are taken straight away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plans = PlanShelf()
        self._node = BenchNode(httpx.Client(), NodeRole.TILL)
        applicant = Applicant(public_of(self._node.private), "bench", "0")
        made = transact(
            engine,
            lambda tx: add_node(tx, VENUE, bytes(32), NodeRole.TILL, "Window 1", applicant),
        )
        assert isinstance(made, Enrolled)
        self._node.id = made.node_id
        self._source = Source(made.node_id, NodeRole.TILL, 1, EVENT)
        self._journal = Journal(self._node, EVENT)
        self._ops: list[Op] = []
        self._pushed = 0

    def recover(self, count: int) -> dict[str, float]:
        """Sales and allotments that the server has lost come back."""
        grants = [self._borrow(first, min(UNITS_PER_GRANT_MAX, count - first))
                  for first in range(0, count, UNITS_PER_GRANT_MAX)]  # fmt: skip
        for grant in grants:
            self._sell(grant)
        made = transact(self._engine, _lose)
        push_s = self._push()
        declare_s = 0.0
        for grant in grants:
            told = Declared(grant.id, grant.performance, grant.firm, grant.units)
            declare_s += self._declare(made, (told,), done=False)
        recover_s = self._declare(made, (), done=True)
        verdicts = self._verdicts()
        assert verdicts == {"ok": count}, verdicts
        return {
            "push_s": push_s,
            "declare_s": declare_s,
            "recover_s": recover_s,
            "us_per_sale": recover_s * 1e6 / count,
        }

    def climb(self, count: int, performance: int) -> dict[str, float]:
        """Late sales of places that are somebody else's by now."""
        before = self._verdicts()
        first = (performance - 1) * CAPACITY
        for at in range(0, count, UNITS_PER_GRANT_MAX):
            self._sell(self._borrow(first + at, min(UNITS_PER_GRANT_MAX, count - at)))
        taken = "UPDATE claim SET kind = 'sold', ref = 'another', node_id = 'x' WHERE perf_id = :p"
        transact(self._engine, lambda tx: tx.run(taken, p=performance))
        ladder_s = self._push()
        moved = self._verdicts().get("ok_moved", 0)
        assert (moved, before.get("ok_moved", 0)) == (count, 0)
        return {"ladder_s": ladder_s, "us_per_late_sale": ladder_s * 1e6 / count}

    def _borrow(self, first: int, count: int) -> Grant:
        units = tuple(range(first % CAPACITY + 1, first % CAPACITY + 1 + count))
        wish = Acquire(f"{first:032x}", first // CAPACITY + 1, units)
        grant = self._take(Lend(self._source, wish))
        assert isinstance(grant, Grant), grant
        return grant

    def _sell(self, grant: Grant) -> None:
        lent = Lent(grant.id, grant.performance, grant.units)
        self._ops += [
            sale_op(self._journal, self._node.sale(lent, at, 1)) for at in range(len(grant.units))
        ]

    def _push(self) -> float:
        began = time.perf_counter()
        while self._pushed < len(self._ops):
            ops = tuple(self._ops[self._pushed : self._pushed + OPS_PER_PUSH_MAX])
            prev = self._ops[self._pushed - 1].hash if self._pushed else ROOT_HASH
            taken = self._take(Push(self._source, Batch(self._pushed + 1, prev, ops)))
            assert isinstance(taken, Taken), taken
            self._pushed = taken.acked
        return time.perf_counter() - began

    def _declare(self, generation: str, told: tuple[Declared, ...], *, done: bool) -> float:
        began = time.perf_counter()
        answer = self._take(Declare(self._source, generation, told, done))
        assert answer == Reported(quarantined=not done), answer
        return time.perf_counter() - began

    def _take(self, step: Step[object]) -> object:
        return transact(self._engine, lambda tx: run_in(tx, step, self._plans))

    def _verdicts(self) -> dict[str, int]:
        asked = "SELECT verdict, count(*) FROM op GROUP BY verdict"
        return {row[0]: row[1] for row in transact(self._engine, lambda tx: tx.rows(asked))}


def _lose(tx: Transaction) -> str:
    """The allotments are gone with what they were written on."""
    tx.run("DELETE FROM claim")
    tx.run("DELETE FROM allot")
    return mint(tx, Reason.RESTORE).short


if __name__ == "__main__":
    main(sys.argv[1:])
