"""An event's paper template put on what a ticket says."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pos_app.services.paper import TicketFace
from ticketing.event import Event
from ticketing.paper_template import TicketField, TicketPaper, template_for

SLIP_80_COLUMNS: Final = 40
"""From so many letters in a line on, a roll counts as one of 80 mm."""


def slip_paper(columns: int) -> TicketPaper:
    """The kind of paper of a receipt printer."""
    return TicketPaper.SLIP_80 if columns >= SLIP_80_COLUMNS else TicketPaper.SLIP_58


def templated(face: TicketFace, event: Event, paper: TicketPaper, language: str) -> TicketFace:
    """The face as the event's template for this paper has it; as it was where there is none."""
    template = template_for(event.papers, paper)
    left_out = {_MEMBERS[each]: "" for each in template.left_out}
    lines = tuple(line.in_language(language) for line in template.lines)
    return replace(face, lines=lines, logo=template.logo, **left_out)


_MEMBERS: Final = {
    TicketField.VENUE: "venue",
    TicketField.DOORS: "doors",
    TicketField.HALL: "hall",
    TicketField.TIER: "tier",
    TicketField.TICKET_TYPE: "ticket_type",
    TicketField.PRICE: "price",
    TicketField.RECEIPT_NO: "receipt_no",
    TicketField.WINDOW: "window",
    TicketField.SOLD_AT: "sold_at",
}
