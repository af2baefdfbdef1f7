"""What the pages of an event say: its prices and rules, and what was changed of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale

from program.i18n import format_count, format_datetime, format_money, translations
from sync_server.console.event_fields import Slip
from sync_server.console.fault_words import problem_sentence
from sync_server.services.event_differences import Differences
from ticketing.admission.rules import Passback
from ticketing.event import Event, Performance, Venue
from ticketing.faults import Problem
from ticketing.performance_document import read_instant
from ticketing.pricing import AmountOff, FixedPrice, PercentOff, Period, Role, Where
from ticketing.pricing.rules import Reduction
from ticketing.text import Text

_NUMBERS_HINTED_MAX = 12


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


ROLES = {
    Role.CASHIER: N_("Cashier"),
    Role.SUPERVISOR: N_("Supervisor"),
    Role.MANAGER: N_("Manager"),
}
PASSBACKS = {
    Passback.NONE: N_("a second person counts as an entry"),
    Passback.SOFT: N_("a second person is let in, and noted"),
    Passback.TIMED: N_("a second person is refused for a while"),
    Passback.HARD: N_("a second person is refused"),
}
SLIPS = {
    Slip.AMOUNT: N_("Write an amount, such as 88 or 88.50."),
    Slip.NUMBER: N_("Write a number in digits."),
    Slip.TIME: N_("Write a day and a time, such as 2026-11-28 19:30."),
    Slip.NUMBERS: N_("Write numbers of performances, with commas between them."),
    Slip.CHOICE: N_("Choose one of those in the list."),
    Slip.COUNT_OR_ANY: N_("Write a number in digits, or “unlimited”."),
}
PLACES = {
    "name": N_("Name"),
    "plan": N_("Seating plan"),
    "price_tiers": N_("Price tier"),
    "ticket_types": N_("Ticket type"),
    "letter": N_("Letter"),
    "colour_index": N_("Colour"),
    "places": N_("Places"),
    "price_list": N_("Price list"),
    "version": N_("Version"),
    "prices_minor": N_("Price"),
    "exceptions": N_("At performance"),
    "price_rules": N_("Rules"),
    "rates": N_("Rate"),
    "packages": N_("Package"),
    "house_tickets": N_("House tickets"),
    "pools": N_("Quota"),
    "pool": N_("Quota"),
    "capacity": N_("How many"),
    "discounts": N_("Discount"),
    "caps_percent": N_("Cap"),
    "percent_off": N_("Percent off"),
    "amount_off_minor": N_("Amount off"),
    "price_minor": N_("Price"),
    "from_at": N_("From"),
    "until_at": N_("Until"),
    "approver": N_("Who lets it be"),
    "tickets": N_("Tickets"),
    "count": N_("How many"),
    "over": N_("Over which performances"),
    "one_price_tier": N_("All its tickets of one price tier"),
    "performances": N_("Performance"),
    "refund_rules": N_("Refunds"),
    "entry_rules": N_("Entry rules"),
    "rules": N_("Rule"),
    "entries": N_("How many entries"),
    "each_day": N_("Counted anew on every business day"),
    "early_minutes": N_("Minutes before doors open"),
    "late_minutes": N_("Minutes after the end"),
    "gates": N_("Gates"),
    "reentry_minutes": N_("Comes back within so many minutes"),
    "passback": N_("Shown again while its holder is inside"),
    "passback_minutes": N_("Minutes for which it is then refused"),
    "when_cut_off": N_("A gate that cannot reach the server"),
    "unlisted": N_("There, tickets whose sale it never heard of"),
    "unrecorded": N_("A gate that cannot even write down who came"),
    "papers": N_("Tickets' paper"),
    "starts_at": N_("Start"),
    "doors_at": N_("Doors"),
    "ends_at": N_("End"),
    "hall": N_("Hall"),
    "on_sale": N_("on sale"),
    "cancelled": N_("cancelled"),
    "number": N_("Number"),
    "numbers": N_("Number"),
}
_MONEY = ("_minor", "/fee", "_fee", "_cap")
_SILENT = ("price_list/version",)
"""What a change brings by itself, and nobody asks about."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One difference, ready to show."""

    place: str
    before: str
    after: str


def fault_sentence(fault: Slip | Problem, language: str, *, with_place: bool = False) -> str:
    """What is wrong with a field; with its place in the document where it has no field."""
    if isinstance(fault, Slip):
        return translations(language).gettext(SLIPS[fault])
    said = problem_sentence(fault, language)
    return f"{fault.path.removeprefix('$.event.')}: {said}" if with_place else said


def performances_hint(event: Event, language: str) -> str:
    """The numbers that there are."""
    numbers = sorted(each.number for each in event.performances)
    shown = ", ".join(map(str, numbers[:_NUMBERS_HINTED_MAX]))
    more = ", …" if len(numbers) > _NUMBERS_HINTED_MAX else ""
    gettext = translations(language).gettext
    return gettext("Empty: all of them. There are {numbers}.").format(numbers=shown + more)


def reduction_words(reduction: Reduction, currency: str, language: str) -> str:
    """How much less."""
    gettext = translations(language).gettext
    match reduction:
        case PercentOff(hundredths):
            return gettext("{amount} off").format(amount=f"{percent_text(hundredths)} %")
        case AmountOff(minor):
            amount = format_money(minor, currency, language, compact=True)
            return gettext("{amount} off").format(amount=amount)
        case FixedPrice(minor):
            amount = format_money(minor, currency, language, compact=True)
            return gettext("at {amount}").format(amount=amount)


def percent_text(hundredths: int) -> str:
    """Hundredths of a percent as people write a percentage."""
    return f"{hundredths / 100:g}"


def where_words(where: Where, event: Event, language: str) -> str:
    """For which tickets; '' for all."""
    gettext = translations(language).gettext
    tiers = [event.price_tier(each) for each in where.tier_ids]
    types = [event.ticket_type(each) for each in where.ticket_type_ids]
    names = [each.name.in_language(language) for each in (*tiers, *types) if each is not None]
    if where.performances:
        numbers = ", ".join(map(str, where.performances))
        names.append(gettext("performances {numbers}").format(numbers=numbers))
    return " · ".join(names)


def period_words(period: Period, venue: Venue, language: str) -> str:
    """From when until when; '' for always."""
    gettext = translations(language).gettext
    words = []
    if period.from_at is not None:
        words.append(gettext("from {when}").format(when=_when(period.from_at, venue, language)))
    if period.until_at is not None:
        words.append(gettext("until {when}").format(when=_when(period.until_at, venue, language)))
    return " ".join(words)


def difference_rows(
    found: Differences, events: Iterable[Event], venue: Venue, language: str
) -> list[DifferenceRow]:
    """What differs, in plain words. `events`: the versions, by which ids get their names.

    Records of some deeds hold all of both versions: what is the same in them is left out.
    """
    names = _names(events, language)
    return [
        DifferenceRow(
            _place_words(place, names, language),
            _value_words(place, found.before.get(place), names, venue, language),
            _value_words(place, found.after.get(place), names, venue, language),
        )
        for place in found.places
        if place not in _SILENT and found.before.get(place, ...) != found.after.get(place, ...)
    ]


def _names(events: Iterable[Event], language: str) -> dict[str, str]:
    """Of price tiers, ticket types and rules by their ids."""
    found: dict[str, str] = {}
    for event in events:
        rules = event.price_rules
        named: list[tuple[str, Text]] = [
            *((each.id, each.name) for each in event.price_tiers),
            *((each.id, each.name) for each in event.ticket_types),
            *((each.id, each.name) for each in rules.rates),
            *((each.id, each.name) for each in rules.packages),
            *((each.id, each.name) for each in rules.house_rates),
            *((each.id, each.name) for each in rules.discounts),
        ]
        found |= {item_id: name.in_language(language) for item_id, name in named}
    return found


def _place_words(place: str, names: Mapping[str, str], language: str) -> str:
    gettext = translations(language).gettext
    parts = place.split("/")
    if len(parts) > 1 and parts[0] in ("price_list", "price_rules"):
        parts = parts[1:]
    words = []
    for at, each in enumerate(parts):
        is_key = at == 0 or each not in names
        if at and parts[at - 1] == "name":
            words.append(_language_name(each, language))
        else:
            is_known = is_key and each in PLACES
            words.append(gettext(PLACES[each]) if is_known else names.get(each, each))
    return " · ".join(words)


def _language_name(code: str, language: str) -> str:
    """What the page's language calls a language; its code where it has no word for it."""
    return str(Locale.parse(language).languages.get(code, code))


def _value_words(
    place: str, value: Any, names: Mapping[str, str], venue: Venue, language: str
) -> str:
    gettext = translations(language).gettext
    if value is None:
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int) and (place.endswith(_MONEY) or "/prices_minor/" in place):
        return format_money(value, venue.currency, language)
    if isinstance(value, int) and place.endswith(("capacity", "count")):
        return format_count(value, language)
    if isinstance(value, str) and place.endswith("_at"):
        at = _instant(value)
        return _when(at, venue, language) if at else value
    if place.endswith("percent_off") or "/caps_percent/" in place:
        return f"{value} %"
    if isinstance(value, dict):
        return Text.from_names(value).in_language(language) if value else "–"
    listed = _listed(value)
    if listed is not None:
        return ", ".join(names.get(str(each), str(each)) for each in listed) or "–"
    return str(value)


def _listed(value: Any) -> list[Any] | None:
    """A list, also as the text that stands for one among differences; None for anything else."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:  # cut off, as long ones are
            return None
    return value if isinstance(value, list) else None


def _instant(written: str) -> datetime | None:
    try:
        return read_instant(written)
    except ValueError:
        return None


def _when(at: datetime, venue: Venue, language: str) -> str:
    return format_datetime(at, language, zone=venue.zone, year=True)


def performance_words(performance: Performance, venue: Venue, language: str) -> str:
    """A performance by its time and number."""
    gettext = translations(language).gettext
    number = gettext("No. {n}").format(n=performance.number)
    return f"{_when(performance.starts_at, venue, language)} · {number}"
