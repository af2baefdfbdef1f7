"""What the server's answers must look like. Anything else is `ServerUnreachable`: try again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edge.allotments import Grant, grant_from_wire
from edge.errors import ServerUnreachable
from edge.journal import Answered
from edge.mirror import Change
from ticketing.ids import is_stream_id

_NUMBER_MAX = 2**53
_GENERATION = re.compile(r"[0-9a-f]{8}")


def generation(body: Mapping[str, Any]) -> str:
    """The short id of the server's history."""
    value = body.get("gen")
    if not isinstance(value, str) or _GENERATION.fullmatch(value) is None:
        raise nonsense("gen")
    return value


def objects(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects."""
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise nonsense(key)
    return value


def streams(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of streams; none when an older server does not tell."""
    value = body.get(key, [])
    if not isinstance(value, list) or not all(map(is_stream_id, value)):
        raise nonsense(key)
    return tuple(value)


def number(body: Mapping[str, Any], key: str, *, low: int = 0, high: int = _NUMBER_MAX) -> int:
    """A whole number within bounds, both included."""
    value = body.get(key)
    if type(value) is not int or not low <= value <= high:
        raise nonsense(key)
    return value


def verdicts(body: Mapping[str, Any], *, first: int, last: int) -> list[Answered]:
    """The verdicts on operations `first` to `last`."""
    return [_verdict(raw, first, last) for raw in _lists(body, "verdicts")]


def changes(page: Mapping[str, Any]) -> list[Change]:
    """The rows of a page of the feed."""
    return [_change(raw) for raw in _lists(page, "rows")]


def grant(raw: object) -> Grant:
    """An allotment."""
    found = grant_from_wire(raw) if isinstance(raw, dict) else None
    if found is None:
        raise nonsense("allotment")
    return found


def nonsense(what: str) -> ServerUnreachable:
    """The error for an answer whose member `what` cannot be used."""
    return ServerUnreachable(f"the server's answer makes no sense ({what})")


def _verdict(raw: list[Any], first: int, last: int) -> Answered:
    match raw:
        case [int(seq), str(verdict), str(code), int(rev)] if (
            first <= seq <= last and 0 <= rev <= _NUMBER_MAX and _is_word(verdict + code)
        ):
            return Answered(seq, verdict, code, rev)
    raise nonsense("verdicts")


def _change(raw: list[Any]) -> Change:
    match raw:
        case [str(kind), int(rev), dict(body)] if 0 <= rev <= _NUMBER_MAX:
            return Change(kind, rev, body)
    raise nonsense("rows")


def _lists(body: Mapping[str, Any], key: str) -> list[list[Any]]:
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(item, list) for item in value):
        raise nonsense(key)
    return value


def _is_word(text: str) -> bool:
    return text.isascii() and len(text) <= 128
