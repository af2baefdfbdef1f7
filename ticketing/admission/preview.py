"""What a gate would say of a ticket, for a till that has it in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketing.admission.catalogued import with_catalogue
from ticketing.admission.decide import Admit, Refuse, decide_entry, decide_known
from ticketing.admission.facts import AllotmentFacts, Entry, IssuerKey, LaneFacts
from ticketing.admission.reasons import Reason
from ticketing.code import CodeFault, TicketCode, TicketFacts
from ticketing.event import Event
from ticketing.seating import SeatingPlan
from ticketing.text import Text
from ticketing.ticket import Ticket


@dataclass(frozen=True, slots=True)
class TillFacts:
    """What a till knows of a ticket; as `LaneFacts`, without what belongs to a lane."""

    key: IssuerKey | None = None
    row: Ticket | None = None
    allotment: AllotmentFacts | None = None
    unit_version_seen: int = 0
    entries: Sequence[Entry] = ()
    exits: Sequence[Entry] = ()


def what_the_gate_says(
    scan: TicketCode | CodeFault,
    plan: SeatingPlan,
    event: Event,
    known: TillFacts,
    *,
    at: datetime,
    is_read: bool = True,
) -> Admit | Refuse:
    """The answer of a gate that lets the ticket's performance in, at one of the ticket's gates.

    By the same engine, on what the caller knows: a till may know neither row nor entries; then the
    answer is *unconfirmed*, as the gate's would be. Not `is_read`: the ticket is known by its row
    alone, and `scan` has no more than what that says. Total.
    """
    if not isinstance(scan, TicketCode):
        return Refuse(Reason(scan.value))
    facts = with_catalogue(_at_its_gate(scan.facts, event, known), scan.facts, plan, event)
    if is_read:
        return decide_entry(scan, facts, at=at)
    return decide_known(scan.facts, facts, at=at)


def gates_of(
    ticket: TicketFacts, plan: SeatingPlan, event: Event, row: Ticket | None = None
) -> tuple[Text | str, ...]:
    """The gates that let the ticket in at all; none named: every gate of the house does."""
    facts = with_catalogue(_at_its_gate(ticket, event, TillFacts(row=row)), ticket, plan, event)
    rule = facts.rule
    if rule.own_gate and facts.home_gate is None:
        return ()  # the plan names no gate for its place
    home = (facts.home_gate,) if rule.own_gate and facts.home_gate is not None else ()
    names = dict(home[0].names).values() if home else ()
    return (*home, *(name for name in rule.gates if name not in names))


def _at_its_gate(ticket: TicketFacts, event: Event, known: TillFacts) -> LaneFacts:
    """As at a lane that was told no gate and no performance but the ticket's own."""
    row = known.row
    performance = row.performance if row else ticket.performance
    return LaneFacts(
        frozenset({performance}) if event.performance(performance) else frozenset(),
        known.key,
        row,
        known.allotment,
        max(known.unit_version_seen, row.version if row else ticket.version),
        known.entries,
        known.exits,
    )
