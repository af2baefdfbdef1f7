"""A ticket as every node knows it, and the states it can be in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import TicketId


class TicketState(StrEnum):
    """Whether a ticket lets anybody in. Stored and sent, never renamed."""

    VALID = "valid"
    VOID = "void"  # voided, refunded, exchanged or replaced: never lets anybody in
    DISPUTED = "disputed"  # sold against the rules; a case is open, the desk decides


@dataclass(frozen=True, slots=True)
class Ticket:
    """The server's row of a ticket. `version` is its unit's version when it was sold; `blocked` says
    why it lets nobody in for now, "" when it does.
    """

    id: TicketId
    performance: int
    unit: int
    version: int
    state: TicketState
    blocked: str = ""
