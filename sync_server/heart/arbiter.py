"""The arbiter: gates ask it before they let somebody in, so that no ticket enters twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sync_server.heart.arbiters import answers_here
from sync_server.heart.double_entries import LEFT, counted_rows, entry_of, exit_rows
from sync_server.heart.entries import record_entry
from sync_server.heart.rows import TicketRow
from sync_server.heart.work import Work
from ticketing.admission import (
    AllotmentFacts,
    AllotmentState,
    Entry,
    IssuerKey,
    KeyState,
    LaneFacts,
    Miss,
    Note,
    Reason,
    Refuse,
    decide_entry,
)
from ticketing.admission.catalogued import with_catalogue
from ticketing.code import TicketCode, TicketFacts, parse_code
from ticketing.ids import OpId, TicketId
from ticketing.journal import Verdict
from ticketing.operations import EntryGranted
from ticketing.ticket import Ticket, TicketState

SEEN_MAX = 64


@dataclass(frozen=True, slots=True)
class AdmitRequest:
    """A gate asks for one scan. `seen` are the entries of this ticket that the gate knows of."""

    op_id: OpId
    code: str
    lane: str
    seen: tuple[OpId, ...]
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Let in, and recorded: the gate's journal must tell of it under this operation id."""

    op_id: OpId
    unconfirmed: bool
    notes: frozenset[Note] = frozenset()


@dataclass(frozen=True, slots=True)
class Denied:
    """Not let in; nothing was recorded."""

    reason: Reason
    first_entry: Entry | None
    miss: Miss | None = None


@dataclass(frozen=True, slots=True)
class NotArbiter:
    """Somebody else answers the gates of this event; nothing was recorded."""


@dataclass(slots=True)
class Admit:
    """One scan to answer; the entry is recorded in the same transaction, the same op id once.

    `hub`: which hub we are, '' the centre.
    """

    stream: str
    node_id: str
    request: AdmitRequest
    hub: str = ""
    _scan: TicketCode | str = field(default="")

    def want(self, work: Work) -> None:
        """Read the code and name its ticket."""
        scan = parse_code(self.request.code)
        if not isinstance(scan, TicketCode):
            self._scan = scan.value
            return
        self._scan = scan
        facts = scan.facts
        work.tickets.want([facts.ticket_id])
        work.entries.want([self.request.op_id])
        work.want_entries([facts.ticket_id])
        work.allots.want([str(facts.allotment)])
        work.claims.want([(facts.performance, facts.unit)])

    def apply(self, work: Work) -> Accepted | Denied | NotArbiter:
        """Decide by the same rules as the gate, on what the centre knows."""
        if not answers_here(work, self.hub):
            return NotArbiter()
        scan = self._scan
        if isinstance(scan, str):
            return Denied(Reason(scan), None)
        facts = known_facts(work, scan, self.request.gate)
        ours = self._answered_before(work, scan, facts.key)
        if ours is not None:
            return Accepted(ours, facts.row is None)
        alone = self._decided_alone(work)
        if alone:  # it does not stand in its own way
            others = tuple(entry for entry in facts.entries if entry.op_id != self.request.op_id)
            facts = replace(facts, entries=others)
        decision = decide_entry(scan, facts, at=datetime.fromtimestamp(work.now_ms / 1000, UTC))
        if isinstance(decision, Refuse):
            return Denied(decision.reason, decision.first_entry, decision.miss)
        if not alone and not self._record(work, scan):
            return Denied(Reason.NOT_RECORDED, None)
        return Accepted(self.request.op_id, decision.unconfirmed, decision.notes)

    def _answered_before(self, work: Work, scan: TicketCode, key: IssuerKey | None) -> OpId | None:
        """An entry accepted for this lane whose answer the gate never got, or this very operation.

        A gate that died between our commit and its own does not know the entry, and nobody went
        in: the lane is given the same entry again instead of shutting the person out. The code
        must be genuine, or whoever knows the ticket's id could go in on a lost answer.
        """
        request = self.request
        known = {
            entry.op_id
            for entry in work.entries_of(scan.facts.ticket_id)
            if (entry.node_id, entry.lane) == (self.node_id, request.lane)
            and entry.phase != LEFT
            and not entry.offline
            and (entry.op_id == request.op_id or not entry.journalled)
        }
        if not known or key is None or not scan.is_genuine(key.public):
            return None
        if request.op_id in known:
            return request.op_id
        unheard = sorted(known.difference(request.seen))
        return OpId(unheard[0]) if unheard else None

    def _decided_alone(self, work: Work) -> bool:
        """Whether this is an entry that the lane granted without us, and asks about once more.

        Its barrier never moved. Meanwhile somebody may have gone in elsewhere, or got the money
        back: it was never our answer, so it is decided now.
        """
        request = self.request
        entry = work.entries.get(request.op_id)
        return (
            entry is not None
            and bool(entry.offline)
            and isinstance(self._scan, TicketCode)
            and (entry.node_id, entry.lane) == (self.node_id, request.lane)
            and entry.ticket_id == self._scan.facts.ticket_id
            and entry.phase != LEFT
        )

    def _record(self, work: Work, scan: TicketCode) -> bool:
        """False when the operation id is taken by another entry: a bug in the gate."""
        facts = scan.facts
        entry = EntryGranted(
            facts.ticket_id,
            facts.performance,
            facts.unit,
            facts.version,
            facts.key_id,
            facts.allotment,
            self.request.lane,
            work.now_ms,
            offline=False,
            ticket_type=facts.ticket_type,
        )
        effect = record_entry(
            work, self.node_id, entry, self.request.op_id, work.now_ms, journalled=False
        )
        return effect.verdict is Verdict.OK


def known_facts(work: Work, scan: TicketCode, lane_gate: str) -> LaneFacts:
    """What the centre knows of a ticket that is shown at a gate of this name ("": of none)."""
    facts = scan.facts
    row = work.tickets.get(facts.ticket_id)
    performance = row.perf_id if row else facts.performance
    has_it = not work.is_house and work.event.performance(performance) is not None
    told = work.entries_of(facts.ticket_id)
    seller_id, key = _seller(work, facts.key_id)
    known = LaneFacts(
        performances=frozenset({performance}) if has_it else frozenset(),
        key=key,
        row=_ticket(row) if row else None,
        allotment=_allotment(work, facts, seller_id),
        unit_version_seen=work.claim(performance, row.unit if row else facts.unit).version,
        entries=tuple(map(entry_of, counted_rows(told))),
        exits=tuple(map(entry_of, exit_rows(told))),
        lane_gate=lane_gate,
    )
    return known if work.is_house else with_catalogue(known, facts, work.plan, work.event)


def _seller(work: Work, key_id: str) -> tuple[str, IssuerKey | None]:
    """The till whose key this is; ("", None) when it is none's.

    Tills sell: a gate's key vouches for no ticket, or a stolen gate could forge any.
    """
    row = work.sql.row(
        "SELECT id, public_key, state FROM node WHERE key_id = ? AND role = 'till'", key_id
    )
    return (row[0], IssuerKey(bytes.fromhex(row[1]), KeyState(row[2]))) if row else ("", None)


def _ticket(row: TicketRow) -> Ticket:
    return Ticket(
        TicketId(row.id), row.perf_id, row.unit, row.version, TicketState(row.state), row.blocked
    )


def _allotment(work: Work, ticket: TicketFacts, seller_id: str) -> AllotmentFacts | None:
    """A till's key vouches for the units lent to that very till for that very performance.

    The centre grants every allotment: one it does not know was never granted, unless a failover
    lost it and the nodes have not reported yet.
    """
    allot = work.allots.get(str(ticket.allotment))
    if allot is None and work.quarantine_level:
        return None
    lent = allot is not None and (allot.node_id, allot.perf_id) == (seller_id, ticket.performance)
    if allot is None or not lent:
        return AllotmentFacts(has_unit=False, state=AllotmentState.OPEN)
    units = {unit for unit, _version in json.loads(allot.body)["units"]}
    return AllotmentFacts(ticket.unit in units, AllotmentState(allot.state))
