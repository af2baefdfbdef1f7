"""Rows of words and figures, for paper and screen alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Look(StrEnum):
    """How a row is set."""

    TITLE = "title"
    HEAD = "head"
    PLAIN = "plain"
    STRONG = "strong"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: words at the left, a figure at the right."""

    left: str = ""
    right: str = ""
    look: Look = Look.PLAIN
