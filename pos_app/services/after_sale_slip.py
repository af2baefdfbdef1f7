"""The buyer's slip of what was given back or swapped: a page as wide as a receipt roll."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pos_app.services.after_sale_model import Done
from pos_app.services.model import PrintOutcome
from pos_app.services.press import print_rows
from pos_app.services.printing import PrintDesk
from pos_app.services.rows import Look, Row
from program.i18n import format_datetime, format_money, translations
from ticketing.refund_rules import Deed


def print_slip(desk: PrintDesk, done: Done, now: datetime) -> str:
    """Print it; "" or what went wrong in plain words. What was recorded stands either way."""
    known = desk.catalogue.event(done.event_id)
    zone = known.venue.zone if known else None
    house = known.venue.name.in_language(desk.language) if known else ""
    when = format_datetime(now, desk.language, zone=zone) if zone else ""
    job = f"{done.receipt_no}-{done.deed}"
    rows = [
        Row(_title(desk, done.deed), look=Look.TITLE),
        *(Row(text, look=Look.HEAD) for text in (house, desk.window, when) if text),
        Row(look=Look.RULE),
        *_rows(desk, done),
    ]
    pressed = print_rows(desk, rows, "Slip", job=f"{job}-{done.new_receipt_no}".rstrip("-"))
    return pressed.detail if pressed.outcome is PrintOutcome.FAILED else ""


def _title(desk: PrintDesk, deed: Deed) -> str:
    _ = translations(desk.language).gettext
    titles = {
        Deed.VOID: _("Sale undone"),
        Deed.REFUND: _("Refund"),
        Deed.EXCHANGE: _("Exchange"),
        Deed.REPLACEMENT: _("Ticket replaced"),
    }
    return titles[deed]


def _rows(desk: PrintDesk, done: Done) -> list[Row]:
    _ = translations(desk.language).gettext
    rows = [Row(_("Receipt no."), done.receipt_no)]
    if done.new_receipt_no:
        rows.append(Row(_("New receipt no."), done.new_receipt_no))
    rows.append(Row(_("Tickets"), str(done.ticket_count)))
    if done.fee_minor:
        rows.append(Row(_("Fee"), format_money(done.fee_minor, done.currency, desk.language)))
    if done.take_in_minor:
        what, amount_minor = _("Paid"), done.take_in_minor
    else:
        what, amount_minor = _("Paid back"), done.pay_out_minor
    rows.append(Row(what, format_money(amount_minor, done.currency, desk.language), Look.STRONG))
    return [*rows, *_tender_rows(desk, done)]


def _tender_rows(desk: PrintDesk, done: Done) -> Iterator[Row]:
    """By which tenders it went back, where not all was cash."""
    _ = translations(desk.language).gettext
    known = desk.catalogue.event(done.event_id)
    for leg in done.legs:
        tender = known.venue.tender(leg.tender) if known else None
        name = tender.name.in_language(desk.language) if tender else leg.tender
        said = f"{name} {leg.reference}".rstrip()
        yield Row(said, format_money(leg.amount_minor, done.currency, desk.language))
    if done.legs and done.cash_out_minor:
        yield Row(_("Cash"), format_money(done.cash_out_minor, done.currency, desk.language))
