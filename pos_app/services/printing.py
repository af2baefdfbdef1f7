"""From a recorded order to paper: the same order always gives the same pages.

A copy has the codes that were printed before, bit for bit, and says which copy it is. Tickets that
went back are left out: their codes open no gate.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge.catalogue import Known, MirrorCatalogue
from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import JournalLocked, Unit, append
from edge.replica import Replica
from edge.returns import read_order, sold_order
from hardware.escpos import HARMLESS, JobState, Settlement
from hardware.escpos.document import Document
from pos_app.services.model import PrintOutcome, PrintResult, UnprintedOrder
from pos_app.services.paper import TicketFace, TicketLabels, render_tickets
from pos_app.services.printer import Printer, PrinterError
from pos_app.services.slip_printer import Handed, SlipOutcome, SlipPrinter, name_of
from pos_app.services.slips import ticket_slips
from pos_app.services.templates import slip_paper, templated
from program.i18n import format_datetime, format_money, format_time, translations
from program.paper_fonts import FontMissing
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import Exchange, Print, Sale, SaleLine, encode_print
from ticketing.paper_template import TicketPaper
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
    slips: SlipPrinter | None = None
    """The receipt printer; without one everything is a PDF for `printer`."""
    watermark: str = ""
    """Laid over every paper: set for training alone."""
    tickets_as_pdf: bool = False
    """Tickets go to `printer` also where there is a receipt printer, which has all else."""
    a4: bool = False
    """PDFs are pages of A4."""

    @property
    def ticket_slips(self) -> SlipPrinter | None:
        """The receipt printer, where tickets come out of it."""
        return None if self.tickets_as_pdf else self.slips


@dataclass(frozen=True, slots=True)
class _Order:
    stream: str
    sale: Sale | Exchange
    sold_ms: int
    copies: int


def print_order(desk: PrintDesk, order_id: str) -> PrintResult:
    """Print an order's tickets and record the copy. A failure leaves the sale as it was.

    A copy that waits in the receipt printer's spool, or is in doubt, is not printed once more.
    """
    order = _order(desk.replica, order_id)
    copy = order.copies + 1
    if desk.slips is not None:
        handed = desk.slips.await_job(_job(order_id, copy))
        if handed is not None:
            return _handed(desk, order, copy, handed)
    drawn = _draw(desk, order, copy)
    if isinstance(drawn, PrintResult):
        return drawn
    faces, labels = drawn
    slips = desk.ticket_slips
    if slips is not None:
        slip = _slip(desk, slips, faces, labels, copy)
        title = f"{order.sale.receipt_no} ({copy})"
        handed = slips.print_slip(_job(order_id, copy), slip, title=title)
        return _handed(desk, order, copy, handed)
    try:
        pdf = render_tickets(faces, labels, font=desk.font, a4=desk.a4)
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


def settle_doubt(desk: PrintDesk, job_id: str, *, on_paper: bool, by: str) -> bool:
    """A person has looked at the paper of a job in doubt; False when it is no doubt any more."""
    slips = desk.slips
    if slips is None or not slips.settle(job_id, on_paper=on_paper, by=by):
        return False
    count_what_came_out(desk)
    return True


def print_again(desk: PrintDesk, job_id: str, *, by: str) -> bool:
    """A person wants a job in doubt once more; False when it is no doubt any more.

    Tickets come as the next copy, and the one in doubt is counted: it may be somewhere.
    """
    slips = desk.slips
    job = slips.job(job_id) if slips is not None else None
    if slips is None or job is None:
        return False
    ticket_copy = _order_of(job_id)
    if ticket_copy is None:
        return slips.print_again(job, name_of(job_id), None, by=by)
    order_id, copy = ticket_copy
    order = _order(desk.replica, order_id)
    drawn = _draw(desk, order, copy + 1)
    if isinstance(drawn, PrintResult):
        return False
    slip = _slip(desk, slips, *drawn, copy + 1)
    if not slips.print_again(job, _job(order_id, copy + 1), slip, by=by):
        return False
    count_what_came_out(desk)
    return True


def count_what_came_out(desk: PrintDesk, done: set[str] | None = None) -> None:
    """Record the copies that the receipt printer has put out since they were handed in.

    Counting again what is counted changes nothing; `done` remembers which jobs were looked at.
    """
    looked_at = set[str]() if done is None else done
    jobs = desk.slips.recent_jobs() if desk.slips is not None else ()
    for job in reversed(jobs):
        found = _order_of(job.id)
        is_out = job.is_on_paper or job.settlement is Settlement.AGAIN
        if found is None or not is_out or job.id in looked_at:
            continue
        looked_at.add(job.id)
        with suppress(LookupError):  # of another life of this folder
            order_id, copy = found
            order = _order(desk.replica, order_id)
            if order.copies < copy:
                _count_copy(desk, order, copy)


def is_unprinted(replica: Replica, order_id: str) -> bool:
    """Whether an order has no paper yet."""
    with replica.reading() as connection:
        row = connection.execute("SELECT copies FROM orders WHERE id = ?", (order_id,)).fetchone()
    return row is not None and row["copies"] == 0


def unprinted(replica: Replica, slips: SlipPrinter | None = None) -> tuple[UnprintedOrder, ...]:
    """Sold but not printed, oldest first; with how it stands with the receipt printer."""
    with replica.reading() as connection:
        rows = connection.execute(
            "SELECT id, receipt_no, ticket_count, sold_ms FROM orders WHERE copies = 0 "
            "AND gone_to = '' "
            "ORDER BY sold_ms LIMIT ?",
            (UNPRINTED_MAX,),
        ).fetchall()
    return tuple(
        UnprintedOrder(
            row["id"],
            row["receipt_no"],
            row["ticket_count"],
            instant(row["sold_ms"]),
            *_standing(slips, row["id"]),
        )
        for row in rows
    )


def _standing(
    slips: SlipPrinter | None, order_id: str
) -> tuple[PrintOutcome, tuple[str, ...], str]:
    """How the first copy of an order stands, what the printer lacks, and the job's id."""
    job = slips.latest(_job(order_id, 1)) if slips is not None else None
    if job is None or job.has_ended:
        return PrintOutcome.FAILED, (), ""
    if job.state is JobState.IN_DOUBT:
        return PrintOutcome.IN_DOUBT, (), job.id
    return PrintOutcome.WAITING, tuple(sorted(job.faults - HARMLESS)), job.id


def _draw(
    desk: PrintDesk, order: _Order, copy: int
) -> tuple[list[TicketFace], TicketLabels] | PrintResult:
    """What the tickets of an order say; the failure when that is not known."""
    known = desk.catalogue.event(order.stream)
    if known is None:
        return _failed(order, "the event is not in the mirror yet; wait for the network")
    lines = _living(desk.replica, order)
    if not lines:
        return _failed(order, "all its tickets went back; there is nothing to print")
    # A slip says in a line of its own that it is a copy.
    words = "" if desk.ticket_slips is not None else _copy_words(desk.language, copy)
    found = [_face(desk, known, order, line, words) for line in lines]
    faces = [face for face in found if face is not None]
    if len(faces) < len(found):
        return _failed(order, "the catalogue no longer has what was sold; ask the manager")
    return faces, labels_of(desk.language, copy)


def _slip(
    desk: PrintDesk,
    slips: SlipPrinter,
    faces: list[TicketFace],
    labels: TicketLabels,
    copy: int,
) -> Document:
    words = _copy_words(desk.language, copy)
    return ticket_slips(faces, labels, columns=slips.columns, copy=words)


def _handed(desk: PrintDesk, order: _Order, copy: int, handed: Handed) -> PrintResult:
    """What became of a copy at the receipt printer; one that came out is counted."""
    outcome, detail = _OUTCOMES[handed.outcome], handed.detail
    if outcome is PrintOutcome.PRINTED:
        detail = _count_copy(desk, order, copy)
    faults = tuple(sorted(handed.faults))
    count = len(_living(desk.replica, order))
    return PrintResult(order.sale.order_id, outcome, count, detail=detail, faults=faults)


_OUTCOMES: Final = {
    SlipOutcome.ON_PAPER: PrintOutcome.PRINTED,
    SlipOutcome.WAITING: PrintOutcome.WAITING,
    SlipOutcome.IN_DOUBT: PrintOutcome.IN_DOUBT,
    SlipOutcome.REFUSED: PrintOutcome.FAILED,
}
_JOB: Final = re.compile(r"order-([0-9a-f]+)-([0-9]{1,6})")


def _job(order_id: str, copy: int) -> str:
    """The name of a copy's job at the receipt printer."""
    return f"order-{order_id}-{copy}"


def _order_of(job_id: str) -> tuple[str, int] | None:
    """Order and copy of a job; None when it is no ticket's."""
    found = _JOB.fullmatch(name_of(job_id))
    return (found[1], int(found[2])) if found else None


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
    (copies,) = unit.execute(
        "SELECT copies FROM orders WHERE stream = ? AND id = ?", (order.stream, order.sale.order_id)
    ).fetchone()
    if copies >= copy:  # counted meanwhile, on another thread
        return
    body = encode_print(Print(order.sale.order_id, copy))
    op_id = OpId(env.random_bytes(16).hex())
    append(unit, order.stream, OpKind.PRINT, body, op_id=op_id, wall_ms=env.wall_ms())
    unit.execute(
        "UPDATE orders SET copies = copies + 1 WHERE stream = ? AND id = ?",
        (order.stream, order.sale.order_id),
    )


def _face(
    desk: PrintDesk, known: Known, order: _Order, line: SaleLine, copy_words: str
) -> TicketFace | None:
    """What the ticket says; None when the catalogue no longer has what was sold."""
    language, event, zone = desk.language, known.event, known.venue.zone
    performance = event.performance(line.performance)
    tier, ticket_type = event.price_tier(line.tier_id), event.ticket_type(line.ticket_type_id)
    if performance is None or tier is None or ticket_type is None:
        return None
    if not known.plan.has_unit(line.unit):
        return None
    face = TicketFace(
        venue=known.venue.name.in_language(language),
        event=event.name.in_language(language),
        when=format_datetime(performance.starts_at, language, zone=zone),
        doors=format_time(performance.doors_at, language, zone=zone),
        hall=_joined(performance.hall.in_language(language), copy_words),
        place=known.plan.describe(line.unit, language),
        tier=tier.name.in_language(language),
        ticket_type=ticket_type.name.in_language(language),
        price=format_money(line.price_minor, order.sale.currency, language),
        code=line.code,
        ticket_no=line.ticket_id[:8].upper(),
        receipt_no=order.sale.receipt_no,
        window=desk.window,
        sold_at=format_datetime(instant(order.sold_ms), language, zone=zone),
        watermark=desk.watermark,
    )
    return templated(face, event, paper_of(desk), language)


def paper_of(desk: PrintDesk) -> TicketPaper:
    """What this window prints tickets on."""
    slips = desk.ticket_slips
    return TicketPaper.SHEET if slips is None else slip_paper(slips.columns)


def _copy_words(language: str, copy: int) -> str:
    """What a copy says of itself; nothing on the first paper."""
    return translations(language).gettext("COPY {n}").format(n=copy - 1) if copy > 1 else ""


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def labels_of(language: str, copy: int) -> TicketLabels:
    """The captions; a copy says so on its stub."""
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


def instant(ms: int) -> datetime:
    """Unix milliseconds as an aware instant."""
    return datetime.fromtimestamp(ms / 1000, UTC)
