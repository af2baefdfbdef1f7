"""Paying by other means than cash, and in parts: a part is written down when it is taken.

What was recorded for a basket belongs to it. A basket that is given up sells nothing, so its parts
are taken back and the cashier is told to return the money.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.sell_board import nothing
from pos_app.presenters.tender_state import PayPanel
from pos_app.services.model import SaleRefusal
from pos_app.services.tender_model import NO_PAYMENT, AbandonedPayment, LegRecorded
from ticketing.operations import CASH, LEGS_MAX, HandLeg, is_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.presenters.paying import Paying
    from pos_app.presenters.sell_board import SellBoard
    from pos_app.presenters.sell_state import SellState


class Tendering:
    """The tender keys and the panel behind "More"."""

    def __init__(self, board: SellBoard, paying: Paying) -> None:
        self._board = board
        self._paying = paying
        self._looked = False  # for payments that the program left behind when it ended
        self._told: Notice | None = None
        board.watch(self._follow)

    # -------------------------------------------------------------------------------- the panel

    def open_panel(self) -> None:
        """Show the parts of the payment."""
        if self._board.state.can_pay:
            self._show(PayPanel())

    def close_panel(self) -> bool:
        """One step back: from a number to the parts, from the parts to the basket; False when shut."""
        panel = self._board.state.pay_panel
        if panel is None:
            return False
        self._show(PayPanel() if panel.asks and not panel.is_one_tap else None)
        return True

    # ------------------------------------------------------------------------------- the tenders

    def take_by_key(self, at: int) -> None:
        """The whole rest by the tender of a key, in one tap; the panel opens to ask for a number."""
        house = self._board.state.house
        if house is not None and at < len(house.venue.tenders):
            self.take(house.venue.tenders[at].id, None, is_one_tap=True)

    def take(
        self,
        tender_id: str,
        amount_minor: int | None = None,
        reference: str = "",
        *,
        is_one_tap: bool = False,
        is_asked: bool = False,
    ) -> None:
        """Take an amount by a tender that is recorded by hand; None is all that is left to pay."""
        state = self._board.state
        tender = state.house.venue.tender(tender_id) if state.house else None
        if tender is None or not state.can_pay:
            if state.basket is None or not state.basket.lines:
                self._paying.pay_cash()  # says that there is nothing to pay
            return
        amount = state.rest_minor if amount_minor is None else amount_minor
        if not 0 <= amount <= state.rest_minor or (amount == 0 and state.rest_minor):
            self._refuse(SaleRefusal.TENDER_TOO_LARGE)
        elif tender.asks_reference and not is_asked and amount:
            self._show(PayPanel(tender.id, amount, is_one_tap))
        elif amount == state.rest_minor:
            legs = (HandLeg(tender.id, amount, reference),) if amount else ()
            self._paying.pay(legs, 0)
        else:
            self._record(HandLeg(tender.id, amount, reference))

    def answer(self, text: str) -> None:
        """The number on the machine's slip; "" where there is none to be read."""
        panel = self._board.state.pay_panel
        if panel is None or not panel.asks:
            return
        said = text.strip()
        reference = said if is_name(said) else ""
        self.take(panel.asks, panel.amount_minor, reference, is_asked=True)

    def take_cash(self, tendered_minor: int | None = None) -> None:
        """Cash for the rest; less than that is a part."""
        state = self._board.state
        if tendered_minor is None or tendered_minor >= state.cash_due_minor:
            self._paying.pay_cash(tendered_minor)
        elif tendered_minor > 0 and state.can_pay:
            self._record(HandLeg(CASH, tendered_minor))

    def give_back(self, leg_id: str) -> None:
        """A part was returned to the buyer: it pays nothing any more."""
        state = self._board.state
        if state.is_frozen or all(one.id != leg_id for one in state.payment.recorded):
            return
        kept = tuple(one for one in state.payment.recorded if one.id != leg_id)
        payment = replace(state.payment, recorded=kept) if kept else NO_PAYMENT
        self._board.did(replace(state, payment=payment, notice=None))
        self._take_back([leg_id])

    # ------------------------------------------------------------------------------------ inside

    def _record(self, leg: HandLeg) -> None:
        state = self._board.state
        if state.house is None or len(state.payment.recorded) >= LEGS_MAX:
            self._refuse(SaleRefusal.TENDER_TOO_LARGE)
            return
        event, order_id = state.house.event, state.payment.order_id
        self._board.did(replace(state, paying=True, notice=None))
        self._board.run(
            lambda: self._board.services.tenders.record(event.id, order_id, event.currency, leg),
            self._recorded,
            self._record_failed,
        )

    def _recorded(self, answer: LegRecorded | SaleRefusal) -> None:
        state = replace(self._board.state, paying=False)
        if isinstance(answer, SaleRefusal):
            self._board.become(state)
            self._refuse(answer)
            return
        payment = replace(
            state.payment,
            order_id=answer.order_id,
            recorded=(*state.payment.recorded, answer.leg),
        )
        self._board.become(replace(state, payment=payment, pay_panel=PayPanel()))

    def _record_failed(self, error: Exception) -> None:
        self._board.become(replace(self._board.state, paying=False))
        self._board.fail(error)

    def _take_back(self, leg_ids: Sequence[str]) -> None:
        self._board.run(
            lambda: self._board.services.tenders.take_back(leg_ids), nothing, self._board.fail
        )

    def _show(self, panel: PayPanel | None) -> None:
        self._board.did(replace(self._board.state, pay_panel=panel, notice=None))

    def _refuse(self, reason: SaleRefusal) -> None:
        self._board.say(Notice(Topic.SALE_REFUSED, code=reason))

    def _follow(self, state: SellState) -> None:
        """After every change: parts without a basket go back, and what was left behind is told."""
        if state.house is not None and not self._looked:
            self._looked = True
            abandoned = self._board.services.tenders.abandoned
            self._board.run(abandoned, self._tell, self._board.fail)
            return
        if self._told is not None and state.notice is None:
            self._told = None  # somebody has read it
            acknowledge = self._board.services.tenders.acknowledge
            self._board.run(acknowledge, nothing, self._board.fail)
        given_up = state.basket is None or not state.basket.lines
        if given_up and not state.is_frozen and state.payment.recorded:
            legs = state.payment.recorded
            owed = Notice(Topic.PARTS_BACK, amounts=(sum(one.amount_minor for one in legs),))
            self._board.become(replace(state, payment=NO_PAYMENT, pay_panel=None, notice=owed))
            self._take_back([one.id for one in legs])

    def _tell(self, abandoned: tuple[AbandonedPayment, ...]) -> None:
        if abandoned:
            minor = sum(one.amount_minor for one in abandoned)
            notice = Notice(Topic.PAYMENT_ABANDONED, amounts=(minor,))
            self._board.say(notice)
            self._told = notice
