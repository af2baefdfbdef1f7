"""The buyer's receipt of a sale: what was bought, how it was paid, what went back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from edge.catalogue import Known
from edge.replica import Replica
from edge.returns import read_order
from pos_app.services import people
from pos_app.services.model import PrintOutcome
from pos_app.services.press import Pressed, print_rows
from pos_app.services.printing import PrintDesk, instant
from pos_app.services.rows import Look, Row
from program.i18n import format_datetime, format_money, translations
from ticketing.operations import Exchange, Sale, SaleLine


def print_receipt(desk: PrintDesk, order_id: str) -> Pressed:
    """Print the receipt of an order of this window; the same rows each time."""
    found = _order(desk.replica, order_id)
    known = desk.catalogue.event(found[0]) if found else None
    if found is None or known is None:
        return Pressed(PrintOutcome.FAILED, "the order or its event is not known here")
    _stream, sale, sold_ms = found
    rows = list(receipt_rows(desk, known, sale, sold_ms))
    return print_rows(desk, rows, "Receipt", job=f"receipt-{sale.receipt_no}")


def receipt_rows(
    desk: PrintDesk, known: Known, sale: Sale | Exchange, sold_ms: int
) -> Iterator[Row]:
    """What it says, from top to bottom."""
    language = desk.language
    _ = translations(language).gettext
    names = {one.id: one.name for one in people.people(desk.replica)}
    when = format_datetime(instant(sold_ms), language, zone=known.venue.zone)
    yield Row(known.venue.name.in_language(language), look=Look.TITLE)
    yield Row(_("Receipt"), look=Look.HEAD)
    yield Row(look=Look.RULE)
    yield Row(_("Receipt no."), sale.receipt_no)
    yield Row(_("Window"), desk.window)
    yield Row(_("Cashier"), names.get(sale.sold_by, sale.sold_by))
    yield Row(_("Sold at"), when)
    yield Row(look=Look.RULE)
    yield from _lines(known, sale, language)
    yield Row(look=Look.RULE)
    yield from _money(known, sale, language)


def _lines(known: Known, sale: Sale | Exchange, language: str) -> Iterator[Row]:
    """Tickets of one performance, tier, type and price together."""
    event, heading = known.event, None
    for line, count in Counter(map(_kind, sale.lines)).items():
        number, tier_id, type_id, price_minor = line
        if number != heading:
            heading = number
            yield Row(event.name.in_language(language), look=Look.STRONG)
            performance = event.performance(number)
            if performance is not None:
                at = format_datetime(performance.starts_at, language, zone=known.venue.zone)
                yield Row(at)
        tier, kind = event.price_tier(tier_id), event.ticket_type(type_id)
        words = " ".join(
            each.name.in_language(language) for each in (tier, kind) if each is not None
        )
        each_price = format_money(price_minor, sale.currency, language)
        total = format_money(price_minor * count, sale.currency, language)
        yield Row(f"{count} × {words} {each_price}" if count > 1 else f"1 × {words}", total)


def _money(known: Known, sale: Sale | Exchange, language: str) -> Iterator[Row]:
    """The total, and each tender that paid it; what was tendered in cash and what went back."""
    _ = translations(language).gettext

    def money(minor: int) -> str:
        return format_money(minor, sale.currency, language)

    total_minor = sum(line.price_minor for line in sale.lines)
    full_minor = sum(line.list_minor or line.price_minor for line in sale.lines)
    if full_minor > total_minor:
        yield Row(_("You saved"), money(full_minor - total_minor))
    yield Row(_("Total"), money(total_minor), Look.STRONG)
    if not isinstance(sale, Sale):
        return
    if sale.rounding_minor:
        yield Row(_("Rounding"), money(sale.rounding_minor))
    tenders = {each.id: each.name.in_language(language) for each in known.venue.tenders}
    for leg in sale.legs:
        yield Row(tenders.get(leg.tender, leg.tender), money(leg.amount_minor))
    if sale.cash.tendered_minor:
        yield Row(_("Cash"), money(sale.cash.tendered_minor))
        yield Row(_("Change"), money(sale.cash.tendered_minor - sale.cash.amount_minor))


def _kind(line: SaleLine) -> tuple[int, str, str, int]:
    return line.performance, line.tier_id, line.ticket_type_id, line.price_minor


def _order(replica: Replica, order_id: str) -> tuple[str, Sale | Exchange, int] | None:
    with replica.reading() as connection:
        row = connection.execute(
            "SELECT stream, sold_ms, body FROM orders WHERE id = ?", (order_id,)
        ).fetchone()
    return None if row is None else (row["stream"], read_order(row["body"]), row["sold_ms"])
