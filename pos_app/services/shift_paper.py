"""X and Z reports on 80 mm paper: finished rows in, one page as long as it must be out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Final

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from edge.errors import ReplicaError
from pos_app.services import people
from pos_app.services.model import PrintOutcome
from pos_app.services.paper import RENDERING
from pos_app.services.paper_fonts import FontMissing, TicketFont, load_font
from pos_app.services.paper_text import Box, fit
from pos_app.services.printer import PrinterError
from pos_app.services.printing import PrintDesk
from pos_app.services.shift_model import ReportPrinted, XReport, ZReport
from program.i18n import format_count, format_datetime, format_money, translations
from ticketing.operations import ShiftReport
from ticketing.operations.shift_report import CASH

ROLL_MM: Final = 80.0
_MARGIN_MM = 5.0
_WIDTH_MM = ROLL_MM - 2 * _MARGIN_MM
_BOLD_STROKE = 0.026  # Micro Hei has one weight: bold is its outline drawn as well


class Look(StrEnum):
    """How a row is set."""

    TITLE = "title"
    HEAD = "head"
    PLAIN = "plain"
    STRONG = "strong"
    RULE = "rule"


_SIZES = {Look.TITLE: 14.0, Look.HEAD: 8.5, Look.PLAIN: 9.0, Look.STRONG: 11.0}
_PITCH_MM = {Look.TITLE: 8.0, Look.HEAD: 5.0, Look.PLAIN: 4.8, Look.STRONG: 6.2, Look.RULE: 3.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the slip: words at the left, a figure at the right."""

    left: str = ""
    right: str = ""
    look: Look = Look.PLAIN


@dataclass(frozen=True, slots=True)
class Names:
    """What people, ticket types and the house are called in the language of the paper."""

    language: str
    venue: str
    window: str
    people: Mapping[str, str]
    ticket_types: Mapping[str, str]
    when: Callable[[int], str]


def print_x(desk: PrintDesk, x: XReport) -> ReportPrinted:
    """Print the figures so far."""
    _ = translations(desk.language).gettext
    names = names_of(desk)
    title = _("X report no. {n}").format(n=x.number)
    rows = [*_heads(title, x.report, names), *figures(x.report, names)]
    return _print(desk, rows, f"X-{desk.window}-{x.number:06d}")


def print_z(desk: PrintDesk, z: ZReport, *, copy: bool) -> ReportPrinted:
    """Print a Z report: the same figures each time; `copy` stands on it when asked for."""
    names = names_of(desk)
    rows = z_rows(z, names, copy=copy)
    return _print(desk, rows, f"Z-{desk.window}-{z.number:06d}{'-copy' if copy else ''}")


def z_rows(z: ZReport, names: Names, *, copy: bool) -> list[Row]:
    """Every row of a Z report."""
    _ = translations(names.language).gettext
    closed, report = z.closed, z.closed.report
    rows = _heads(_("Z report no. {n}").format(n=z.number), report, names)
    if copy:
        rows.append(Row(_("Copy"), "", Look.STRONG))
    rows += figures(report, names)
    money = _money(report, names)
    rows += [
        Row(look=Look.RULE),
        Row(_("Counted"), money(closed.counted_minor), Look.STRONG),
        Row(_("Difference"), signed(closed.difference_minor, money), Look.STRONG),
    ]
    pieces = [(each, count) for each, count in closed.counts[-1]]
    rows += [
        Row(f"{money(each)} × {format_count(n, names.language)}", money(each * n))
        for each, n in pieces
    ]
    if len(closed.counts) > 1:
        rows.append(Row(_("Counts made"), format_count(len(closed.counts), names.language)))
    rows.append(Row(_("Closed by"), names.people.get(closed.by, closed.by)))
    if closed.approver:
        rows.append(Row(_("Approved by"), names.people.get(closed.approver, closed.approver)))
        rows.append(Row(_("Reason"), reason_name(closed.reason, names.language)))
    return rows


def figures(report: ShiftReport, names: Names) -> list[Row]:
    """The rows that X and Z have in common."""
    _, money = translations(names.language).gettext, _money(report, names)
    count = _counted(names.language)
    moved, counts = report.movements, report.counts
    rows = [
        Row(_("Float"), money(report.float_minor)),
        Row(_("Cash received"), money(report.cash_taken_minor)),
        Row(_("Cash paid back"), signed(-report.cash_returned_minor, money)),
        Row(_("Paid in"), money(moved.pay_in_minor)),
        Row(_("Paid out"), signed(-moved.pay_out_minor, money)),
        Row(_("Into the safe"), signed(-moved.safe_drop_minor, money)),
        Row(_("Expected in the drawer"), money(report.expected_minor), Look.STRONG),
        Row(look=Look.RULE),
    ]
    rows += [
        Row(tender_name(one.tender, names.language), money(one.taken_minor - one.returned_minor))
        for one in report.tenders
    ]
    rows.append(Row(look=Look.RULE))
    rows += [
        Row(
            f"{names.ticket_types.get(one.ticket_type_id, one.ticket_type_id)} × {count(one.count)}",
            money(one.total_minor),
        )
        for one in report.ticket_types
    ]
    rows += [
        Row(_("Tickets sold"), f"{count(report.ticket_count)} · {money(report.sold_minor)}"),
        Row(_("Taken back"), money(report.returned_minor)),
        Row(_("Fees kept"), money(report.fees_minor)),
        Row(look=Look.RULE),
    ]
    rows += [
        Row(
            names.people.get(one.person_id, one.person_id),
            f"{count(one.ticket_count)} · {money(one.sold_minor)}",
        )
        for one in report.operators
    ]
    rows += [
        Row(_("Sales"), count(counts.sales)),
        Row(_("Voids and refunds"), f"{count(counts.voids)} / {count(counts.refunds)}"),
        Row(_("Exchanges"), count(counts.exchanges)),
        Row(_("Drawer opened without a sale"), count(counts.drawer)),
        Row(_("Not yet at the server"), count(report.unsynced_count)),
    ]
    rows += [Row(f"  {receipt}") for receipt in report.unsynced_receipts]
    if report.first_receipt:
        receipts = f"{report.first_receipt} – {report.last_receipt}"
        rows.append(Row(_("Receipts"), receipts))
    return rows


def names_of(desk: PrintDesk) -> Names:
    """What everybody and everything is called, as the mirror knows it now."""
    language, known = desk.language, desk.catalogue.events()
    zone = known[0].venue.zone if known else UTC
    types = {
        each.id: each.name.in_language(language) for one in known for each in one.event.ticket_types
    }

    def when(ms: int) -> str:
        return format_datetime(datetime.fromtimestamp(ms / 1000, UTC), language, zone=zone)

    return Names(
        language,
        known[0].venue.name.in_language(language) if known else "",
        desk.window,
        {one.id: one.name for one in people.people(desk.replica)},
        types,
        when,
    )


def tender_name(tender: str, language: str) -> str:
    """A means of payment; its own name where a manager gave it one."""
    return translations(language).gettext("Cash") if tender == CASH else tender


def reason_name(reason: str, language: str) -> str:
    """A reason in words; a person's own words stay as they are."""
    _ = translations(language).gettext
    known = {
        "change": _("Change money"),
        "expense": _("Bought for the house"),
        "deposit": _("Deposit"),
        "too_much": _("Too much in the drawer"),
        "end_of_day": _("End of the day"),
        "check": _("To look inside"),
        "wrong_change": _("Wrong change given"),
        "not_found": _("Looked for, not found"),
        "other": _("Another reason"),
    }
    return known.get(reason, reason)


def signed(minor: int, money: Callable[[int], str]) -> str:
    """An amount with its sign: a shortage must never look like a surplus."""
    if minor < 0:
        return f"\N{MINUS SIGN}{money(-minor)}"
    return f"+{money(minor)}" if minor else money(0)


def render(rows: Sequence[Row], *, font: Path | None = None) -> bytes:
    """One page of 80 mm; the same rows give the same bytes. Raises FontMissing."""
    height = sum(_PITCH_MM[one.look] for one in rows) + 2 * _MARGIN_MM
    with RENDERING:
        loaded = load_font(font)
        output = BytesIO()
        canvas = Canvas(
            output,
            pagesize=(ROLL_MM * mm, height * mm),
            pageCompression=1,
            invariant=1,
            initialFontName=loaded.name,  # type: ignore[arg-type]
        )
        canvas.setTitle("Report")
        canvas.setAuthor("Boxgate")
        canvas.setCreator("Boxgate")
        canvas.setSubject("Report")
        top = height - _MARGIN_MM
        for one in rows:
            top -= _PITCH_MM[one.look]
            _draw(canvas, loaded, one, top)
        canvas.showPage()
        canvas.save()
    return output.getvalue()


def _heads(title: str, report: ShiftReport, names: Names) -> list[Row]:
    _ = translations(names.language).gettext
    opener = names.people.get(report.opened_by, report.opened_by)
    return [
        Row(names.venue, look=Look.HEAD),
        Row(title, look=Look.TITLE),
        Row(_("Window"), names.window),
        Row(_("Opened"), names.when(report.opened_ms)),
        Row(_("Opened by"), opener),
        Row(_("Made"), names.when(report.made_ms)),
        Row(_("Shift"), report.shift_id),
        Row(look=Look.RULE),
    ]


def _money(report: ShiftReport, names: Names) -> Callable[[int], str]:
    return lambda minor: format_money(minor, report.currency, names.language)


def _counted(language: str) -> Callable[[int], str]:
    return lambda number: format_count(number, language)


def _print(desk: PrintDesk, rows: Iterable[Row], job: str) -> ReportPrinted:
    try:
        pdf = render(list(rows), font=desk.font)
        path = desk.printer.print_pdf(pdf, job=_job(job))
    except (PrinterError, FontMissing, ReplicaError) as error:
        return ReportPrinted(PrintOutcome.FAILED, str(error))
    return ReportPrinted(PrintOutcome.PRINTED, path=str(path) if path else "")


def _job(text: str) -> str:
    """A job's name of what a window may be called: letters, digits and dashes."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in text)


def _draw(canvas: Canvas, font: TicketFont, row: Row, foot_mm: float) -> None:
    """One row whose foot is so many millimetres above the page's."""
    if row.look is Look.RULE:
        canvas.setLineWidth(0.5)
        middle = (foot_mm + _PITCH_MM[Look.RULE] / 2) * mm
        canvas.line(_MARGIN_MM * mm, middle, (ROLL_MM - _MARGIN_MM) * mm, middle)
        return
    size = _SIZES[row.look]
    baseline = (foot_mm + 1.3) * mm
    right = _fitted(font, row.right, size, _WIDTH_MM if not row.left else _WIDTH_MM * 0.6)
    used = font.measure(right[0]) * right[1] / mm if row.right else 0.0
    left = _fitted(font, row.left, size, _WIDTH_MM - used - (2 if used else 0))
    bold = row.look in (Look.TITLE, Look.STRONG)
    _text(canvas, font, left, _MARGIN_MM, baseline, bold=bold)
    if row.right:
        _text(canvas, font, right, ROLL_MM - _MARGIN_MM - used, baseline, bold=bold)


def _fitted(font: TicketFont, text: str, size: float, width_mm: float) -> tuple[str, float]:
    box = Box(width_mm * mm, size * 1.3, size, 6.0)
    fitted = fit(font.printable(text), box, font.measure)
    return (fitted.lines[0] if fitted.lines else ""), fitted.size


def _text(
    canvas: Canvas,
    font: TicketFont,
    fitted: tuple[str, float],
    x_mm: float,
    baseline: float,
    *,
    bold: bool,
) -> None:
    text, size = fitted
    canvas.setFont(font.name, size)
    canvas.setLineWidth(size * _BOLD_STROKE)
    canvas.drawString(x_mm * mm, baseline, text, mode=2 if bold else 0)
