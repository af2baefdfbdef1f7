"""What differs between two versions of an event's document: places in it, with both values. Pure.

A place is named by ids, not by its number in a list ("price_rules/rates/early/percent_off"), so that
a rule more at the beginning is one difference and not many.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DIFFERENCES_MAX = 200
"""Kept of one change. More is a file that brings another event: what matters is that it did."""
VALUE_CHARS_MAX = 200
_KEYS = ("id", "number", "paper")


@dataclass(frozen=True, slots=True)
class Differences:
    """Where two versions differ; a value that one of them does not have is left out of its side."""

    before: dict[str, Any]
    after: dict[str, Any]
    count: int

    @property
    def places(self) -> list[str]:
        """All places that differ, in the order of the document."""
        return list(dict.fromkeys([*self.before, *self.after]))


def differences_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Differences:
    """Of two `event` parts of documents; `before` is empty for a new event."""
    old, new = dict(_places(before, "")), dict(_places(after, ""))
    differing = [
        place for place in dict.fromkeys([*old, *new]) if old.get(place, ...) != new.get(place, ...)
    ]
    shown = differing[:DIFFERENCES_MAX]
    return Differences(
        {place: old[place] for place in shown if place in old},
        {place: new[place] for place in shown if place in new},
        len(differing),
    )


def _places(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, f"{path}/{key}" if path else key)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for at, inner in enumerate(value):
            yield from _places(inner, f"{path}/{_name_of(inner, at)}")
    elif isinstance(value, list):
        yield path, _cut(json.dumps(value, ensure_ascii=False))
    else:
        yield path, _cut(value) if isinstance(value, str) else value


def _name_of(inner: dict[str, Any], at: int) -> str:
    for key in _KEYS:
        if key in inner:
            return str(inner[key])
    performances = inner.get("performances")
    if "prices_minor" in inner and isinstance(performances, list) and len(performances) == 1:
        return str(performances[0])
    return str(at + 1)


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[:VALUE_CHARS_MAX]}..."
