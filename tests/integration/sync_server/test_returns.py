"""Tickets are revoked before money goes back, and their units sold again when gates know."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_server.heart.lending import Grant
from sync_server.heart.policy import Policy
from sync_server.heart.returns import (
    NoResale,
    NoRevocation,
    ResellWithout,
    Revoke,
    Revoked,
    SweepReturned,
    Swept,
)
from tests.integration.sync_server.stage import EVENT, GENERATION, Gate, Stage, Till
from ticketing.ids import U8_MAX, OrderId
from ticketing.journal import OpKind
from ticketing.operations import (
    Exchange,
    ExchangeAction,
    Refund,
    RefundAction,
    Sale,
    encode_exchange,
    encode_refund,
)
from ticketing.returns import ResellPolicy

REFUND, VOID = RefundAction.REFUND, RefundAction.VOID
EXCHANGE, REPLACEMENT = ExchangeAction.EXCHANGE, ExchangeAction.REPLACEMENT
NOW = Policy(resell_seats=ResellPolicy.NOW)


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


@pytest.fixture
def sale(till: Till) -> Sale:
    """Two seats, 1 and 2, and a standing place, 101."""
    sale = till.sell(till.borrow(1, 2, 101), 1, 2, 101)
    till.push()
    return sale


def new_id(stage: Stage) -> str:
    return f"{stage.mint():032x}"


def revoke(
    till: Till,
    sale: Sale,
    *at: int,
    action: RefundAction | ExchangeAction = REFUND,
    op_id: str = "",
    policy: Policy | None = None,
) -> Revoked | NoRevocation:
    tickets = tuple(sale.lines[n].ticket_id for n in at)
    op = op_id or new_id(till.stage)
    step = Revoke(till.source, op, action, sale.order_id, tickets, policy or Policy())
    return till.stage.take(step)


def say_refund(till: Till, sale: Sale, *at: int, op_id: str, action: RefundAction = REFUND) -> None:
    tickets = tuple(sale.lines[n].ticket_id for n in at)
    worth = sum(sale.lines[n].price_minor for n in at)
    refund = Refund(sale.order_id, action, tickets, worth, 0, "CNY", "li.na", "asked")
    till.say(OpKind.REFUND, encode_refund(refund), op_id=op_id)


def say_replaced(till: Till, sale: Sale, grant: Grant, op_id: str) -> Exchange:
    """The sale's first ticket was printed anew, with what the centre lent for it."""
    line = till.line(1, grant.id, version=1)
    exchange = Exchange(
        (sale.lines[0].ticket_id,),
        sale.order_id,
        REPLACEMENT,
        OrderId(f"{till.stage.mint():016x}"),
        "A1-000099",
        "li.na",
        "CNY",
        7,
        (line,),
        line.price_minor,
        0,
        0,
        0,
    )
    till.say(OpKind.EXCHANGE, encode_exchange(exchange), op_id=op_id)
    return exchange


def kinds(stage: Stage, *units: int) -> list[str]:
    claims = stage.claims()
    return [claims[unit][0] for unit in units]


def read_to(gate: Gate, rev: int, *, generation: str = GENERATION) -> None:
    """The gate has read so far, and was heard just now."""
    stage = gate.stage
    stage.do(
        lambda tx: tx.run(
            "INSERT INTO gate_cursor (event_id, node_id, generation, rev, seen_ms) "
            "VALUES (:e, :n, :g, :r, :s) ON CONFLICT (event_id, node_id) DO UPDATE SET "
            "generation = excluded.generation, rev = excluded.rev, seen_ms = excluded.seen_ms",
            e=EVENT,
            n=gate.node_id,
            g=generation,
            r=rev,
            s=stage.now_ms,
        )
    )


def head(stage: Stage) -> int:
    return int(stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT))


def sweep(stage: Stage, after: int = 0) -> Swept:
    return stage.take(SweepReturned(EVENT, after))


# --- revoking


def test_a_revoked_ticket_is_void_before_the_money_is_paid(
    stage: Stage, till: Till, sale: Sale
) -> None:
    stage.gate()
    op_id = new_id(stage)
    ticket_id = sale.lines[0].ticket_id
    answer = revoke(till, sale, 0, op_id=op_id)
    assert answer == Revoked(((ticket_id, "void"),), None)
    assert kinds(stage, 1, 2) == ["returned", "sold"]
    before = head(stage)
    assert revoke(till, sale, 0, op_id=op_id) == answer
    assert head(stage) == before
    assert stage.one("SELECT journalled FROM revocation") == 0
    say_refund(till, sale, 0, op_id=op_id)
    assert till.push() == ["ok"]
    assert stage.one("SELECT journalled FROM revocation") == 1
    assert stage.one("SELECT state FROM orders") == "partly_refunded"
    # The money is out: a till that asks again was set back, and would pay it out once more.
    assert revoke(till, sale, 0, op_id=op_id) is NoRevocation.ALREADY_REVOKED
    assert stage.cases() == []
    assert stage.books().balanced


def test_the_same_operation_stands_for_one_request(stage: Stage, till: Till, sale: Sale) -> None:
    op_id = new_id(stage)
    revoke(till, sale, 0, op_id=op_id)
    contradiction = NoRevocation.CONTRADICTION
    assert revoke(till, sale, 1, op_id=op_id) is contradiction
    assert revoke(till, sale, 0, op_id=op_id, action=EXCHANGE) is contradiction
    assert revoke(stage.till("Window 2"), sale, 0, op_id=op_id) is contradiction
    assert kinds(stage, 2) == ["sold"]


def test_tickets_of_another_till_are_refunded_but_not_voided(
    stage: Stage, till: Till, sale: Sale
) -> None:
    other = stage.till("Window 2")
    assert revoke(other, sale, 0, action=VOID) is NoRevocation.NOT_SAME_SHIFT
    assert isinstance(revoke(other, sale, 0), Revoked)
    assert isinstance(revoke(till, sale, 1, action=VOID), Revoked)


def test_what_cannot_be_revoked_is_refused_whole(stage: Stage, till: Till, sale: Sale) -> None:
    foreign = till.sell(till.borrow(3), 3)
    till.push()
    mixed = replace(sale, lines=(sale.lines[0], foreign.lines[0]))
    assert revoke(till, mixed, 0, 1) is NoRevocation.NOT_OF_ORDER
    unknown = replace(sale, order_id=OrderId("f" * 16))
    assert revoke(till, unknown, 0) is NoRevocation.UNKNOWN_ORDER
    assert revoke(till, sale) is NoRevocation.NO_TICKETS
    assert revoke(till, sale, 0, 0) is NoRevocation.NO_TICKETS
    revoke(till, sale, 1)
    assert revoke(till, sale, 0, 1) is NoRevocation.ALREADY_REVOKED
    gate = stage.gate()
    gate.let_in(sale.lines[2])
    gate.push()
    assert revoke(till, sale, 0, 2) is NoRevocation.ENTERED
    assert kinds(stage, 1, 2, 101) == ["sold", "returned", "sold"]
    assert stage.one("SELECT count(*) FROM revocation") == 1


def test_nothing_is_revoked_in_quarantine_or_for_a_fenced_journal(
    stage: Stage, till: Till, sale: Sale
) -> None:
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 1"))
    assert revoke(till, sale, 0) is NoRevocation.QUARANTINE
    assert sweep(stage) == Swept(0, frozenset(), frozenset(), 0)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("UPDATE journal SET state = 'forked'"))
    assert revoke(till, sale, 0) is NoRevocation.FENCED
    assert kinds(stage, 1) == ["sold"]


def test_a_disputed_tickets_refund_closes_its_case(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    lent = till.borrow(1)
    till.release(lent.id, 1)
    till.push()
    other.sell(other.borrow(1), 1)
    other.push()
    sale = till.sell(lent, 1)
    assert till.push() == ["disputed not_held"]
    assert revoke(till, sale, 0, action=REPLACEMENT) is NoRevocation.NOT_VALID
    op_id = new_id(stage)
    assert isinstance(revoke(till, sale, 0, op_id=op_id), Revoked)
    assert stage.one("SELECT state FROM case_file") == "closed"
    assert kinds(stage, 1) == ["sold"]  # the other buyer's
    say_refund(till, sale, 0, op_id=op_id)
    assert till.push() == ["ok"]


# --- a lost ticket


def test_a_lost_ticket_is_replaced_by_the_same_place_one_version_up(
    stage: Stage, till: Till, sale: Sale
) -> None:
    op_id = new_id(stage)
    answer = revoke(till, sale, 0, action=REPLACEMENT, op_id=op_id)
    assert isinstance(answer, Revoked)
    grant = answer.allotment
    assert isinstance(grant, Grant)
    assert (grant.units, grant.firm) == (((1, 1),), True)
    assert stage.claims()[1] == ("allot", str(grant.id), till.node_id)
    assert revoke(till, sale, 0, action=REPLACEMENT, op_id=op_id) == answer
    say_replaced(till, sale, grant, op_id)
    assert till.push() == ["ok"]
    states = stage.rows("SELECT state, version FROM ticket WHERE unit = 1 ORDER BY version")
    assert [tuple(row) for row in states] == [("void", 0), ("valid", 1)]
    assert stage.cases() == []


def test_what_is_credited_is_booked_with_the_order_that_it_came_from(
    stage: Stage, till: Till, sale: Sale
) -> None:
    op_id = new_id(stage)
    answer = revoke(till, sale, 0, action=REPLACEMENT, op_id=op_id)
    assert isinstance(answer, Revoked)
    assert answer.allotment is not None
    exchange = say_replaced(till, sale, answer.allotment, op_id)
    assert till.push() == ["ok"]
    worth = sale.lines[0].price_minor
    booked = stage.rows(
        "SELECT order_id, amount_minor FROM ledger WHERE account = 'sales' "
        "AND seq = (SELECT max(seq) FROM ledger) ORDER BY line"
    )
    assert [tuple(row) for row in booked] == [
        (sale.order_id, worth),
        (exchange.order_id, -worth),
    ]


def test_places_of_two_performances_are_replaced_apart(till: Till) -> None:
    first, second = till.borrow(1), till.borrow(1, performance=2)
    sale = till.say_sale(till.sale(till.line(1, first.id), till.line(1, second.id, performance=2)))
    till.push()
    assert revoke(till, sale, 0, 1, action=REPLACEMENT) is NoRevocation.TWO_PERFORMANCES
    assert isinstance(revoke(till, sale, 1, action=REPLACEMENT), Revoked)


def test_a_worn_out_place_is_neither_replaced_nor_sold_again(
    stage: Stage, till: Till, sale: Sale
) -> None:
    stage.do(lambda tx: tx.run("UPDATE claim SET version = :v", v=U8_MAX))
    assert revoke(till, sale, 0, action=REPLACEMENT) is NoRevocation.WORN_OUT
    assert isinstance(revoke(till, sale, 0, 2), Revoked)
    assert sweep(stage).freed == 0
    assert kinds(stage, 1, 101) == ["returned", "returned"]


# --- sold again


def test_a_standing_place_is_free_at_once_and_a_seat_when_gates_know(
    stage: Stage, till: Till, sale: Sale
) -> None:
    gate = stage.gate()
    read_to(gate, head(stage))
    revoke(till, sale, 0, 2)
    assert kinds(stage, 1, 101) == ["returned", "free"]
    assert sweep(stage) == Swept(0, frozenset({gate.node_id}), frozenset(), 0)
    told = stage.one("SELECT rev FROM ticket WHERE unit = 1")
    read_to(gate, told - 1)
    assert sweep(stage).freed == 0
    read_to(gate, told)
    assert sweep(stage) == Swept(1, frozenset(), frozenset(), 0)
    assert kinds(stage, 1) == ["free"]
    assert till.borrow(1, 101).units == ((1, 1), (101, 1))


def test_a_gate_of_another_history_or_that_never_read_knows_nothing(
    stage: Stage, till: Till, sale: Sale
) -> None:
    gate, new = stage.gate(), stage.gate("Gate 2")
    revoke(till, sale, 0)
    read_to(gate, 10_000, generation="00000000")
    found = sweep(stage)
    assert found == Swept(0, frozenset({gate.node_id}), frozenset({new.node_id}), 0)


def test_a_revoked_gate_keeps_nobody_waiting(stage: Stage, till: Till, sale: Sale) -> None:
    stage.gate()
    revoke(till, sale, 0)
    stage.do(lambda tx: tx.run("UPDATE node SET state = 'revoked' WHERE role = 'gate'"))
    assert sweep(stage).freed == 1


def test_a_venue_may_sell_seats_again_at_once(stage: Stage, till: Till, sale: Sale) -> None:
    stage.gate()
    revoke(till, sale, 0, policy=NOW)
    assert kinds(stage, 1) == ["free"]


def test_a_manager_may_do_without_a_silent_gate(stage: Stage, till: Till, sale: Sale) -> None:
    awake, silent = stage.gate(), stage.gate("Gate 2")
    for gate in (awake, silent):
        read_to(gate, head(stage))
    revoke(till, sale, 0)

    def without(gate: Gate, by: str = "li") -> Swept | NoResale:
        return stage.take(ResellWithout(EVENT, gate.node_id, by, "sold out"))

    stage.now += timedelta(minutes=14)
    assert without(silent) is NoResale.NOT_SILENT
    stage.now += timedelta(minutes=1)
    read_to(awake, head(stage))
    assert sweep(stage) == Swept(0, frozenset(), frozenset({silent.node_id}), 0)
    assert without(awake) is NoResale.NOT_SILENT
    assert without(silent, by="") is NoResale.NOBODY
    assert kinds(stage, 1) == ["returned"]
    found = without(silent)
    assert isinstance(found, Swept)
    assert found.freed == 1
    assert kinds(stage, 1) == ["free"]
    (case,) = stage.rows("SELECT kind, state, body, resolution FROM case_file")
    assert (case.kind, case.state) == ("resold", "closed")
    assert json.loads(case.body)["units"] == 1
    assert json.loads(case.resolution) == {"by": "li", "reason": "sold out"}


def test_a_ticket_voided_by_the_operation_itself_is_swept_too(
    stage: Stage, till: Till, sale: Sale
) -> None:
    """The till's own sale that had not been acknowledged needs no revocation before."""
    say_refund(till, sale, 0, 1, 2, op_id="", action=VOID)
    assert till.push() == ["ok"]
    assert kinds(stage, 1, 2, 101) == ["returned"] * 3
    assert sweep(stage).freed == 3
