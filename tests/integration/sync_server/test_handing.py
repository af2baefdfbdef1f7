"""The right to print first moves by its holder's word only, whatever order words arrive in."""

from __future__ import annotations

import pytest

from sync_server.heart.handing import AskHandout, HandoutState, NoHandout
from sync_server.services.orders import ToldOrder, read_order
from tests.integration.sync_server.stage import EVENT, Stage, Till
from ticketing.journal import OpKind
from ticketing.operations import (
    EntryPassage,
    HandOver,
    Passed,
    Sale,
    decode_sale,
    encode_hand_over,
    encode_passage,
)

YOURS, ASKED = HandoutState.YOURS, HandoutState.ASKED


@pytest.fixture
def seller(stage: Stage) -> Till:
    return stage.till()


@pytest.fixture
def other(stage: Stage) -> Till:
    return stage.till("Window 2")


@pytest.fixture
def sale(seller: Till) -> Sale:
    sale = seller.sell(seller.borrow(1, 2), 1, 2)
    seller.push()
    return sale


def ask(till: Till, sale: Sale) -> HandoutState | NoHandout:
    return till.stage.take(AskHandout(till.source, sale.order_id))


def say(till: Till, sale: Sale, to: Till, turn: int, copies: int = 0) -> None:
    told = HandOver(sale.order_id, to.node_id, turn, copies)
    till.say(OpKind.HAND_OVER, encode_hand_over(told))
    assert till.push() == ["ok"]


def row(stage: Stage) -> tuple[str, str, int, int]:
    [found] = stage.rows("SELECT keeper, wanted_by, turn, copies FROM handout")
    return tuple(found)


def test_nobody_prints_what_the_seller_has_not_handed_over(
    seller: Till, other: Till, sale: Sale
) -> None:
    assert ask(other, sale) is ASKED
    assert ask(other, sale) is ASKED
    assert ask(seller, sale) is YOURS
    say(seller, sale, other, 1)
    assert ask(other, sale) is YOURS
    assert ask(seller, sale) is ASKED, "and now it is the seller who has to ask"


def test_what_is_printed_stays_where_it_is(seller: Till, other: Till, sale: Sale) -> None:
    ask(other, sale)
    say(seller, sale, other, 1, copies=1)
    assert ask(other, sale) is NoHandout.PRINTED
    assert row(seller.stage) == (seller.node_id, "", 1, 1)


def test_it_goes_on_from_till_to_till_and_a_word_that_comes_late_changes_nothing(
    stage: Stage, seller: Till, other: Till, sale: Sale
) -> None:
    third = stage.till("Window 3")
    ask(other, sale)
    say(seller, sale, other, 1)
    ask(third, sale)
    say(other, sale, third, 2)
    assert ask(third, sale) is YOURS
    say(seller, sale, other, 1)  # of a journal that is told of again after a restore
    assert ask(third, sale) is YOURS
    assert ask(other, sale) is ASKED


def test_words_in_the_wrong_order_come_to_the_same(
    stage: Stage, seller: Till, other: Till, sale: Sale
) -> None:
    third = stage.till("Window 3")
    say(other, sale, third, 2)
    say(seller, sale, other, 1)
    assert ask(third, sale) is YOURS


def test_a_seller_that_is_gone_can_not_be_asked(stage: Stage, other: Till, sale: Sale) -> None:
    stage.do(lambda tx: tx.run("UPDATE node SET inc = 2 WHERE name = 'Window 1'"))
    assert ask(other, sale) is NoHandout.KEEPER_GONE
    stage.do(
        lambda tx: tx.run("UPDATE node SET inc = 1, state = 'revoked' WHERE name = 'Window 1'")
    )
    assert ask(other, sale) is NoHandout.KEEPER_GONE


def test_an_order_that_nobody_knows_and_a_quarantine_are_refused(
    stage: Stage, other: Till, sale: Sale
) -> None:
    unknown = AskHandout(other.source, "f" * 16)
    assert stage.take(unknown) is NoHandout.UNKNOWN_ORDER
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 1 WHERE event_id = :e", e=EVENT))
    assert ask(other, sale) is NoHandout.QUARANTINE


def test_an_order_is_told_as_it_stands_and_without_its_codes(stage: Stage, sale: Sale) -> None:
    ticket = sale.lines[0].ticket_id

    def read(order_id: str, ticket_id: str) -> ToldOrder | None:
        return stage.do(lambda tx: read_order(tx.connection, EVENT, order_id, ticket_id))

    found = read("", ticket)
    assert found is not None
    assert found == read(sale.order_id, "")
    assert decode_sale(found.body) == sale
    bare = decode_sale(found.body_without_codes)
    assert bare is not None
    assert {line.code for line in bare.lines} == {""}
    assert [(one.state, one.unit, one.in_ms) for one in found.tickets] == [
        ("valid", line.unit, 0) for line in sorted(sale.lines, key=lambda line: line.ticket_id)
    ]
    assert read("", "e" * 16) is None


def test_an_order_is_told_with_what_its_gates_decide_by(stage: Stage, sale: Sale) -> None:
    gate, (first, second) = stage.gate(), sale.lines
    passed, undone = gate.let_in(first, minute=1), gate.let_in(second, minute=2)
    returned = EntryPassage(undone.op_id, second.ticket_id, Passed.RETURNED, 1)
    gate.say(OpKind.PASSAGE, encode_passage(returned))
    gate.push()
    stage.do(
        lambda tx: tx.run("UPDATE ticket SET blocked = 'stolen' WHERE id = :t", t=second.ticket_id)
    )
    found = stage.do(lambda tx: read_order(tx.connection, EVENT, sale.order_id, ""))
    assert found is not None
    told = {one.id: one for one in found.tickets}
    [moved] = told[first.ticket_id].movements
    assert (moved.op_id, moved.node_id, moved.phase) == (passed.op_id, gate.node_id, "granted")
    assert (told[second.ticket_id].movements, told[second.ticket_id].blocked) == ((), "stolen")
    assert {one.performance for one in found.tickets} == {first.performance}
