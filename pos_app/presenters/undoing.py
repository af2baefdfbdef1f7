"""Undoing and redoing what the cashier did to the basket."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pos_app.presenters.history import Deed, History, Lines, redo, undo
from pos_app.presenters.notice import Notice, Topic
from pos_app.services.basket import (
    Basket,
    Picked,
    change_ticket_type,
    give_by_hand,
    put_back,
)
from pos_app.services.model import UnitState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pos_app.presenters.parking import Parking
    from pos_app.presenters.sell_board import SellBoard
    from pos_app.presenters.wishes import Wishes
    from ticketing.event import Event

_States = dict[int, "Mapping[int, UnitState]"]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where the basket is to go, and what can be done when it is there."""

    wanted: Lines
    history: History
    note: str = ""


class Undoing:
    """Seats that are still free come back at once; others are asked for, and may be gone."""

    def __init__(self, board: SellBoard, wishes: Wishes, parking: Parking) -> None:
        self._board = board
        self._wishes = wishes
        self._parking = parking

    def undo(self) -> None:
        """Undo the last step; nothing happens when there is none."""
        state = self._board.state
        if state.basket is None or state.is_frozen or not state.history.past:
            return
        step = state.history.past[-1]
        if step.deed is Deed.PARK:
            self._parking.undo(step)
        else:
            wanted = undo(state.basket.picked, step.changes)
            self._turn(_Turn(wanted, state.history.undid(), step.note))

    def redo(self) -> None:
        """Do once more what was undone last."""
        state = self._board.state
        if state.basket is None or state.is_frozen or not state.history.future:
            return
        step = state.history.future[-1]
        if step.deed is Deed.PARK:
            self._parking.redo()
        else:
            wanted = redo(state.basket.picked, step.changes)
            self._turn(_Turn(wanted, state.history.redid()))

    def _turn(self, turn: _Turn) -> None:
        """Look first how the seats stand that come back from another performance."""
        state = self._board.state
        assert state.basket is not None, "it was just looked at"
        held = {line.place for line in state.basket.picked}
        numbers = {line.performance for line in turn.wanted if line.place not in held}
        others = numbers - {state.number}
        if not others:
            self._settle(turn, {state.number: state.states})
            return

        def read() -> _States:
            return {at: self._board.services.availability(at).states for at in sorted(others)}

        self._board.run(read, partial(self._settle_with, turn, state.basket), self._board.fail)

    def _settle_with(self, turn: _Turn, before: Basket, others: _States) -> None:
        state = self._board.state
        if state.basket is not None and state.basket.picked == before.picked:
            self._settle(turn, others | {state.number: state.states})

    def _settle(self, turn: _Turn, states: _States) -> None:
        state = self._board.state
        if state.basket is None or state.house is None or state.is_frozen:
            return
        places = {line.place for line in turn.wanted}
        held = {line.place for line in state.basket.picked}
        leaving = [line for line in state.basket.lines if line.picked.place not in places]
        coming = {line: _state_of(line, states) for line in turn.wanted if line.place not in held}
        basket = _turned(state.basket, state.house.event, turn.wanted, coming)
        if turn.note and not basket.note:
            basket = replace(basket, note=turn.note)
        self._board.did(
            replace(state, basket=basket, history=turn.history, toast=None, notice=None)
        )
        self._board.give_back_lines(leaving)
        asked = [line for line, how in coming.items() if how is UnitState.ELSEWHERE]
        gone = [line for line in coming if line not in asked and not basket.has(*line.place)]
        if asked:
            self._wishes.ask_again(asked)
        if gone:
            units = tuple(line.unit for line in gone)
            self._board.say(Notice(Topic.NOT_UNDONE, units=units))


def _state_of(line: Picked, states: _States) -> UnitState:
    return states.get(line.performance, {}).get(line.unit, UnitState.ELSEWHERE)


def _turned(
    basket: Basket, event: Event, wanted: Lines, coming: Mapping[Picked, UnitState]
) -> Basket:
    """The basket as wanted, as far as seats that come back are free."""
    places = {line.place for line in wanted}
    kept = tuple(line for line in basket.lines if line.picked.place in places)
    made = replace(basket, lines=kept, quote=None)
    for at, line in enumerate(wanted):
        old = made.line(*line.place)
        if old is None:
            if coming.get(line) is UnitState.FREE:
                made = put_back(made, event, line, at)
        elif old.picked != line:
            made = change_ticket_type(made, event, *line.place, line.ticket_type_id)
            made = give_by_hand(made, *line.place, line.by_hand)
    return made
