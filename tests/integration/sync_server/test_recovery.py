"""A restore or a failover lost the end of the history: tills report, and nothing is sold twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sync_server.heart import recovery
from sync_server.heart.history import Declare, Declared, OtherGeneration
from sync_server.heart.lending import NoGrant
from sync_server.heart.reclaim import WriteOff, WrittenOff
from sync_server.heart.recovery import THINKING_MS
from sync_server.store.database import IDLE_TRANSACTION_MS
from tests.fakes.databases import is_on_postgresql
from tests.integration.sync_server.failover import (
    Saved,
    as_declared,
    begin,
    declare,
    found,
    give_up,
    levels,
    lose,
    push_again,
    report,
    restore,
    save,
    sorted_units,
    verdicts,
)
from tests.integration.sync_server.stage import EVENT, GENERATION, PERFORMANCE, Stage, Till
from ticketing.ids import AllotmentId
from ticketing.journal import OpKind
from ticketing.operations import (
    Exchange,
    ExchangeAction,
    Refund,
    RefundAction,
    Sale,
    Settle,
    encode_exchange,
    encode_refund,
    encode_settle,
)


@pytest.fixture
def one(stage: Stage) -> Till:
    return stage.till("Window 1")


@pytest.fixture
def two(stage: Stage, one: Till) -> Till:  # noqa: ARG001 - in this order
    till = stage.till("Window 2")
    found(stage)
    _open(stage)
    return till


def _open(stage: Stage) -> None:
    """The first history has nobody to wait for."""
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("DELETE FROM quarantine"))


@pytest.fixture
def saved(stage: Stage, two: Till) -> Saved:  # noqa: ARG001 - both tills are in it
    return save(stage)


def _sound(stage: Stage) -> None:
    """Units, tickets, money and ledger agree."""
    books = stage.books()
    assert all(account.balanced for account in books.units)
    assert all(account.balanced for account in books.money)


def _refund(till: Till, sale: Sale) -> None:
    total = sale.total_minor
    refund = Refund(
        sale.order_id,
        RefundAction.REFUND,
        tuple(line.ticket_id for line in sale.lines),
        total,
        0,
        "CNY",
        "li.na",
        "asked",
    )
    till.say(OpKind.REFUND, encode_refund(refund))


# --- quarantine


def test_in_quarantine_nothing_is_lent_and_sales_wait(stage: Stage, one: Till, two: Till) -> None:
    grant = one.borrow(1, 2)
    saved = save(stage)
    one.sell(grant, 1)
    one.push()
    lose(stage, saved)
    assert two.ask([7]) is NoGrant.QUARANTINE
    assert push_again(one) == ["deferred"]
    assert stage.rows("SELECT 1 FROM orders") == []
    assert stage.rows("SELECT 1 FROM ledger") == []


def test_an_entry_is_recorded_in_quarantine(stage: Stage, one: Till, two: Till) -> None:
    gate = stage.gate()
    grant = one.borrow(1)
    saved = save(stage)
    sale = one.sell(grant, 1)
    lose(stage, saved)
    gate.let_in(sale.lines[0])
    assert gate.push() == ["ok"]
    report(one, grant)
    assert not report(two)
    assert stage.entries().balanced


def test_the_event_waits_for_the_last_till(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    lose(stage, saved)
    assert report(one)
    assert levels(stage) == 1
    assert not report(two)
    assert levels(stage) == 0
    assert one.ask([1]) is not NoGrant.QUARANTINE


def test_a_till_that_is_not_done_has_not_reported(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    lose(stage, saved)
    assert report(two)
    assert declare(one, done=False)
    assert levels(stage) == 1


def test_a_report_to_another_generation_counts_for_nothing(
    stage: Stage, one: Till, saved: Saved
) -> None:
    lose(stage, saved)
    answer = stage.take(Declare(one.source, GENERATION, (), done=True))
    assert answer == OtherGeneration("0000000b")
    assert stage.one("SELECT count(*) FROM quarantine WHERE state = 'waiting'") == 2


def test_a_new_generation_is_the_last_even_when_the_clock_went_back(
    stage: Stage, one: Till, saved: Saved
) -> None:
    restore(stage, saved)
    begin(stage, "0000000b")
    stage.now = stage.now.replace(year=2020)
    begin(stage, "0000000c", lost=("0000000a",))
    assert stage.work(lambda work: work.generation) == "0000000c"
    told = {row.short for row in stage.rows("SELECT short FROM generation")}
    assert told == {GENERATION, "0000000b", "0000000c", "0000000a"}
    assert declare(one, short="0000000c")


# --- what the lost part held


def test_a_sale_in_the_lost_part_is_found_again(stage: Stage, one: Till, two: Till) -> None:
    grant = one.borrow(1, 2)
    saved = save(stage)
    sale = one.sell(grant, 1, 2)
    one.push()
    lose(stage, saved)
    report(one, grant)
    report(two)
    assert verdicts(one) == ["ok"]
    assert stage.claims()[1] == ("sold", sale.lines[0].ticket_id, one.node_id)
    assert stage.cases() == []
    _sound(stage)


def test_a_lost_grant_and_the_sale_on_it_are_found_again(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    grant = one.borrow(1, 2, 3)
    one.sell(grant, 2)
    one.push()
    lose(stage, saved)
    report(one, grant)
    report(two)
    assert verdicts(one) == ["ok"]
    assert sorted_units(stage, "sold") == [2]
    assert sorted_units(stage, "allot") == [1, 3]
    assert stage.one("SELECT state FROM allot") == "open"
    assert two.ask([1]) is NoGrant.LENT_ELSEWHERE
    assert stage.cases() == []
    _sound(stage)
    one.sell(grant, 1)
    assert one.push() == ["ok"]


@pytest.mark.parametrize("first", ["one", "two"])
def test_units_that_were_given_back_and_lent_on_go_to_the_second_till(
    stage: Stage, one: Till, two: Till, saved: Saved, first: str
) -> None:
    old = one.borrow(1, 2)
    one.release(old.id, 1, 2)
    one.push()
    new = two.borrow(2, 1)
    two.sell(new, 1)
    two.push()
    lose(stage, saved)
    tills = {"one": (one, old), "two": (two, new)}
    order = ["one", "two"] if first == "one" else ["two", "one"]
    for name in order:
        report(*tills[name])
    assert verdicts(one) == verdicts(two) == ["ok"]
    assert stage.claims()[2] == ("allot", str(new.id), two.node_id)
    assert stage.claims()[1][0] == "sold"
    assert stage.cases() == []
    _sound(stage)


def test_a_settled_grant_is_over_also_when_it_is_declared_later(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    old = one.borrow(1, 2)
    one.sell(old, 1)
    one.say(OpKind.SETTLE, encode_settle(Settle(PERFORMANCE, old.id)))
    one.push()
    new = two.borrow(2)
    lose(stage, saved)
    # By the numbers alone the second grant would come first.
    late = replace(as_declared(old), id=AllotmentId(GENERATION, 9_000))
    assert late.id.number > new.id.number
    one.ops.clear()
    one.sell(replace(old, id=late.id), 1)
    one.say(OpKind.SETTLE, encode_settle(Settle(PERFORMANCE, late.id)))
    report(one, late)
    report(two, new)
    assert verdicts(one) == ["ok", "ok"]
    assert stage.claims()[2] == ("allot", str(new.id), two.node_id)
    assert stage.cases() == []


def test_a_refund_and_the_second_sale_of_its_unit_are_found_again(
    stage: Stage, one: Till, two: Till
) -> None:
    grant = one.borrow(1)
    sale = one.sell(grant, 1)
    one.push()
    saved = save(stage)
    _refund(one, sale)
    one.push()
    stage.do(lambda tx: tx.run("UPDATE claim SET kind='free', ref='', node_id='', version=1"))
    again = two.borrow(1)
    assert again.units == ((1, 1),)
    second = two.say_sale(two.sale(two.line(1, again.id, version=1)))
    assert two.push() == ["ok"]
    lose(stage, saved)
    report(two, again)
    report(one, grant)
    assert verdicts(one) == ["ok", "ok"]
    assert verdicts(two) == ["ok"]
    assert stage.claims()[1] == ("sold", second.lines[0].ticket_id, two.node_id)
    assert stage.cases() == []
    _sound(stage)


def test_a_lost_ticket_that_was_replaced_stays_replaced(stage: Stage, one: Till, two: Till) -> None:
    grant = one.borrow(1)
    sale = one.sell(grant, 1)
    one.push()
    lose(stage, save(stage))
    lent = Declared(AllotmentId(GENERATION, 77), PERFORMANCE, firm=True, units=((1, 1),))
    old = sale.lines[0]
    line = one.line(1, lent.id, version=1)
    exchange = Exchange(
        (old.ticket_id,),
        sale.order_id,
        ExchangeAction.REPLACEMENT,
        one.sale(line).order_id,
        "A1-000900",
        "li.na",
        "CNY",
        7,
        (line,),
        old.price_minor,
        0,
        0,
        0,
    )
    one.say(OpKind.EXCHANGE, encode_exchange(exchange))
    report(one, grant, lent)
    report(two)
    assert verdicts(one) == ["ok", "ok"]
    assert stage.claims()[1] == ("sold", line.ticket_id, one.node_id)
    assert stage.one("SELECT state FROM ticket WHERE id = :i", i=old.ticket_id) == "void"
    assert stage.cases() == []


def test_two_losses_one_after_the_other(stage: Stage, one: Till, two: Till, saved: Saved) -> None:
    first = one.borrow(1, 2)
    one.sell(first, 1)
    one.push()
    lose(stage, saved, "0000000b")
    report(one, first)
    report(two)
    # In the second history one gives a unit back, which two sells; all of it is lost as well.
    one.release(first.id, 2)
    one.push()
    second = replace(two.borrow(2), id=AllotmentId("0000000b", 1))
    two.sell(second, 2)
    lose(stage, saved, "0000000c")
    report(two, second, short="0000000c")
    report(one, first, short="0000000c")
    assert verdicts(one) == ["ok", "ok"]
    assert verdicts(two) == ["ok"]
    assert sorted_units(stage, "sold") == [1, 2]
    assert stage.cases() == []
    _sound(stage)


def test_a_loss_in_the_middle_of_a_quarantine_starts_it_over(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    grant = one.borrow(1)
    one.sell(grant, 1)
    lose(stage, saved, "0000000b")
    report(one, grant, short="0000000b")
    begin(stage, "0000000c")
    report(two, short="0000000c")
    assert levels(stage) == 1, "one has said nothing to this generation"
    report(one, grant, short="0000000c")
    assert levels(stage) == 0
    assert verdicts(one) == ["ok"]


# --- nodes that never report


def test_two_people_give_a_till_up(stage: Stage, one: Till, two: Till, saved: Saved) -> None:
    lose(stage, saved)
    report(one)
    assert give_up(stage, two).node_ids == (two.node_id,)
    assert levels(stage) == 2
    (case,) = stage.rows("SELECT body FROM case_file")
    body = json.loads(case.body)
    assert (body["node"], body["by"], body["second"]) == (two.node_id, "chen", "wang")
    assert one.ask([1]) is not NoGrant.QUARANTINE
    assert two.ask([2]) is NoGrant.QUARANTINE


def test_what_a_lost_till_had_pushed_is_booked(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    grant = two.borrow(1)
    two.sell(grant, 1)
    lose(stage, saved)
    push_again(two)
    report(one)
    give_up(stage, two)
    assert verdicts(two) == ["disputed not_held"]
    assert stage.one("SELECT sum(amount_minor) FROM ledger WHERE account LIKE 'cash:%'") > 0
    _sound(stage)


def test_a_lost_till_that_comes_back_keeps_what_is_still_there(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    grant = two.borrow(1, 2, 3)
    sale = two.sell(grant, 1, 2)
    lose(stage, saved)
    report(one)
    give_up(stage, two)
    taken = replace(one.borrow(3), id=AllotmentId("0000000b", 1))
    assert push_again(two) == ["deferred"]
    assert not declare(two, grant)
    assert verdicts(two) == ["ok"]
    assert levels(stage) == 0
    assert {unit: stage.claims()[unit][1] for unit in (1, 2)} == {
        line.unit: line.ticket_id for line in sale.lines
    }
    assert stage.claims()[3][2] == one.node_id
    assert taken.units == ((3, 0),)
    assert ("grant", f"{grant.id}:{two.node_id}") in stage.cases()
    assert stage.one("SELECT recall FROM allot WHERE id = :i", i=str(grant.id)) == 1
    two.release(grant.id, 3)
    two.push()
    assert stage.claims()[3][2] == one.node_id, "what it never got it can't give away"


# --- declarations that can't be true


def test_units_that_somebody_has_are_not_declared_away(stage: Stage, one: Till, two: Till) -> None:
    ones = one.borrow(1, 2, 31)
    one.sell(ones, 1)
    one.push()
    lose(stage, save(stage))
    lie = Declared(AllotmentId(GENERATION, 900), PERFORMANCE, False, ((1, 0), (2, 0), (999, 0)))
    two.sell(replace(ones, id=lie.id), 2)
    report(two, lie)
    report(one, ones)
    assert stage.claims()[2] == ("allot", str(ones.id), one.node_id)
    assert stage.claims()[1][0] == "sold"
    assert verdicts(two) == ["disputed not_held"]
    assert stage.one("SELECT state FROM allot WHERE id = :i", i=str(lie.id)) == "closed"
    assert ("grant", f"{lie.id}:{two.node_id}") in stage.cases()
    _sound(stage)


def test_a_known_allotment_of_another_till_is_not_declared_away(
    stage: Stage, one: Till, two: Till
) -> None:
    ones = one.borrow(1)
    lose(stage, save(stage))
    report(two, ones)
    report(one, ones)
    assert stage.claims()[1] == ("allot", str(ones.id), one.node_id)
    assert stage.cases() == [("grant", f"{ones.id}:{two.node_id}")]


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "lost"])
def test_what_a_lost_write_off_had_closed_stays_closed(
    stage: Stage, one: Till, two: Till, is_known: bool
) -> None:
    before = save(stage)
    ones = one.borrow(1, 2, 3)
    one.sell(ones, 3)
    one.push()
    saved = save(stage) if is_known else before
    stage.do(lambda tx: tx.run("UPDATE allot SET hard_s = 1, granted_ms = 1"))
    written = stage.take(WriteOff(EVENT, str(ones.id), "li", "wu", "fell into the sea"))
    assert isinstance(written, WrittenOff)
    twos = two.borrow(2)
    two.sell(twos, 2)
    lose(stage, saved)
    report(two, twos)
    assert not report(one, replace(as_declared(ones), over=True))
    assert verdicts(one) == ["ok"]
    assert verdicts(two) == ["ok"]
    assert stage.claims()[2][0] == stage.claims()[3][0] == "sold"
    assert stage.claims().get(1, ("free",))[0] == "free"
    assert stage.one("SELECT state FROM allot WHERE id = :i", i=str(ones.id)) == "closed"
    assert stage.cases() == []
    _sound(stage)


def test_an_unknown_allotment_that_two_tills_declare_goes_to_one_with_a_case(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    ones = one.borrow(1, 2)
    sale = one.sell(ones, 1)
    lose(stage, saved)
    report(two, ones)
    report(one, ones)
    assert stage.claims()[1] == ("sold", sale.lines[0].ticket_id, one.node_id)
    assert stage.claims()[2][2] == one.node_id
    assert [kind for kind, _ in stage.cases()] == ["grant"]


def test_a_grant_of_the_present_history_can_not_be_unknown(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    lose(stage, saved)
    lie = Declared(AllotmentId("0000000b", 5), PERFORMANCE, False, ((1, 0),))
    report(two, lie)
    report(one)
    assert stage.claims() == {}
    assert stage.case_kinds() == ["grant"]


def test_declaring_without_a_quarantine_gives_nothing(stage: Stage, two: Till) -> None:
    lie = Declared(AllotmentId("0000000f", 5), PERFORMANCE, False, ((1, 0),))
    assert not declare(two, lie, short=GENERATION)
    assert stage.claims() == {}
    assert stage.rows("SELECT 1 FROM declared") == []


def test_a_receipt_that_comes_twice_does_not_hold_the_others_up(
    stage: Stage, one: Till, two: Till, saved: Saved
) -> None:
    grant = one.borrow(1, 2, 3)
    first = one.sell(grant, 1)
    one.say_sale(one.sale(one.line(2, grant.id), receipt_no=first.receipt_no))
    one.sell(grant, 3)
    lose(stage, saved)
    report(one, grant)
    report(two)
    assert verdicts(one) == ["ok", "rejected contradiction", "ok"]
    assert stage.one("SELECT count(DISTINCT seq) FROM ledger") == 3, "the money was taken"


def test_reporting_again_changes_nothing(stage: Stage, one: Till, two: Till, saved: Saved) -> None:
    grant = one.borrow(1)
    one.sell(grant, 1)
    lose(stage, saved)
    report(one, grant)
    report(two)
    head = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    assert not report(one, grant)
    assert stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT) == head


@pytest.mark.skipif(not is_on_postgresql(), reason="about PostgreSQL")
def test_postgresql_gives_a_recovery_and_nothing_after_it_time_to_think(
    stage: Stage, one: Till, two: Till, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing in a transaction is taken for frozen, and its connection ended."""
    grant = one.borrow(1)
    one.sell(grant, 1)
    one.push()
    lose(stage, saved)
    report(two)
    push_again(one)
    asked = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
    given: list[str] = []
    real = recovery._Recovery.run

    def thinks(thinking: Any) -> None:
        given.append(thinking.work.sql.row(asked)[0])
        real(thinking)

    monkeypatch.setattr(recovery._Recovery, "run", thinks)
    assert not declare(one, grant)
    assert verdicts(one) == ["ok"]
    assert [*given, stage.one(asked)] == [str(THINKING_MS), str(IDLE_TRANSACTION_MS)]
