"""What the till says that a gate would say: by its own knowledge alone, and as the server told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from edge.handing import ToldOrder, read_told_order
from pos_app.services.after_sale_model import AtGate, FoundOrder, TicketStanding
from tests.fakes.hall import EVENT_ID, ROW, SECOND, SetEnv, event_row
from tests.integration.pos_app.test_after_sale import sell
from tests.integration.pos_app.window_stage import Stage
from ticketing.admission import Admit, Note, Reason, Refuse
from ticketing.ids import OrderId
from ticketing.operations import Sale, encode_sale

GATE = "00000000000000aa"


def at_gate(till: Stage, sale: Sale) -> list[AtGate]:
    """What is said of each ticket, in the order's order."""
    [found] = till.window.after_sale.find(sale.receipt_no, SECOND).orders
    detail = till.window.after_sale.detail(found)
    assert detail is not None
    says = [ticket.at_gate for ticket in detail.tickets]
    assert all(says)
    return [one for one in says if one is not None]


def told(till: Stage, sale: Sale, *tickets: Mapping[str, Any]) -> ToldOrder:
    """The server's answer, with these members of the first tickets."""
    plain = {"state": "valid", "p": SECOND, "v": 0, "blocked": "", "in_ms": 0, "moves": []}
    more: Sequence[Mapping[str, Any]] = (*tickets, *({} for _line in sale.lines))
    rows = [
        {"id": line.ticket_id, "u": line.unit, **plain, **each}
        for line, each in zip(sale.lines, more, strict=False)
    ]
    reply = {"node": till.node_id, "body": encode_sale(sale), "tickets": rows, "at_ms": 1}
    return read_told_order(EVENT_ID, {**reply, "turn": 0})


def ask(till: Stage, sale: Sale, answer: object) -> None:
    """The order is opened, and the server answers."""
    till.go_online()
    [found] = till.window.after_sale.find(sale.receipt_no, SECOND).orders
    assert till.window.after_sale.look_up(found)
    till.engine.calls[-1].then(answer)


def moved(phase: str, at_ms: int, op: str = "ab") -> list[object]:
    return [op * 16, GATE, "Gate 1 · A", phase, at_ms]


@pytest.fixture
def doors_open(till: Stage, env: SetEnv) -> Stage:
    """A till shortly before the second performance begins."""
    event = till.window.house(SECOND).event
    performance = event.performance(SECOND)
    assert performance is not None
    env.pass_s((performance.doors_at - env.now) / timedelta(seconds=1) + 60)
    return till


class TestAlone:
    def test_a_sale_that_nobody_has_heard_of_would_be_let_in_unconfirmed(
        self, doors_open: Stage
    ) -> None:
        [one, two] = at_gate(doors_open, sell(doors_open))
        assert one.decision == two.decision == Admit(unconfirmed=True)
        assert (one.told_at, one.is_fresh) == (None, False)

    def test_before_the_doors_open_it_is_too_early(self, till: Stage) -> None:
        [one, _two] = at_gate(till, sell(till))
        assert isinstance(one.decision, Refuse)
        assert one.decision.reason is Reason.TOO_EARLY

    def test_what_the_server_has_confirmed_has_reached_it(self, doors_open: Stage) -> None:
        sale = sell(doors_open)
        doors_open.acknowledge_all()
        assert {one.decision for one in at_gate(doors_open, sale)} == {Admit(unconfirmed=False)}

    def test_the_claims_say_that_the_server_has_the_sale(self, doors_open: Stage) -> None:
        sale = sell(doors_open)
        for line in sale.lines:
            doors_open.feed.claims(SECOND, "sold", [line.unit], ref=line.ticket_id)
        assert {one.decision for one in at_gate(doors_open, sale)} == {Admit(unconfirmed=False)}

    def test_a_place_that_was_sold_again_is_replaced_and_one_that_was_moved_is_not(
        self, doors_open: Stage
    ) -> None:
        sale = sell(doors_open)
        first, second = sale.lines
        again = {"p": SECOND, "kind": "sold", "node": "", "v": 2}
        doors_open.feed.tell(
            EVENT_ID,
            ("claim", {**again, "u": first.unit, "ref": "f" * 16}),
            ("claim", {**again, "u": second.unit, "ref": "e" * 16}),
            ("claim", {**again, "u": 300, "ref": second.ticket_id}),
        )
        says = [one.decision for one in at_gate(doors_open, sale)]
        assert says == [Refuse(Reason.REPLACED), Admit(unconfirmed=False)]

    def test_a_block_is_known_by_its_open_case(self, doors_open: Stage) -> None:
        sale = sell(doors_open)
        ticket = sale.lines[0].ticket_id
        doors_open.feed.claims(SECOND, "sold", [sale.lines[0].unit], ref=ticket)
        case = {"id": f"blocked:{ticket}", "kind": "blocked", "state": "open", "at_ms": 1}
        doors_open.feed.tell(EVENT_ID, ("case", {**case, "body": {"reason": "stolen"}}))
        [blocked, free] = (one.decision for one in at_gate(doors_open, sale))
        assert isinstance(blocked, Refuse)
        assert (blocked.reason, blocked.miss and blocked.miss.note) == (Reason.BLOCKED, "stolen")
        assert free == Admit(unconfirmed=True)

    def test_what_was_given_back_here_is_void(self, doors_open: Stage) -> None:
        sale = sell(doors_open)
        doors_open.replica.transact(
            lambda unit: unit.execute("UPDATE allot_unit SET state = 'returned'")
        )
        says = {one.decision for one in at_gate(doors_open, sale)}
        assert says == {Refuse(Reason.VOID)}


class TestAsTheServerTold:
    def test_who_went_in_where_and_when_is_known(self, doors_open: Stage, env: SetEnv) -> None:
        sale = sell(doors_open)
        in_ms = env.wall_ms() - 30_000
        moves = [moved("granted", in_ms), moved("returned", 5, "cd"), moved("newer", 6, "ef")]
        ask(doors_open, sale, told(doors_open, sale, {"moves": moves, "in_ms": in_ms}))
        [used, free] = at_gate(doors_open, sale)
        assert isinstance(used.decision, Refuse)
        assert used.decision.reason is Reason.ALREADY_USED
        first = used.decision.first_entry
        assert first is not None
        assert (first.op_id, first.lane, first.node_id) == ("ab" * 16, "Gate 1 · A", GATE)
        assert free.decision == Admit(unconfirmed=False)
        assert (free.told_at, free.is_fresh) == (env.now, True)

    def test_who_has_come_out_again_may_come_back_where_the_rules_let_them(
        self, doors_open: Stage, env: SetEnv
    ) -> None:
        document = dict(event_row()[1])
        rules = {"rules": [{"reentry_minutes": 20}]}
        document["event"] = {**document["event"], "entry_rules": rules}
        doors_open.feed.open_house(document)
        sale = sell(doors_open)
        in_ms, out_ms = env.wall_ms() - 600_000, env.wall_ms() - 60_000
        moves = [moved("left", out_ms, "cd"), moved("passed", in_ms)]
        ask(doors_open, sale, told(doors_open, sale, {"moves": moves, "in_ms": in_ms}))
        back = Admit(unconfirmed=False, notes=frozenset({Note.REENTRY}))
        assert at_gate(doors_open, sale)[0].decision == back

    def test_what_it_told_is_fresh_for_two_minutes(self, doors_open: Stage, env: SetEnv) -> None:
        sale = sell(doors_open)
        ask(doors_open, sale, told(doors_open, sale))
        then = env.now
        env.pass_s(120)
        assert at_gate(doors_open, sale)[0].is_fresh
        env.pass_s(1)
        one = at_gate(doors_open, sale)[0]
        assert (one.is_fresh, one.told_at) == (False, then)

    def test_blocked_disputed_and_void_are_told(self, doors_open: Stage) -> None:
        sale = sell(doors_open, ROW[:3])
        states = {"blocked": "stolen"}, {"state": "disputed"}, {"state": "void"}
        ask(doors_open, sale, told(doors_open, sale, *states))
        reasons = [
            one.decision.reason
            for one in at_gate(doors_open, sale)
            if isinstance(one.decision, Refuse)
        ]
        assert reasons == [Reason.BLOCKED, Reason.DISPUTED, Reason.VOID]

    def test_the_orders_page_tells_the_same_as_the_gate(self, doors_open: Stage) -> None:
        sale = sell(doors_open, ROW[:3])
        states = {"in_ms": 5_000, "moves": [moved("granted", 5_000)]}, {"state": "void"}
        ask(doors_open, sale, told(doors_open, sale, *states))
        [found] = doors_open.window.after_sale.find(sale.receipt_no, SECOND).orders
        detail = doors_open.window.after_sale.detail(found)
        assert detail is not None
        assert [ticket.standing for ticket in detail.tickets] == [
            TicketStanding.ENTERED,
            TicketStanding.VOID,
            TicketStanding.VALID,
        ]

    def test_an_older_server_tells_nothing_of_entries(self, doors_open: Stage) -> None:
        sale = sell(doors_open)
        answer = told(doors_open, sale)
        ask(doors_open, sale, replace(answer, at_gate={}))
        assert at_gate(doors_open, sale)[0].told_at is None

    def test_another_windows_ticket_is_judged_without_its_code(
        self, doors_open: Stage, env: SetEnv
    ) -> None:
        sale = sell(doors_open)
        bare = replace(
            sale,
            order_id=OrderId("00000000000000c0"),
            lines=tuple(replace(line, code="") for line in sale.lines),
        )
        body = {"id": "00000000000000c0", "node": GATE, "no": "OTHER-1", "state": "paid"}
        money = {"total": 1, "refunded": 0, "currency": "CNY", "by": "x", "at_ms": 1}
        doors_open.feed.tell(EVENT_ID, ("order", body | money))
        used = {"in_ms": env.wall_ms(), "moves": [moved("passed", env.wall_ms())]}
        ask_other(doors_open, told(doors_open, bare, used))
        [one, two] = at_gate(doors_open, replace(sale, receipt_no="OTHER-1"))
        assert isinstance(one.decision, Refuse)
        assert one.decision.reason is Reason.ALREADY_USED
        assert two.decision == Admit(unconfirmed=False)


def ask_other(till: Stage, answer: ToldOrder) -> None:
    till.go_online()
    [found] = till.window.after_sale.find("OTHER-1", SECOND).orders
    assert isinstance(found, FoundOrder)
    assert till.window.after_sale.look_up(found)
    till.engine.calls[-1].then(answer)


def test_the_gates_that_let_it_in_are_named(doors_open: Stage) -> None:
    sale = sell(doors_open)
    assert at_gate(doors_open, sale)[0].gates == ()
    document = dict(event_row()[1])
    document["event"] = {
        **document["event"],
        "entry_rules": {"rules": [{"gates": ["Gate 9"]}]},
    }
    doors_open.feed.open_house(document)
    assert at_gate(doors_open, sale)[0].gates == ("Gate 9",)
