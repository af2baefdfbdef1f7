"""What the fields of bodies must be, and the text form that all bodies share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ticketing.ids import U8_MAX, OpId, is_op_id, is_order_id

LINES_MAX = 100
MINOR_MAX = 10**12
NOTE_CHARS_MAX = 200
_MS_MAX = 2**53
_NAME = re.compile("[^\0-\x1f\x7f\ud800-\udfff]{1,64}")
_NOT_IN_NOTES = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


def to_text(value: Mapping[str, object]) -> str:
    """A body's text: keys sorted, no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def to_object(body: str) -> dict[str, Any]:
    """The JSON object in a text; an empty one when there is none."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def is_name(value: object) -> bool:
    """1 to 64 characters of one line: what receipts, rules, lanes and people are called."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_note(value: object) -> bool:
    """What somebody wrote on an order: one line of at most NOTE_CHARS_MAX, or ""."""
    return isinstance(value, str) and clean_note(value) == value


def clean_note(text: str) -> str:
    """The note that a text makes: one line, single spaces, cut to length."""
    words = _NOT_IN_NOTES.sub(" ", text).split()
    return " ".join(words)[:NOTE_CHARS_MAX].rstrip()


def is_minor(value: object) -> bool:
    """An amount of money that is not negative, in minor units."""
    return type(value) is int and 0 <= value <= MINOR_MAX


def is_signed_minor(value: object) -> bool:
    """An amount of money that may go either way, in minor units."""
    return type(value) is int and -MINOR_MAX <= value <= MINOR_MAX


def is_shift(value: object) -> bool:
    """A shift's id, or "" where an operation belongs to none."""
    return value == "" or is_order_id(value)


def is_count(value: object) -> bool:
    """A number from 0 that a database's 32-bit column takes."""
    return type(value) is int and 0 <= value < 2**31


def is_version(value: object) -> bool:
    """A unit's version: one byte in the ticket code."""
    return type(value) is int and 0 <= value <= U8_MAX


def is_ticket_type(value: object) -> bool:
    """A ticket type's number as codes carry it, or 0 where none is told."""
    return type(value) is int and 0 <= value <= U8_MAX


def is_instant(value: object) -> bool:
    """Unix milliseconds that every JSON reader takes as a whole number."""
    return type(value) is int and 0 <= value < _MS_MAX


def is_seen_list(value: object, most: int) -> bool:
    """A list of at most `most` operation ids."""
    return isinstance(value, list) and len(value) <= most and all(map(is_op_id, value))


def op_ids(value: list[str]) -> tuple[OpId, ...]:
    """Operation ids of a list that has been checked."""
    return tuple(OpId(text) for text in value)
