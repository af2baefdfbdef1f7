"""What a gate would say now of the tickets of an order, on what this window knows of them.

A till's feed brings neither tickets nor entries. What the server told of the order last has them;
without it there are the till's own journal, who has the place by the claims, and the open cases.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.admission_facts import Issuers, allotment_facts
from edge.catalogue import Known
from edge.identity import NodeKey
from edge.replica import Replica
from edge.told_tickets import ToldTicket
from pos_app.services.after_sale_finding import OwnOrder
from pos_app.services.after_sale_model import AtGate
from ticketing.admission import IssuerKey, KeyState, code_of_row
from ticketing.admission.chips import NO_TICKET_TYPE
from ticketing.admission.preview import TillFacts, gates_of, what_the_gate_says
from ticketing.code import CodeFault, TicketCode, parse_code
from ticketing.event import Event
from ticketing.ids import KeyId, TicketId
from ticketing.operations import SaleLine
from ticketing.ticket import Ticket, TicketState

FRESH = timedelta(minutes=2)
"""So long what the server told of entries is taken for the state of now."""


@dataclass(frozen=True, slots=True)
class LastTold:
    """What the server told of an order's tickets, and when by the corrected clock."""

    tickets: Mapping[TicketId, ToldTicket]
    at: datetime


@dataclass(frozen=True, slots=True)
class GateOutlook:
    """Looks the facts up and asks the engine. Any thread."""

    replica: Replica
    key: NodeKey
    issuers: Issuers
    now: Callable[[], datetime]

    def of_order(
        self, own: OwnOrder, known: Known, told: LastTold | None
    ) -> dict[TicketId, AtGate]:
        """What a gate would say of each ticket of an order."""
        at = self.now()
        with self.replica.mirror.reading() as mirror:
            return {
                line.ticket_id: self._of(mirror, own, known, line, told, at)
                for line in own.order.lines
            }

    def _of(
        self,
        mirror: sqlite3.Connection,
        own: OwnOrder,
        known: Known,
        line: SaleLine,
        last: LastTold | None,
        at: datetime,
    ) -> AtGate:
        told = last.tickets.get(line.ticket_id) if last is not None else None
        row = _row(mirror, own, line, told)
        scan = parse_code(line.code)
        is_read = not isinstance(scan, CodeFault)
        if isinstance(scan, CodeFault):  # another window's: the server tells no codes
            scan = _by_its_row(row or _as_sold(line), known.event, line)
        facts = TillFacts(
            self._issuer(mirror, scan.facts.key_id),
            row if row is not None or is_read else _as_sold(line),
            allotment_facts(mirror, own.event_id, scan.facts),
            _version_seen(mirror, own.event_id, row or line),
            told.entries if told is not None else (),
            told.exits if told is not None else (),
        )
        decision = what_the_gate_says(scan, known.plan, known.event, facts, at=at, is_read=is_read)
        told_at = last.at if last is not None and told is not None else None
        return AtGate(
            decision,
            at.replace(second=0, microsecond=0),
            gates_of(scan.facts, known.plan, known.event, row),
            told_at,
            is_fresh=told_at is not None and at - told_at <= FRESH,
        )

    def _issuer(self, mirror: sqlite3.Connection, key_id: KeyId) -> IssuerKey | None:
        """A till's key; our own we have, even where the feed has not told of it."""
        found = self.issuers.find(mirror, key_id)
        if found is None and key_id == self.key.id:
            return IssuerKey(self.key.public, KeyState.ACTIVE)
        return found


def _row(
    mirror: sqlite3.Connection, own: OwnOrder, line: SaleLine, told: ToldTicket | None
) -> Ticket | None:
    """The server's row of a ticket, as far as it is known here; None: perhaps there is none yet.

    A ticket that is dead here is dead: the server hears of it, or has said so itself.
    """
    state = own.known.tickets.get(line.ticket_id, TicketState.VALID)
    if told is not None:
        return _with_state(told.row, state) if state is TicketState.VOID else told.row
    row = _claimed(mirror, own.event_id, line)
    if row is None and (own.known.acknowledged or state is not TicketState.VALID):
        row = _as_sold(line)  # the claim comes with the next news
    if row is None:
        return None
    blocked = _blocked_for(mirror, own.event_id, line.ticket_id)
    return Ticket(row.id, row.performance, row.unit, row.version, state, blocked)


def _claimed(mirror: sqlite3.Connection, stream: str, line: SaleLine) -> Ticket | None:
    """The place that the ticket has by the claims: the one sold, or another one in its stead."""
    sql = "SELECT unit, ref, version FROM claim WHERE stream = ? AND performance = ? AND kind = 'sold'"
    named = (stream, line.performance)
    found = mirror.execute(f"{sql} AND unit = ?", (*named, line.unit)).fetchone()
    if found is not None and found["ref"] != line.ticket_id:  # somebody else's: was it moved?
        found = mirror.execute(f"{sql} AND ref = ?", (*named, line.ticket_id)).fetchone()
    if found is None:
        return None
    unit, version = found["unit"], found["version"]
    return Ticket(line.ticket_id, line.performance, unit, version, TicketState.VALID)


def _version_seen(mirror: sqlite3.Connection, stream: str, place: Ticket | SaleLine) -> int:
    row = mirror.execute(
        "SELECT version FROM claim WHERE stream = ? AND performance = ? AND unit = ?",
        (stream, place.performance, place.unit),
    ).fetchone()
    return int(row["version"]) if row else 0


def _blocked_for(mirror: sqlite3.Connection, stream: str, ticket_id: TicketId) -> str:
    """The reason of an open case about it; "" for none."""
    row = mirror.execute(
        "SELECT body FROM case_file WHERE stream = ? AND id = ? AND state = 'open'",
        (stream, f"blocked:{ticket_id}"),
    ).fetchone()
    with suppress(ValueError):  # of a later server, in another form
        told = json.loads(row["body"]) if row else {}
        return str(told.get("reason", "")) if isinstance(told, dict) else ""
    return ""


def _as_sold(line: SaleLine) -> Ticket:
    return Ticket(line.ticket_id, line.performance, line.unit, line.version, TicketState.VALID)


def _with_state(row: Ticket, state: TicketState) -> Ticket:
    return Ticket(row.id, row.performance, row.unit, row.version, state, row.blocked)


def _by_its_row(row: Ticket, event: Event, line: SaleLine) -> TicketCode:
    kind = event.ticket_type(line.ticket_type_id)
    return code_of_row(row, "", kind.number if kind is not None else NO_TICKET_TYPE)
