"""What the use cases with chips tell their faces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ticketing.credential import CredentialKind, CredentialRef
from ticketing.ids import TicketId


class NoChip(StrEnum):
    """Why a chip is not bound, or not taken off."""

    NO_KEYS = "no_keys"  # the server was never reached: no chip has a name yet
    NOT_A_CHIP = "not_a_chip"  # what came is no chip's number
    NOT_LASTING = "not_lasting"  # a telephone, which makes its number up
    OTHER_TICKET = "other_ticket"  # its text is another ticket's
    TAKEN = "taken"  # it stands for another ticket
    NOT_VALID = "not_valid"  # the ticket lets nobody in
    NOT_SIGNED_IN = "not_signed_in"
    NOT_WRITTEN = "not_written"  # the disk is full, or the journal is locked


@dataclass(frozen=True, slots=True)
class BoundChip:
    """A chip that stands for a ticket."""

    ref: CredentialRef
    ticket_id: TicketId
    kind: CredentialKind


@dataclass(frozen=True, slots=True)
class ForTicket:
    """The ticket that a chip is to stand for. `is_valid`: it lets somebody in."""

    event_id: str
    ticket_id: TicketId
    ticket_type_id: str
    is_valid: bool


class ChipServices(Protocol):
    """Chips and tickets. On a worker thread: each blocks on the disk for a few milliseconds."""

    def of(self, ticket: ForTicket) -> tuple[BoundChip, ...]:
        """The chips that stand for it."""

    def bind(self, ticket: ForTicket, held: str) -> BoundChip | NoChip:
        """Bind what is held up: a chip's number, typed, or what a reader told as news."""

    def take_off(self, ticket: ForTicket, chip: BoundChip, *, lost: bool) -> NoChip | None:
        """It does not stand for the ticket any more. None: done."""


def is_held(text: str) -> bool:
    """Whether it is what a reader saw, and not a word that somebody typed."""
    return text.startswith("[")
