"""Lent units come back by consent or by two people's word, and late sales are settled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_server.heart.lending import Acquire, Grant, Lend
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import (
    SWEEP_ALLOTMENTS_MAX,
    Closed,
    CloseSpent,
    NoResolution,
    NoWriteOff,
    Recall,
    Resolved,
    ResolveOversold,
    WriteOff,
    WrittenOff,
)
from sync_server.heart.stock import SetPool
from tests.integration.sync_server.stage import EVENT, PERFORMANCE, Stage, Till
from ticketing.journal import OpKind
from ticketing.operations import Settle, encode_settle

HARD = timedelta(seconds=Policy().hard_s)


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


def write_off(stage: Stage, grant: Grant, by: str = "li", second: str = "wu") -> object:
    return stage.take(WriteOff(EVENT, str(grant.id), by, second, "fell into the sea"))


def long_after(stage: Stage) -> None:
    stage.now += HARD * 1.02 + timedelta(minutes=2)


def given_up(stage: Stage, till: Till, *units: int) -> Grant:
    """Lent, and written off long after."""
    grant = till.borrow(*units)
    long_after(stage)
    assert isinstance(write_off(stage, grant), WrittenOff)
    return grant


def resolve(stage: Stage, order_id: str, ticket_id: str, unit: int | None) -> object:
    return stage.take(ResolveOversold(EVENT, f"oversold:{order_id}", ticket_id, unit, "li"))


def case_body(stage: Stage, kind: str) -> dict[str, object]:
    body: dict[str, object] = json.loads(
        stage.one("SELECT body FROM case_file WHERE kind = :k", k=kind)
    )
    return body


# --- recall


def test_a_recall_asks_and_frees_nothing(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2)
    before = stage.claims()
    assert stage.take(Recall(EVENT, allotment=str(grant.id))) == (str(grant.id),)
    assert stage.claims() == before
    page = stage.pull(till, EVENT)
    assert page is not None
    (row,) = [body for kind, _rev, body in page.rows if kind == "allot"]
    assert row["recall"] is True  # type: ignore[index]
    head = page.head
    assert stage.take(Recall(EVENT, allotment=str(grant.id))) == (str(grant.id),)
    assert stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT) == head
    till.release(grant.id, 1, 2)
    assert till.push() == ["ok"]
    assert stage.take(Recall(EVENT, allotment=str(grant.id))) == ()


def test_all_of_a_node_is_recalled(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    mine = [till.borrow(1), till.borrow(2)]
    other.borrow(3)
    assert stage.take(Recall(EVENT, node_id=till.node_id)) == tuple(str(g.id) for g in mine)
    assert stage.one("SELECT count(*) FROM allot WHERE recall = 1") == 2


def test_near_the_end_units_are_asked_back_from_who_would_last_longer(stage: Stage) -> None:
    rich, poor = stage.till("Window 1"), stage.till("Window 2")
    lent = [rich.borrow(*range(1, 19)), rich.borrow(31, 32, 33, 34), rich.borrow(101, 102, 103)]
    basket = rich.ask([104, 105], firm=True)
    stage.do(lambda tx: tx.run("UPDATE node SET last_seen_ms = :n", n=stage.now_ms))
    assert poor.ask(count=3) == "sold_out"
    recalled = {row.id for row in stage.rows("SELECT id FROM allot WHERE recall = 1")}
    assert recalled == {str(lent[2].id)}  # the smallest that is enough, and never a basket
    assert poor.ask(count=3) == "sold_out"  # what is on its way is not asked for again
    assert stage.one("SELECT count(*) FROM allot WHERE recall = 1") == 1
    assert isinstance(basket, Grant)
    rich.release(lent[2].id, 101, 102, 103)
    rich.push()
    assert isinstance(poor.ask(count=3), Grant)


def test_nobody_who_is_away_is_asked(stage: Stage) -> None:
    rich, poor = stage.till("Window 1"), stage.till("Window 2")
    rich.borrow(*range(1, 19), *range(31, 35), *range(101, 106))
    assert poor.ask(count=3) == "sold_out"
    assert stage.one("SELECT count(*) FROM allot WHERE recall = 1") == 0


# --- write-off


def test_a_lost_nodes_unsold_units_are_free_after_the_term_and_a_guard(
    stage: Stage, till: Till
) -> None:
    grant = till.borrow(1, 2, 3)
    till.sell(grant, 1)
    till.push()
    stage.now += HARD + timedelta(seconds=60)
    assert write_off(stage, grant) is NoWriteOff.TOO_EARLY  # its clock may be slow
    stage.now += HARD * 0.01
    written = write_off(stage, grant)
    assert written == WrittenOff(str(grant.id), till.node_id, 1, (2, 3), {})
    claims = stage.claims()
    assert [claims[unit][0] for unit in (1, 2, 3)] == ["sold", "free", "free"]
    assert stage.one("SELECT state FROM allot") == "written_off"
    assert stage.cases() == [("written_off", str(grant.id))]
    body = case_body(stage, "written_off")
    assert (body["by"], body["unknown"], body["reason"]) == (
        ["li", "wu"],
        [2, 3],
        "fell into the sea",
    )
    assert write_off(stage, grant, "somebody", "else") == written
    assert stage.till("Window 2").borrow(2, 3).units == ((2, 0), (3, 0))


@pytest.mark.parametrize(("by", "second"), [("li", "li"), ("", "li"), ("li", "")])
def test_one_person_is_not_enough(stage: Stage, till: Till, by: str, second: str) -> None:
    grant = till.borrow(1)
    long_after(stage)
    assert write_off(stage, grant, by, second) is NoWriteOff.TWO_PEOPLE
    assert stage.claims()[1][0] == "allot"


def test_what_was_lent_without_a_term_is_never_given_up(stage: Stage, till: Till) -> None:
    wish = Acquire("a" * 32, PERFORMANCE, (1,))
    grant = stage.take(Lend(till.source, wish, Policy(soft_s=0, hard_s=0)))
    assert isinstance(grant, Grant)
    stage.now += timedelta(days=300)
    assert write_off(stage, grant) is NoWriteOff.NO_TERM


def test_what_is_not_open_is_not_given_up(stage: Stage, till: Till) -> None:
    grant, sold = till.borrow(1), till.borrow(2)
    till.release(grant.id, 1)
    till.sell(sold, 2)
    till.push()
    long_after(stage)
    assert write_off(stage, grant) is NoWriteOff.NOT_OPEN
    assert write_off(stage, sold) is NoWriteOff.ALL_KNOWN
    unknown = replace(grant, id=replace(grant.id, number=999))
    assert write_off(stage, unknown) is NoWriteOff.NOT_OPEN
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 1"))
    assert write_off(stage, sold) is NoWriteOff.QUARANTINE


def test_shares_that_the_lost_node_may_have_spent_are_not_lent_again(
    stage: Stage, till: Till
) -> None:
    stage.take(SetPool(EVENT, "first", 10))
    wish = Acquire("a" * 32, PERFORMANCE, (1, 2, 3), counts=(("first", 8),))
    grant = stage.take(Lend(till.source, wish))
    assert isinstance(grant, Grant)
    till.say_sale(till.sale(till.line(1, grant.id, pool="first")))
    till.push()
    till.say_sale(till.sale(till.line(2, grant.id, pool="first")))  # never heard of yet
    long_after(stage)
    written = write_off(stage, grant)
    assert isinstance(written, WrittenOff)
    assert written.kept_shares == {"first": 2}  # two tickets are of unknown fate

    def pool() -> tuple[int, ...]:
        (row,) = stage.rows("SELECT free, lent, spent FROM pool")
        return tuple(row)

    assert pool() == (7, 2, 1)
    assert till.push() == ["ok_late not_held"]
    assert pool() == (7, 1, 2)
    till.release(grant.id, 3)
    till.say(OpKind.SETTLE, encode_settle(Settle(PERFORMANCE, grant.id)))
    assert till.push() == ["ok", "ok"]  # it gives back what was taken back before: no contradiction
    assert pool() == (8, 0, 2)
    assert stage.one("SELECT state FROM allot") == "written_off"
    assert stage.case_kinds() == ["written_off"]


# --- late sales and their settlement


def test_a_late_sale_is_good_while_nobody_bought_the_unit_anew(stage: Stage, till: Till) -> None:
    grant = given_up(stage, till, 1)
    till.sell(grant, 1)
    assert till.push() == ["ok_late not_held"]
    assert stage.one("SELECT state FROM ticket") == "valid"


def test_a_late_sale_of_a_seat_sold_anew_waits_for_a_person(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    grant = given_up(stage, till, 1, 2)
    other.sell(other.borrow(1), 1)
    other.push()
    sale = till.sell(grant, 1, 2)
    assert till.push() == ["disputed not_held"]
    first, second = sale.lines
    body = case_body(stage, "oversold")
    assert body["tickets"] == [first.ticket_id]
    (proposed,) = body["proposals"].values()  # type: ignore[attr-defined]
    assert 1 <= len(proposed) <= 3
    assert 2 not in proposed  # free a moment ago, but of this very sale
    assert {stage.event.tier_of(unit) for unit in proposed} == {"a"}
    assert 3 not in proposed[:1]
    assert resolve(stage, sale.order_id, second.ticket_id, 3) is NoResolution.NO_CASE
    assert resolve(stage, sale.order_id, first.ticket_id, 1) is NoResolution.TAKEN
    assert resolve(stage, sale.order_id, first.ticket_id, 999) is NoResolution.UNKNOWN_UNIT
    other.borrow(3)
    assert resolve(stage, sale.order_id, first.ticket_id, 3) is NoResolution.TAKEN
    moved = resolve(stage, sale.order_id, first.ticket_id, proposed[0])
    assert moved == Resolved(first.ticket_id, proposed[0], is_case_closed=True)
    assert resolve(stage, sale.order_id, first.ticket_id, proposed[0]) == moved
    assert resolve(stage, sale.order_id, first.ticket_id, None) is NoResolution.SETTLED
    (row,) = stage.rows("SELECT unit, state FROM ticket WHERE id = :i", i=first.ticket_id)
    assert tuple(row) == (proposed[0], "valid")
    assert stage.claims()[proposed[0]] == ("sold", first.ticket_id, till.node_id)
    assert stage.one("SELECT state FROM case_file WHERE kind = 'oversold'") == "closed"


def test_a_buyer_who_gets_the_money_back_keeps_the_case_open_until_then(
    stage: Stage, till: Till
) -> None:
    other = stage.till("Window 2")
    grant = given_up(stage, till, 1)
    other.sell(other.borrow(1), 1)
    other.push()
    sale = till.sell(grant, 1)
    till.push()
    ticket_id = sale.lines[0].ticket_id
    back = Resolved(ticket_id, None, is_case_closed=False)
    assert resolve(stage, sale.order_id, ticket_id, None) == back
    assert resolve(stage, sale.order_id, ticket_id, None) == back
    assert case_body(stage, "oversold")["decisions"] == {
        ticket_id: {"at_ms": stage.now_ms, "by": "li", "unit": None}
    }
    (row,) = stage.rows("SELECT state FROM ticket WHERE id = :i", i=ticket_id)
    assert row.state == "disputed"


def test_a_ticket_without_a_case_is_not_settled(stage: Stage, till: Till) -> None:
    sale = till.sell(till.borrow(1), 1)
    till.push()
    ticket_id = sale.lines[0].ticket_id
    assert resolve(stage, sale.order_id, ticket_id, 2) is NoResolution.NO_CASE
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 1"))
    assert resolve(stage, sale.order_id, ticket_id, 2) is NoResolution.QUARANTINE


# --- closing


def test_an_allotment_with_nothing_left_is_closed_at_the_next_look(
    stage: Stage, till: Till
) -> None:
    sold, half = till.borrow(1, 2), till.borrow(3, 4)
    till.sell(sold, 1, 2)
    till.sell(half, 3)
    assert till.push() == ["ok", "ok"]
    assert stage.take(CloseSpent(EVENT)) == Closed((str(sold.id),), ("", ""))
    assert stage.take(CloseSpent(EVENT)) == Closed((), ("", ""))
    states = stage.rows("SELECT id, state FROM allot")
    assert {(row.id, row.state) for row in states} == {
        (str(sold.id), "closed"),
        (str(half.id), "open"),
    }


def test_a_look_goes_on_where_the_last_one_ended(stage: Stage, till: Till) -> None:
    for performance in (1, 2):
        for unit in range(1, 19):
            till.borrow(unit, performance=performance)
    last = till.borrow(31)
    till.sell(last, 31)
    till.push()
    first = stage.take(CloseSpent(EVENT))
    assert first.next[0] == till.node_id
    second = stage.take(CloseSpent(EVENT, first.next))
    assert second.next == ("", "")
    assert first.ids + second.ids == (str(last.id),)
    assert SWEEP_ALLOTMENTS_MAX < 37 <= 2 * SWEEP_ALLOTMENTS_MAX
