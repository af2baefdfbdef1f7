"""What may be done with tickets that were sold, at what terms: the rules, the route and the till."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from edge.catalogue import Known
from pos_app.services.after_sale_finding import OwnOrder
from pos_app.services.after_sale_model import Barred, Chosen, Offer, TicketStanding
from ticketing.ids import TicketId
from ticketing.operations import ExchangeAction, RefundAction
from ticketing.pricing import Role
from ticketing.refund_rules import LIFTABLE, Asker, Deed, PaidOrder, PaidTicket, preview
from ticketing.returns import ReturnAction, ReturnRefusal, Route, return_route

ACTIONS: dict[Deed, ReturnAction] = {
    Deed.VOID: RefundAction.VOID,
    Deed.REFUND: RefundAction.REFUND,
    Deed.EXCHANGE: ExchangeAction.EXCHANGE,
    Deed.REPLACEMENT: ExchangeAction.REPLACEMENT,
}


@dataclass(frozen=True, slots=True)
class OfferCounter:
    """What the till knows when it makes an offer: the time, who asks, and what it can do now."""

    now: datetime
    same_shift: bool
    role: Role
    is_online: bool
    has_shift: bool


def make_offer(
    deed: Deed, chosen: Chosen, own: OwnOrder, known: Known, counter: OfferCounter
) -> Offer:
    """What could be done with these tickets of the order, and every reason against it."""
    rules, is_manager = known.event.refund_rules, counter.role is Role.MANAGER
    paid, tickets = PaidOrder(own.sold_at, _paid_tickets(own, known)), chosen.ticket_ids
    asker = Asker(counter.same_shift, is_manager)
    found = preview(deed, paid, tickets, counter.now, rules, asker)
    bars = [str(bar) for bar in found.bars]
    is_beyond = bool(found.bars) and LIFTABLE.issuperset(found.bars)
    needed = Role.CASHIER
    if is_beyond:  # at the terms at which a manager may let it be
        asker, needed = Asker(counter.same_shift, is_manager=True, beyond=True), Role.MANAGER
        found = preview(deed, paid, tickets, counter.now, rules, asker)
        bars = [] if is_manager else bars
    back, fee, ladder_fee = found.refund_minor, found.fee_minor, 0
    if deed is Deed.EXCHANGE:
        refunded = preview(Deed.REFUND, paid, tickets, counter.now, rules, asker)
        ladder_fee = refunded.fee_minor - fee
        back, fee = back + fee, fee + rules.exchange_fee_minor * _asked_for(paid, tickets)
    elif deed is Deed.REPLACEMENT:
        fee = rules.replacement_fee_minor * len(found.tickets)
    # A replacement gives out what the tickets are worth once more; an exchange takes it back first.
    payer = rules.payer_of(0 if deed is Deed.EXCHANGE else back)
    if not counter.role.covers(payer):
        bars.append(Barred.OVER_CAP)
        needed = payer if payer.covers(needed) else needed
    is_lifted = found.can_be_done and bool(bars)
    route = _route(Deed.REFUND if is_beyond else deed, chosen, own, counter)
    if isinstance(route, ReturnRefusal):
        bars = bars if found.bars else [str(route)]
        is_lifted = False
    elif route is Route.CENTRE and not counter.is_online:
        by_paper = not own.known.acknowledged and deed is not Deed.REPLACEMENT
        bars.append(Barred.OFFLINE_SCAN if by_paper else Barred.OFFLINE)
        is_lifted = False
    if not counter.has_shift:
        bars.append(Barred.NO_SHIFT)
        is_lifted = False
    return Offer(
        deed,
        chosen.event_id,
        chosen.order_id,
        own.order.currency,
        found,
        route if isinstance(route, Route) else None,
        tuple(bars),
        back,
        fee,
        ladder_fee,
        needed if is_lifted else None,
        is_beyond,
    )


def _asked_for(paid: PaidOrder, chosen: Collection[TicketId]) -> int:
    """How many of the tickets cost the fee of an exchange: none whose performance is cancelled."""
    return sum(each.id in chosen and not each.is_cancelled for each in paid.tickets)


def _route(
    deed: Deed, chosen: Chosen, own: OwnOrder, counter: OfferCounter
) -> Route | ReturnRefusal:
    order = replace(own.known, same_shift=counter.same_shift)
    return return_route(ACTIONS[deed], order, chosen.ticket_ids, chosen.scanned)


def _paid_tickets(own: OwnOrder, known: Known) -> tuple[PaidTicket, ...]:
    """The order's lines as the rules see them. A performance that is gone is over."""
    event, paid = known.event, []
    for line in own.order.lines:
        performance = event.performance(line.performance)
        standing = own.states[line.ticket_id]
        paid.append(
            PaidTicket(
                line.ticket_id,
                performance.starts_at if performance else datetime.fromtimestamp(0, UTC),
                line.price_minor,
                max(line.list_minor, line.price_minor),
                f"{line.rule}:{line.package}" if line.package else "",
                standing not in (TicketStanding.VOID, TicketStanding.ASKED),
                standing is TicketStanding.ENTERED,
                performance is not None and performance.is_cancelled,
            )
        )
    return tuple(paid)
