"""What the buyer's screen shows: the cashier's basket in large words, in both languages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pos_app.presenters import language as words
from program import i18n

if TYPE_CHECKING:
    from pos_app.presenters.sell_state import SellState
    from pos_app.services.basket import BasketLine
    from pos_app.services.model import House

LINES_SHOWN_MAX: Final = 8
"""More are told as a number: the total is what the buyer looks for."""


class Showing(StrEnum):
    """What is on the buyer's screen."""

    WELCOME = "welcome"
    BASKET = "basket"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing in the language of the till and in the other one."""

    first: str
    second: str = ""


@dataclass(frozen=True, slots=True)
class BuyerLine:
    """One ticket: where, what kind, how much; `was` is the list price of a cheaper one."""

    place: str
    kind: str
    price: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class BuyerScreen:
    """The whole screen; empty texts are left out. `more` counts the lines that do not fit."""

    showing: Showing
    title: Said
    under: Said = Said("")
    lines: tuple[BuyerLine, ...] = ()
    more: Said = Said("")
    total: str = ""
    received: str = ""
    change: str = ""


def buyer_screen(state: SellState, difference_minor: int | None = None) -> BuyerScreen:
    """The screen for a state of the sale; `difference_minor` is due while tickets are exchanged."""
    house = state.house
    if house is None:
        return BuyerScreen(Showing.WELCOME, said("Welcome"))
    if state.change is not None:
        sold, currency = state.change, house.event.currency
        return BuyerScreen(
            Showing.PAID,
            said("Thank you"),
            Said(""),
            total=words.money(sold.total_minor, currency),
            received=words.money(sold.tendered_minor, currency) if sold.tendered_minor else "",
            change=words.money(sold.change_minor, currency) if sold.tendered_minor else "",
        )
    basket = state.basket
    if basket is None or not basket.lines:
        return BuyerScreen(Showing.WELCOME, said("Welcome"), _both_names(house))
    due_minor = basket.total_minor if difference_minor is None else difference_minor
    return BuyerScreen(
        Showing.BASKET,
        _both_event(house),
        lines=tuple(_line(line, house) for line in basket.lines[-LINES_SHOWN_MAX:]),
        more=_more(len(basket.lines) - LINES_SHOWN_MAX),
        total=words.money(due_minor, basket.currency),
    )


def said(message: str) -> Said:
    """A fixed word in both languages; `message` is one of WORDS."""
    assert message in WORDS, f"{message!r} would not be translated"
    first = i18n.translations(words.language()).gettext(message)
    second = i18n.translations(words.other_language()).gettext(message)
    return Said(first, second)


def _marked(message: str) -> str:
    """For the catalogue: these words are looked up by name."""
    return message


_ = _marked
WORDS: Final = (
    _("Welcome"),
    _("Thank you"),
    _("Total"),
    _("Received"),
    _("Change"),
    _("and {n} more"),
)


def _more(count: int) -> Said:
    if count <= 0:
        return Said("")
    both = said("and {n} more")
    return Said(both.first.format(n=count), both.second.format(n=count))


def _line(line: BasketLine, house: House) -> BuyerLine:
    kind = house.event.ticket_type(line.ticket_type_id)
    currency = house.event.currency
    is_cheaper = line.list_minor > line.price_minor
    return BuyerLine(
        house.plan.describe(line.unit, words.language()),
        words.name(kind.name) if kind else "",
        words.money(line.price_minor, currency),
        words.money(line.list_minor, currency) if is_cheaper else "",
    )


def _both_names(house: House) -> Said:
    name = house.venue.name
    return Said(words.name(name), name.in_language(words.other_language()))


def _both_event(house: House) -> Said:
    name = house.event.name
    return Said(words.name(name), name.in_language(words.other_language()))
