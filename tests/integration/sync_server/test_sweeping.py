"""What the centre does by itself, and how it learns what gates have read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from sync_server.heart.returns import Revoke
from sync_server.heart.source import Step
from sync_server.heart.stock import Hold, HoldWish
from sync_server.services.stock import read_allotments, read_open_revocations
from sync_server.services.sweeping import (
    CLOSE_EVERY,
    SEEN_PERIOD_MS,
    GateCursors,
    Sweeper,
    note_gate_cursors,
)
from sync_server.store.database import read_only
from sync_server.store.errors import StoreBusy
from sync_server.store.writer import Transaction
from tests.integration.sync_server.stage import EVENT, GENERATION, PERFORMANCE, Stage
from ticketing.operations import RefundAction

T = TypeVar("T")


@dataclass
class FakeCentre:
    """Runs steps on the stage at once; a stream named as away belongs to another server."""

    stage: Stage
    away: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)

    async def take(self, step: Step[T]) -> T:
        if step.stream in self.away:
            raise StoreBusy("elsewhere")
        self.taken.append(type(step).__name__)
        return self.stage.take(step)

    async def write(self, job: Callable[[Transaction], T]) -> T:
        return self.stage.do(job)

    async def read(self, work: Callable[[Connection], T]) -> T:
        with read_only(self.stage.engine).connect() as connection:
            return work(connection)


@pytest.fixture
def centre(stage: Stage) -> FakeCentre:
    return FakeCentre(stage)


async def test_what_is_over_is_swept_and_nothing_else_is_touched(
    stage: Stage, centre: FakeCentre
) -> None:
    sweeper = Sweeper()
    till, gate = stage.till(), stage.gate()
    stage.take(Hold(EVENT, "", HoldWish("a" * 32, PERFORMANCE, 60, (1,))))
    await sweeper.sweep(centre, stage.now_ms)
    assert centre.taken == []
    stage.now += timedelta(seconds=60)
    await sweeper.sweep(centre, stage.now_ms)
    assert stage.claims()[1][0] == "free"
    sale = till.sell(till.borrow(2), 2)
    till.push()
    ticket_id = sale.lines[0].ticket_id
    stage.take(Revoke(till.source, "b" * 32, RefundAction.REFUND, sale.order_id, (ticket_id,)))
    with read_only(stage.engine).connect() as connection:
        (open_one,) = read_open_revocations(connection)
    assert (open_one.node_id, open_one.tickets) == (till.node_id, (ticket_id,))
    await sweeper.sweep(centre, stage.now_ms)
    assert stage.claims()[2][0] == "returned"
    head = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    cursors = GateCursors()
    cursors.note(gate.node_id, {EVENT: head}, stage.now_ms)
    told = cursors.take(GENERATION)
    stage.do(lambda tx: note_gate_cursors(tx, GENERATION, told))
    await sweeper.sweep(centre, stage.now_ms)
    assert stage.claims()[2][0] == "free"
    centre.taken.clear()
    await sweeper.sweep(centre, stage.now_ms)
    assert centre.taken == []


async def test_spent_allotments_close_after_a_while(stage: Stage, centre: FakeCentre) -> None:
    till = stage.till()
    till.sell(till.borrow(1), 1)
    till.push()
    sweeper = Sweeper()
    for _ in range(CLOSE_EVERY - 1):
        await sweeper.sweep(centre, stage.now_ms)
    assert stage.one("SELECT state FROM allot") == "open"
    await sweeper.sweep(centre, stage.now_ms)
    assert stage.one("SELECT state FROM allot") == "closed"


async def test_an_event_of_another_server_is_left_alone(stage: Stage, centre: FakeCentre) -> None:
    stage.take(Hold(EVENT, "", HoldWish("a" * 32, PERFORMANCE, 60, (1,))))
    stage.now += timedelta(seconds=60)
    centre.away.add(EVENT)
    await Sweeper().sweep(centre, stage.now_ms)
    assert stage.claims()[1][0] == "hold"


def test_only_news_of_a_gate_are_written_down() -> None:
    cursors = GateCursors()
    cursors.note("g", {EVENT: 5}, 1_000)
    cursors.note("g", {EVENT: 7}, 2_000)
    assert cursors.take(GENERATION) == {(EVENT, "g"): (7, 2_000)}
    cursors.note("g", {EVENT: 7}, 3_000)
    assert cursors.take(GENERATION) == {}
    cursors.note("g", {EVENT: 7}, 2_000 + SEEN_PERIOD_MS)
    assert cursors.take(GENERATION) == {(EVENT, "g"): (7, 2_000 + SEEN_PERIOD_MS)}
    cursors.note("g", {EVENT: 0}, 2_001 + SEEN_PERIOD_MS)  # it begins again
    assert cursors.take(GENERATION)[(EVENT, "g")][0] == 0
    assert cursors.take("another") == {}
    cursors.note("g", {EVENT: 0}, 2_002 + SEEN_PERIOD_MS)
    assert cursors.take("another")  # of another history, nothing is written yet


def test_who_holds_what_is_listed(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2, 3)
    till.sell(grant, 1)
    till.release(grant.id, 2)
    till.push()
    with read_only(stage.engine).connect() as connection:
        (line,) = read_allotments(connection, EVENT)
        assert read_allotments(connection) == [line]
        assert read_allotments(connection, "another") == []
    assert (line.id, line.node_name, line.state) == (str(grant.id), "Window 1", "open")
    assert (line.unit_count, line.sold_count, line.unknown_count) == (3, 1, 1)
