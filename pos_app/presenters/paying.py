"""Taking the money, and the paper after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pos_app.presenters.history import History
from pos_app.presenters.late_sale import LateSales
from pos_app.presenters.notice import Notice, Topic
from pos_app.services.basket import empty_basket
from pos_app.services.model import (
    PrintOutcome,
    PrintResult,
    SaleRefusal,
    SaleRefused,
    Sold,
    UnitState,
    UnprintedOrder,
)
from pos_app.services.tender_model import NO_PAYMENT

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.presenters.sell_board import SellBoard
    from pos_app.services.basket import Basket
    from pos_app.services.tender_model import Payment
    from ticketing.operations import HandLeg

_TAKEN_OUT: Final = frozenset(
    {SaleRefusal.UNIT_NOT_OURS, SaleRefusal.TERM_OVER, SaleRefusal.LATE_LIMIT}
)
"""Refusals whose units leave the basket."""


class Paying:
    """One payment at a time. `run_printing` is a lane of its own: paper never delays a sale.

    `refresh` reads what a sale changes, `renew_house` the prices.
    """

    def __init__(
        self,
        board: SellBoard,
        run_printing: Run,
        refresh: Callable[[], None],
        renew_house: Callable[[], None],
    ) -> None:
        self._board = board
        self._run_printing = run_printing
        self.late = LateSales(board, self._pay)
        self._refresh = refresh
        self._renew_house = renew_house

    def pay_cash(self, tendered_minor: int | None = None) -> None:
        """Sell the basket, the rest of it for cash; exactly paid when no amount is given."""
        due = self._board.state.cash_due_minor
        self.pay((), due if tendered_minor is None else tendered_minor)

    def pay(self, legs: tuple[HandLeg, ...], tendered_minor: int) -> None:
        """Sell the basket, what is left to pay by `legs` and by cash. One at a time."""
        state = self._board.state
        if state.is_frozen:
            return
        if state.basket is None or not state.basket.lines:
            if state.change is None:  # else the key was pressed once too often: all is done
                self._board.say(Notice(Topic.SALE_REFUSED, code=SaleRefusal.EMPTY))
            return
        payment = replace(state.payment, legs=legs, tendered_minor=tendered_minor)
        self._pay(state.basket, payment)

    def _pay(self, basket: Basket, payment: Payment) -> None:
        self._board.did(replace(self._board.state, paying=True, notice=None, late=None))

        def answered(answer: Sold | SaleRefused) -> None:
            self._paid(answer, basket, payment)

        self._board.run(
            lambda: self._board.services.pay(basket, payment), answered, self._payment_broke
        )

    def print_waiting(self) -> None:
        """Print every order that was sold and has no paper yet, nor any on its way or in doubt."""
        for order in self._board.state.unprinted:
            if order.paper is PrintOutcome.FAILED:
                self._print(order.order_id)

    def reprint_last(self) -> None:
        """Print a copy of the last sale; what has no paper yet has its own keys."""
        state = self._board.state
        last = state.last_sale
        if last is None:
            self._board.say(Notice(Topic.NO_LAST_SALE))
            return
        waiting = [one for one in state.unprinted_orders if one.order_id == last.order_id]
        if waiting:
            self.print_waiting()
        elif last.order_id not in state.printing:
            self._board.say(Notice(Topic.COPY, code=last.receipt_no))
            self._print(last.order_id)

    def read_unprinted(self) -> None:
        """Read what waits for paper."""
        self._board.run(self._board.services.unprinted, self._show_unprinted, self._board.fail)

    def _paid(self, answer: Sold | SaleRefused, paid: Basket, payment: Payment) -> None:
        if isinstance(answer, SaleRefused) and answer.reason is SaleRefusal.LATE_APPROVAL:
            self._board.become(replace(self._board.state, paying=False))
            self.late.ask(paid, payment, answer.units)
            return
        if isinstance(answer, SaleRefused):
            self._refused(answer)
            return
        state = self._board.state
        basket = empty_basket(state.house.event) if state.house else None
        sold = dict.fromkeys(state.selected, UnitState.SOLD)  # before it is read anew
        self._board.become(
            replace(
                state,
                states={**state.states, **sold},
                paying=False,
                basket=basket,
                change=answer,
                last_sale=answer,
                notice=None,
                history=History(),  # what is sold is not undone, it is voided
                toast=None,
                payment=NO_PAYMENT,
                pay_panel=None,
            )
        )
        self._print(answer.order_id)
        self._refresh()

    def _refused(self, refused: SaleRefused) -> None:
        """Nothing was sold. Take out what cannot be, so that the rest can be paid at once."""
        basket = self._board.state.basket
        if basket is not None and refused.reason in _TAKEN_OUT:
            kept = tuple(line for line in basket.lines if line.unit not in refused.units)
            self._board.give_back_lines(line for line in basket.lines if line.unit in refused.units)
            basket = replace(basket, lines=kept, quote=None)
        notice = Notice(Topic.SALE_REFUSED, code=refused.reason, units=refused.units)
        self._board.become(
            replace(self._board.state, paying=False, basket=basket, notice=notice, pay_panel=None)
        )
        if refused.reason is SaleRefusal.PRICE_CHANGED:
            self._renew_house()
        self._refresh()

    def _payment_broke(self, _error: Exception) -> None:
        """Whether the sale was recorded is unknown here: what waits for paper will tell."""
        self._board.become(
            replace(self._board.state, paying=False, notice=Notice(Topic.PAYMENT_BROKEN))
        )
        self._refresh()

    def _print(self, order_id: str) -> None:
        if order_id in self._board.state.printing:
            return
        self._board.become(
            replace(self._board.state, printing=self._board.state.printing | {order_id})
        )

        def failed(_error: Exception) -> None:
            self._printed(PrintResult(order_id, PrintOutcome.FAILED, 0))

        self._run_printing(
            lambda: self._board.services.print_order(order_id), self._printed, failed
        )

    def _printed(self, result: PrintResult) -> None:
        printing = self._board.state.printing - {result.order_id}
        kept = self._board.state.unprinted_orders
        if result.outcome is PrintOutcome.PRINTED:
            kept = tuple(one for one in kept if one.order_id != result.order_id)
        self._board.become(replace(self._board.state, printing=printing, unprinted_orders=kept))
        if result.outcome is PrintOutcome.FAILED:
            self._board.say(Notice(Topic.NOT_PRINTED, count=result.ticket_count))
        self.read_unprinted()

    def _show_unprinted(self, orders: tuple[UnprintedOrder, ...]) -> None:
        self._board.become(replace(self._board.state, unprinted_orders=orders))
