"""A claim: who has a unit. Every unit of a performance has exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ClaimKind(StrEnum):
    """Who has a unit. Stored and sent, never renamed."""

    FREE = "free"
    HOLD = "hold"  # an online basket, for a while
    ALLOT = "allot"  # lent to a node
    SOLD = "sold"
    RETURNED = "returned"  # its ticket was revoked; not for sale until the centre frees it
    BLOCKED = "blocked"  # kept back


class ClaimFacts(Protocol):
    """What a rule must know of a claim; rows of a database have it as they are."""

    @property
    def kind(self) -> str:
        """A ClaimKind's text."""

    @property
    def ref(self) -> str:
        """The allotment's or ticket's id, or nothing."""

    @property
    def node_id(self) -> str:
        """Whom it is lent to, or nobody."""

    @property
    def version(self) -> int:
        """How often the unit was sold anew."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The facts of a claim by themselves."""

    kind: ClaimKind
    ref: str
    node_id: str
    version: int


UNTOUCHED = Claim(ClaimKind.FREE, "", "", 0)
"""The claim of a unit that nobody ever had."""
