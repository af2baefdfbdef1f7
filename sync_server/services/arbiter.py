"""The arbiter: gates ask it before they let somebody in, so that no ticket enters twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sync_server.services.effects import record_entry
from sync_server.store.writer import Transaction
from ticketing.admission import (
    AllotmentFacts,
    AllotmentState,
    Entry,
    IssuerKey,
    KeyState,
    LaneFacts,
    Reason,
    Refuse,
    decide_entry,
)
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


@dataclass(frozen=True, slots=True)
class Accepted:
    """Let in, and recorded: the gate's journal must tell of it under this operation id."""

    op_id: OpId
    unconfirmed: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """Not let in; nothing was recorded."""

    reason: Reason
    first_entry: Entry | None


def admit(tx: Transaction, stream: str, node_id: str, request: AdmitRequest) -> Accepted | Denied:
    """Answer one scan and record the entry in the same transaction; the same op id, once."""
    scan = parse_code(request.code)
    if not isinstance(scan, TicketCode):
        return Denied(Reason(scan.value), None)
    facts = _facts(tx, stream, scan)
    ours = _answered_before(tx, stream, node_id, request, scan, facts.key)
    if ours is not None:
        return Accepted(ours, facts.row is None)
    now = datetime.fromtimestamp(tx.now_ms / 1000, UTC)
    decision = decide_entry(scan, facts, at=now)
    if isinstance(decision, Refuse):
        return Denied(decision.reason, decision.first_entry)
    if not _record(tx, stream, node_id, request, scan, tx.now_ms):
        return Denied(Reason.NOT_RECORDED, None)
    return Accepted(request.op_id, decision.unconfirmed)


def _answered_before(
    tx: Transaction,
    stream: str,
    node_id: str,
    request: AdmitRequest,
    scan: TicketCode,
    key: IssuerKey | None,
) -> OpId | None:
    """An entry we accepted for this lane whose answer the gate never got, or this very operation.

    A gate that died between our commit and its own does not know the entry, and nobody went in:
    the lane is given the same entry again instead of shutting the person out. The code must be
    genuine, or whoever knows the ticket's id could go in on a lost answer.
    """
    if key is None or not scan.is_genuine(key.public):
        return None
    rows = tx.rows(
        "SELECT op_id FROM entry WHERE event_id = :e AND ticket_id = :t AND node_id = :n "
        "AND lane = :lane AND (op_id = :op OR journalled = 0)",
        e=stream,
        t=scan.facts.ticket_id,
        n=node_id,
        lane=request.lane,
        op=request.op_id,
    )
    known = {row.op_id for row in rows}
    if request.op_id in known:
        return request.op_id
    unheard = sorted(known.difference(request.seen))
    return OpId(unheard[0]) if unheard else None


def _facts(tx: Transaction, stream: str, scan: TicketCode) -> LaneFacts:
    facts = scan.facts
    row = _ticket(tx, stream, facts.ticket_id)
    performance = row.performance if row else facts.performance
    return LaneFacts(
        performances=frozenset({performance}) if _has(tx, stream, performance) else frozenset(),
        key=_key(tx, facts.key_id),
        row=row,
        allotment=_allotment(tx, stream, facts),
        unit_version_seen=_unit_version(tx, stream, performance, row.unit if row else facts.unit),
        entries=_entries(tx, stream, facts.ticket_id),
    )


def _has(tx: Transaction, stream: str, performance: int) -> bool:
    return bool(
        tx.row(
            "SELECT 1 FROM performance WHERE event_id = :e AND perf_id = :p",
            e=stream,
            p=performance,
        )
    )


def _key(tx: Transaction, key_id: str) -> IssuerKey | None:
    """Tills sell: a gate's key vouches for no ticket, or a stolen gate could forge any."""
    row = tx.row("SELECT public_key, state FROM node WHERE key_id = :k AND role = 'till'", k=key_id)
    return IssuerKey(bytes.fromhex(row.public_key), KeyState(row.state)) if row else None


def _ticket(tx: Transaction, stream: str, ticket_id: TicketId) -> Ticket | None:
    row = tx.row(
        "SELECT perf_id, unit, version, state FROM ticket WHERE event_id = :e AND id = :t",
        e=stream,
        t=ticket_id,
    )
    if row is None:
        return None
    return Ticket(ticket_id, row.perf_id, row.unit, row.version, TicketState(row.state))


def _allotment(tx: Transaction, stream: str, ticket: TicketFacts) -> AllotmentFacts:
    """A till's key vouches for the units lent to that very till for that very performance."""
    row = tx.row(
        "SELECT a.state, a.body FROM allot a JOIN node n ON n.id = a.node_id "
        "WHERE a.event_id = :e AND a.id = :a AND a.perf_id = :p AND n.key_id = :k",
        e=stream,
        a=str(ticket.allotment),
        p=ticket.performance,
        k=ticket.key_id,
    )
    if row is None:  # the centre grants every allotment: one it does not know was never granted
        return AllotmentFacts(has_unit=False, state=AllotmentState.OPEN)
    units = {granted for granted, _version in json.loads(row.body)["units"]}
    return AllotmentFacts(ticket.unit in units, AllotmentState(row.state))


def _unit_version(tx: Transaction, stream: str, performance: int, unit: int) -> int:
    row = tx.row(
        "SELECT version FROM claim WHERE event_id = :e AND perf_id = :p AND unit = :u",
        e=stream,
        p=performance,
        u=unit,
    )
    return int(row.version) if row else 0


def _entries(tx: Transaction, stream: str, ticket_id: TicketId) -> tuple[Entry, ...]:
    rows = tx.rows(
        "SELECT op_id, node_id, lane, at_ms FROM entry "
        "WHERE event_id = :e AND ticket_id = :t AND phase <> 'returned'",
        e=stream,
        t=ticket_id,
    )
    return tuple(
        Entry(OpId(r.op_id), r.node_id, r.lane, datetime.fromtimestamp(r.at_ms / 1000, UTC))
        for r in rows
    )


def _record(
    tx: Transaction,
    stream: str,
    node_id: str,
    request: AdmitRequest,
    scan: TicketCode,
    at_ms: int,
) -> bool:
    """False when the operation id is taken by another entry: a bug in the gate."""
    entry = EntryGranted(
        scan.facts.ticket_id,
        scan.facts.performance,
        scan.facts.unit,
        scan.facts.version,
        scan.facts.key_id,
        scan.facts.allotment,
        request.lane,
        at_ms,
        offline=False,
    )
    effect = record_entry(tx, node_id, stream, entry, request.op_id, journalled=False)
    return effect.verdict is Verdict.OK
