"""Chips of a till in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from pos_app.services.chips_model import BoundChip, ForTicket, NoChip
from ticketing.credential import CredentialKind, CredentialRef


@dataclass
class FakeChips:
    """Implements ChipServices."""

    refuses: NoChip | None = None
    kind: CredentialKind = CredentialKind.UID
    bound: list[BoundChip] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    lost: list[BoundChip] = field(default_factory=list)

    def of(self, ticket: ForTicket) -> tuple[BoundChip, ...]:
        return tuple(chip for chip in self.bound if chip.ticket_id == ticket.ticket_id)

    def bind(self, ticket: ForTicket, held: str) -> BoundChip | NoChip:
        self.held.append(held)
        if self.refuses is not None:
            return self.refuses
        ref = CredentialRef(f"{len(self.held):032x}")
        chip = BoundChip(ref, ticket.ticket_id, self.kind)
        self.bound.append(chip)
        return chip

    def take_off(self, ticket: ForTicket, chip: BoundChip, *, lost: bool) -> NoChip | None:
        assert chip.ticket_id == ticket.ticket_id
        self.bound.remove(chip)
        if lost:
            self.lost.append(chip)
        return None
