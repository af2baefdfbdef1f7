"""The orders screen's mind alone: one deed at a time, and what is left when the server is silent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from pos_app.presenters.after_sale import AfterSalePresenter
from pos_app.presenters.after_sale_state import BROKEN, AfterSaleState
from pos_app.services.after_sale_model import (
    Answer,
    Asked,
    Chosen,
    Done,
    Finding,
    FindNote,
    FoundOrder,
    GoReason,
    Offer,
    OrderDetail,
    Refused,
    Request,
    SoldTicket,
    Standing,
    TicketStanding,
    Unfinished,
)
from pos_app.services.model import News, NewsKind, PrintOutcome, PrintResult
from tests.fakes.after_sale import NothingSold
from tests.fakes.runner import HeldRunner, run_now
from tests.fakes.till import NOW, sample_catalogue
from ticketing.ids import OpId, TicketId
from ticketing.refund_rules import Deed, Preview, TicketRefund
from ticketing.returns import Route

OP = OpId("ab" * 16)
ASKED = Asked(OP)
ONE, TWO = TicketId("00000000000000a1"), TicketId("00000000000000a2")
EVENT = sample_catalogue().events[0]
FOUND = FoundOrder(
    EVENT.id, "f1", "P-1", EVENT.name, NOW, 2, 2_000, "CNY", Standing.PAID, is_own=True
)
DONE = Done(Deed.REFUND, EVENT.id, "P-1", 2, "CNY", 2_000, 0, 0, 0)


def detail(standing: TicketStanding = TicketStanding.VALID) -> OrderDetail:
    plan = sample_catalogue().plan(EVENT.plan_id)
    assert plan is not None
    tickets = tuple(
        SoldTicket(ticket, 1, unit, "a", "adult", 1_000, "list", standing)
        for ticket, unit in ((ONE, 152), (TWO, 153))
    )
    venue = sample_catalogue().venue
    return OrderDetail(FOUND, venue, plan, EVENT, tickets, 1, is_acknowledged=True, same_shift=True)


@dataclass
class Scripted(NothingSold):
    """Answers what the test says."""

    answer: Done | Asked | Refused = ASKED
    then: Done | Asked | Refused = ASKED
    orders: tuple[FoundOrder, ...] = (FOUND,)
    left: tuple[Unfinished, ...] = ()
    requests: list[Request] = field(default_factory=list)
    looked: int = 0
    asked_about: list[FoundOrder] = field(default_factory=list)
    details: list[OrderDetail] = field(default_factory=list)

    def look_up(self, found: FoundOrder) -> bool:
        self.asked_about.append(found)
        return True

    def recent(self) -> tuple[FoundOrder, ...]:
        return self.orders

    def find(self, text: str, performance: int) -> Finding:
        assert performance == 1
        return Finding(self.orders, None, ONE if text == "scan" else None)

    def detail(self, found: FoundOrder) -> OrderDetail | None:
        if self.details:
            return self.details.pop(0)
        return detail() if found == FOUND else None

    def offer(self, deed: Deed, chosen: Chosen) -> Offer | None:
        assert chosen.scanned <= {ONE, TWO}
        lines = tuple(TicketRefund(ticket, 1_000, 0) for ticket in chosen.ticket_ids)
        back = 1_000 * len(lines)
        bars = () if lines else ("no_tickets",)
        preview = Preview(deed, lines)
        of = chosen.event_id, chosen.order_id
        return Offer(deed, *of, "CNY", preview, Route.CENTRE, bars, back, 0)

    def do(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.answer

    def progress(self, op_id: OpId, number: str | None = None) -> Answer:  # noqa: ARG002
        assert op_id == OP
        self.looked += 1
        return self.then

    def unfinished(self) -> tuple[Unfinished, ...]:
        return self.left


@pytest.fixture
def services() -> Scripted:
    return Scripted()


def now(presenter: AfterSalePresenter) -> AfterSaleState:
    """The state as it is at this moment."""
    return presenter.state


def printed(order_id: str) -> PrintResult:
    return PrintResult(order_id, PrintOutcome.PRINTED, 1)


@pytest.fixture
def presenter(services: Scripted) -> AfterSalePresenter:
    made = AfterSalePresenter(services, run_now, run_now, printed)
    made.search("P-1", 1)
    return made


def test_the_only_order_found_is_opened_with_all_its_tickets_chosen(
    presenter: AfterSalePresenter,
) -> None:
    assert now(presenter).detail == detail()
    assert now(presenter).chosen == {ONE, TWO}
    assert now(presenter).offers[Deed.REFUND].back_minor == 2_000


def test_a_scanned_ticket_is_chosen_alone_and_the_next_one_joins_it(services: Scripted) -> None:
    presenter = AfterSalePresenter(services, run_now, run_now, printed)
    presenter.search("scan", 1)
    assert now(presenter).chosen == now(presenter).scanned == {ONE}
    presenter.toggle(TWO)
    assert now(presenter).chosen == {ONE, TWO}
    presenter.toggle(ONE)
    presenter.choose_all()
    assert now(presenter).chosen == {ONE, TWO}
    presenter.choose_all()
    assert now(presenter).chosen == frozenset()


def test_a_preview_does_nothing_and_esc_closes_it(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    presenter.preview(Deed.REFUND)
    assert now(presenter).card is not None
    assert presenter.back()
    assert now(presenter).card is None
    assert not presenter.back()
    assert services.requests == []


def test_a_deed_is_begun_once_however_often_the_key_is_pressed(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    presenter.preview(Deed.VOID)
    assert now(presenter).reason is GoReason.MISTAKE
    presenter.choose_reason(GoReason.OTHER)
    for _press in range(3):
        presenter.confirm()
    [request] = services.requests
    assert (request.chosen.ticket_ids, request.reason) == ((ONE, TWO), GoReason.OTHER)
    assert now(presenter).asked == OP
    presenter.preview(Deed.REFUND)
    presenter.toggle(ONE)
    presenter.search("other", 1)
    card = now(presenter).card
    assert card is not None
    assert card.deed is Deed.VOID
    assert now(presenter).query == "P-1"


def test_the_answer_comes_as_news_and_shows_the_money(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    presenter.preview(Deed.REFUND)
    presenter.confirm()
    presenter.on_news(News(NewsKind.AFTER_SALE, reason="cd" * 16))
    assert services.looked == 0, "another question's answer"
    services.then = DONE
    presenter.on_news(News(NewsKind.AFTER_SALE, reason=OP))
    assert now(presenter).done == DONE
    assert not now(presenter).is_busy
    assert presenter.back()
    assert now(presenter).done is None


def test_a_refusal_closes_the_preview_and_says_why(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    services.answer = Refused("entered")
    presenter.preview(Deed.REFUND)
    presenter.confirm()
    assert now(presenter).refused == Refused("entered")
    assert now(presenter).card is None
    assert not now(presenter).is_busy


def test_nobody_has_to_wait_for_a_silent_server(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    presenter.preview(Deed.REFUND)
    presenter.confirm()
    left = Unfinished(
        OP, Deed.REFUND, EVENT.id, "f1", "P-1", 2, "CNY", 2_000, 0, NOW, is_granted=False
    )
    services.left = (left,)
    presenter.refresh_unfinished()
    assert now(presenter).owed == (), "it is on screen already"
    presenter.wait_no_longer()
    assert now(presenter).owed == (left,)
    services.left = (replace(left, is_granted=True),)
    services.then = DONE
    presenter.finish(OP)
    assert now(presenter).done == DONE


def test_a_fault_of_ours_is_told_and_the_screen_goes_on(
    presenter: AfterSalePresenter, services: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_request: Request) -> Done:
        raise ZeroDivisionError

    monkeypatch.setattr(services, "do", broken)
    presenter.preview(Deed.REFUND)
    presenter.confirm()
    assert now(presenter).refused == Refused(BROKEN)
    assert not now(presenter).is_busy


def test_an_offer_that_comes_late_is_not_that_of_other_tickets(services: Scripted) -> None:
    held = HeldRunner()
    presenter = AfterSalePresenter(services, held, held, printed)
    presenter.search("P-1", 1)
    held.release()
    presenter.toggle(ONE)
    presenter.toggle(TWO)
    held.release()
    assert now(presenter).chosen == frozenset()
    assert not now(presenter).offers[Deed.REFUND].can_be_done


def test_an_exchange_counts_the_difference_and_prints_what_is_new(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    presenter.preview(Deed.EXCHANGE)
    assert now(presenter).exchange is not None
    assert now(presenter).difference_minor(None) == -2_000
    services.answer = replace(DONE, deed=Deed.EXCHANGE, new_order_id="f2")
    presenter.swap(None, 0)
    assert now(presenter).exchange is None
    assert now(presenter).print_failed == ""


def test_nothing_typed_shows_the_last_orders_again(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    services.orders = ()
    presenter.search("nothing", 1)
    assert now(presenter).orders == ()
    services.orders = (FOUND,)
    presenter.search("  ", 1)
    assert (now(presenter).orders, now(presenter).is_search) == ((FOUND,), False)
    assert now(presenter).note is not FindNote.NOTHING


def test_the_server_is_asked_about_an_order_whenever_somebody_looks_at_it(
    presenter: AfterSalePresenter, services: Scripted
) -> None:
    assert services.asked_about == [FOUND], "it was found, and opened"
    presenter.on_news(News(NewsKind.AFTER_SALE, reason="f1"))
    assert services.asked_about == [FOUND], "its answer is not asked about again"
    presenter.open()
    presenter.search("scan", 1)
    assert services.asked_about == [FOUND] * 3
    assert now(presenter).at_gate == {ONE}


def test_a_used_ticket_of_another_window_is_looked_at_though_nothing_can_be_done_with_it(
    services: Scripted,
) -> None:
    alone = replace(FOUND, order_id="", receipt_no="", is_own=False, ticket_id=ONE)
    used, free = detail(TicketStanding.ENTERED).tickets[0], detail().tickets[1]
    whole = replace(detail(), tickets=(used, free))
    services.orders = (alone,)
    services.details = [replace(whole, found=alone, tickets=()), whole]
    presenter = AfterSalePresenter(services, run_now, run_now, printed)
    presenter.search("code", 1)
    assert now(presenter).at_gate == frozenset()
    presenter.on_news(News(NewsKind.AFTER_SALE, reason=ONE))
    assert now(presenter).named == {ONE}
    assert now(presenter).chosen == {TWO}
    assert now(presenter).at_gate == {ONE, TWO}
