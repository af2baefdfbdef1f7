"""Languages: message catalogues, and money, days and times as people write them.

The source strings are English. Dates follow skeletons of CLDR per language, and money has symbols
of our own: CLDR writes yuan as "CN¥" for English readers, and nobody in the house does.
"""

from __future__ import annotations

import gettext
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources

from babel import Locale, dates, numbers

from program.logs import get_logger

LANGUAGES = ("en", "zh_CN")
DOMAIN = "boxgate"

# British English: day before month and 24 hours, as the rest of the world writes them.
_LOCALES = {"en": "en_GB", "zh_CN": "zh_Hans_CN"}

_SYMBOLS = {"CNY": "¥"}

# ISO 4217 (2024), list one: currencies whose minor unit is not a hundredth. CLDR's digits differ:
# they say how many are usual to print, not what a minor unit is.
_EXPONENTS = (
    dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
    | dict.fromkeys("CLF UYW".split(), 4)
)

_KEPT_MAX = 4_096
"""Amounts and numbers that stay written out: a screen shows the same ones at every tap."""
_log = get_logger(__name__)


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The messages of a language of LANGUAGES; English falls back to the source strings.

    A Chinese catalogue that was never compiled is logged once and falls back too: a gate with
    English words is better than none. Raises ValueError for a language we do not have.
    """
    _require(language)
    file = resources.files("resources") / "i18n" / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    if file.is_file():
        with file.open("rb") as stream:
            return gettext.GNUTranslations(stream)
    if language != "en":
        _log.warning("catalogue_missing", language=language)
    return gettext.NullTranslations()


def currency_exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit: 2 for CNY, 0 for JPY, 3 for KWD (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


@lru_cache(_KEPT_MAX)
def format_money(minor: int, currency: str, language: str, *, compact: bool = False) -> str:
    """Minor units as an amount: 127000 CNY is "¥1,270.00" in every language.

    `compact` drops the places behind the point when they are all zero ("¥1,270"): for price
    lists and keys, not for sums. A negative amount has a minus sign (U+2212) before the symbol.
    """
    locale = _locale(language)
    exponent = currency_exponent(currency)
    places = 0 if compact and minor % 10**exponent == 0 else exponent
    number = numbers.format_decimal(
        Decimal(abs(minor)).scaleb(-exponent),
        format="#,##0." + "0" * places if places else "#,##0",
        locale=locale,
    )
    symbol = _SYMBOLS.get(currency) or numbers.get_currency_symbol(currency, locale)
    amount = locale.currency_formats["standard"]
    text = f"{amount.prefix[0]}{number}{amount.suffix[0]}".replace("¤", symbol)
    return f"\N{MINUS SIGN}{text}" if minor < 0 else text


@lru_cache(_KEPT_MAX)
def format_count(count: int, language: str) -> str:
    """A whole number with the language's grouping: "1,200"."""
    return numbers.format_decimal(count, locale=_locale(language))


def format_date(day: date, language: str, *, weekday: bool = True, year: bool = True) -> str:
    """A day: "Sun, 22 Nov 2026" and "2026年11月22日周日"; weekday and year may be left out.

    Takes a day, not an instant: whose midnight counts is the caller's to know.
    """
    if isinstance(day, datetime):
        raise TypeError("format_date takes a day; convert the instant to the venue's zone first")
    skeleton = f"{'y' if year else ''}MMM{'E' if weekday else ''}d"
    return dates.format_skeleton(skeleton, day, locale=_locale(language))


def format_time(at: datetime, language: str, *, zone: tzinfo, seconds: bool = False) -> str:
    """The time of day of an aware instant in a zone, 24 hours: "19:30"."""
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    skeleton = "Hms" if seconds else "Hm"
    return dates.format_skeleton(skeleton, at.astimezone(zone), locale=_locale(language))


def format_datetime(
    at: datetime, language: str, *, zone: tzinfo, weekday: bool = True, year: bool = True
) -> str:
    """Day and time of an aware instant in a zone: "Sun, 22 Nov 2026 19:30"."""
    if at.tzinfo is None:
        raise ValueError("an instant needs its zone")
    day = format_date(at.astimezone(zone).date(), language, weekday=weekday, year=year)
    return f"{day} {format_time(at, language, zone=zone)}"


def _require(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}; there are {', '.join(LANGUAGES)}")


@cache
def _locale(language: str) -> Locale:
    _require(language)
    return Locale.parse(_LOCALES[language])
