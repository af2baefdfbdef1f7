"""On the orders screen: what a gate would say now of the ticket that was scanned or chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QScrollArea

from edge.link import LinkState
from tests.fakes.hall import ROW, SECOND
from tests.gui.after_sale_stage import OTHERS, Desk, desk
from tests.gui.robot import click, find, is_shown, settle, text_of
from ticketing.operations import Sale


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Desk]:
    """A window shortly before the performance begins: the doors are open."""
    with desk(tmp_path) as made:
        performance = made.till.window.house(SECOND).event.performance(SECOND)
        assert performance is not None
        ahead = performance.doors_at - made.till.env.now
        made.till.env.pass_s(ahead.total_seconds() + 1_500)
        yield made


@pytest.fixture
def sale(till: Desk) -> Sale:
    """Three tickets that the server has heard of, and the orders on screen."""
    sold = till.sell(ROW[:3])
    till.till.acknowledge_all()
    till.open_orders()
    return sold


def scan(till: Desk, sale: Sale, at: int) -> None:
    till.window.after_sale_view.show_code(sale.lines[at].code)
    settle(till.window)


def tone(till: Desk, name: str) -> str:
    return str(find(till.window, name).property("tone"))


def test_a_scanned_ticket_that_was_used_says_where_and_when(till: Desk, sale: Sale) -> None:
    scan(till, sale, 1)
    till.server_tells_of(sale, {1: 600})
    assert text_of(till.window, "gate_word_0") == "Already used"
    assert "13:15 · A1" in text_of(till.window, "gate_sentence_0")
    assert "To the box office" in text_of(till.window, "gate_sentence_0")
    assert text_of(till.window, "gate_source") == "As the server told at 13:25."
    assert tone(till, "gate_answer_0") == "danger"
    assert text_of(till.window, "ticket_1_gate") == "Already used"
    assert text_of(till.window, "ticket_0_gate") == "Would be let in"
    assert "Already used" in find(till.window, "gate_panel").accessibleName()


def test_it_is_shown_before_the_server_answers_and_is_not_green_until_then(
    till: Desk, sale: Sale
) -> None:
    click(till.window, "order_0")
    assert text_of(till.window, "gate_word_0") == "Would be let in"
    assert tone(till, "gate_answer_0") == "warn"
    assert "only the server can tell" in text_of(till.window, "gate_source")
    till.server_tells_of(sale, {})
    assert tone(till, "gate_answer_0") == "ok"
    assert text_of(till.window, "gate_source") == "As the server told at 13:25."


def test_without_the_server_nobody_waits_and_the_till_says_what_it_does_not_know(
    till: Desk, sale: Sale
) -> None:
    till.till.engine.become(LinkState.OFFLINE)
    asked = len(till.till.engine.calls)
    scan(till, sale, 0)
    assert len(till.till.engine.calls) == asked
    assert tone(till, "gate_answer_0") == "warn"
    assert "only the server can tell" in text_of(till.window, "gate_source")


def test_the_answers_are_those_of_the_tickets_that_are_chosen(till: Desk, sale: Sale) -> None:
    click(till.window, "order_0")
    till.server_tells_of(sale, {2: 60})
    assert text_of(till.window, "gate_word_0") == "Would be let in", "the used one is not chosen"
    assert not is_shown(till.window, "gate_word_1")
    click(till.window, "choose_all")
    assert not is_shown(till.window, "gate_panel")
    click(till.window, "ticket_0")
    assert is_shown(till.window, "gate_panel")
    scan(till, sale, 2)
    assert text_of(till.window, "gate_word_0").startswith("Already used")


def test_scanning_a_ticket_again_asks_the_server_again(till: Desk, sale: Sale) -> None:
    scan(till, sale, 0)
    till.server_tells_of(sale, {})
    asked = len(till.till.engine.calls)
    scan(till, sale, 0)
    assert len(till.till.engine.calls) == asked + 1
    till.server_tells_of(sale, {0: 5})
    assert text_of(till.window, "gate_word_0") == "Already used"


def test_a_refund_that_is_refused_shows_where_somebody_went_in(till: Desk, sale: Sale) -> None:
    click(till.window, "order_0")
    click(till.window, "deed_void")
    click(till.window, "confirm_deed")
    till.server_says("entered")
    till.server_tells_of(sale, {0: 60, 1: 60, 2: 60})
    assert text_of(till.window, "ticket_0_gate") == "Already used"


def test_a_ticket_of_another_day_is_valid_in_its_row_and_early_at_the_gate(till: Desk) -> None:
    till.till.env.pass_s(-86_400)
    till.sell(OTHERS[:1])
    till.open_orders()
    click(till.window, "order_0")
    assert not is_shown(till.window, "ticket_0_gate")
    assert text_of(till.window, "gate_word_0") == "Too early"
    assert "Valid from" in text_of(till.window, "gate_sentence_0")
    assert tone(till, "gate_answer_0") == "warn"


def test_a_long_list_scrolls_and_the_answers_stay_in_sight(till: Desk) -> None:
    sale = till.sell((*ROW, *OTHERS))
    till.open_orders()
    click(till.window, "order_0")
    till.server_tells_of(sale, {1: 60})
    area, panel = find(till.window, "ticket_list"), find(till.window, "gate_panel")
    assert isinstance(area, QScrollArea)
    assert area.verticalScrollBar().maximum() > 0
    assert area.height() >= 2 * find(till.window, "ticket_0").height()
    card = find(till.window, "order_card")
    assert panel.mapTo(card, panel.rect().bottomLeft()).y() < card.height()
