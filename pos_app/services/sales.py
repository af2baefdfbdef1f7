"""Selling: one transaction that takes the units, makes the tickets and records the money.

When it has committed, the sale is final, with or without the network; printing comes after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.allotments import LentUnit, TermOver, take
from edge.env import Env
from edge.id_mint import IdMint
from edge.identity import NodeKey
from edge.journal import Unit, append, get_meta, set_meta
from edge.time_left import late_sold, note_late, now_of
from pos_app.services.basket import Basket, BasketLine, priced_line
from pos_app.services.model import SaleRefusal, SaleRefused
from pos_app.services.shifts import shift_for
from ticketing.code import TicketFacts, make_code
from ticketing.event import Event, Performance
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import CashLeg, Sale, SaleLine, decode_sale, encode_sale
from ticketing.terms import DEFAULT_CAPS, Anchor, Caps, Sold

_RECEIPT_COUNTER = "receipt_count"


class UnitsGone(Exception):
    """Some units of the basket are not ours to sell; nothing was recorded."""

    def __init__(
        self, units: tuple[int, ...], reason: SaleRefusal = SaleRefusal.UNIT_NOT_OURS
    ) -> None:
        super().__init__(f"units {units}: {reason}")
        self.units, self.reason = units, reason


class NoShift(Exception):
    """No shift is open that would own the order; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, where: what every sale of this window shares.

    `approved`: a supervisor lets units be sold past the soft term of their allotments.
    """

    env: Env
    ids: IdMint
    key: NodeKey
    person_id: str
    receipt_prefix: str
    approved: bool = False
    caps: Caps = DEFAULT_CAPS


def refusal(basket: Basket, event: Event, tendered_minor: int, now: datetime) -> SaleRefused | None:
    """Why this basket is not to be sold as it stands; None when nothing speaks against it."""
    if not basket.lines:
        return SaleRefused(SaleRefusal.EMPTY)
    if any(_is_over(event.performance(line.performance), now) for line in basket.lines):
        return SaleRefused(SaleRefusal.SALE_ENDED)
    other_money = basket.currency != event.currency
    changed = tuple(
        line.unit for line in basket.lines if other_money or _reprice(event, line) != line
    )
    if changed:
        return SaleRefused(SaleRefusal.PRICE_CHANGED, changed)
    if tendered_minor < basket.total_minor:
        return SaleRefused(SaleRefusal.TENDER_TOO_SMALL)
    return None


def sell(unit: Unit, seller: Seller, event: Event, basket: Basket, tendered_minor: int) -> Sale:
    """Take the units and record the sale, in the caller's transaction. Raises UnitsGone or NoShift."""
    shift = shift_for(unit, basket.currency)
    lines, late = take_lines(unit, seller, event, basket.lines)
    sale = Sale(
        OrderId(seller.ids.next()),
        next_receipt_no(unit, seller.receipt_prefix),
        seller.person_id,
        basket.currency,
        basket.price_list_version,
        basket.total_minor,
        lines,
        CashLeg(basket.total_minor, tendered_minor),
        late=late,
        shift=shift,
    )
    _record(unit, seller.env, event.id, sale)
    return sale


def take_lines(
    unit: Unit, seller: Seller, event: Event, lines: Sequence[BasketLine]
) -> tuple[tuple[SaleLine, ...], bool]:
    """Take the lines' units and make their tickets; whether some are past their soft term.

    Raises UnitsGone.
    """
    held = _take_all(unit, seller, event.id, lines, now_of(unit, seller.env))
    late = [line for line, lent in held if lent.late]
    if late:
        _count_late(unit, seller, late)
    return tuple(_sold_line(seller, event, line, lent) for line, lent in held), bool(late)


def _take_all(
    unit: Unit, seller: Seller, event_id: str, lines: Sequence[BasketLine], now: Anchor
) -> list[tuple[BasketLine, LentUnit]]:
    """Take every unit. Raises UnitsGone, and what was taken until then is rolled back."""
    held: list[tuple[BasketLine, LentUnit]] = []
    gone: list[int] = []
    outlived: list[int] = []
    approved = seller.approved
    for line in lines:
        try:
            lent = take(unit, event_id, line.performance, line.unit, now, approved=approved)
        except TermOver:
            outlived.append(line.unit)
        else:
            if lent is None:
                gone.append(line.unit)
            else:
                held.append((line, lent))
    if gone:
        raise UnitsGone(tuple(gone))
    if outlived:
        raise UnitsGone(tuple(outlived), SaleRefusal.TERM_OVER)
    return held


def _count_late(unit: Unit, seller: Seller, late: list[BasketLine]) -> None:
    """Count what is sold past the soft term. Raises UnitsGone when a cap does not allow it."""
    sold = Sold(len(late), sum(line.price_minor for line in late))
    if seller.caps.broken_by(late_sold(unit), sold) is not None:
        raise UnitsGone(tuple(line.unit for line in late), SaleRefusal.LATE_LIMIT)
    note_late(unit, sold)


def _sold_line(seller: Seller, event: Event, line: BasketLine, lent: LentUnit) -> SaleLine:
    performance = event.performance(line.performance)
    ticket_type = event.ticket_type(line.ticket_type_id)
    assert performance is not None, "the basket was just priced"
    assert ticket_type is not None, "the basket was just priced"
    ticket_id = TicketId(seller.ids.next())
    lasts = performance.valid_to - performance.valid_from
    facts = TicketFacts(
        seller.key.id,
        ticket_id,
        line.performance,
        line.unit,
        ticket_type.number,
        lent.version,
        lent.allotment,
        performance.valid_from,
        int(lasts.total_seconds() // 60),
    )
    return SaleLine(
        ticket_id,
        line.performance,
        line.unit,
        lent.version,
        lent.allotment,
        line.tier_id,
        line.ticket_type_id,
        line.price_minor,
        line.rule,
        make_code(facts, seller.key.private),
    )


def _record(unit: Unit, env: Env, event_id: str, sale: Sale) -> None:
    wall_ms, body = env.wall_ms(), encode_sale(sale)
    assert decode_sale(body) == sale, "no server and no printer would take this sale"
    op_id = OpId(env.random_bytes(16).hex())
    append(unit, event_id, OpKind.SALE, body, op_id=op_id, wall_ms=wall_ms)
    unit.execute(
        "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, sale.order_id, sale.receipt_no, wall_ms, len(sale.lines), body),
    )


def next_receipt_no(unit: Unit, prefix: str) -> str:
    """The next receipt number; without gaps, since it is counted in the sale's transaction."""
    number = int(get_meta(unit, _RECEIPT_COUNTER) or 0) + 1
    set_meta(unit, _RECEIPT_COUNTER, str(number))
    return f"{prefix}-{number:06d}"


def _reprice(event: Event, line: BasketLine) -> BasketLine | None:
    return priced_line(event, line.performance, line.unit, line.ticket_type_id)


def _is_over(performance: Performance | None, now: datetime) -> bool:
    return performance is None or not performance.on_sale or now >= performance.ends_at
