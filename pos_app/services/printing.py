"""From a recorded order to paper: the same order always gives the same pages.

A copy has the codes that were printed before, bit for bit, and says which copy it is. Tickets that
went back are left out: their codes open no gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge.catalogue import Known, MirrorCatalogue
from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import JournalLocked, Unit, append
from edge.replica import Replica
from edge.returns import read_order, sold_order
from pos_app.services.model import PrintOutcome, PrintResult, UnprintedOrder
from pos_app.services.paper import TicketFace, TicketLabels, render_tickets
from pos_app.services.paper_fonts import FontMissing
from pos_app.services.printer import Printer, PrinterError
from program.i18n import format_datetime, format_money, format_time, translations
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import Exchange, Print, Sale, SaleLine, encode_print
from ticketing.ticket import TicketState

UNPRINTED_MAX = 100


@dataclass(frozen=True, slots=True)
class PrintDesk:
    """Everything that printing needs."""

    replica: Replica
    catalogue: MirrorCatalogue
    printer: Printer
    env: Env
    language: str
    window: str
    font: Path | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    stream: str
    sale: Sale | Exchange
    sold_ms: int
    copies: int


def print_order(desk: PrintDesk, order_id: str) -> PrintResult:
    """Print an order's tickets and record the copy. A failure leaves the sale as it was."""
    order = _order(desk.replica, order_id)
    known = desk.catalogue.event(order.stream)
    if known is None:
        return _failed(order, "the event is not in the mirror yet; wait for the network")
    lines = _living(desk.replica, order)
    if not lines:
        return _failed(order, "all its tickets went back; there is nothing to print")
    copy = order.copies + 1
    labels = _labels(desk.language, copy)
    found = [_face(desk, known, order, line, copy) for line in lines]
    faces = [face for face in found if face is not None]
    if len(faces) < len(found):
        return _failed(order, "the catalogue no longer has what was sold; ask the manager")
    try:
        pdf = render_tickets(faces, labels, font=desk.font)
        job = order.sale.receipt_no if copy == 1 else f"{order.sale.receipt_no}-copy{copy}"
        path = desk.printer.print_pdf(pdf, job=job)
    except (PrinterError, FontMissing) as error:
        return _failed(order, str(error))
    return PrintResult(
        order_id,
        PrintOutcome.PRINTED,
        len(faces),
        detail=_count_copy(desk, order, copy),
        path=str(path) if path else "",
    )


def unprinted(replica: Replica) -> tuple[UnprintedOrder, ...]:
    """Sold but not printed, oldest first."""
    with replica.reading() as connection:
        rows = connection.execute(
            "SELECT id, receipt_no, ticket_count, sold_ms FROM orders WHERE copies = 0 "
            "ORDER BY sold_ms LIMIT ?",
            (UNPRINTED_MAX,),
        ).fetchall()
    return tuple(
        UnprintedOrder(row["id"], row["receipt_no"], row["ticket_count"], _instant(row["sold_ms"]))
        for row in rows
    )


def _order(replica: Replica, order_id: str) -> _Order:
    with replica.reading() as connection:
        row = connection.execute(
            "SELECT stream, sold_ms, copies, body FROM orders WHERE id = ?", (order_id,)
        ).fetchone()
    if row is None:
        raise LookupError(f"no order {order_id} at this window")
    return _Order(row["stream"], read_order(row["body"]), row["sold_ms"], row["copies"])


def _living(replica: Replica, order: _Order) -> list[SaleLine]:
    """The lines whose tickets are still out; one that is being revoked is not printed either."""
    with replica.reading() as connection:
        known = sold_order(connection, order.stream, order.sale.order_id, same_shift=False)
    assert known is not None, "it was just read"
    return [
        line for line in order.sale.lines if known.tickets[line.ticket_id] is not TicketState.VOID
    ]


def _count_copy(desk: PrintDesk, order: _Order, copy: int) -> str:
    """Record the copy; words when that cannot be. The paper is out all the same."""
    try:
        desk.replica.transact(lambda unit: _record_copy(unit, desk.env, order, copy))
    except JournalLocked:
        return "the copy was not counted: this window is locked"
    except ReplicaError as error:
        return f"the copy was not counted: {error}"
    return ""


def _record_copy(unit: Unit, env: Env, order: _Order, copy: int) -> None:
    body = encode_print(Print(order.sale.order_id, copy))
    op_id = OpId(env.random_bytes(16).hex())
    append(unit, order.stream, OpKind.PRINT, body, op_id=op_id, wall_ms=env.wall_ms())
    unit.execute(
        "UPDATE orders SET copies = copies + 1 WHERE stream = ? AND id = ?",
        (order.stream, order.sale.order_id),
    )


def _face(
    desk: PrintDesk, known: Known, order: _Order, line: SaleLine, copy: int
) -> TicketFace | None:
    """What the ticket says; None when the catalogue no longer has what was sold."""
    language, event, zone = desk.language, known.event, known.venue.zone
    performance = event.performance(line.performance)
    tier, ticket_type = event.price_tier(line.tier_id), event.ticket_type(line.ticket_type_id)
    if performance is None or tier is None or ticket_type is None:
        return None
    if not known.plan.has_unit(line.unit):
        return None
    return TicketFace(
        venue=known.venue.name.in_language(language),
        event=event.name.in_language(language),
        when=format_datetime(performance.starts_at, language, zone=zone),
        doors=format_time(performance.doors_at, language, zone=zone),
        hall=_joined(performance.hall.in_language(language), _copy_words(language, copy)),
        place=known.plan.describe(line.unit, language),
        tier=tier.name.in_language(language),
        ticket_type=ticket_type.name.in_language(language),
        price=format_money(line.price_minor, order.sale.currency, language),
        code=line.code,
        ticket_no=line.ticket_id[:8].upper(),
        receipt_no=order.sale.receipt_no,
        window=desk.window,
        sold_at=format_datetime(_instant(order.sold_ms), language, zone=zone),
    )


def _copy_words(language: str, copy: int) -> str:
    """What a copy says of itself; nothing on the first paper."""
    return translations(language).gettext("COPY {n}").format(n=copy - 1) if copy > 1 else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _labels(language: str, copy: int) -> TicketLabels:
    _ = translations(language).gettext
    return TicketLabels(
        when=_("Date and time"),
        doors=_("Doors"),
        place=_("Seat"),
        tier=_("Price tier"),
        ticket_type=_("Ticket type"),
        price=_("Price"),
        ticket_no=_("Ticket no."),
        receipt_no=_("Receipt no."),
        window=_("Window"),
        sold_at=_("Sold at"),
        stub=_copy_words(language, copy) or _("Stub"),
    )


def _failed(order: _Order, detail: str) -> PrintResult:
    return PrintResult(
        order.sale.order_id, PrintOutcome.FAILED, len(order.sale.lines), detail=detail
    )


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
