"""After the sale over a real sync engine and sockets: the server is asked, away, or says no."""

from __future__ import annotations

from pathlib import Path

import pytest

from pos_app.services.after_sale_model import (
    Answer,
    Asked,
    Chosen,
    Done,
    GoReason,
    Refused,
    Request,
)
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.model import Link, News, Sold, UnitState
from pos_app.services.window import Window
from tests.fakes.edge_node import enrolled_folder, wait_until
from tests.fakes.hall import EVENT_ID, FIRST, ROW
from tests.fakes.server import FakeServer, Reset, problem
from tests.integration.pos_app.test_window_with_server import is_synced, running, server
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.refund_rules import Deed

__all__ = ["server"]


@pytest.fixture
def folder(tmp_path: Path, server: FakeServer) -> Path:
    enrolled_folder(tmp_path / "till")
    server.free_units = set(ROW)
    return tmp_path


def sold(window: Window) -> Sold:
    """One ticket, sold and told to the server."""
    window.stock(FIRST)
    wait_until(lambda: window.availability(FIRST).states.get(ROW[0]) is UnitState.FREE)
    event = window.house(FIRST).event
    basket = add_unit(empty_basket(event), event, FIRST, ROW[0])
    done = window.pay_cash(basket, basket.total_minor)
    assert isinstance(done, Sold), done
    wait_until(lambda: is_synced(window))
    return done


def ticket_of(window: Window, sale: Sold) -> TicketId:
    [found] = window.after_sale.find(sale.receipt_no, FIRST).orders
    detail = window.after_sale.detail(found)
    assert detail is not None
    return detail.tickets[0].id


def ask(window: Window, sale: Sold) -> Answer:
    ticket_id = ticket_of(window, sale)
    services = window.after_sale
    chosen = Chosen(EVENT_ID, OrderId(sale.order_id), (ticket_id,))
    offer = services.offer(Deed.REFUND, chosen)
    assert offer is not None
    return services.do(
        Request(
            Deed.REFUND,
            chosen,
            GoReason.BUYER,
            offer.back_minor,
            offer.fee_minor,
        )
    )


def ended(window: Window, op_id: OpId) -> Done | Refused:
    """What it came to, asked for again and again as the screen does."""
    found: list[Done | Refused] = []

    def look() -> bool:
        answer = window.after_sale.progress(op_id)
        if isinstance(answer, Done | Refused):
            found.append(answer)
        return bool(found)

    wait_until(look)
    return found[0]


def kinds(server: FakeServer) -> list[str]:
    return [op[2] for op in server.ops[EVENT_ID]]


def test_a_refund_reaches_the_server_under_the_id_it_was_asked_with(
    server: FakeServer, folder: Path
) -> None:
    news: list[News] = []
    with running(server, folder, news) as window:
        sale = sold(window)
        asked = ask(window, sale)
        assert isinstance(asked, Asked)
        done = ended(window, asked.op_id)
        assert isinstance(done, Done)
        assert done.pay_out_minor == sale.total_minor
        wait_until(lambda: is_synced(window))
    assert kinds(server) == ["sale", "refund"]
    assert server.op_ids(EVENT_ID)[-1] == asked.op_id
    assert [call.body["op"] for call in server.called("revoke")] == [asked.op_id]


def test_the_servers_refusal_pays_nothing(server: FakeServer, folder: Path) -> None:
    server.script("revoke", problem(409, "entered"))
    with running(server, folder, []) as window:
        asked = ask(window, sold(window))
        assert isinstance(asked, Asked)
        assert ended(window, asked.op_id) == Refused("entered")
        assert window.after_sale.unfinished() == ()
    assert kinds(server) == ["sale"]


def test_a_lost_answer_is_asked_for_again_and_pays_once(server: FakeServer, folder: Path) -> None:
    server.script("revoke", Reset(after_work=True), Reset())
    with running(server, folder, []) as window:
        asked = ask(window, sold(window))
        assert isinstance(asked, Asked)
        assert isinstance(ended(window, asked.op_id), Done)
        wait_until(lambda: is_synced(window))
    assert kinds(server) == ["sale", "refund"]
    assert {call.body["op"] for call in server.called("revoke")} == {asked.op_id}


def test_with_the_server_away_nothing_is_begun(server: FakeServer, folder: Path) -> None:
    with running(server, folder, []) as window:
        sale = sold(window)
        server.unplugged = True
        window.ask_for(FIRST, [1])  # anything that meets the dead wire
        wait_until(lambda: window.status().link is Link.OFFLINE)
        assert ask(window, sale) == Refused("offline")
        assert window.after_sale.unfinished() == ()
    assert server.called("revoke") == []


def test_killed_before_the_money_the_next_run_of_the_program_pays(
    server: FakeServer, folder: Path
) -> None:
    with running(server, folder, []) as window:
        sale = sold(window)
        asked = ask(window, sale)
        assert isinstance(asked, Asked)
    with running(server, folder, []) as window:
        [left] = window.after_sale.unfinished()
        assert left.op_id == asked.op_id
        assert isinstance(ended(window, left.op_id), Done)
        assert isinstance(window.after_sale.progress(left.op_id), Refused)
        wait_until(lambda: is_synced(window))
    assert kinds(server).count("refund") == 1
