"""The language on screen: one for the process, switched live.

Sentences are asked for when they are drawn, so a face that draws again speaks the new language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from program import i18n

if TYPE_CHECKING:
    from ticketing.event import Venue
    from ticketing.text import Text

LANGUAGES = i18n.LANGUAGES


@dataclass(slots=True)
class _Current:
    code: str = "en"


_current = _Current()


def set_language(code: str) -> None:
    """Speak this language from now on; ValueError for one we do not have."""
    i18n.translations(code)
    _current.code = code


def language() -> str:
    """The language spoken now, one of LANGUAGES."""
    return _current.code


def other_language() -> str:
    """The one that the language key switches to."""
    at = LANGUAGES.index(_current.code)
    return LANGUAGES[(at + 1) % len(LANGUAGES)]


def _(message: str) -> str:
    """The message in the language spoken now."""
    return i18n.translations(_current.code).gettext(message) if message else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The message for `count` things in the language spoken now."""
    return i18n.translations(_current.code).ngettext(one, many, count)


def name(text: Text) -> str:
    """A venue's, area's or event's name."""
    return text.in_language(_current.code)


def money(minor: int, currency: str, *, compact: bool = False) -> str:
    """An amount; `compact` for price lists and keys, where ".00" says nothing."""
    return i18n.format_money(minor, currency, _current.code, compact=compact)


def count(number: int) -> str:
    """A whole number, grouped."""
    return i18n.format_count(number, _current.code)


def time_of_day(at: datetime, venue: Venue) -> str:
    """The time of an instant at the venue: "19:30"."""
    return i18n.format_time(at, _current.code, zone=venue.zone)


def day(on: date, today: date | None) -> str:
    """A day as people say it: today, tomorrow, else weekday and date."""
    if today is not None:
        apart = (on - today).days
        if apart == 0:
            return _("Today")
        if apart == 1:
            return _("Tomorrow")
    same_year = today is not None and on.year == today.year
    return i18n.format_date(on, _current.code, year=not same_year)
