"""Baskets put aside: on disk with their units, for nobody else, and given back in time."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from edge.errors import ReplicaFull
from edge.journal import Unit
from edge.link import LinkState
from pos_app.services.basket import give_by_hand
from pos_app.services.model import SaleRefusal, SaleRefused, Sold, UnitState
from pos_app.services.parking_model import (
    PARK_S,
    PARKED_MAX,
    Parked,
    ParkRefusal,
    ParkRefused,
    Recalled,
)
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SECOND, STANDING
from tests.integration.pos_app.test_window_stock import releases, state_of
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage
from ticketing.pricing import Approval, Discounted, PercentOff, Role


def park(stage: Stage, units: tuple[int, ...] = ROW[:2], note: str = "") -> Parked:
    basket = replace(stage.basket(units), note=note)
    made = stage.window.parking.park(basket)
    assert isinstance(made, Parked), made
    return made


def test_a_parked_basket_says_whose_it_is_and_until_when(till: Stage) -> None:
    till.lend(ROW)
    made = park(till, ROW[:3], "aisle, please")
    assert (made.number, made.note, made.by) == (1, "aisle, please", "li.na")
    assert (made.event_id, made.performance) == (EVENT_ID, FIRST)
    assert [line.unit for line in made.lines] == list(ROW[:3])
    assert made.total_minor == till.basket(ROW[:3]).total_minor > 0
    assert (made.until - made.parked_at).total_seconds() == PARK_S
    assert till.window.parking.all() == (made,)


def test_nobody_else_sells_parked_units(till: Stage) -> None:
    till.lend(ROW)
    free = till.window.performances()[0].allotted_free_count
    park(till)
    assert state_of(till, ROW[0]) is UnitState.PARKED
    assert state_of(till, ROW[2]) is UnitState.FREE
    assert till.window.performances()[0].allotted_free_count == free - 2
    basket = till.basket([ROW[0], ROW[2]])
    refused = till.window.pay_cash(basket, basket.total_minor)
    assert refused == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (ROW[0],))
    again = till.window.parking.park(till.basket([ROW[1]]))
    assert again == ParkRefused(ParkRefusal.UNITS_GONE, (ROW[1],))
    till.sell([ROW[2]])


def test_it_survives_a_restart_with_its_units(till: Stage) -> None:
    till.lend(ROW[:1])
    till.go_online()
    till.window.ask_for(FIRST, [ROW[1]])
    till.answer(till.engine.wishes[0], till.grant([ROW[1]], firm=True))
    made = park(till, ROW[:2])
    till.restart()
    till.sign_in()
    assert till.window.parking.all() == (made,)
    assert releases(till) == [], "what a basket held is given back at a start, but not this"
    assert state_of(till, ROW[1]) is UnitState.PARKED
    recalled = till.window.parking.recall(made.number)
    assert recalled == Recalled(made, (), frozenset({(FIRST, ROW[1])}))
    till.sell(ROW[:2])


def test_a_recalled_units_of_a_parked_basket_stay(till: Stage) -> None:
    lot = till.lend(ROW)
    park(till, ROW[:2])

    def recall(unit: Unit) -> None:
        unit.execute("UPDATE allot SET recall = 1 WHERE id = ?", (str(lot),))

    till.replica.transact(recall)
    till.engine.listeners.pulled(EVENT_ID, frozenset({"allot"}))
    assert [release.units for release in releases(till)] == [ROW[2:]]
    assert [state_of(till, unit) for unit in ROW[:2]] == [UnitState.PARKED] * 2
    till.window.parking.give_back(1)
    assert [release.units for release in releases(till)] == [ROW[2:], ROW[:2]]


def test_a_recalled_basket_is_in_nobodys_way_and_nobody_gives_it_back(till: Stage) -> None:
    till.lend(ROW[:2], firm=True)
    made = park(till)
    assert isinstance(till.window.parking.recall(made.number), Recalled)
    till.engine.listeners.pulled(EVENT_ID, frozenset({"allot"}))
    assert releases(till) == []
    assert till.window.parking.all() == ()
    assert till.window.parking.recall(made.number) == ParkRefused(ParkRefusal.NOT_PARKED)
    till.window.give_back(FIRST, ROW[:2])
    assert len(releases(till)) == 1


def test_when_its_time_is_up_its_units_are_for_everybody(till: Stage) -> None:
    till.lend([ROW[0]])
    firm = till.lend([ROW[1]], firm=True)
    made = park(till)
    till.env.pass_s(PARK_S - 1)
    assert till.window.parking.expire() == ()
    till.env.pass_s(1)
    assert till.window.parking.expire() == (made,)
    assert [(one.allotment, one.units) for one in releases(till)] == [(firm, (ROW[1],))]
    assert state_of(till, ROW[0]) is UnitState.FREE
    assert state_of(till, ROW[1]) is UnitState.ELSEWHERE
    assert till.window.parking.expire() == ()
    assert len(till.heard()) > 0


def test_an_extension_begins_now(till: Stage) -> None:
    till.lend(ROW)
    made = park(till)
    till.env.pass_s(PARK_S - 10)
    assert till.window.parking.extend(made.number)
    till.env.pass_s(PARK_S - 1)
    assert till.window.parking.expire() == ()
    till.env.pass_s(1)
    assert [each.number for each in till.window.parking.expire()] == [made.number]
    assert not till.window.parking.extend(made.number)


def test_what_was_given_by_hand_is_parked_with_its_approval(till: Stage) -> None:
    till.lend(ROW)
    given = Discounted("goodwill", PercentOff(2_000), Approval("boss", Role.MANAGER))
    basket = give_by_hand(till.basket(ROW[:1]), FIRST, ROW[0], given)
    made = till.window.parking.park(basket)
    assert isinstance(made, Parked)
    till.restart()
    assert till.window.parking.all()[0].lines == basket.picked
    assert till.window.parking.all()[0].lines[0].by_hand == given


def test_a_basket_of_two_performances_is_kept_whole(till: Stage) -> None:
    till.lend([ROW[0]], firm=True)
    till.lend([ROW[0]], SECOND, firm=True)
    basket = till.basket([ROW[0]])
    other = till.basket([ROW[0]], SECOND)
    both = replace(basket, lines=(*basket.lines, *other.lines), quote=None)
    assert isinstance(till.window.parking.park(both), Parked)
    assert state_of(till, ROW[0], SECOND) is UnitState.PARKED
    till.window.parking.give_back(1)
    assert [one.performance for one in releases(till)] == [FIRST, SECOND]


def test_only_so_many_baskets_wait(till: Stage) -> None:
    units = tuple(range(STANDING, STANDING + PARKED_MAX + 1))
    till.lend(units)
    numbers = [park(till, (unit,)).number for unit in units[:-1]]
    assert numbers == list(range(1, PARKED_MAX + 1))
    refused = till.window.parking.park(till.basket(units[-1:]))
    assert refused == ParkRefused(ParkRefusal.TOO_MANY)
    till.window.parking.give_back(3)
    assert park(till, units[-1:]).number == PARKED_MAX + 1, "a number is not called again at once"


def test_nothing_is_parked_by_nobody_or_empty(stage: Stage) -> None:
    stage.lend(ROW)
    assert stage.window.parking.park(stage.basket(ROW[:1])) == ParkRefused(
        ParkRefusal.NOT_SIGNED_IN
    )
    stage.sign_in()
    assert stage.window.parking.park(stage.basket([])) == ParkRefused(ParkRefusal.EMPTY)


def test_units_that_the_server_took_are_told_at_the_recall(till: Stage) -> None:
    lot = till.lend(ROW[:2])
    made = park(till)

    def take(unit: Unit) -> None:
        unit.execute(
            "UPDATE allot_unit SET state = 'released' WHERE allot_id = ? AND unit = ?",
            (str(lot), ROW[0]),
        )

    till.replica.transact(take)
    recalled = till.window.parking.recall(made.number)
    assert isinstance(recalled, Recalled)
    assert [line.unit for line in recalled.gone] == [ROW[0]]
    assert [line.unit for line in recalled.kept] == [ROW[1]]


@pytest.mark.expected_errors("disk_full", "parked_not_given_back")
def test_a_full_disk_changes_nothing(till: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    till.lend(ROW[:2], firm=True)
    made = park(till, ROW[:1])

    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no room")

    with monkeypatch.context() as patched:
        patched.setattr(till.replica, "transact", full)
        parking = till.window.parking
        assert parking.park(till.basket([ROW[1]])) == ParkRefused(ParkRefusal.DISK_FULL)
        assert parking.recall(made.number) == ParkRefused(ParkRefusal.DISK_FULL)
        till.env.pass_s(PARK_S)
        assert parking.expire() == ()
    assert till.window.parking.all() == (made,)
    assert releases(till) == []
    assert till.window.parking.expire() == (made,)


def test_the_number_of_seats_is_remembered_by_event_and_over_a_restart(till: Stage) -> None:
    assert till.window.habits.quantity(EVENT_ID) == 2
    till.window.habits.note_quantity(EVENT_ID, 5)
    till.restart()
    assert till.window.habits.quantity(EVENT_ID) == 5
    assert till.window.habits.quantity("another") == 2


def test_the_size_of_the_text_is_remembered_over_a_restart(till: Stage) -> None:
    assert till.window.habits.text_size() == 0
    till.window.habits.note_text_size(125)
    till.restart()
    assert till.window.habits.text_size() == 125


def test_who_parked_it_is_told_by_name(till: Stage) -> None:
    till.lend(ROW)
    assert park(till).by == till.window.people()[0].name
    assert till.window.people()[0].id == CASHIER


def test_a_sale_of_a_recalled_basket_is_a_sale_like_any_other(till: Stage) -> None:
    till.lend(ROW)
    made = park(till)
    till.window.parking.recall(made.number)
    basket = till.basket(ROW[:2])
    assert isinstance(till.window.pay_cash(basket, basket.total_minor), Sold)


def test_a_till_killed_right_after_parking_has_the_basket_and_its_units(till: Stage) -> None:
    """kill -9 between the answer and anything else: another process is the till for a moment."""
    till.lend(ROW[:1])
    till.lend(ROW[1:2], firm=True)
    till.close()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # the till, until it is killed
        till.start_again()
        till.engine.become(LinkState.ONLINE)
        till.window.sign_in(CASHIER, PIN)
        till.lend(ROW[2:3], firm=True)
        made = till.window.parking.park(till.basket((ROW[0], ROW[2])))
        os.write(writer, b"parked" if isinstance(made, Parked) else b"refused")
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        assert said.read() == b"parked"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    till.start_again()
    [parked] = till.window.parking.all()
    assert [line.unit for line in parked.lines] == [ROW[0], ROW[2]]
    assert [state_of(till, unit) for unit in (ROW[0], ROW[2])] == [UnitState.PARKED] * 2
    assert state_of(till, ROW[1]) is UnitState.ELSEWHERE, "what no basket has went back"
    assert [release.units for release in releases(till)] == [(ROW[1],)]
    till.window.sign_in(CASHIER, PIN)
    assert isinstance(till.window.parking.recall(parked.number), Recalled)
    till.sell((ROW[0], ROW[2]))


def test_a_note_is_sold_with_the_order_and_shown_in_its_detail(till: Stage) -> None:
    till.lend(ROW)
    basket = replace(till.basket(ROW[:1]), note="wheelchair at door 2")
    assert isinstance(till.window.pay_cash(basket, basket.total_minor), Sold)
    [found] = till.window.after_sale.recent()
    detail = till.window.after_sale.detail(found)
    assert detail is not None
    assert detail.note == "wheelchair at door 2"
    till.sell(ROW[1:2])
    plain = till.window.after_sale.detail(till.window.after_sale.recent()[0])
    assert plain is not None
    assert plain.note == ""
