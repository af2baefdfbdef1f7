"""Tickets revoked at a till's word before it pays out, and their units sold again, by 2 rules.

A till asks first, under the id of the operation that will tell of the money; from the answer on no
gate that hears the centre lets the tickets in. A returned unit is free again one version up, when
the policy says so: at once, or when every active gate has read of the revocation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from sync_server.heart.agencies import own_order
from sync_server.heart.cases import CaseKind, close_case, open_case
from sync_server.heart.lending import Grant, Lender, grant_of
from sync_server.heart.policy import Policy
from sync_server.heart.rows import Claim, Revocation, TicketRow
from sync_server.heart.source import Source
from sync_server.heart.units import free_returned, revoke_ticket
from sync_server.heart.waiting import close_if_settled
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.ids import U8_MAX
from ticketing.operations import ExchangeAction, RefundAction
from ticketing.returns import (
    GateCursor,
    Resale,
    ResellPolicy,
    ReturnAction,
    resale,
    version_after,
)
from ticketing.seating import AreaKind
from ticketing.ticket import TicketState

SWEEP_RETURNED_MAX = 500


class NoRevocation(StrEnum):
    """Why nothing was revoked. Sent, never renamed."""

    QUARANTINE = "quarantine"
    FENCED = "journal_forked"
    NO_TICKETS = "no_tickets"
    UNKNOWN_ORDER = "unknown_order"
    NOT_OF_ORDER = "not_of_order"
    NOT_SAME_SHIFT = "not_same_shift"  # a void of another till's sale: refund it
    ALREADY_REVOKED = "already_revoked"
    NOT_VALID = "not_valid"  # a disputed ticket can't be replaced: a person settles it
    ENTERED = "entered"  # somebody went in on it
    TWO_PERFORMANCES = "two_performances"  # replace those of one performance at a time
    WORN_OUT = "worn_out"  # the unit was sold anew so often that no code can tell it again
    CONTRADICTION = "contradiction"  # the operation's id stands for another request


@dataclass(frozen=True, slots=True)
class Revoked:
    """The tickets' states as of now; for a replacement, the allotment with their units."""

    tickets: tuple[tuple[str, str], ...]
    allotment: Grant | None


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revoke tickets of an order, all or none, once per operation id of a node."""

    source: Source
    op_id: str
    action: ReturnAction
    order_id: str
    ticket_ids: tuple[str, ...]
    policy: Policy = field(default_factory=Policy)

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name what it is about."""
        work.revocations.want([self.op_id])
        work.orders.want([self.order_id])
        work.tickets.want(self.ticket_ids)
        work.want_entries(self.ticket_ids)
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> Revoked | NoRevocation:
        """Decide and revoke."""
        earlier = work.revocations.get(self.op_id)
        if earlier is not None:
            return self._again(work, earlier)
        found = self._tickets(work)
        if isinstance(found, NoRevocation):
            return found
        disputed = any(ticket.state == TicketState.DISPUTED for ticket in found)
        for ticket in found:
            revoke_ticket(work, ticket)
        if disputed:
            self._settle_case(work)
        allotment = ""
        if self.action is ExchangeAction.REPLACEMENT:
            allotment = self._replace(work, found)
        else:
            self._free_now(work, found)
        body = {"order": self.order_id, "tickets": list(self.ticket_ids), "allotment": allotment}
        row = Revocation(
            work.stream,
            self.op_id,
            self.source.node_id,
            self.action,
            work.now_ms,
            0,
            json.dumps(body, sort_keys=True),
        )
        work.revocations.put(self.op_id, row)
        return self._answer(work, allotment)

    def _again(self, work: Work, earlier: Revocation) -> Revoked | NoRevocation:
        body = json.loads(earlier.body)
        asked = (self.source.node_id, self.action, self.order_id, list(self.ticket_ids))
        if asked != (earlier.node_id, earlier.action, body.get("order"), body["tickets"]):
            return NoRevocation.CONTRADICTION
        if earlier.journalled:  # what follows was done: who asks is set back to before it
            return NoRevocation.ALREADY_REVOKED
        return self._answer(work, body["allotment"])

    def _answer(self, work: Work, allotment: str) -> Revoked:
        rows = ((ticket_id, work.tickets.get(ticket_id)) for ticket_id in self.ticket_ids)
        allot = work.allots.get(allotment) if allotment else None
        return Revoked(
            tuple((ticket_id, row.state) for ticket_id, row in rows if row is not None),
            grant_of(allot) if allot is not None else None,
        )

    def _tickets(self, work: Work) -> list[TicketRow] | NoRevocation:
        source = self.source
        order = own_order(work, source.node_id, self.order_id)
        if work.quarantine:
            return NoRevocation.QUARANTINE
        if work.journal(source.node_id, source.incarnation).state != "open":
            return NoRevocation.FENCED
        if not self.ticket_ids or len(set(self.ticket_ids)) != len(self.ticket_ids):
            return NoRevocation.NO_TICKETS
        if order is None:
            return NoRevocation.UNKNOWN_ORDER
        if self.action is RefundAction.VOID and order.node_id != source.node_id:
            return NoRevocation.NOT_SAME_SHIFT
        rows = [work.tickets.get(ticket_id) for ticket_id in self.ticket_ids]
        found = [row for row in rows if row is not None and row.order_id == self.order_id]
        if len(found) != len(rows):
            return NoRevocation.NOT_OF_ORDER
        return self._refused(work, found) or found

    def _refused(self, work: Work, tickets: list[TicketRow]) -> NoRevocation | None:
        if any(ticket.state == TicketState.VOID for ticket in tickets):
            return NoRevocation.ALREADY_REVOKED
        if any(e.phase != "returned" for t in tickets for e in work.entries_of(t.id)):
            return NoRevocation.ENTERED
        if self.action is not ExchangeAction.REPLACEMENT:
            return None
        if any(ticket.state != TicketState.VALID for ticket in tickets):
            return NoRevocation.NOT_VALID
        if len({ticket.perf_id for ticket in tickets}) > 1:
            return NoRevocation.TWO_PERFORMANCES
        if any(version_after(work.claim(t.perf_id, t.unit).version) is None for t in tickets):
            return NoRevocation.WORN_OUT
        return None

    def _replace(self, work: Work, tickets: list[TicketRow]) -> str:
        """The same units again, one version up, for the asker: nobody else gets in between."""
        claims = [_returned_claim(work, ticket) for ticket in tickets]
        for claim in claims:
            assert claim is not None, "a valid ticket has its unit"
            free_returned(work, claim)
        lender = Lender(self.source, self.policy)
        lent = [claim for claim in claims if claim is not None]
        return lender.lend(work, self.op_id, tickets[0].perf_id, lent, firm=True).id

    def _free_now(self, work: Work, tickets: list[TicketRow]) -> None:
        for ticket in tickets:
            claim = _returned_claim(work, ticket)
            if claim is not None and _policy_of(work, self.policy, claim) is ResellPolicy.NOW:
                _free(work, claim)

    def _settle_case(self, work: Work) -> None:
        case = work.cases.get(f"{CaseKind.OVERSOLD}:{self.order_id}")
        if case is not None and case.state == "open":
            close_if_settled(work, case, {"by": self.source.node_id})


@dataclass(frozen=True, slots=True)
class Swept:
    """How many returned units are free now, who keeps others waiting, where the next look begins.

    `silent` gates were not heard for a while: a manager may do without them.
    """

    freed: int
    waiting: frozenset[str]
    silent: frozenset[str]
    next_rev: int


@dataclass(frozen=True, slots=True)
class SweepReturned:
    """Free returned units that may be sold again, looking at a few after revision `after_rev`."""

    stream: str
    after_rev: int = 0
    policy: Policy = field(default_factory=Policy)

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> Swept:
        """At most SWEEP_RETURNED_MAX in one go; nothing in quarantine."""
        if work.quarantine:
            return Swept(0, frozenset(), frozenset(), 0)
        return _sweep(work, self.policy, self.after_rev, without=frozenset())


class NoResale(StrEnum):
    """Why a gate is not done without."""

    QUARANTINE = "quarantine"
    NOT_SILENT = "not_silent"  # it is heard of, or nothing waits for it
    NOBODY = "nobody"  # a person must answer for it


@dataclass(frozen=True, slots=True)
class ResellWithout:
    """A manager sells returned units again although a silent gate may not know of it.

    Only those that wait for this gate alone; a later return waits for it again.
    """

    stream: str
    gate_id: str
    by: str
    reason: str
    after_rev: int = 0
    policy: Policy = field(default_factory=Policy)

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> Swept | NoResale:
        """Free them, and leave a closed case that says who, why and at what exposure."""
        if work.quarantine:
            return NoResale.QUARANTINE
        if not self.by or not self.reason:
            return NoResale.NOBODY
        gates = {gate.node_id: gate for gate in _gates(work)}
        without = frozenset({self.gate_id})
        swept = _sweep(work, self.policy, self.after_rev, without)
        if self.gate_id not in swept.silent:
            return NoResale.NOT_SILENT
        key = f"{self.gate_id}:{work.take_rev()}"
        heard_ms = gates[self.gate_id].heard_ms
        body = {"gate": self.gate_id, "units": swept.freed, "gate_heard_ms": heard_ms}
        open_case(work, CaseKind.RESOLD, key, body)
        close_case(work, f"{CaseKind.RESOLD}:{key}", {"by": self.by, "reason": self.reason})
        return swept


def _sweep(work: Work, policy: Policy, after_rev: int, without: frozenset[str]) -> Swept:
    rows = work.sql.rows(
        "SELECT perf_id, unit, rev FROM claim WHERE event_id = ? AND kind = 'returned' "
        "AND rev > ? ORDER BY rev LIMIT ?",
        work.stream,
        after_rev,
        SWEEP_RETURNED_MAX,
    )
    work.claims.want((row[0], row[1]) for row in rows)
    work.claims.fetch()
    claims = [work.claim(row[0], row[1]) for row in rows]
    claims = [claim for claim in claims if claim.kind == ClaimKind.RETURNED]
    work.tickets.want(claim.ref for claim in claims)
    work.tickets.fetch()
    gates = _gates(work)
    freed, waiting, silent = 0, set[str](), set[str]()
    for claim in claims:
        found = _resale(work, policy, claim, gates, without)
        if found.free:
            freed += _free(work, claim)
        else:
            waiting.update(found.waiting)
        silent.update(found.silent)
    last = rows[-1][2] if len(rows) == SWEEP_RETURNED_MAX else 0
    return Swept(freed, frozenset(waiting), frozenset(silent), last)


def _resale(
    work: Work,
    policy: Policy,
    claim: Claim,
    gates: list[GateCursor],
    without: Iterable[str],
) -> Resale:
    ticket = work.tickets.get(claim.ref)
    told_rev = ticket.rev if ticket is not None and ticket.rev else claim.rev
    if ticket is not None and ticket.id in work.tickets.changed:
        told_rev = work.head + 1  # revoked in this very batch: no gate can have read of it
    how = _policy_of(work, policy, claim)
    return resale(how, told_rev, gates, work.now_ms, frozenset(without))


def _gates(work: Work) -> list[GateCursor]:
    """Every active gate; one that never read this event's feed was never heard.

    What a gate has read of another history counts for nothing.
    """
    rows = work.sql.rows(
        "SELECT n.id, c.generation, c.rev, c.seen_ms FROM node n LEFT JOIN gate_cursor c "
        "ON c.event_id = ? AND c.node_id = n.id WHERE n.role = 'gate' AND n.state = 'active'",
        work.stream,
    )
    return [
        GateCursor(node_id, rev, seen_ms)
        if generation == work.generation
        else GateCursor(node_id, 0, seen_ms or 0)
        for node_id, generation, rev, seen_ms in rows
    ]


def _policy_of(work: Work, policy: Policy, claim: Claim) -> ResellPolicy:
    plan = work.plan
    standing = plan.has_unit(claim.unit) and plan.area_of(claim.unit).kind is AreaKind.STANDING
    return policy.resell(standing=standing)


def _returned_claim(work: Work, ticket: TicketRow) -> Claim | None:
    """The unit of a revoked ticket; None for a disputed one, which never had it."""
    claim = work.claim(ticket.perf_id, ticket.unit)
    is_its = claim.kind == ClaimKind.RETURNED and claim.ref == ticket.id
    return claim if is_its else None


def _free(work: Work, claim: Claim) -> bool:
    """False for a unit whose versions are used up: it is never sold again."""
    if claim.version >= U8_MAX:
        return False
    free_returned(work, claim)
    return True
