"""Selling: one transaction that takes the units, makes the tickets and records the money.

When it has committed, the sale is final, with or without the network; printing comes after.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edge.allotments import LentUnit, TermOver, take
from edge.env import Env
from edge.giving_back import all_shares_left, release_idle_shares, spend
from edge.id_mint import IdMint
from edge.identity import NodeKey
from edge.journal import Unit, append, get_meta, set_meta
from edge.time_left import late_sold, note_late, now_of
from pos_app.services.basket import Basket, BasketLine, priced_line, reprice
from pos_app.services.model import Person, SaleRefusal, SaleRefused
from pos_app.services.people import role_of
from pos_app.services.shifts import shift_for
from pos_app.services.tender_model import Settled
from ticketing.code import Flag, TicketFacts, make_code
from ticketing.event import Event, Performance
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import Sale, SaleLine, clean_note, decode_sale, encode_sale
from ticketing.pricing import Context, PricedLine
from ticketing.terms import DEFAULT_CAPS, Anchor, Caps, Sold, Standing

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

    `approved_by` lets units be sold past the soft term of their allotments; "": nobody does.
    """

    env: Env
    ids: IdMint
    key: NodeKey
    person_id: str
    receipt_prefix: str
    approved_by: str = ""
    caps: Caps = DEFAULT_CAPS


def price_context(
    connection: sqlite3.Connection, event_id: str, now: datetime, person: Person | None
) -> Context:
    """When, by whom and with which shares a basket of this event is priced here."""
    shares = all_shares_left(connection, event_id)
    return Context(now, role_of(person), person.id if person else "", shares)


def refusal(
    basket: Basket,
    event: Event,
    now: datetime,
    context: Context | None = None,
) -> SaleRefused | None:
    """Why this basket is not to be sold as it stands; None when nothing but its payment is left.

    `context` is what it is priced in once more; without one, by nobody and without shares.
    """
    if not basket.lines:
        return SaleRefused(SaleRefusal.EMPTY)
    if any(_is_over(event.performance(line.performance), now) for line in basket.lines):
        return SaleRefused(SaleRefusal.SALE_ENDED)
    units = [(line.performance, line.unit) for line in basket.lines]
    twice = tuple(sorted({line[1] for line in units if units.count(line) > 1}))
    if twice:
        return SaleRefused(SaleRefusal.UNIT_NOT_OURS, twice)
    other_money = basket.currency != event.currency
    fresh = reprice(basket, event, context or Context(now))
    changed = tuple(
        line.unit
        for line, again in zip(basket.lines, fresh.lines, strict=True)
        if other_money or not _is_same(event, line, again)
    )
    if changed:
        return SaleRefused(SaleRefusal.PRICE_CHANGED, changed)
    if not fresh.is_settled:
        return SaleRefused(SaleRefusal.PRICE_OPEN)
    return None


def sell(
    unit: Unit,
    seller: Seller,
    event: Event,
    basket: Basket,
    paid: Settled,
    order_id: OrderId | None = None,
) -> Sale:
    """Take the units and record the sale, in the caller's transaction. Raises UnitsGone or NoShift.

    `order_id` where its payment was written down before.
    """
    shift = shift_for(unit, basket.currency)
    if not shift:
        raise NoShift
    lines, late = take_lines(unit, seller, event, basket.lines)
    sale = Sale(
        order_id or OrderId(seller.ids.next()),
        next_receipt_no(unit, seller.receipt_prefix),
        seller.person_id,
        basket.currency,
        basket.price_list_version,
        basket.total_minor,
        lines,
        paid.cash,
        late=late,
        shift=shift,
        legs=paid.legs,
        rounding_minor=paid.rounding_minor,
        note=clean_note(basket.note),
        late_approved_by=seller.approved_by if late else "",
    )
    _record(unit, seller.env, event.id, sale)
    release_idle(unit, seller.env, event.id, lines)
    return sale


def release_idle(unit: Unit, env: Env, event_id: str, lines: Sequence[SaleLine]) -> None:
    """Give back the shares of allotments whose last unit was just sold."""
    for performance in sorted({line.performance for line in lines}):
        ids = {line.allotment for line in lines if line.performance == performance}
        release_idle_shares(unit, env, event_id, performance, sorted(ids, key=str))


def take_lines(
    unit: Unit, seller: Seller, event: Event, lines: Sequence[BasketLine]
) -> tuple[tuple[SaleLine, ...], bool]:
    """Take the lines' units and make their tickets; whether some are past their soft term.

    Raises UnitsGone.
    """
    held = _take_all(unit, seller, event.id, lines, now_of(unit, seller.env))
    _spend_shares(unit, event.id, held)
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
    limited: list[BasketLine] = []
    approved = bool(seller.approved_by)
    for line in lines:
        try:
            lent = take(unit, event_id, line.performance, line.unit, now, approved=approved)
        except TermOver as over:
            if over.standing is Standing.LIMITED:
                limited.append(line)
            else:
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
    if limited:  # nobody is asked to approve what may not be sold anyhow
        _within_caps(unit, seller, limited)
        raise UnitsGone(tuple(line.unit for line in limited), SaleRefusal.LATE_APPROVAL)
    return held


def _spend_shares(unit: Unit, event_id: str, held: list[tuple[BasketLine, LentUnit]]) -> None:
    """Spend the share of each line with a pool. Raises UnitsGone where it is not there any more."""
    moved = [
        line.unit
        for line, lent in held
        if line.priced is not None
        and line.priced.pool
        and not (
            line.allotment == str(lent.allotment)
            and spend(unit, event_id, lent.allotment, line.priced.pool)
        )
    ]
    if moved:
        raise UnitsGone(tuple(moved), SaleRefusal.PRICE_CHANGED)


def _count_late(unit: Unit, seller: Seller, late: list[BasketLine]) -> None:
    """Count what is sold past the soft term. Raises UnitsGone when a cap does not allow it."""
    note_late(unit, _within_caps(unit, seller, late))


def _within_caps(unit: Unit, seller: Seller, late: list[BasketLine]) -> Sold:
    """How much these are. Raises UnitsGone when a cap does not allow it."""
    sold = Sold(len(late), sum(line.price_minor for line in late))
    if seller.caps.broken_by(late_sold(unit), sold) is not None:
        raise UnitsGone(tuple(line.unit for line in late), SaleRefusal.LATE_LIMIT)
    return sold


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
        Flag.TRAINING if seller.key.training else Flag(0),
    )
    sold = SaleLine(
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
    return sold if line.priced is None else _with_reasons(sold, line.priced)


def _with_reasons(sold: SaleLine, priced: PricedLine) -> SaleLine:
    """The line with why it costs less than the list asks, where it does."""
    return replace(
        sold,
        pool=priced.pool,
        list_minor=priced.list_minor if priced.list_minor != priced.price_minor else 0,
        package=priced.package_number,
        discount=priced.discount_id,
        off_minor=priced.discount_minor,
        approved_by=priced.approved_by,
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


def _is_same(event: Event, line: BasketLine, again: BasketLine) -> bool:
    """Whether a line still has its price tier, and its price in the same way."""
    listed = priced_line(event, line.performance, line.unit, line.ticket_type_id)
    if listed is None or listed.tier_id != line.tier_id or again.priced is None:
        return False
    if line.priced is not None:
        return line.priced == again.priced
    return (again.price_minor, again.rule) == (line.price_minor, line.rule)


def _is_over(performance: Performance | None, now: datetime) -> bool:
    return performance is None or not performance.on_sale or now >= performance.ends_at
