"""A revocation that a failover lost before its till had heard of it, and the place sold anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from sync_server.heart.asked import Asked
from sync_server.heart.history import Declare
from sync_server.heart.lending import Grant
from sync_server.heart.returns import Revoke, Revoked
from tests.integration.sync_server.failover import (
    as_declared,
    found,
    lose,
    push_again,
    report,
    save,
    verdicts,
)
from tests.integration.sync_server.stage import Gate, Stage, Till
from ticketing.operations import ExchangeAction, RefundAction, Sale
from ticketing.returns import ReturnAction

OP = f"{7:032x}"


@dataclass(frozen=True)
class Story:
    """Place 1 is sold by `one`, returned, and sold again by `two`; the server forgot the rest."""

    stage: Stage
    one: Till
    two: Till
    gate: Gate
    first: Sale
    second: Sale
    grant: Grant
    again: Grant

    def state(self, sale: Sale) -> str:
        """The ticket's state at the centre."""
        ticket_id = sale.lines[0].ticket_id
        return str(self.stage.one("SELECT state FROM ticket WHERE id = :i", i=ticket_id))

    def report(self, *asked: Asked) -> None:
        """Both tills push and declare; the first says what it had asked for."""
        push_again(self.one)
        told = (as_declared(self.grant),)
        self.stage.take(Declare(self.one.source, "0000000b", told, True, asked))
        assert not report(self.two, self.again)

    def asked(self, action: ReturnAction = RefundAction.REFUND, order: Sale | None = None) -> Asked:
        """What the first till keeps of its question."""
        tickets = tuple(line.ticket_id for line in self.first.lines)
        return Asked(OP, action, (order or self.first).order_id, tickets)


@pytest.fixture
def story(stage: Stage) -> Story:
    one, two, gate = stage.till("Window 1"), stage.till("Window 2"), stage.gate()
    found(stage)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("DELETE FROM quarantine"))
    grant = one.borrow(1)
    first = one.sell(grant, 1)
    assert one.push() == ["ok"]
    saved = save(stage)
    tickets = (first.lines[0].ticket_id,)
    step = Revoke(one.source, OP, RefundAction.REFUND, first.order_id, tickets)
    assert isinstance(stage.take(step), Revoked)
    stage.do(lambda tx: tx.run("UPDATE claim SET kind='free', ref='', node_id='', version=1"))
    again = two.borrow(1)
    second = two.say_sale(two.sale(two.line(1, again.id, version=1)))
    assert two.push() == ["ok"]
    lose(stage, saved)
    return Story(stage, one, two, gate, first, second, grant, again)


def test_it_is_made_again_when_its_till_says_that_it_asked(story: Story) -> None:
    story.report(story.asked())
    assert (story.state(story.first), story.state(story.second)) == ("void", "valid")
    assert verdicts(story.two) == ["ok"]
    assert story.stage.cases() == []
    claims = story.stage.claims()
    assert claims[1] == ("sold", story.second.lines[0].ticket_id, story.two.node_id)


def test_its_till_is_answered_as_it_would_have_been_before(story: Story) -> None:
    story.report(story.asked())
    tickets = (story.first.lines[0].ticket_id,)
    step = Revoke(story.one.source, OP, RefundAction.REFUND, story.first.order_id, tickets)
    assert story.stage.take(step) == Revoked(((tickets[0], "void"),), None)


def test_a_higher_version_alone_takes_nobodys_ticket_away(story: Story) -> None:
    story.report()
    assert (story.state(story.first), story.state(story.second)) == ("valid", "disputed")
    assert sorted(story.stage.case_kinds()) == ["grant", "oversold"]


def test_a_question_alone_takes_nobodys_ticket_away(story: Story) -> None:
    push_again(story.one)
    told = (as_declared(story.grant),)
    story.stage.take(Declare(story.one.source, "0000000b", told, True, (story.asked(),)))
    assert not report(story.two)  # it never says that it was lent the place
    assert story.state(story.first) == "valid"


def test_whoever_has_gone_in_keeps_the_ticket(story: Story) -> None:
    story.gate.let_in(story.first.lines[0])
    assert story.gate.push() == ["ok"]
    story.report(story.asked())
    assert (story.state(story.first), story.state(story.second)) == ("valid", "disputed")


@pytest.mark.parametrize("wrong", ["another order's", "a replacement"])
def test_other_questions_free_no_place(story: Story, wrong: str) -> None:
    if wrong == "a replacement":
        asked = story.asked(ExchangeAction.REPLACEMENT)
    else:
        asked = story.asked(order=story.second)
    story.report(asked)
    assert (story.state(story.first), story.state(story.second)) == ("valid", "disputed")


def test_a_replacement_is_made_again_for_the_allotment_that_answered_it(stage: Stage) -> None:
    one = stage.till("Window 1")
    found(stage)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    stage.do(lambda tx: tx.run("DELETE FROM quarantine"))
    grant = one.borrow(1)
    first = one.sell(grant, 1)
    assert one.push() == ["ok"]
    saved = save(stage)
    lost_ticket = first.lines[0].ticket_id
    step = Revoke(one.source, OP, ExchangeAction.REPLACEMENT, first.order_id, (lost_ticket,))
    answer = stage.take(step)
    assert isinstance(answer, Revoked)
    assert answer.allotment is not None
    # The till hears of the allotment by the feed alone, and sells the place to somebody else.
    second = one.say_sale(one.sale(one.line(1, answer.allotment.id, version=1)))
    assert one.push() == ["ok"]
    lose(stage, saved)
    push_again(one)
    told = (as_declared(grant), replace(as_declared(answer.allotment), req=OP))
    asked = Asked(OP, ExchangeAction.REPLACEMENT, first.order_id, (lost_ticket,))
    stage.take(Declare(one.source, "0000000b", told, True, (asked,)))
    assert verdicts(one) == ["ok", "ok"]
    claims = stage.claims()
    assert claims[1] == ("sold", second.lines[0].ticket_id, one.node_id)
    assert stage.cases() == []
    again = stage.take(step)
    assert isinstance(again, Revoked)
    assert again.tickets == ((lost_ticket, "void"),)
    assert again.allotment is not None
    assert again.allotment.id == answer.allotment.id
