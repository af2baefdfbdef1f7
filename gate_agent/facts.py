"""What this gate knows of a ticket: its own log, and what the server told it so far."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from datetime import datetime

from edge.admission_facts import Issuers, allotment_facts
from edge.catalogue import MirrorCatalogue
from edge.replica import Replica
from gate_agent.blocks import own_block
from ticketing.admission import (
    NO_ENTRY_RULES,
    Entry,
    EntryRules,
    IssuerKey,
    LaneFacts,
    instant_of,
)
from ticketing.admission.catalogued import let_in_at, with_catalogue
from ticketing.code import TicketFacts
from ticketing.credential import (
    NO_COUNTER,
    Credential,
    CredentialKind,
    CredentialRef,
    CredentialState,
)
from ticketing.ids import OpId, TicketId
from ticketing.ticket import Ticket, TicketState

GRANTED, LEFT = "granted", "left"
_COUNTED = frozenset({GRANTED, "passed"})


@dataclass(slots=True)
class GateKnowledge:
    """Looks facts up in the replica. Used by one lane's thread."""

    replica: Replica
    catalogue: MirrorCatalogue
    server_key: bytes
    _issuers: Issuers = field(init=False)

    def __post_init__(self) -> None:
        self._issuers = Issuers(self.server_key)

    def event_of(self, performance: int) -> str | None:
        """The event a performance belongs to; None when the mirror lacks it."""
        found = self.catalogue.performance(performance)
        return found[0].event.id if found else None

    def place_of(self, performance: int, unit: int, language: str) -> str:
        """The seat or area in words, for the decision's line; '' when unknown."""
        found = self.catalogue.performance(performance)
        if found is None or not found[0].plan.has_unit(unit):
            return ""
        return found[0].plan.describe(unit, language)

    def let_in_now(self, chosen: frozenset[int], now: datetime) -> frozenset[int]:
        """The performances this lane serves: the chosen ones, or those whose doors are open."""
        if chosen:
            return chosen
        open_now = (let_in_at(known.event, now) for known in self.catalogue.events())
        return frozenset().union(*open_now)

    def rules_of(self, stream: str) -> EntryRules:
        """What the house wants at the gates of an event."""
        known = self.catalogue.event(stream)
        return known.event.entry_rules if known else NO_ENTRY_RULES

    def role_of(self, person_id: str) -> str:
        """The role of somebody of the house; "" for nobody we know of, or who left."""
        with self.replica.mirror.reading() as mirror:
            row = mirror.execute(
                "SELECT role FROM person WHERE id = ? AND state = 'active'", (person_id,)
            ).fetchone()
        return str(row["role"]) if row else ""

    def credentials(self, ref: str) -> list[tuple[str, Credential]]:
        """What the server told of a chip, event by event."""
        with self.replica.mirror.reading() as mirror:
            rows = mirror.execute(
                "SELECT stream, ticket_id, kind, state, ticket_type, counter FROM credential "
                "WHERE ref = ?",
                (ref,),
            ).fetchall()
        return [(row["stream"], _credential(ref, row)) for row in rows]

    def own_counter(self, ref: str) -> int:
        """The highest tap of a chip that was let in here."""
        with self.replica.reading() as journal:
            row = journal.execute("SELECT counter FROM chip_tap WHERE ref = ?", (ref,)).fetchone()
        return int(row["counter"]) if row else NO_COUNTER

    def ticket(self, stream: str, ticket_id: str) -> Ticket | None:
        """A ticket's row."""
        with self.replica.mirror.reading() as mirror:
            return _ticket(mirror, stream, ticket_id)

    def issuer(self, key_id: str) -> IssuerKey | None:
        """A till's key, believed only with the server's signature on it; None when unknown."""
        with self.replica.mirror.reading() as mirror:
            return self._issuers.find(mirror, key_id)

    def facts(
        self,
        stream: str,
        ticket: TicketFacts,
        performances: frozenset[int],
        lane_gate: str = "",
    ) -> LaneFacts:
        """Everything the decision needs. Own entries and the mirror's are merged by op id.

        Entries of our own journal bear no node id; one of the mirror with ours is missing there.
        """
        facts = replace(self._recorded(stream, ticket, performances), lane_gate=lane_gate)
        known = self.catalogue.event(stream)
        return with_catalogue(facts, ticket, known.plan, known.event) if known else facts

    def _recorded(
        self, stream: str, ticket: TicketFacts, performances: frozenset[int]
    ) -> LaneFacts:
        with self.replica.mirror.reading() as mirror:
            row = _ticket(mirror, stream, ticket.ticket_id)
            unit = row.unit if row else ticket.unit
            performance = row.performance if row else ticket.performance
            version_seen = _version_seen(mirror, stream, performance, unit)
            told = {op: (phase, e) for op, phase, e in _mirror_entries(mirror, stream, ticket)}
            key = self._issuers.find(mirror, ticket.key_id)
            allotment = allotment_facts(mirror, stream, ticket)
            read_to = _cursor(mirror, stream)
        with self.replica.reading() as journal:
            if row is not None and (ours := own_block(journal, stream, row.id, read_to)):
                row = replace(row, blocked="" if ours.lifted else ours.reason)
            told.update({op: (phase, e) for op, phase, e in _own_entries(journal, stream, ticket)})
            version_seen = max(version_seen, _own_version(journal, stream, performance, unit))
        entries = tuple(entry for phase, entry in told.values() if phase in _COUNTED)
        exits = tuple(entry for phase, entry in told.values() if phase == LEFT)
        return LaneFacts(performances, key, row, allotment, version_seen, entries, exits)


def _credential(ref: str, row: sqlite3.Row) -> Credential:
    return Credential(
        CredentialRef(ref),
        TicketId(row["ticket_id"]),
        CredentialKind(row["kind"]),
        CredentialState(row["state"]),
        row["ticket_type"],
        row["counter"],
    )


def _ticket(mirror: sqlite3.Connection, stream: str, ticket_id: str) -> Ticket | None:
    row = mirror.execute(
        "SELECT performance, unit, version, state, blocked FROM ticket WHERE stream = ? AND id = ?",
        (stream, ticket_id),
    ).fetchone()
    if row is None:
        return None
    return Ticket(
        TicketId(ticket_id),
        row["performance"],
        row["unit"],
        row["version"],
        TicketState(row["state"]),
        row["blocked"],
    )


def _cursor(mirror: sqlite3.Connection, stream: str) -> int:
    """How far the stream's feed has been read."""
    row = mirror.execute("SELECT rev FROM cursor WHERE stream = ?", (stream,)).fetchone()
    return int(row["rev"]) if row else 0


def _version_seen(mirror: sqlite3.Connection, stream: str, performance: int, unit: int) -> int:
    row = mirror.execute(
        "SELECT max(version) FROM ticket WHERE stream = ? AND performance = ? AND unit = ?",
        (stream, performance, unit),
    ).fetchone()
    return int(row[0] or 0)


def _own_version(journal: sqlite3.Connection, stream: str, performance: int, unit: int) -> int:
    row = journal.execute(
        "SELECT max(version) FROM entry WHERE stream = ? AND performance = ? AND unit = ?",
        (stream, performance, unit),
    ).fetchone()
    return int(row[0] or 0)


_Told = tuple[OpId, str, Entry]
"""An entry or exit by its operation id, with the phase it is in."""


def _mirror_entries(mirror: sqlite3.Connection, stream: str, ticket: TicketFacts) -> list[_Told]:
    rows = mirror.execute(
        "SELECT op_id, node_id, lane, at_ms, phase FROM entry WHERE stream = ? AND ticket_id = ?",
        (stream, ticket.ticket_id),
    )
    return [_told(row, row["node_id"]) for row in rows]


def _own_entries(journal: sqlite3.Connection, stream: str, ticket: TicketFacts) -> list[_Told]:
    rows = journal.execute(
        "SELECT op_id, lane, at_ms, phase FROM entry WHERE stream = ? AND ticket_id = ?",
        (stream, ticket.ticket_id),
    )
    return [_told(row, "") for row in rows]


def _told(row: sqlite3.Row, node_id: str) -> _Told:
    entry = Entry(OpId(row["op_id"]), node_id, row["lane"], instant_of(row["at_ms"]))
    return entry.op_id, row["phase"], entry
