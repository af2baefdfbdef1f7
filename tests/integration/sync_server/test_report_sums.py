"""Summary tables: whatever happens, counting piece by piece gives what counting anew gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from sync_server.heart.returns import Revoked
from sync_server.services import report_sums, sale_sums
from sync_server.services.report_sums import TurnOver
from sync_server.services.sales_report import (
    CURRENT,
    Channel,
    ReportBy,
    SalesAsked,
    SalesLine,
)
from tests.integration.sync_server.failover import found, lose, push_again, report, save
from tests.integration.sync_server.report_rounds import (
    begin,
    count,
    counted_from_nothing,
    due,
    go_round,
    kept,
    sales_of,
    write,
)
from tests.integration.sync_server.stage import EVENT, Stage, Till
from tests.integration.sync_server.test_reconciling import house_of
from tests.integration.sync_server.test_returns import (
    REFUND,
    VOID,
    new_id,
    revoke,
    say_refund,
    say_replaced,
)
from ticketing.ids import OrderId
from ticketing.journal import OpKind
from ticketing.operations import Exchange, ExchangeAction, Sale, encode_exchange

DAY = "2026-11-28"


def agency_window(stage: Stage, agency: str = "north") -> Till:
    till = stage.till(f"Desk of {agency}")
    stage.do(
        lambda tx: tx.run("UPDATE node SET agency = :a WHERE id = :n", a=agency, n=till.node_id)
    )
    return till


def lines(stage: Stage, by: ReportBy, asked: SalesAsked | None = None) -> dict[str, SalesLine]:
    return {line.of: line for line in sales_of(stage, asked).by(by)}


def agree_with_the_books(stage: Stage) -> None:
    """The report's total is what the overview shows of orders, and by day and till what is reconciled."""
    found = sales_of(stage)
    assert found.counted_ms == CURRENT
    by_currency = {line.currency: line.net_minor for line in found.totals()}
    money = stage.books().money
    assert by_currency == {account.currency: account.orders_minor for account in money}
    takings = [
        (key, takings)
        for key, takings in house_of(stage).facts.takings[EVENT].slices.items()
        if key.currency == "CNY"
    ]
    # Paid out for an order that is not theirs: no order is worth less, and reconciliation shows it.
    unknown = stage.rows(
        "SELECT l.node_id, l.amount_minor FROM ledger l JOIN op p ON p.node_id = l.node_id "
        "AND p.event_id = l.event_id AND p.seq = l.seq WHERE l.account = 'sales' "
        "AND l.amount_minor > 0 AND p.verdict_code = 'unknown_order'"
    )
    for line in found.by(ReportBy.TILL):
        own = [t for key, t in takings if key.node_id == line.of]
        assert line.sold_minor == sum(t.orders_minor for t in own)
        left_out = sum(minor for node_id, minor in unknown if node_id == line.of)
        assert line.back_minor == sum(t.back_minor for t in own) - left_out
    for by in ReportBy:
        assert sum(line.net_minor for line in found.by(by)) == sum(by_currency.values()), by
        assert sum(line.net_count for line in found.by(by)) == sum(
            line.net_count for line in found.totals()
        ), by


class Evening:
    """Deeds in an order that chance makes, at windows whose clocks go on."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.chance = stage, Random(seed)
        self.tills = [stage.till("Window 1"), stage.till("Window 2"), agency_window(stage)]
        self.grants = [till.borrow(31 + n) for n, till in enumerate(self.tills)]
        self.gate = stage.gate()
        self.free = {1: list(range(1, 19)), 2: list(range(1, 19))}
        self.sales: list[tuple[Till, Sale]] = []
        self.deeds: list[Callable[[], None]] = [
            self.sell,
            self.sell,
            self.sell_what_is_not_lent,
            self.give_back,
            self.give_back_unasked,
            self.exchange,
            self.let_in,
            self.move,
        ]

    def go_on(self) -> None:
        self.stage.now += timedelta(minutes=self.chance.choice((0, 7, 50, 600)))
        self.chance.choice(self.deeds)()

    def sell(self) -> None:
        till, performance = self.chance.choice(self.tills), self.chance.choice((1, 2))
        if len(self.free[performance]) < 2:
            return
        units = [self.free[performance].pop() for _ in range(2)]
        grant = till.borrow(*units, performance=performance)
        price = self.chance.choice((None, 0))
        changes = {} if price is None else {"price_minor": price}
        found = [till.line(n, grant.id, performance=performance, **changes) for n in units]
        self.keep(till, till.sale(*found))

    def sell_what_is_not_lent(self) -> None:
        """To the ladder: late, moved or disputed."""
        at, unit = self.chance.randrange(3), self.chance.choice((1, 5, 101))
        till = self.tills[at]
        self.keep(till, till.sale(till.line(unit, self.grants[at].id)))

    def keep(self, till: Till, sale: Sale) -> None:
        till.say_sale(sale)
        till.push()
        self.sales.append((till, sale))

    def give_back(self) -> None:
        if self.sales:
            till, sale = self.sales.pop(self.chance.randrange(len(self.sales)))
            op_id, at = new_id(self.stage), self.chance.choice(((0,), range(len(sale.lines))))
            action = self.chance.choice((REFUND, VOID))
            revoke(till, sale, *at, action=action, op_id=op_id)
            if self.chance.random() < 0.8:  # else the operation is still on its way
                say_refund(till, sale, *at, op_id=op_id, action=action)
                till.push()

    def give_back_unasked(self) -> None:
        """Of another window's order, or of one that nobody knows, and of tickets taken twice."""
        if self.sales:
            _till, sale = self.chance.choice(self.sales)
            other = self.chance.choice(self.tills)
            if self.chance.random() < 0.3:
                sale = replace(sale, order_id=OrderId(f"{self.stage.mint():016x}"))
            say_refund(other, sale, 0, op_id=new_id(self.stage))
            other.push()

    def exchange(self) -> None:
        if self.sales and len(self.free[2]) > 1:
            till, sale = self.sales.pop(self.chance.randrange(len(self.sales)))
            unit = self.free[2].pop()
            line = till.line(unit, till.borrow(unit, performance=2).id, performance=2)
            credit, number = sale.lines[0].price_minor, self.stage.mint()
            paid = line.price_minor - credit
            exchange = Exchange(
                (sale.lines[0].ticket_id,),
                sale.order_id,
                ExchangeAction.EXCHANGE,
                OrderId(f"{number:016x}"),
                f"A1-{number:06d}",
                "li.na",
                "CNY",
                7,
                (line,),
                credit,
                0,
                paid,
                max(paid, 0),
            )
            till.say(OpKind.EXCHANGE, encode_exchange(exchange), op_id=new_id(self.stage))
            till.push()

    def let_in(self) -> None:
        if self.sales:
            _till, sale = self.chance.choice(self.sales)
            self.gate.let_in(self.chance.choice(sale.lines), minute=self.chance.randrange(90))
            self.gate.push()

    def move(self) -> None:
        self.stage.do(
            lambda tx: tx.run("UPDATE performance SET starts_ms = starts_ms + 1 WHERE perf_id = 2")
        )


@pytest.mark.parametrize("seed", range(2))
def test_counting_what_changed_gives_what_counting_anew_gives(stage: Stage, seed: int) -> None:
    evening = Evening(stage, seed)
    for _ in range(40):
        evening.go_on()
        if evening.chance.random() < 0.4:
            go_round(stage)
    go_round(stage)
    agree_with_the_books(stage)
    by_and_by = kept(stage)
    assert by_and_by[0]
    assert counted_from_nothing(stage) == by_and_by


# --- what may come in between


def test_what_waited_for_a_quarantine_to_end_is_counted_then(stage: Stage) -> None:
    till, other = stage.till("Window 1"), stage.till("Window 2")
    found(stage)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("DELETE FROM quarantine"))
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    till.push()
    saved = save(stage)
    go_round(stage)
    till.sell(grant, 2)
    till.push()
    go_round(stage)
    assert sum(line.sold_count for line in sales_of(stage).totals()) == 2
    lose(stage, saved)
    assert due(stage) == (EVENT,)
    go_round(stage)
    assert push_again(till) == ["deferred"]
    go_round(stage)
    assert sum(line.sold_count for line in sales_of(stage).totals()) == 1
    report(till, grant)
    report(other)
    go_round(stage)
    agree_with_the_books(stage)
    by_and_by = kept(stage)
    assert sum(line.sold_count for line in sales_of(stage).totals()) == 2
    assert counted_from_nothing(stage) == by_and_by


def test_who_began_to_count_before_somebody_else_writes_nothing(stage: Stage) -> None:
    till = stage.till()
    till.sell(till.borrow(1), 1)
    till.push()
    slow = begin(stage)
    counted = count(stage, slow)
    till.sell(till.borrow(2), 2)
    till.push()
    go_round(stage)
    with pytest.raises(TurnOver):
        write(stage, slow, counted)
    agree_with_the_books(stage)
    assert due(stage) == ()


def test_much_at_once_is_counted_anew_and_written_in_pieces_beside_the_old(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_sums, "ADDED_AT_ONCE_MAX", 3)
    monkeypatch.setattr(report_sums, "ROWS_PER_PIECE", 2)
    till, gate = stage.till(), stage.gate()
    grant = till.borrow(1, 2, 3, 31)
    sale = till.sell(grant, 1)
    till.push()
    go_round(stage)
    before = kept(stage)
    till.sell(grant, 2, 31)
    till.push()
    for minute, line in enumerate(3 * sale.lines):
        gate.let_in(line, minute=minute)
    gate.push()
    turn = begin(stage)
    counted = count(stage, turn)
    assert counted.is_whole
    assert len(list(report_sums.pieces_of(counted))) > 3
    assert kept(stage) == before
    write(stage, turn, counted)
    agree_with_the_books(stage)
    go_round(stage)
    builds = stage.rows("SELECT DISTINCT build FROM sale_sum")
    assert len(builds) == 1
    by_and_by = kept(stage)
    assert len(by_and_by[1]) == 3
    assert counted_from_nothing(stage) == by_and_by


def test_a_long_count_can_be_given_up_at_its_rests(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sale_sums, "ROWS_AT_ONCE", 1)
    till = stage.till()
    till.sell(till.borrow(1), 1)
    till.push()
    turn = begin(stage)

    def stop(_seconds: float) -> None:
        raise TurnOver

    with pytest.raises(TurnOver):
        count(stage, turn, stop)
    go_round(stage)
    agree_with_the_books(stage)


def test_an_entry_that_did_not_happen_is_counted_no_more(stage: Stage) -> None:
    till, gate = stage.till(), stage.gate()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    gate.let_in(sale.lines[0])
    gate.push()
    go_round(stage)
    assert len(kept(stage)[1]) == 1
    stage.do(
        lambda tx: tx.run("UPDATE entry SET phase = 'returned', rev = :r", r=tx.next_rev(EVENT))
    )
    go_round(stage)
    assert kept(stage)[1] == {}


def test_days_and_hours_are_the_venues_own(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2)
    stage.now += timedelta(hours=8, minutes=50)  # 03:50 of the next morning in Shanghai
    till.sell(grant, 1)
    stage.now += timedelta(minutes=10)
    till.sell(grant, 2)
    till.push()
    go_round(stage)
    assert sorted(lines(stage, ReportBy.DAY)) == [DAY, "2026-11-29"]
    assert sorted(lines(stage, ReportBy.HOUR)) == ["03", "04"]
    first = lines(stage, ReportBy.HOUR, SalesAsked(last_day=DAY))
    assert sorted(first) == ["03"]


def test_another_beginning_of_the_day_makes_all_sums_void(stage: Stage) -> None:
    till = stage.till()
    till.sell(till.borrow(1), 1)
    till.push()
    assert go_round(stage).since == 0
    assert due(stage) == ()
    stage.do(lambda tx: tx.run("UPDATE report_mark SET day_rule = 'Europe/Berlin 04:00'"))
    assert due(stage) == (EVENT,)
    assert begin(stage).since == 0


# --- what a report is of


def test_channels_are_told_apart_and_an_agency_has_its_own_alone(stage: Stage) -> None:
    window, below, desk = stage.till("Window 1"), stage.till("Window 2"), agency_window(stage)
    stage.do(lambda tx: tx.run("UPDATE node SET hub = 'h' WHERE id = :n", n=below.node_id))
    for unit, till in enumerate((window, below, desk), 1):
        grant = till.borrow(unit, 100 + unit)
        free = till.line(100 + unit, grant.id, price_minor=0)
        till.say_sale(till.sale(till.line(unit, grant.id), free))
        till.push()
    go_round(stage)
    found = lines(stage, ReportBy.CHANNEL)
    assert {name: (line.sold_count, line.sold_minor) for name, line in found.items()} == {
        Channel.WINDOW: (1, 50_000),
        Channel.HUB: (1, 50_000),
        Channel.AGENCY: (1, 50_000),
        Channel.FREE: (3, 0),
    }
    own = sales_of(stage, SalesAsked(agency="north"))
    assert {line.of for line in own.by(ReportBy.TILL)} == {desk.node_id}
    assert {line.of for line in own.by(ReportBy.CHANNEL)} == {Channel.AGENCY, Channel.FREE}
    assert [line.sold_count for line in own.totals()] == [2]
    assert sales_of(stage, SalesAsked(agency="south")).lines == ()
    assert sales_of(stage, SalesAsked(agency="south")).performances == {}


def test_a_lost_ticket_that_is_replaced_is_sold_and_given_back_at_its_price(stage: Stage) -> None:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    go_round(stage)
    op_id = new_id(stage)
    revoked = revoke(till, sale, 0, action=ExchangeAction.REPLACEMENT, op_id=op_id)
    assert isinstance(revoked, Revoked)
    assert revoked.allotment is not None
    say_replaced(till, sale, revoked.allotment, op_id)
    till.push()
    go_round(stage)
    (line,) = sales_of(stage).by(ReportBy.PERFORMANCE)
    assert (line.sold_count, line.sold_minor) == (2, 100_000)
    assert (line.back_count, line.back_minor) == (1, 50_000)
    agree_with_the_books(stage)
