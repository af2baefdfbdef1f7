"""Disputed tickets that get their unit after all, once nobody else has it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from sync_server.heart.intake import Push
from sync_server.heart.lending import Acquire, Grant, Lend
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import Resolved, ResolveOversold, WriteOff, WrittenOff
from sync_server.heart.returns import SweepReturned
from sync_server.heart.source import Context, run_steps
from sync_server.store.sql import Sql
from tests.integration.sync_server.failover import (
    found,
    lose,
    push_again,
    report,
    save,
    verdicts,
)
from tests.integration.sync_server.stage import EVENT, PERFORMANCE, Stage, Till
from ticketing.journal import OpKind
from ticketing.operations import Refund, RefundAction, Sale, encode_refund
from ticketing.returns import ResellPolicy


@dataclass(frozen=True)
class Story:
    """Two tills were lent place 1: `two` sold it, `one` has not, and was asked to give it back.

    The write-off of what `one` had is forgotten.
    """

    stage: Stage
    one: Till
    two: Till
    ones: Grant
    sale: Sale

    def state(self) -> str:
        """The ticket's state at the centre."""
        ticket_id = self.sale.lines[0].ticket_id
        return str(self.stage.one("SELECT state FROM ticket WHERE id = :i", i=ticket_id))

    def holder(self) -> tuple[str, str]:
        """Whose place 1 is."""
        kind, ref, _node = self.stage.claims()[1]
        return kind, ref

    def open_cases(self) -> list[str]:
        """The kinds of cases that wait for somebody."""
        rows = self.stage.rows("SELECT kind FROM case_file WHERE state = 'open' ORDER BY kind")
        return [row.kind for row in rows]


@pytest.fixture
def story(stage: Stage) -> Story:
    one, two = stage.till("Window 1"), stage.till("Window 2")
    found(stage)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("DELETE FROM quarantine"))
    ones = one.borrow(1, 2)
    saved = save(stage)
    give_up(stage, ones)
    twos = two.borrow(1)
    sale = two.sell(twos, 1)
    assert two.push() == ["ok"]
    lose(stage, saved)
    assert report(two, twos)
    assert not report(one, ones)
    made = Story(stage, one, two, ones, sale)
    assert made.state() == "disputed"
    assert made.open_cases() == ["grant", "oversold"]
    return made


def give_up(stage: Stage, grant: Grant) -> None:
    stage.do(lambda tx: tx.run("UPDATE allot SET hard_s = 1, granted_ms = 1"))
    written = stage.take(WriteOff(EVENT, str(grant.id), "li", "wu", "fell into the sea"))
    assert isinstance(written, WrittenOff)


def test_a_ticket_is_valid_once_the_other_till_has_given_its_place_back(story: Story) -> None:
    story.one.release(story.ones.id, 1, 2)
    assert story.one.push() == ["ok"]
    assert story.state() == "valid"
    assert story.holder() == ("sold", story.sale.lines[0].ticket_id)
    assert story.stage.claims()[2][0] == "free"
    assert story.open_cases() == []
    assert story.stage.units().balanced


def test_whoever_is_lent_the_place_is_asked_to_give_it_back(story: Story) -> None:
    recalled = "SELECT recall FROM allot WHERE id = :i"
    assert story.stage.one(recalled, i=str(story.ones.id)) == 1


def test_a_place_that_the_other_till_sells_all_the_same_is_its_buyers(story: Story) -> None:
    other = story.one.sell(story.ones, 1)
    assert story.one.push() == ["ok"]
    assert story.state() == "disputed"
    assert story.holder() == ("sold", other.lines[0].ticket_id)


def test_nobody_is_lent_the_place_before(story: Story) -> None:
    """The release and a wish for the place come in one batch."""
    story.one.release(story.ones.id, 1, 2)
    release = Push(story.one.source, story.one.batch(len(story.one.ops), len(story.one.ops)))
    wish = Lend(story.one.source, Acquire(f"{99:032x}", PERFORMANCE, (1,)), tills=2)
    with story.stage.engine.begin() as connection:
        context = Context(story.stage.now_ms, story.stage.plans)
        run_steps(Sql.of(connection), [release, wish], context)
    assert story.state() == "valid"
    assert story.holder() == ("sold", story.sale.lines[0].ticket_id)


def test_what_a_person_has_decided_stands(story: Story) -> None:
    ticket_id = story.sale.lines[0].ticket_id
    case_id = f"oversold:{story.sale.order_id}"
    money_back = ResolveOversold(EVENT, case_id, ticket_id, None, "li")
    assert story.stage.take(money_back) == Resolved(ticket_id, None, is_case_closed=False)
    story.one.release(story.ones.id, 1, 2)
    assert story.one.push() == ["ok"]
    assert story.state() == "disputed"
    assert story.stage.claims()[1][0] == "free"


def test_a_place_of_which_two_tickets_are_disputed_is_the_first_ones(stage: Stage) -> None:
    tills = [stage.till(f"Window {number}") for number in range(1, 5)]
    first, second, third, fourth = tills
    sales: list[Sale] = []
    for till in (first, second):
        grant = till.borrow(1)
        give_up(stage, grant)
        sales.append(till.sell(grant, 1))
    held = third.borrow(1)
    for till in (second, first):  # in which they are heard of
        stage.now = stage.now.replace(minute=stage.now.minute + 1)
        assert till.push() == ["disputed not_held"]
    third.release(held.id, 1)
    third.push()
    states = {row.id: row.state for row in stage.rows("SELECT id, state FROM ticket")}
    assert [states[sale.lines[0].ticket_id] for sale in sales] == ["disputed", "valid"]
    assert isinstance(fourth.ask((1,)), str)


def test_a_place_that_was_never_lent_to_its_seller_is_for_others(stage: Stage) -> None:
    one, two = stage.till("Window 1"), stage.till("Window 2")
    ones, twos = one.borrow(1), two.borrow(2)
    sale = two.say_sale(two.sale(two.line(1, twos.id)))
    assert two.push() == ["disputed not_held"]
    assert stage.one("SELECT recall FROM allot WHERE id = :i", i=str(ones.id)) == 0
    one.release(ones.id, 1)
    one.push()
    state = "SELECT state FROM ticket WHERE id = :i"
    assert stage.one(state, i=sale.lines[0].ticket_id) == "disputed"
    assert stage.claims()[1][0] == "free"


def test_a_place_that_was_sold_and_taken_back_is_not_the_tickets(stage: Stage) -> None:
    """Both tickets would be of one version, and gates could not tell which of them is meant."""
    one, two = stage.till("Window 1"), stage.till("Window 2")
    ones = one.borrow(1)
    give_up(stage, ones)
    twos = two.borrow(1)
    other = two.sell(twos, 1)
    two.push()
    sale = one.sell(ones, 1)
    assert one.push() == ["disputed not_held"]
    pay_back(two, other)
    assert two.push() == ["ok"]
    stage.take(SweepReturned(EVENT, 0, replace(Policy(), resell_seats=ResellPolicy.NOW)))
    state = "SELECT state FROM ticket WHERE id = :i"
    assert stage.one(state, i=sale.lines[0].ticket_id) == "disputed"


def pay_back(till: Till, sale: Sale) -> None:
    """Write down that the money of a whole sale was given back."""
    tickets = tuple(line.ticket_id for line in sale.lines)
    refund = Refund(
        sale.order_id,
        RefundAction.VOID,
        tickets,
        sale.total_minor,
        0,
        sale.currency,
        sale.sold_by,
        "asked for",
    )
    till.say(OpKind.REFUND, encode_refund(refund))


def test_places_given_back_and_sold_anew_are_found_again_when_one_of_them_was_given_up(
    stage: Stage,
) -> None:
    """An order of two places was taken back, and one of them sold again, one version up.

    The server forgets all of that but the write-off of the other place. That sale is judged last
    of all, and the second one of its place before anybody knows that it was taken back.
    """
    one = stage.till("Window 1")
    found(stage)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("DELETE FROM quarantine"))
    kept, lost = one.borrow(1), one.borrow(2)
    give_up(stage, lost)
    saved = save(stage)
    first = one.say_sale(one.sale(one.line(1, kept.id), one.line(2, lost.id)))
    assert one.push() == ["ok_late not_held"]
    pay_back(one, first)
    assert one.push() == ["ok"]
    stage.do(
        lambda tx: tx.run(
            "UPDATE claim SET kind = 'free', ref = '', node_id = '', version = 1 WHERE unit = 1"
        )
    )
    again = one.borrow(1)
    assert again.units == ((1, 1),)
    second = one.say_sale(one.sale(one.line(1, again.id, version=1)))
    assert one.push() == ["ok"]
    lose(stage, saved)
    push_again(one)
    assert not report(one, again)
    assert verdicts(one)[:2] == ["ok_late not_held", "ok"]
    state = "SELECT state FROM ticket WHERE id = :i"
    assert stage.one(state, i=second.lines[0].ticket_id) == "valid"
    assert stage.claims()[1][:2] == ("sold", second.lines[0].ticket_id)
    rows = stage.rows("SELECT kind FROM case_file WHERE state = 'open' ORDER BY kind")
    assert [row.kind for row in rows] == ["written_off"]
