"""What a gate would say of a ticket, for a till that has it in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ticketing.admission.catalogued import with_catalogue
from ticketing.admission.decide import Admit, Refuse, decide_entry
from ticketing.admission.facts import Entry, IssuerKey, LaneFacts
from ticketing.admission.reasons import Reason
from ticketing.code import TicketCode, parse_code
from ticketing.event import Event
from ticketing.seating import SeatingPlan
from ticketing.ticket import Ticket


def what_the_gate_says(
    code: str,
    plan: SeatingPlan,
    event: Event,
    *,
    key: IssuerKey | None,
    at: datetime,
    row: Ticket | None = None,
    entries: Sequence[Entry] = (),
    exits: Sequence[Entry] = (),
) -> Admit | Refuse:
    """The answer of a gate that serves the ticket's performance, and all gates of the house.

    By the same engine, on what the caller knows: a till has its own key, the sale and the
    catalogue, and may know neither row nor entries; then the answer is *unconfirmed*, as the
    gate's would be.
    """
    scan = parse_code(code)
    if not isinstance(scan, TicketCode):
        return Refuse(Reason(scan.value))
    performance = row.performance if row else scan.facts.performance
    version = row.version if row else scan.facts.version
    known = LaneFacts(
        frozenset({performance}) if event.performance(performance) else frozenset(),
        key,
        row,
        None,
        version,
        entries,
        exits,
    )
    return decide_entry(scan, with_catalogue(known, scan.facts, plan, event), at=at)
