"""What a deed after the sale writes into the journal, whether it is done here or the server agreed.

Everything is worked out in the very transaction that records it: what may still go back, by which
tenders, of which shift, and the tickets of the places that are taken instead.
"""

from __future__ import annotations

from dataclasses import replace

from edge.catalogue import Known
from edge.env import Env
from edge.id_mint import IdMint
from edge.identity import NodeKey
from edge.journal import Unit
from edge.protocol.revoke import Revocation, finish_revoke
from edge.returns import exchange_here, read_order, void_here
from pos_app.services import after_sale_swap, sales, tender_back
from pos_app.services.after_sale_difference import taken
from pos_app.services.after_sale_draft import Draft
from pos_app.services.after_sale_finding import Finder
from pos_app.services.after_sale_model import Chosen, Done
from pos_app.services.after_sale_offer import ACTIONS
from pos_app.services.basket import Basket, line_as_sold
from pos_app.services.shifts import shift_for
from ticketing.ids import OrderId, TicketId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    Exchange,
    ExchangeAction,
    Refund,
    RefundAction,
    Sale,
    SaleLine,
    decode_exchange,
    decode_refund,
    encode_exchange,
    encode_refund,
    legs_minor,
)
from ticketing.pay_back import Fund
from ticketing.refund_rules import Deed
from ticketing.returns import ReturnRefusal, Route


class DeedRecorder:
    """Writes deeds by this window's clock, ids, key and receipt prefix."""

    def __init__(self, seller: tuple[Env, IdMint, NodeKey, str], finder: Finder) -> None:
        self._env, self._ids, self._key, self._prefix = seller
        self._finder = finder

    def here(
        self, unit: Unit, draft: Draft, known: Known, chosen: Chosen, number: str
    ) -> Op | ReturnRefusal | Route:
        """Void or exchange at this till alone, or why that can't be.

        Raises NoShift and UnitsGone.
        """
        if draft.deed is Deed.EXCHANGE:
            exchange = self._exchange(unit, draft, known, chosen.ticket_ids, number)
            done = exchange_here(unit, self._env, draft.event_id, exchange, chosen.scanned)
            self._keep_order(unit, draft.event_id, exchange)
            return done
        refund = self._refund(unit, draft, known, chosen.ticket_ids)
        same = draft.deed is Deed.VOID  # or there would have been no offer
        return void_here(unit, self._env, draft.event_id, refund, chosen.scanned, same_shift=same)

    def answered(
        self,
        unit: Unit,
        planned: Revocation,
        draft: Draft,
        known: Known,
        number: str,
        *,
        instead: bool,
    ) -> Op:
        """What the server agreed to, under the id that it was asked with; `instead`: all that was
        paid goes back in place of an exchange. Raises NoShift and UnitsGone.
        """
        tickets = planned.ticket_ids
        if instead or draft.deed in (Deed.VOID, Deed.REFUND):
            body = encode_refund(self._refund(unit, draft, known, tickets, instead=instead))
            return finish_revoke(unit, self._env, planned, OpKind.REFUND, body)
        exchange = self._exchange(unit, draft, known, tickets, number)
        body = encode_exchange(exchange)
        op = finish_revoke(unit, self._env, planned, OpKind.EXCHANGE, body)
        self._keep_order(unit, draft.event_id, exchange)
        return op

    def _refund(
        self,
        unit: Unit,
        draft: Draft,
        known: Known,
        tickets: tuple[TicketId, ...],
        *,
        instead: bool = False,
    ) -> Refund:
        way = self._way_back(unit, draft, known, draft.back_minor)
        refund = Refund(
            draft.order_id,
            RefundAction.VOID if draft.deed is Deed.VOID else RefundAction.REFUND,
            tickets,
            way.cash_minor,
            0 if instead else draft.fee_minor,
            draft.currency,
            draft.by,
            draft.reason,
            _shift_of(unit, draft),
            approved_by=draft.approved_by,
            legs=way.legs,
            rounding_minor=way.rounding_minor,
        )
        tender_back.note_paid_back(unit, self._env, draft.event_id, refund)
        return refund

    def _way_back(
        self, unit: Unit, draft: Draft, known: Known, amount_minor: int
    ) -> tender_back.PaidBack:
        """By which tenders it goes back, as of this very transaction."""
        if draft.order_body:  # another window's: as it was agreed
            funds = tuple(Fund(*one) for one in draft.funds)
        else:
            funds = tender_back.funds(unit, draft.event_id, self._order_of(draft))
        return tender_back.paid_back(funds, amount_minor, known.venue)

    def _exchange(
        self, unit: Unit, draft: Draft, known: Known, tickets: tuple[TicketId, ...], number: str
    ) -> Exchange:
        """Take the new places and make their tickets. Raises UnitsGone."""
        basket = draft.basket or self._same_places(draft, tickets)
        seller = self.seller_of(draft)
        lines, _late = sales.take_lines(unit, seller, known.event, basket.lines)
        sales.release_idle(unit, self._env, known.event.id, lines)
        if draft.basket is None:
            lines = self._as_sold_before(draft, lines)
        paid = draft.paid_minor
        if paid > 0:
            way = taken(draft, known.venue, number)
        else:
            way = self._way_back(unit, draft, known, -paid)
        exchange = Exchange(
            tickets,
            draft.order_id,
            ExchangeAction(ACTIONS[draft.deed].value),
            OrderId(self._ids.next()),
            sales.next_receipt_no(unit, self._prefix),
            draft.by,
            draft.currency,
            basket.price_list_version,
            lines,
            draft.back_minor,
            draft.fee_minor,
            paid,
            max(draft.tendered_minor, way.cash_minor) if paid > 0 and way.cash_minor else 0,
            _shift_of(unit, draft),
            approved_by=draft.approved_by,
            legs=way.legs,
            rounding_minor=way.rounding_minor,
        )
        tender_back.note_paid_back(unit, self._env, draft.event_id, exchange)
        return exchange

    def _same_places(self, draft: Draft, tickets: tuple[TicketId, ...]) -> Basket:
        """What a replacement sells: the lost tickets' places at the prices that were paid."""
        order = self._order_of(draft)
        lines = tuple(line_as_sold(line) for line in order.lines if line.ticket_id in tickets)
        version = order.price_list_version
        return Basket(draft.event_id, draft.currency, version, lines)

    def _order_of(self, draft: Draft) -> Sale | Exchange:
        """The order whose tickets go back: another window's is kept with what was agreed."""
        if draft.order_body:
            return read_order(draft.order_body)
        own = self._finder.own(draft.event_id, draft.order_id)
        assert own is not None, "an order of ours does not go"
        return own.order

    def _as_sold_before(self, draft: Draft, lines: tuple[SaleLine, ...]) -> tuple[SaleLine, ...]:
        """A replacement keeps all that made the price: the list's, the package, the discount."""
        order = self._order_of(draft)
        before = {(line.performance, line.unit): line for line in order.lines}
        return tuple(
            replace(
                line,
                list_minor=old.list_minor,
                package=old.package,
                discount=old.discount,
                off_minor=old.off_minor,
                approved_by=old.approved_by,
            )
            for line in lines
            for old in (before[line.performance, line.unit],)
        )

    def _keep_order(self, unit: Unit, event_id: str, exchange: Exchange) -> None:
        unit.execute(
            "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                event_id,
                exchange.order_id,
                exchange.receipt_no,
                self._env.wall_ms(),
                len(exchange.lines),
                encode_exchange(exchange),
            ),
        )

    def seller_of(self, draft: Draft) -> sales.Seller:
        """Who sells the new places of a deed, and who let that be."""
        approved_by = after_sale_swap.second_person(draft)
        return sales.Seller(
            self._env, self._ids, self._key, draft.by, self._prefix, approved_by=approved_by
        )


def done_of(draft: Draft, op: Op) -> Done:
    """What was recorded, as the cashier has to know it: read from the very operation."""
    refund, exchange = decode_refund(op.body), decode_exchange(op.body)
    if exchange is None:
        assert refund is not None, "we wrote it just now"
        count, paid = len(refund.ticket_ids), refund.cash_minor + legs_minor(refund.legs)
        return Done(
            draft.deed, draft.event_id, draft.receipt_no, count, draft.currency,
            paid, 0, 0, refund.fee_minor, legs=refund.legs,
        )  # fmt: skip
    paid = exchange.cash_minor + exchange.legs_minor
    return Done(
        draft.deed,
        draft.event_id,
        draft.receipt_no,
        len(exchange.lines),
        draft.currency,
        max(0, -paid),
        max(0, paid),
        exchange.tendered_minor - max(0, exchange.cash_minor),
        exchange.fee_minor,
        exchange.order_id,
        exchange.receipt_no,
        exchange.legs,
    )


def _shift_of(unit: Unit, draft: Draft) -> str:
    """The shift that owns the money. Raises NoShift."""
    shift = shift_for(unit, draft.currency)
    if not shift:
        raise sales.NoShift
    return shift
