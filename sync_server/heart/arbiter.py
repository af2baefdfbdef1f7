"""The arbiter: gates ask it before they let somebody in, so that no ticket enters twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sync_server.heart.arbiters import answers_here
from sync_server.heart.chips import ShownChip, as_ticket, resolve
from sync_server.heart.credentials import note_tap
from sync_server.heart.double_entries import LEFT, counted_rows, entry_of, exit_rows
from sync_server.heart.entries import give_again, record_entry
from sync_server.heart.rows import EntryRow
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
    decide_known,
)
from ticketing.admission.catalogued import with_catalogue
from ticketing.code import PREFIX, TicketCode, TicketFacts, parse_code
from ticketing.credential import ChipKeys
from ticketing.ids import OpId
from ticketing.journal import Verdict
from ticketing.operations import EntryGranted

SEEN_MAX = 64


@dataclass(frozen=True, slots=True)
class AdmitRequest:
    """A gate asks for one scan. `seen` are the entries of this ticket that the gate knows of.

    With a `chip` the code is that which the chip says, "" for one that says none.
    """

    op_id: OpId
    code: str
    lane: str
    seen: tuple[OpId, ...]
    gate: str = ""
    chip: ShownChip | None = None


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
    chip_keys: ChipKeys | None = None
    _scan: TicketCode | str = field(default="")

    def want(self, work: Work) -> None:
        """Read the code and name its ticket."""
        chip = self.request.chip
        if chip is not None:
            work.credentials.want([chip.by.ref])
            work.tickets.want([chip.ticket_id])
            work.want_entries([chip.ticket_id])
            work.entries.want([self.request.op_id])
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
        chip = self.request.chip
        if chip is None:
            return self._decide(work, self._scan, None)
        resolved = resolve(work, chip, self._scan, self.chip_keys)
        if isinstance(resolved, Refuse):
            again = self._answered_by_chip(work, chip, resolved)
            return again or Denied(resolved.reason, None, resolved.miss)
        answer = self._decide(work, resolved, chip)
        if isinstance(answer, Accepted):
            note_tap(work, chip.ticket_id, chip.by)  # also of an entry that is given once more
        return answer

    def _answered_by_chip(self, work: Work, chip: ShownChip, no: Refuse) -> Accepted | None:
        """The same question again, whose tap was counted when it was answered."""
        entry = work.entries.get(self.request.op_id)
        if no.reason is not Reason.CREDENTIAL_REPLAYED or entry is None or entry.phase == LEFT:
            return None
        ours = (entry.node_id, entry.lane, entry.ticket_id, bool(entry.offline))
        if ours != (self.node_id, self.request.lane, chip.ticket_id, False):
            return None
        give_again(work, entry, work.now_ms, work.now_ms)
        return Accepted(self.request.op_id, unconfirmed=False)

    def _decide(
        self, work: Work, scan: TicketCode | str, chip: ShownChip | None
    ) -> Accepted | Denied:
        if isinstance(scan, str):
            return Denied(Reason(scan), None)
        facts = known_facts(work, scan, self.request.gate)
        by_row = not scan.text.startswith(PREFIX)
        ours = self._answered_before(work, scan, facts.key, is_proven=by_row)
        if ours is not None:
            give_again(work, ours, work.now_ms, work.now_ms)
            return Accepted(OpId(ours.op_id), facts.row is None)
        alone = self._decided_alone(work, scan.facts.ticket_id)
        if alone:  # it does not stand in its own way
            others = tuple(entry for entry in facts.entries if entry.op_id != self.request.op_id)
            facts = replace(facts, entries=others)
        at = datetime.fromtimestamp(work.now_ms / 1000, UTC)
        if by_row:
            decision = decide_known(scan.facts, facts, at=at)
        else:
            decision = decide_entry(scan, facts, at=at)
        if isinstance(decision, Refuse):
            return Denied(decision.reason, decision.first_entry, decision.miss)
        if not alone and not self._record(work, scan, chip):
            return Denied(Reason.NOT_RECORDED, None)
        return Accepted(self.request.op_id, decision.unconfirmed, decision.notes)

    def _answered_before(
        self, work: Work, scan: TicketCode, key: IssuerKey | None, *, is_proven: bool
    ) -> EntryRow | None:
        """An entry accepted for this lane whose answer the gate never got, or this very operation.

        A gate that died between our commit and its own does not know the entry, and nobody went
        in: the lane is given the same entry again instead of shutting the person out. The code
        must be genuine, or whoever knows the ticket's id could go in on a lost answer; a chip that
        stands for the ticket `is_proven`.
        """
        request = self.request
        known = {
            entry.op_id: entry
            for entry in work.entries_of(scan.facts.ticket_id)
            if (entry.node_id, entry.lane) == (self.node_id, request.lane)
            and entry.phase != LEFT
            and not entry.offline
            and (entry.op_id == request.op_id or not entry.journalled)
        }
        if not known:
            return None
        if not is_proven and (key is None or not scan.is_genuine(key.public)):
            return None
        if request.op_id in known:
            return known[request.op_id]
        unheard = sorted(known.keys() - set(request.seen))
        return known[unheard[0]] if unheard else None

    def _decided_alone(self, work: Work, ticket_id: str) -> bool:
        """Whether this is an entry that the lane granted without us, and asks about once more.

        Its barrier never moved. Meanwhile somebody may have gone in elsewhere, or got the money
        back: it was never our answer, so it is decided now.
        """
        request = self.request
        entry = work.entries.get(request.op_id)
        return (
            entry is not None
            and bool(entry.offline)
            and (entry.node_id, entry.lane) == (self.node_id, request.lane)
            and entry.ticket_id == ticket_id
            and entry.phase != LEFT
        )

    def _record(self, work: Work, scan: TicketCode, chip: ShownChip | None) -> bool:
        """False when the operation id is taken by another entry: a bug in the gate."""
        facts, has_code = scan.facts, scan.text.startswith(PREFIX)
        entry = EntryGranted(
            facts.ticket_id,
            facts.performance,
            facts.unit,
            facts.version,
            facts.key_id if has_code else None,
            facts.allotment if has_code else None,
            self.request.lane,
            work.now_ms,
            offline=False,
            ticket_type=facts.ticket_type,
            by_credential=chip.by if chip is not None else None,
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
        row=as_ticket(row) if row else None,
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


def _allotment(work: Work, ticket: TicketFacts, seller_id: str) -> AllotmentFacts | None:
    """A till's key vouches for the units lent to that very till, or to its hub, for that performance.

    The centre grants every allotment: one it does not know was never granted, unless a failover
    lost it and the nodes have not reported yet.
    """
    allot = work.allots.get(str(ticket.allotment))
    if allot is None and work.quarantine_level:
        return None
    if allot is None or not seller_id or allot.perf_id != ticket.performance:
        return AllotmentFacts(has_unit=False, state=AllotmentState.OPEN)
    if not work.may_sell_for(seller_id, allot.node_id):  # a hold has no node
        return AllotmentFacts(has_unit=False, state=AllotmentState.OPEN)
    units = {unit for unit, _version in json.loads(allot.body)["units"]}
    return AllotmentFacts(ticket.unit in units, AllotmentState(allot.state))
