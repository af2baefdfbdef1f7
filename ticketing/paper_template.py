"""What an event puts on its tickets beside what every ticket says: a logo, lines, less of the rest.

One template for each kind of paper. What lets somebody in or finds their seat is always printed:
event, date, place, code, ticket number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ticketing.text import Text

LINES_MAX: Final = 8
LOGO_BYTES_MAX: Final = 20_000
"""A logo travels with its event to every till and gate."""
LOGO_WIDTH_MAX: Final = 576
LOGO_HEIGHT_MAX: Final = 240


class TicketPaper(StrEnum):
    """Kinds of paper; stored, never renamed."""

    SHEET = "sheet"  # the page of a PDF
    SLIP_80 = "slip-80"  # a receipt printer's roll of 80 mm
    SLIP_58 = "slip-58"


class TicketField(StrEnum):
    """What a template may leave out; stored, never renamed."""

    VENUE = "venue"
    DOORS = "doors"
    HALL = "hall"
    TIER = "tier"
    TICKET_TYPE = "ticket_type"
    PRICE = "price"
    RECEIPT_NO = "receipt_no"
    WINDOW = "window"
    SOLD_AT = "sold_at"


@dataclass(frozen=True, slots=True)
class PaperTemplate:
    """One kind of paper of an event. `logo` is a PNG file, or nothing."""

    paper: TicketPaper
    logo: bytes = b""
    lines: tuple[Text, ...] = ()
    left_out: frozenset[TicketField] = frozenset()


def template_for(templates: tuple[PaperTemplate, ...], paper: TicketPaper) -> PaperTemplate:
    """The template of a kind of paper; the plain one where the event has none."""
    found = (each for each in templates if each.paper is paper)
    return next(found, PaperTemplate(paper))
