"""What is decided about at a lane: a ticket by its code, or by the chip that stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory
from gate_agent.proofs import HeldChip
from ticketing.admission import (
    Admit,
    LaneFacts,
    LetOut,
    Reason,
    Refuse,
    code_of_row,
    decide_chip,
    decide_entry,
    decide_exit,
    decide_known,
    visits_of,
)
from ticketing.code import TicketCode
from ticketing.credential import Credential, CredentialState


@dataclass(frozen=True, slots=True)
class Presented:
    """A ticket of an event (`stream`, "" for none that is known here), and by what it was shown.

    Not `has_code`: a chip stands for it that says no code; `code` is as its row tells.
    """

    stream: str
    code: TicketCode
    held: HeldChip | None = None

    @property
    def has_code(self) -> bool:
        """Whether its code was read."""
        return self.held is None or self.held.code is not None

    @property
    def is_checked(self) -> bool:
        """Whether nothing about the chip is left for the server alone to check."""
        return self.held is None or self.held.is_checked

    def decide(self, facts: LaneFacts, at: datetime) -> Admit | Refuse:
        """The engine's answer about the ticket."""
        if self.has_code:
            return decide_entry(self.code, facts, at=at)
        return decide_known(self.code.facts, facts, at=at)

    def decide_exit(self, facts: LaneFacts) -> LetOut | Refuse:
        """The same on the way out."""
        if self.has_code:
            return decide_exit(self.code, facts)
        inside = visits_of(facts.entries, facts.exits, facts.rule).inside
        return LetOut(was_inside=inside > 0)


def by_code(code: TicketCode, knowledge: GateKnowledge) -> Presented:
    """A code that was read. A performance that the mirror lacks has no journal to write to."""
    return Presented(knowledge.event_of(code.facts.performance) or "", code)


def by_chip(
    held: HeldChip, knowledge: GateKnowledge, memory: LaneMemory, served: frozenset[int]
) -> Presented | Refuse:
    """The ticket that a chip stands for, by what is known here; or why it stands for none.

    A chip may stand for tickets of several events: for one that is let in now, if there is one.
    Raises ReplicaError.
    """
    chip, known = held.chip, knowledge.credentials(held.chip.ref)
    if held.code is not None:  # it says which: a row of another event says nothing of it
        event = knowledge.event_of(held.code.facts.performance)
        known = [(stream, row) for stream, row in known if stream == event]
    stream, row = _best(known, knowledge, served)
    if row is not None:
        counter = max(row.counter, knowledge.own_counter(chip.ref), memory.counter_of(chip.ref))
        row = replace(row, counter=counter)
    ticket_id = decide_chip(chip, row)
    if isinstance(ticket_id, Refuse):
        return ticket_id
    if held.code is not None:
        return replace(by_code(held.code, knowledge), held=held)
    ticket = knowledge.ticket(stream, ticket_id)
    if ticket is None or row is None:
        return Refuse(Reason.CREDENTIAL_UNKNOWN)
    return Presented(stream, code_of_row(ticket, held.text, row.ticket_type), held)


def _best(
    known: Iterable[tuple[str, Credential]], knowledge: GateKnowledge, served: frozenset[int]
) -> tuple[str, Credential | None]:
    """Of what a chip is in several events: what stands for a ticket that is let in now, first."""

    def rank(one: tuple[str, Credential]) -> tuple[bool, bool, str]:
        stream, row = one
        ticket = knowledge.ticket(stream, row.ticket_id)
        is_now = ticket is not None and ticket.performance in served
        return is_now, row.state is CredentialState.BOUND, stream

    return max(known, key=rank, default=("", None))
