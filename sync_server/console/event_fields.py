"""Fields of a form that stand for places in a document: shown as they are, read as they were typed.

What a field takes is only as much as it needs to be written down (an amount, a time). Whether the
document is right with it, the rules of catalogues say; their faults find their field by its place.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

from program.i18n import currency_exponent
from ticketing.event import Venue
from ticketing.faults import Fault, Problem
from ticketing.performance_document import read_instant
from ticketing.schedule import UnusableTime, read_start

TYPED_CHARS_MAX = 4_000
_DIGITS_MAX = 12
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_APART = re.compile(r"[\s,，、;；]+")

YES, NO = "yes", "no"
_UNLIMITED = ("unlimited", "不限")
_ANY = "any"

Path = tuple[str | int, ...]


class Kind(StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    AMOUNT = "amount"  # of the house's currency, as people write it
    PERCENT = "percent"
    COUNT = "count"
    INSTANT = "instant"  # by the house's clock
    CHOICE = "choice"
    BOXES = "boxes"
    NUMBERS = "numbers"
    FLAG = "flag"
    YES_NO = "yes_no"  # or nothing said
    COUNT_OR_ANY = "count_or_any"
    NAMES = "names"  # a list of names, or "any"


class Slip(StrEnum):
    """Why what was typed cannot be written down."""

    AMOUNT = "amount"
    NUMBER = "number"
    TIME = "time"
    NUMBERS = "numbers"
    CHOICE = "choice"
    COUNT_OR_ANY = "count_or_any"


@dataclass(frozen=True, slots=True)
class Field:
    """A field, and its place in the item that the form is about."""

    name: str
    path: Path
    kind: Kind
    label: str
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    group: str = ""
    """Fields of one group stand side by side under this heading."""


Faults = dict[str, Slip | Problem]
"""By the names of fields; '' for what belongs to none."""


def typed_of(fields: Iterable[Field], item: Mapping[str, Any], venue: Venue) -> dict[str, str]:
    """The fields filled in as the item is."""
    found: dict[str, str] = {}
    for field in fields:
        value = _at(item, field.path)
        if field.kind is Kind.BOXES:
            found |= {f"{field.name}.{each}": "1" for each in value or ()}
        elif value is not None:
            found[field.name] = _written(field.kind, value, venue)
    return found


def typed_in(fields: Iterable[Field], form: Mapping[str, str]) -> dict[str, str]:
    """The fields as somebody filled them in, to be shown and sent again."""
    names = []
    for field in fields:
        boxes = [f"{field.name}.{value}" for value, _ in field.options]
        names += boxes if field.kind is Kind.BOXES else [field.name]
    return {name: form[name].strip()[:TYPED_CHARS_MAX] for name in names if name in form}


def put_typed(
    fields: Iterable[Field], typed: Mapping[str, str], item: dict[str, Any], venue: Venue
) -> Faults:
    """Write what was typed into the item; what is left empty is left out of it."""
    faults: Faults = {}
    for field in fields:
        value = _read(field, typed, venue)
        if isinstance(value, Slip | Problem):
            faults[field.name] = value
        else:
            _put(item, field.path, value)
    return faults


def faults_by_field(fields: Sequence[Field], base: Path, problems: Iterable[Problem]) -> Faults:
    """The document's faults beside the fields that they are about; of several, the first."""
    places = {field.name: path_text((*base, *field.path)) for field in fields}
    faults: Faults = {}
    for problem in problems:
        about = (
            name
            for name, place in places.items()
            if problem.path == place or problem.path.startswith((f"{place}.", f"{place}["))
        )
        faults.setdefault(next(about, ""), problem)
    return faults


def path_text(path: Path) -> str:
    """A place as faults name it: `$.event.price_list.prices_minor.vip`."""
    text = "$"
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if _PLAIN_KEY.match(key) else f"[{json.dumps(key)}]"
    return text


def amount_text(minor: int, currency: str) -> str:
    """Minor units as somebody types them: 88000 CNY is "880.00"."""
    exponent = currency_exponent(currency)
    return f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"


def read_amount(typed: str, currency: str) -> int | Slip:
    """An amount as somebody typed it, in minor units."""
    exponent = currency_exponent(currency)
    decimals = rf"(\.\d{{1,{exponent}}})?" if exponent else ""
    if not re.fullmatch(rf"\d{{1,{_DIGITS_MAX}}}{decimals}", typed, re.ASCII):
        return Slip.AMOUNT
    return int(Decimal(typed).scaleb(exponent))


def _written(kind: Kind, value: Any, venue: Venue) -> str:
    match kind:
        case Kind.AMOUNT:
            return amount_text(value, venue.currency)
        case Kind.INSTANT:
            at = read_instant(value)
            return f"{at.astimezone(venue.zone):%Y-%m-%dT%H:%M}" if at else ""
        case Kind.NUMBERS:
            return ", ".join(map(str, value))
        case Kind.FLAG:
            return "1" if value else ""
        case Kind.YES_NO:
            return YES if value else NO
        case Kind.NAMES:
            return value if isinstance(value, str) else _names_text(value)
    return str(value)


def _read(field: Field, typed: Mapping[str, str], venue: Venue) -> Any:
    if field.kind is Kind.BOXES:
        chosen = [value for value, _ in field.options if f"{field.name}.{value}" in typed]
        return chosen or None
    written = typed.get(field.name, "")
    if field.kind is Kind.FLAG:
        return bool(written)
    if not written:
        return None
    if field.kind in _READERS:
        return _READERS[field.kind](written)
    match field.kind:
        case Kind.AMOUNT:
            return read_amount(written, venue.currency)
        case Kind.INSTANT:
            return _instant(written, venue)
        case Kind.CHOICE:
            return written if written in dict(field.options) else Slip.CHOICE
    return written


def _count(written: str) -> int | Slip:
    return int(written) if _is_count(written) else Slip.NUMBER


def _count_or_any(written: str) -> int | str | Slip:
    if written.lower() in _UNLIMITED:
        return _UNLIMITED[0]
    return int(written) if _is_count(written) else Slip.COUNT_OR_ANY


def _numbers(written: str) -> list[int] | Slip:
    parts = [each for each in _APART.split(written) if each]
    return [int(each) for each in parts] if all(map(_is_count, parts)) else Slip.NUMBERS


def _yes_no(written: str) -> bool | Slip:
    return written == YES if written in (YES, NO) else Slip.CHOICE


def _names_text(names: Sequence[str]) -> str:
    """With commas between them; a name that has one itself stands in quotation marks."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(names)
    return out.getvalue().replace(",", ", ") if '"' not in out.getvalue() else out.getvalue()


def _names(written: str) -> list[str] | str:
    if written.lower() == _ANY:
        return _ANY
    if '"' not in written:
        written = written.replace("，", ",").replace("、", ",")
    rows = csv.reader([re.sub(r"[\r\n]", " ", written)], skipinitialspace=True)
    return [name.strip() for row in rows for name in row if name.strip()]


def _instant(written: str, venue: Venue) -> str | Slip | Problem:
    """Local time, as a browser's field has it; the offset too where clocks go back."""
    at = read_start(written.replace(" ", "T", 1), venue, datetime.now(UTC))
    if isinstance(at, UnusableTime):
        if at.fault in (Fault.SKIPPED_TIME, Fault.DOUBLE_TIME):
            return Problem("", "", at.fault, at.facts)
        return Slip.TIME
    return f"{at:%Y-%m-%dT%H:%M:00Z}"


def _number(written: str) -> int | float | Slip:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", written, re.ASCII):
        return Slip.NUMBER
    number = float(written)
    return int(number) if number.is_integer() else number


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.PERCENT: _number,
    Kind.COUNT: _count,
    Kind.COUNT_OR_ANY: _count_or_any,
    Kind.NUMBERS: _numbers,
    Kind.YES_NO: _yes_no,
    Kind.NAMES: _names,
}


def _is_count(written: str) -> bool:
    return written.isascii() and written.isdecimal() and len(written) <= _DIGITS_MAX


def _at(item: Any, path: Path) -> Any:
    for key in path:
        if isinstance(key, int):
            item = item[key] if isinstance(item, list) and key < len(item) else None
        else:
            item = item.get(key) if isinstance(item, dict) else None
    return item


def _put(item: Any, path: Path, value: Any) -> None:
    """Write a value at a place, making the objects and rows on the way; None takes it out."""
    for key, then in pairwise(path):
        if isinstance(key, int):
            item += [{} for _ in range(key + 1 - len(item))]
            item = item[key]
        else:
            item = item.setdefault(key, [] if isinstance(then, int) else {})
    last = path[-1]
    if value is None:
        item.pop(last, None)
    else:
        item[last] = value
