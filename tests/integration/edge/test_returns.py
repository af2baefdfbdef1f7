"""Own sales taken back: alone while the server has not heard of them, else with its word."""

from __future__ import annotations

import json

import pytest

from edge import returns
from edge.allotments import Grant, install, take, units_of
from edge.errors import ServerUnreachable
from edge.journal import Unit, acknowledge, append, heads
from edge.protocol import revoke
from edge.protocol.revoke import RevocationState
from edge.replica import Replica
from edge.sync import RevokeWish
from tests.fakes.edge_node import EVENT, TurnedEnv, new_op_id, wait_until
from tests.fakes.server import Hang, Reset, problem
from tests.integration.edge.engine_room import Room, wait_greeted, wait_online
from ticketing.ids import AllotmentId, OrderId, TicketId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    CashLeg,
    Exchange,
    ExchangeAction,
    Refund,
    RefundAction,
    Sale,
    SaleLine,
    decode_exchange,
    decode_refund,
    encode_refund,
    encode_sale,
)
from ticketing.returns import ReturnRefusal, Route
from ticketing.terms import Anchor
from ticketing.ticket import TicketState

NOW = Anchor(0.0, "boot", 0, 0)
GEN = "0a1b2c3d"
ORDER = OrderId("00000000000000f1")
ONE, TWO, THREE = (TicketId(f"00000000000000a{n}") for n in (1, 2, 3))
ENV = TurnedEnv()


def sale() -> Sale:
    lines = tuple(
        SaleLine(ticket, 1, unit, 2, AllotmentId(GEN, 1), "stalls", "adult", 500, "list", "code")
        for ticket, unit in ((ONE, 5), (TWO, 6))
    )
    return Sale(ORDER, "POS-1", "li", "CNY", 1, 1_000, lines, CashLeg(1_000, 1_000))


def refund(*tickets: TicketId, action: RefundAction = RefundAction.VOID) -> Refund:
    return Refund(ORDER, action, tickets, 500 * len(tickets), 0, "CNY", "li", "wrong day")


def lend(replica: Replica, number: int, version: int) -> None:
    grant = Grant(AllotmentId(GEN, number), 1, False, "open", ((5, version), (6, version)))
    replica.transact(lambda unit: install(unit, EVENT, grant))


@pytest.fixture
def sold(replica: Replica) -> Replica:
    """Two tickets sold, and not pushed."""
    lend(replica, 1, 2)
    body = encode_sale(sale())

    def sell(unit: Unit) -> None:
        for number in (5, 6):
            assert take(unit, EVENT, 1, number, NOW)
        append(unit, EVENT, OpKind.SALE, body, op_id=new_op_id(), wall_ms=1_000)
        unit.execute(
            "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body) "
            "VALUES (?, ?, 'POS-1', 1, 2, ?)",
            (EVENT, ORDER, body),
        )

    replica.transact(sell)
    return replica


def push_it(replica: Replica) -> None:
    replica.transact(lambda unit: acknowledge(unit, heads(unit)[0], 1, ()))


def states(replica: Replica) -> dict[int, str]:
    with replica.reading() as connection:
        return {n: unit.state for n, unit in units_of(connection, EVENT, 1).items()}


def voided(
    replica: Replica, *tickets: TicketId, scanned: set[TicketId] | None = None, shift: bool = True
) -> object:
    papers = set(tickets) if scanned is None else scanned
    return replica.transact(
        lambda unit: returns.void_here(unit, ENV, EVENT, refund(*tickets), papers, same_shift=shift)
    )


def test_a_sale_nobody_heard_of_is_taken_back_here(sold: Replica) -> None:
    op = voided(sold, ONE)
    assert isinstance(op, Op)
    assert (op.kind, decode_refund(op.body)) == (OpKind.REFUND, refund(ONE))
    assert states(sold) == {5: "returned", 6: "sold"}
    assert voided(sold, ONE) is ReturnRefusal.ALREADY_REVOKED
    assert isinstance(voided(sold, TWO), Op)


def test_a_returned_unit_is_sold_again_only_when_the_server_has_freed_it(sold: Replica) -> None:
    voided(sold, ONE)
    lend(sold, 2, 2)
    assert sold.transact(lambda unit: take(unit, EVENT, 1, 5, NOW)) is None
    lend(sold, 3, 3)
    assert sold.transact(lambda unit: take(unit, EVENT, 1, 5, NOW)) is not None
    # Its old ticket is not valid because somebody else sits there now.
    with sold.reading() as connection:
        order = returns.sold_order(connection, EVENT, ORDER, same_shift=True)
    assert order is not None
    assert order.tickets[ONE] is TicketState.VOID


def test_what_the_server_has_heard_of_needs_the_server(sold: Replica) -> None:
    push_it(sold)
    assert voided(sold, ONE) is Route.CENTRE
    assert states(sold)[5] == "sold"


def test_without_its_paper_it_needs_the_server_and_another_shift_needs_a_refund(
    sold: Replica,
) -> None:
    assert voided(sold, ONE, scanned=set()) is Route.CENTRE
    assert voided(sold, ONE, shift=False) is ReturnRefusal.NOT_SAME_SHIFT
    assert states(sold)[5] == "sold"


def test_somebody_elses_order_is_the_servers_business(replica: Replica) -> None:
    assert voided(replica, ONE) is Route.CENTRE


def swap(*returned: TicketId, unit: int = 7) -> Exchange:
    line = SaleLine(
        THREE, 1, unit, 2, AllotmentId(GEN, 4), "stalls", "adult", 700, "list", "new code"
    )
    return Exchange(
        returned,
        ORDER,
        ExchangeAction.EXCHANGE,
        OrderId("00000000000000f2"),
        "POS-2",
        "li",
        "CNY",
        1,
        (line,),
        500 * len(returned),
        0,
        700 - 500 * len(returned),
        1_000,
    )


def swapped(replica: Replica, *returned: TicketId, scanned: set[TicketId]) -> object:
    return replica.transact(
        lambda unit: returns.exchange_here(unit, ENV, EVENT, swap(*returned), scanned)
    )


def test_a_sale_nobody_heard_of_is_swapped_here_against_its_paper(sold: Replica) -> None:
    assert swapped(sold, ONE, scanned=set()) is Route.CENTRE
    op = swapped(sold, ONE, scanned={ONE})
    assert isinstance(op, Op)
    assert (op.kind, decode_exchange(op.body)) == (OpKind.EXCHANGE, swap(ONE))
    assert states(sold) == {5: "returned", 6: "sold"}
    assert swapped(sold, ONE, scanned={ONE}) is ReturnRefusal.ALREADY_REVOKED
    push_it(sold)
    assert swapped(sold, TWO, scanned={TWO}) is Route.CENTRE


def test_somebody_elses_order_is_not_swapped_here(replica: Replica) -> None:
    assert swapped(replica, ONE, scanned={ONE}) is Route.CENTRE


# --- with the server's word


def planned(replica: Replica) -> revoke.Revocation:
    return replica.transact(
        lambda unit: revoke.plan_revoke(unit, ENV, EVENT, RefundAction.REFUND, ORDER, [ONE])
    )


def pending(replica: Replica) -> list[RevocationState]:
    with replica.reading() as connection:
        return [each.state for each in revoke.pending_revocations(connection)]


def finish(replica: Replica, revocation: revoke.Revocation) -> None:
    body = encode_refund(refund(ONE, action=RefundAction.REFUND))
    op = replica.transact(
        lambda unit: revoke.finish_revoke(unit, ENV, revocation, OpKind.REFUND, body)
    )
    assert op.op_id == revocation.op_id


def test_a_refund_is_asked_for_then_recorded_under_the_same_id(room: Room) -> None:
    told: list[object] = []
    plan = planned(room.replica)
    with room.running() as engine:
        wait_until(lambda: pending(room.replica) == [RevocationState.GRANTED])
        wait_greeted(engine)
        wait_online(engine)
        assert engine.wish(RevokeWish(plan.op_id, told.append))
        wait_until(lambda: told)
        assert told == [revoke.Revoked(((ONE, TicketState.VOID),), None)]
        finish(room.replica, plan)
        engine.nudge()
        room.wait_for_all_synced()
    assert pending(room.replica) == []
    body = room.server.called("revoke")[0].body
    assert body == {
        "op": plan.op_id,
        "action": "refund",
        "order": ORDER,
        "tickets": [ONE],
        "inc": 1,
    }
    assert room.server.op_ids(EVENT) == [plan.op_id]


def test_units_of_revoked_tickets_are_not_for_sale_here(sold: Replica) -> None:
    plan = planned(sold)
    reply = {"tickets": [{"id": ONE, "state": "void"}]}
    sold.transact(lambda unit: revoke.on_revoke(unit, plan, reply))
    assert states(sold) == {5: "returned", 6: "sold"}


def test_a_ticket_that_is_being_revoked_is_not_voided_beside_it(sold: Replica) -> None:
    plan = planned(sold)
    assert voided(sold, ONE) is ReturnRefusal.ALREADY_REVOKED
    sold.transact(lambda unit: revoke.on_revoke_refused(unit, plan, "entered"))
    assert isinstance(voided(sold, ONE), Op)


@pytest.mark.parametrize("trouble", [Reset(after_work=True), Hang(), problem(503, "busy")])
def test_a_lost_answer_is_asked_for_again_after_a_restart(room: Room, trouble: object) -> None:
    room.timeout_s = 0.3
    plan = planned(room.replica)
    room.server.script("revoke", trouble)  # type: ignore[arg-type]
    with room.running():
        wait_until(lambda: pending(room.replica) == [RevocationState.GRANTED])
    assert {call.body["op"] for call in room.server.called("revoke")} == {plan.op_id}


def test_a_refusal_ends_it_and_a_quarantine_does_not(room: Room) -> None:
    planned(room.replica)
    room.server.script("revoke", problem(409, "quarantine"), problem(409, "entered"))
    engine, client = room.new_engine(), room.new_client()
    for expected in ([RevocationState.ASKED], []):
        engine._greet.set()
        engine._work.set()
        engine._push_turn(client)
        assert pending(room.replica) == expected
    client.close()


def test_for_an_exchange_the_answer_lends_the_new_units(replica: Replica) -> None:
    plan = planned(replica)
    lent = {"id": f"{GEN}-9", "p": 1, "units": [[7, 1]], "soft_s": 100, "hard_s": 100}
    reply = {"tickets": [{"id": ONE, "state": "void"}], "allotment": lent}
    revoked = replica.transact(lambda unit: revoke.on_revoke(unit, plan, reply))
    assert revoked.grant is not None
    assert states(replica) == {7: "free"}
    with replica.reading() as connection:
        row = connection.execute("SELECT req, sent_wall_ms FROM allot").fetchone()
    assert tuple(row) == (plan.op_id, plan.planned.sent_wall_ms)


def test_what_was_lent_for_a_replacement_is_promised_until_it_has_ended(replica: Replica) -> None:
    plan = planned(replica)
    lent = {"id": f"{GEN}-9", "p": 1, "units": [[7, 1]], "soft_s": 100, "hard_s": 100}
    reply = {"tickets": [{"id": ONE, "state": "void"}], "allotment": lent}
    replica.transact(lambda unit: revoke.on_revoke(unit, plan, reply))

    def promised() -> frozenset[tuple[str, int, int]]:
        with replica.reading() as connection:
            return returns.promised_units(connection)

    assert promised() == {(EVENT, 1, 7)}
    replica.transact(lambda unit: revoke.drop_revoke(unit, plan))
    assert promised() == frozenset()


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"tickets": [{}]},
        {"tickets": [{"id": ONE, "state": "gone"}]},
        {"tickets": [], "allotment": 5},
    ],
    ids=json.dumps,
)
def test_an_answer_without_sense_revokes_nothing(
    replica: Replica, reply: dict[str, object]
) -> None:
    plan = planned(replica)
    with pytest.raises(ServerUnreachable):
        replica.transact(lambda unit: revoke.on_revoke(unit, plan, reply))
    assert pending(replica) == [RevocationState.ASKED]


def test_what_has_ended_is_not_begun_again_by_a_late_answer(replica: Replica) -> None:
    plan = planned(replica)
    reply = {"tickets": [{"id": ONE, "state": "void"}]}
    replica.transact(lambda unit: revoke.on_revoke(unit, plan, reply))
    finish(replica, plan)
    replica.transact(lambda unit: revoke.on_revoke(unit, plan, reply))
    replica.transact(lambda unit: revoke.on_revoke_refused(unit, plan, "late"))
    assert pending(replica) == []
    other = planned(replica)
    replica.transact(lambda unit: revoke.drop_revoke(unit, other))
    assert pending(replica) == []
    with replica.reading() as connection:
        found = revoke.find_revocation(connection, other.op_id)
    assert found is not None
    assert found.state is RevocationState.DROPPED
