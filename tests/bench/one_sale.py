"""What one ticket costs, stage by stage: `python -m tests.bench.one_sale`.

One process, no HTTP: the till's durable commit of a sale of two tickets, the server's intake of
it in batches of 50 operations (durable too), and a gate's parsing, checking and deciding.
"""

from __future__ import annotations

import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from edge.allotments import Grant, install
from edge.env import MachineEnv
from edge.id_mint import IdMint
from edge.identity import NodeKey
from edge.journal import heads, unacked
from edge.replica import Replica, create_journal
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.sales import Seller, sell
from pos_app.services.shifts import Clerk
from pos_app.services.shifts import begin as begin_shift
from pos_app.services.tender_model import in_cash
from sync_server.heart.history import NewGeneration, begin_generation
from sync_server.heart.intake import Batch, Push, Taken, run_alone
from sync_server.heart.lending import Acquire, Lend
from sync_server.heart.lending import Grant as Lent
from sync_server.heart.source import Context, Source, run_in, run_steps
from sync_server.services.catalogue import PlanShelf, store_catalogue
from sync_server.services.enrolment import Applicant, Enrolled, add_node
from sync_server.services.generations import Reason
from sync_server.services.house import new_generation
from sync_server.services.permissions import NodeRole
from sync_server.services.sample import Sample, sample_document
from sync_server.store.database import create_schema, open_engine
from sync_server.store.sql import Sql
from sync_server.store.writer import Runner, Transaction, Writer
from ticketing.admission import IssuerKey, KeyState, LaneFacts, decide_entry
from ticketing.catalogue import Catalogue, parse_catalogue
from ticketing.code import TicketCode, parse_code
from ticketing.event import Event
from ticketing.ids import StreamId
from ticketing.keys import public_of
from ticketing.operations import Sale

SALES = 400
OPS_PER_PUSH = 50

T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), found)
    for name, value in found.items():
        print(f"   {name:<28} {value:>10.2f}")
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


def _measure(folder: Path, found: dict[str, float]) -> None:
    now = datetime.now(UTC)
    catalogue = parse_catalogue(sample_document(Sample.THEATRE), source="theatre", now=now)
    private = secrets.token_bytes(32)
    key = NodeKey(private, public_of(private))
    engine = open_engine(f"sqlite:///{folder / 'server.db'}")
    create_schema(engine)
    plans = PlanShelf()
    writer = Writer(
        engine,
        lambda _streams: None,
        Runner(
            lambda sql, steps, now_ms: run_steps(sql, steps, Context(now_ms, plans)),
            lambda sql, steps, now_ms: run_alone(sql, steps, Context(now_ms, plans)),
        ),
    )
    writer.start()
    try:
        node_id, lent = writer.submit(partial(_found, catalogue=catalogue, key=key)).result()
        create_journal(folder / "journal.db", node_id=node_id, venue_id="seaview", incarnation=1)
        replica = Replica(folder)
        try:
            event = catalogue.events[0]
            grant = Grant(lent.id, lent.performance, lent.firm, "open", lent.units)
            replica.transact(lambda unit: install(unit, StreamId(event.id), grant))
            sales = _sell_all(replica, event, key, found)
            _push_all(replica, writer, event, node_id, found)
            _scan_all(sales, key, found)
        finally:
            replica.close()
    finally:
        writer.stop()
        engine.dispose()


def _found(tx: Transaction, catalogue: Catalogue, key: NodeKey) -> tuple[str, Lent]:
    made = new_generation()
    first = NewGeneration(made.id, made.short, tx.now_ms, Reason.INIT)
    begin_generation(Sql.of(tx.connection), first)
    store_catalogue(tx, catalogue)
    applicant = Applicant(key.public, "bench", "0")
    node = add_node(tx, catalogue.venue.id, bytes(32), NodeRole.TILL, "Window 1", applicant)
    assert isinstance(node, Enrolled)
    event = catalogue.events[0]
    units = tuple(seat.unit for seat in catalogue.plans[0].seats)[: 2 * SALES]
    wish = Acquire(secrets.token_hex(16), event.performances[0].number, units)
    source = Source(node.node_id, NodeRole.TILL, 1, event.id)
    lent = run_in(tx, Lend(source, wish), PlanShelf())
    assert isinstance(lent, Lent)
    return node.node_id, lent


def _sell_all(replica: Replica, event: Event, key: NodeKey, found: dict[str, float]) -> list[Sale]:
    env = MachineEnv()
    seller = Seller(env, IdMint(env), key, "bench", "BNCH")
    clerk = Clerk(env, seller.ids, "seaview", "bench")
    replica.transact(lambda unit: begin_shift(unit, clerk, event.currency, ()))
    number = event.performances[0].number
    sales: list[Sale] = []
    took_ms: list[float] = []
    for first in range(1, 2 * SALES, 2):
        basket = empty_basket(event)
        for unit in (first, first + 1):
            basket = add_unit(basket, event, number, unit)
        began = time.perf_counter()
        sales.append(
            replica.transact(
                partial(
                    sell,
                    seller=seller,
                    event=event,
                    basket=basket,
                    paid=in_cash(basket.total_minor),
                )
            )
        )
        took_ms.append((time.perf_counter() - began) * 1000)
    found["till_commit_p50_ms"] = statistics.median(took_ms)
    found["till_commit_p95_ms"] = statistics.quantiles(took_ms, n=20)[-1]
    return sales


def _push_all(
    replica: Replica, writer: Writer, event: Event, node_id: str, found: dict[str, float]
) -> None:
    with replica.reading() as connection:
        head = next(head for head in heads(connection) if head.stream == event.id)
        _prev, ops = unacked(connection, head, ops_max=SALES, bytes_max=10**9)
    source = Source(node_id, NodeRole.TILL, 1, event.id)
    prev = "0" * 64
    began = time.perf_counter()
    for first in range(0, len(ops), OPS_PER_PUSH):
        batch = Batch(first + 1, prev, tuple(ops[first : first + OPS_PER_PUSH]))
        taken = _take(writer, Push(source, batch))
        assert isinstance(taken, Taken)
        assert all(op.verdict == "ok" for op in taken.ops)
        prev = taken.hash
    found["server_us_per_sale"] = (time.perf_counter() - began) * 1e6 / len(ops)


def _take(writer: Writer, push: Push) -> object:
    done: Future[object] = Future()
    writer.submit_for(push, done)
    return done.result()


def _scan_all(sales: list[Sale], key: NodeKey, found: dict[str, float]) -> None:
    codes = [line.code for sale in sales for line in sale.lines]
    issuer = IssuerKey(key.public, KeyState.ACTIVE)
    performance = sales[0].lines[0].performance
    facts = LaneFacts(frozenset({performance}), issuer, None, None, 0, ())
    parsed, found["parse_us"] = _per_item_us(codes, parse_code)
    scans = [code for code in parsed if isinstance(code, TicketCode)]
    assert len(scans) == len(codes)
    at = scans[0].facts.valid_from
    _decided, found["verify_and_decide_us"] = _per_item_us(
        scans, lambda scan: decide_entry(scan, facts, at=at)
    )


def _per_item_us(items: list[T], work: Callable[[T], object]) -> tuple[list[object], float]:
    began = time.perf_counter()
    done = [work(item) for item in items]
    return done, (time.perf_counter() - began) * 1e6 / len(items)


if __name__ == "__main__":
    main()
