"""X and Z reports on 80 mm paper."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from pos_app.services import people
from pos_app.services.press import print_rows
from pos_app.services.printing import PrintDesk
from pos_app.services.rows import Row
from pos_app.services.shift_model import ReportPrinted, XReport, ZReport
from pos_app.services.shift_rows import Names, x_rows, z_rows


def print_x(desk: PrintDesk, x: XReport) -> ReportPrinted:
    """Print the figures so far."""
    rows = x_rows(x, names_of(desk))
    return _print(desk, rows, f"X-{desk.window}-{x.number:06d}")


def print_z(desk: PrintDesk, z: ZReport, *, copy: bool) -> ReportPrinted:
    """Print a Z report: the same figures each time; `copy` stands on it when asked for."""
    rows = z_rows(z, names_of(desk), copy=copy)
    return _print(desk, rows, f"Z-{desk.window}-{z.number:06d}{'-copy' if copy else ''}")


def names_of(desk: PrintDesk) -> Names:
    """What everybody and everything is called, as the mirror knows it now."""
    known = desk.catalogue.events()
    return Names(
        desk.language,
        known[0].venue.name if known else None,
        desk.window,
        {one.id: one.name for one in people.people(desk.replica)},
        {each.id: each.name for one in known for each in one.event.ticket_types},
        known[0].venue.zone if known else UTC,
        {one.id: one.name for one in known[0].venue.tenders} if known else {},
    )


def _print(desk: PrintDesk, rows: Iterable[Row], job: str) -> ReportPrinted:
    pressed = print_rows(desk, list(rows), "Report", job=_job(job))
    return ReportPrinted(pressed.outcome, pressed.detail, pressed.path)


def _job(text: str) -> str:
    """A job's name of what a window may be called: letters, digits and dashes."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in text)
