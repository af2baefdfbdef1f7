"""Past the soft term of what was lent: a second person lets one sale be, by their PIN."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pos_app.presenters.giving import Denied, can_approve
from pos_app.services.late_sales import LATE_ROLE
from pos_app.services.model import Person, SignInRefused
from pos_app.services.people import role_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pos_app.presenters.sell_board import SellBoard
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.basket import Basket
    from pos_app.services.tender_model import Payment
    from ticketing.pricing import Role


@dataclass(frozen=True, slots=True)
class LateSale:
    """A sale that waits for somebody's PIN: nothing of it is recorded yet.

    `units` are past their soft term. It is for this very basket and payment.
    """

    basket: Basket
    payment: Payment
    units: tuple[int, ...]
    role: Role = LATE_ROLE
    people: tuple[Person, ...] = ()
    checking: bool = True
    refused: SignInRefused | Denied | None = None


class LateSales:
    """From the sale that needs an approval to the one that has it. `pay` tries again."""

    def __init__(self, board: SellBoard, pay: Callable[[Basket, Payment], None]) -> None:
        self._board = board
        self._pay = pay
        board.watch(self._follow)

    def ask(self, basket: Basket, payment: Payment, units: tuple[int, ...]) -> None:
        """Ask for somebody who may let it be."""
        late = LateSale(basket, replace(payment, approver=None), units)
        self._board.become(replace(self._board.state, late=late, pay_panel=None, notice=None))

        def show(people: tuple[Person, ...]) -> None:
            now = self._board.state.late
            if now is not None:
                able = can_approve(people, now.role, self._board.services.signed_in)
                self._change(replace(now, people=able, checking=False))

        self._board.run(self._board.services.people, show, self._fail)

    def approve(self, person_id: str, pin: str) -> None:
        """Somebody has typed their PIN."""
        late = self._board.state.late
        if late is None or late.checking:
            return
        self._change(replace(late, checking=True, refused=None))
        check = partial(self._board.services.approve, person_id, pin)
        self._board.run(check, self._checked, self._fail)

    def stop(self) -> bool:
        """Go back to the basket, which is kept; False when nothing was asked."""
        if self._board.state.late is None:
            return False
        self._board.become(replace(self._board.state, late=None))
        return True

    # ------------------------------------------------------------------------------------ inside

    def _checked(self, answer: Person | SignInRefused) -> None:
        late, seller = self._board.state.late, self._board.services.signed_in
        if late is None:  # somebody went back meanwhile
            return
        if not isinstance(answer, Person):
            self._change(replace(late, checking=False, refused=answer))
        elif seller is not None and answer.id == seller.id:
            self._change(replace(late, checking=False, refused=Denied.SAME_PERSON))
        elif not role_of(answer).covers(late.role):
            self._change(replace(late, checking=False, refused=Denied.ROLE))
        elif self._is_about(self._board.state, late):
            self._pay(late.basket, replace(late.payment, approver=answer))
        else:  # the basket was changed meanwhile: another sale is asked for anew
            self.stop()

    def _change(self, late: LateSale) -> None:
        self._board.become(replace(self._board.state, late=late))

    def _follow(self, state: SellState) -> None:
        """What was to be approved was this basket, for this money: another is asked for anew."""
        late = state.late
        if late is None or late.checking:
            return
        if not self._is_about(state, late):
            self._board.become(replace(state, late=None))

    @staticmethod
    def _is_about(state: SellState, late: LateSale) -> bool:
        """Whether what waits is still what would be sold."""
        basket = state.basket
        same = basket is not None and basket.picked == late.basket.picked
        return same and state.total_minor == late.basket.total_minor

    def _fail(self, error: Exception) -> None:
        self._board.become(replace(self._board.state, late=None))
        self._board.fail(error)
