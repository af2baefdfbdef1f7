"""Giving something by hand for a line of the basket, with a second person where one is needed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pos_app.presenters.giving import (
    Denied,
    Given,
    Giving,
    Waiting,
    approved,
    begin_giving,
    can_approve,
    try_giving,
)
from pos_app.presenters.history import Deed
from pos_app.presenters.notice import Notice, Topic
from pos_app.services.basket import give_by_hand
from pos_app.services.model import Person, SignInRefused
from pos_app.services.people import role_of

if TYPE_CHECKING:
    from pos_app.presenters.sell_board import SellBoard
    from ticketing.pricing import Role


class GivingByHand:
    """From the choice of a line to what it costs."""

    def __init__(self, board: SellBoard) -> None:
        self._board = board

    def begin(self, number: int, unit: int) -> None:
        """Show what may be given for a line."""
        state = self._board.state
        line = state.basket.line(number, unit) if state.basket else None
        if line is None or state.house is None or state.is_frozen:
            return
        role = role_of(self._board.services.signed_in)
        giving = begin_giving(state.house.event, line, role)
        self._board.did(replace(self._board.state, giving=giving, notice=None))

    def give(self, given: Given) -> None:
        """Give it, ask for an approval, or say why it may not be."""
        state, giving = self._board.state, self._board.state.giving
        if giving is None or state.basket is None or state.house is None or state.is_frozen:
            return
        event = state.house.event
        tried = try_giving(state.basket, event, giving, given, self._board.context())
        quote, key = tried.quote, f"{giving.performance}:{giving.unit}"
        assert quote is not None, "it was just priced"
        refused = next((each for each in quote.refused if each.key == key), None)
        needed = next((each for each in quote.approvals if each.key == key), None)
        if refused is not None:
            self._board.become(replace(state, giving=replace(giving, waiting=None)))
            self._board.say(Notice(Topic.NOT_GIVEN, code=refused.refusal))
        elif needed is not None:
            self._wait_for(giving, given, needed.role)
        else:
            self._board.edit(Deed.GIVE, replace(state, basket=tried, giving=None, notice=None))

    def take_back(self) -> None:
        """The line costs what the rules say."""
        state, giving = self._board.state, self._board.state.giving
        if giving is not None and state.basket is not None and not state.is_frozen:
            basket = give_by_hand(state.basket, giving.performance, giving.unit, None)
            self._board.edit(Deed.GIVE, replace(state, basket=basket, giving=None, notice=None))

    def approve(self, person_id: str, pin: str) -> None:
        """A second person lets it be, by their PIN."""
        waiting = self._board.state.giving.waiting if self._board.state.giving else None
        if waiting is None or waiting.checking:
            return
        self._change_waiting(replace(waiting, checking=True, refused=None))
        check = partial(self._board.services.approve, person_id, pin)
        self._board.run(check, self._checked, self._fail_giving)

    def stop(self) -> bool:
        """Go back, from the approval to the reasons or from these; False when nothing was open."""
        giving = self._board.state.giving
        if giving is None:
            return False
        back = replace(giving, waiting=None) if giving.waiting else None
        self._board.become(replace(self._board.state, giving=back))
        return True

    def _wait_for(self, giving: Giving, given: Given, role: Role) -> None:
        waiting = Waiting(given, role)
        self._board.become(replace(self._board.state, giving=replace(giving, waiting=waiting)))

        def show(people: tuple[Person, ...]) -> None:
            now = self._board.state.giving.waiting if self._board.state.giving else None
            if now is not None and now.given == given:
                able = can_approve(people, role, self._board.services.signed_in)
                self._change_waiting(replace(now, people=able))

        self._board.run(self._board.services.people, show, self._fail_giving)

    def _checked(self, answer: Person | SignInRefused) -> None:
        waiting = self._board.state.giving.waiting if self._board.state.giving else None
        if waiting is None:  # somebody went back meanwhile
            return
        seller = self._board.services.signed_in
        refused: SignInRefused | Denied | None = None
        if isinstance(answer, SignInRefused):
            refused = answer
        elif seller is not None and answer.id == seller.id:
            refused = Denied.SAME_PERSON
        elif not role_of(answer).covers(waiting.role):
            refused = Denied.ROLE
        self._change_waiting(replace(waiting, checking=False, refused=refused))
        if refused is None and not isinstance(answer, SignInRefused):
            self.give(approved(waiting.given, answer))

    def _change_waiting(self, waiting: Waiting) -> None:
        giving = self._board.state.giving
        if giving is not None:
            self._board.become(replace(self._board.state, giving=replace(giving, waiting=waiting)))

    def _fail_giving(self, error: Exception) -> None:
        self._board.become(replace(self._board.state, giving=None))
        self._board.fail(error)
