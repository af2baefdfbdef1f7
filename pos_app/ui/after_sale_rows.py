"""Rows of the orders screen: an order in the list, a ticket of the open order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy

from pos_app.presenters import after_sale_words as say
from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.services.after_sale_model import Standing, TicketStanding
from pos_app.ui.controls import ElidedLabel, RichButton, column, label, picture, row
from pos_app.ui.gate_panel import mark_of
from pos_app.ui.tool_row import Swatch

if TYPE_CHECKING:
    from datetime import date

    from pos_app.services.after_sale_model import FoundOrder, OrderDetail, SoldTicket
    from ticketing.event import Venue

_ORDER_TONES = {
    Standing.PAID: "text2",
    Standing.PARTLY_BACK: "warn",
    Standing.BACK: "danger",
}
_TICKET_TONES = {
    TicketStanding.VALID: "ok",
    TicketStanding.ENTERED: "accent",
    TicketStanding.ASKED: "warn",
    TicketStanding.VOID: "danger",
    TicketStanding.DISPUTED: "warn",
}


def when(found: FoundOrder, venue: Venue | None, today: date | None) -> str:
    """Day and time of the sale; nothing for what another window sold without telling."""
    if found.sold_at is None or venue is None:
        return ""
    day = words.day(venue.business_day(found.sold_at), today)
    return f"{day} {words.time_of_day(found.sold_at, venue)}"


class OrderButton(RichButton):
    """One order of the list: number, what and when, how it stands, how much."""

    def __init__(
        self, at: int, found: FoundOrder, venue: Venue | None, today: date | None, *, compact: bool
    ) -> None:
        self.found = found
        number = ElidedLabel(15, 700)
        number.setText(say.receipt(found))
        amount = label(15, 600)
        amount.setText(
            words.money(found.total_minor, found.currency, compact=True)
            if found.total_minor
            else ""
        )
        parts = (
            found.buyer,
            when(found, venue, today),
            say.ticket_count(found),
            words.name(found.event_name),
        )
        detail = ElidedLabel(13, 400, "text2")
        detail.setText(" · ".join(part for part in parts if part))
        standing = label(13, 600, _ORDER_TONES[found.standing])
        standing.setText(say.order_standing(found.standing))
        if not found.is_own:
            standing.setText(_("Another window"))
        for each in (number, detail):
            each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        content = column(
            None, row(number, amount), row(detail, standing), None, gap=2, margins=(14, 4, 14, 4)
        )
        super().__init__(f"order_{at}", "person", content)
        self.setCheckable(True)
        _stretch(self, 56 if compact else 64)
        self.setAccessibleName(
            f"{say.receipt(found)} {words.name(found.event_name)} "
            f"{say.order_standing(found.standing)}"
        )


class TicketButton(RichButton):
    """One ticket of the open order; checked when the deed is about it."""

    def __init__(
        self,
        at: int,
        ticket: SoldTicket,
        detail: OrderDetail,
        *,
        is_chosen: bool,
        is_scanned: bool,
        compact: bool,
    ) -> None:
        self.ticket = ticket
        plan, event = detail.plan, detail.event
        place = plan.describe(ticket.unit, words.language()) if plan.has_unit(ticket.unit) else "?"
        title = ElidedLabel(15, 700)
        seat = plan.seat_by_unit(ticket.unit)
        title.setText(
            _("Row {row} Seat {seat}").format(row=seat.row, seat=seat.label) if seat else place
        )
        tier, kind = event.price_tier(ticket.tier_id), event.ticket_type(ticket.ticket_type_id)
        parts = [words.name(each.name) for each in (tier, kind) if each is not None]
        if seat is not None:
            parts.insert(0, words.name(plan.area_of(ticket.unit).name))
        package = event.price_rules.package(ticket.rule)
        if package is not None:
            parts.append(words.name(package.name))
        if is_scanned:
            parts.append(_("paper scanned"))
        about = ElidedLabel(13, 400, "text2")
        about.setText(" · ".join(parts))
        price = label(17, 600)
        price.setText(words.money(ticket.price_minor, event.currency, compact=True))
        price.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        standing = label(13, 600, _TICKET_TONES[ticket.standing], f"ticket_{at}_standing")
        standing.setText(say.ticket_standing(ticket, detail))
        standing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        mark = picture(
            "circle-check" if is_chosen else "ticket", "accent" if is_chosen else "text3"
        )
        for each in (title, about):
            each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        texts = column(None, title, about, None, gap=1)
        content = row(
            mark, Swatch(tier.colour_index if tier else 0, QSize(6, 38)), gap=10,
            margins=(12, 0, 14, 0),
        )  # fmt: skip
        content.addLayout(texts, 1)
        mark_at_gate, gate_word = mark_of(at, ticket, detail)
        stands = column(None, standing, gap=1)
        if mark_at_gate is not None:
            stands.addWidget(mark_at_gate)
        stands.addStretch(1)
        content.addLayout(stands)
        content.addWidget(price)
        super().__init__(f"ticket_{at}", "person", content)
        self.setCheckable(True)
        self.setChecked(is_chosen)
        self.setEnabled(ticket.standing in (TicketStanding.VALID, TicketStanding.DISPUTED))
        _stretch(self, 56 if compact else 64)
        said = (place, *parts, say.ticket_standing(ticket, detail), gate_word)
        self.setAccessibleName(" ".join(filter(None, said)))


def _stretch(button: RichButton, height: int) -> None:
    """As wide as the list, however long its texts are: a button alone would never shrink."""
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setFixedHeight(height)
