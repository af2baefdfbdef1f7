"""How means of payment are called, and how what was paid is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from ticketing.house_tender import TenderIcon
from ticketing.operations import CASH

if TYPE_CHECKING:
    from ticketing.event import Venue

ICONS: Final = {
    TenderIcon.CARD: "credit-card",
    TenderIcon.PHONE: "smartphone",
    TenderIcon.BANK: "landmark",
    TenderIcon.VOUCHER: "ticket",
    TenderIcon.OTHER: "wallet",
}


def tender_name(venue: Venue | None, tender_id: str) -> str:
    """A means of payment by name; the id of one that the house does not name any more."""
    if tender_id == CASH:
        return _("Cash")
    tender = venue.tender(tender_id) if venue else None
    return words.name(tender.name) if tender else tender_id


def tender_icon(venue: Venue | None, tender_id: str) -> str:
    """What stands beside its name."""
    if tender_id == CASH:
        return "banknote"
    tender = venue.tender(tender_id) if venue else None
    return ICONS[tender.icon if tender else TenderIcon.OTHER]


def with_number(name: str, reference: str) -> str:
    """The tender with the number that it was recorded under."""
    return _("{tender} · no. {no}").format(tender=name, no=reference) if reference else name


def rounding_words(minor: int, currency: str) -> str:
    """What rounding cash came to, with its sign."""
    sign = "+" if minor > 0 else "\N{MINUS SIGN}"
    return f"{sign}{words.money(abs(minor), currency)}"
