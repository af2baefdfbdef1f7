"""How lent units come back: recalled, given up for lost, closed when spent; and late sales settled.

A recall asks and frees nothing. A write-off is two people's decision: it frees units that the lost
node may have sold. Gates refuse tickets that cite a written-off allotment and that they have no row
of. A gate that knows of the write-off has read the feed up to there, so it has the row of every
ticket that the centre had heard of, and needs no list of them.

Units are freed under the same version: until somebody buys one anew, the lost node's late sale of
it is still good (`heart.late`). Shares of counter pools are not freed like that, since no gate could
tell who came too late: of each, as many as there are units of unknown fate stay lent for ever, so
that late sales find them; the rest goes back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.lending import UNITS_PER_GRANT_MAX
from sync_server.heart.policy import Policy
from sync_server.heart.rows import Allot, Claim, TicketRow
from sync_server.heart.units import (
    close_if_spent,
    counts_of,
    free_unit,
    give_back,
    is_lent,
    units_of,
)
from sync_server.heart.waiting import close_if_settled
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.terms import write_off_allowed
from ticketing.ticket import TicketState

SWEEP_ALLOTMENTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Recall:
    """Ask a node for what it has not sold: of one allotment, or of all of a node.

    Gives the ids of the open allotments that are recalled now, whether by this or before.
    """

    stream: str
    allotment: str = ""
    node_id: str = ""

    def want(self, work: Work) -> None:
        """Name the allotment."""
        if self.allotment:
            work.allots.want([self.allotment])

    def apply(self, work: Work) -> tuple[str, ...]:
        """The node's next poll brings it."""
        found = [work.allots.get(self.allotment)] if self.allotment else []
        allots = found if self.allotment else open_allotments(work, self.node_id)
        recalled = []
        for allot in allots:
            if allot is not None and allot.state == "open":
                if not allot.recall:
                    allot.recall = 1
                    work.allots.put(allot.id, allot)
                recalled.append(allot.id)
        return tuple(recalled)


class NoWriteOff(StrEnum):
    """Why an allotment is not given up."""

    QUARANTINE = "quarantine"
    NOT_OPEN = "not_open"  # there is no such open allotment
    TWO_PEOPLE = "two_people"  # the same person twice, or nobody
    NO_TERM = "no_term"  # lent without a term: the node may go on selling for ever
    TOO_EARLY = "too_early"  # the node may still be selling
    ALL_KNOWN = "all_known"  # nothing of it is out any more


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """What was given up. `unknown` are the units whose fate only the lost node knows."""

    allotment: str
    node_id: str
    confirmed_count: int
    unknown: tuple[int, ...]
    kept_shares: dict[str, int]


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Give up an allotment whose node is lost: two people, after its hard term and a guard.

    Asked again, it gives the same answer, whoever asks.
    """

    stream: str
    allotment: str
    by: str
    second: str
    reason: str
    policy: Policy = field(default_factory=Policy)

    def want(self, work: Work) -> None:
        """Name the allotment."""
        work.allots.want([self.allotment])

    def apply(self, work: Work) -> WrittenOff | NoWriteOff:
        """Free its unsold units, and open the case."""
        allot = work.allots.get(self.allotment)
        if allot is not None and allot.state == "written_off":
            return _told(work, allot)
        refusal = self._refused(work, allot)
        if refusal is not None:
            return refusal
        assert allot is not None
        lent = _lent_claims(work, allot)
        if not lent and not any(share for share in _left_shares(work, allot).values()):
            return NoWriteOff.ALL_KNOWN
        for claim in lent:
            free_unit(work, claim)
        kept = _keep_shares(work, allot, len(lent))
        allot.state, allot.recall = "written_off", 0
        work.allots.put(allot.id, allot)
        body = {
            "allotment": allot.id,
            "node": allot.node_id,
            "performance": allot.perf_id,
            "confirmed": len(units_of(allot)) - len(lent),
            "unknown": [claim.unit for claim in lent],
            "shares": kept,
            "by": [self.by, self.second],
            "reason": self.reason,
            "at_ms": work.now_ms,
        }
        open_case(work, CaseKind.WRITTEN_OFF, allot.id, body)
        return _told(work, allot)

    def _refused(self, work: Work, allot: Allot | None) -> NoWriteOff | None:
        if work.quarantine:
            return NoWriteOff.QUARANTINE
        if not self.by or not self.second or self.by == self.second:
            return NoWriteOff.TWO_PEOPLE
        if allot is None or allot.state != "open":
            return NoWriteOff.NOT_OPEN
        if not allot.hard_s:
            return NoWriteOff.NO_TERM
        policy = self.policy
        if not write_off_allowed(
            allot.granted_ms, allot.hard_s, work.now_ms, policy.rho, policy.margin_s
        ):
            return NoWriteOff.TOO_EARLY
        return None


@dataclass(frozen=True, slots=True)
class Closed:
    """The allotments closed, and where (node and id) the next look begins: at first nowhere."""

    ids: tuple[str, ...]
    next: tuple[str, str]


@dataclass(frozen=True, slots=True)
class CloseSpent:
    """Close open allotments that have nothing left in them, looking at a few after `after`.

    A look now and then instead of one at every sale: an allotment that is open a minute too long
    harms nobody, and a sale need not read it.
    """

    stream: str
    after: tuple[str, str] = ("", "")

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> Closed:
        """At most SWEEP_ALLOTMENTS_MAX in one go."""
        rows = work.sql.rows(
            "SELECT node_id, id FROM allot WHERE event_id = ? AND state = 'open' "
            "AND (node_id, id) > (?, ?) ORDER BY node_id, id LIMIT ?",
            work.stream,
            *self.after,
            SWEEP_ALLOTMENTS_MAX,
        )
        ids = [row[1] for row in rows]
        work.allots.want(ids)
        work.allots.fetch()
        closed = []
        for allot_id in ids:
            allot = work.allots.get(allot_id)
            assert allot is not None, allot_id
            was_open = allot.state == "open"
            close_if_spent(work, allot, most=UNITS_PER_GRANT_MAX)
            if was_open and allot.state == "closed":
                closed.append(allot_id)
        is_last = len(rows) < SWEEP_ALLOTMENTS_MAX
        return Closed(tuple(closed), ("", "") if is_last else (rows[-1][0], rows[-1][1]))


class NoResolution(StrEnum):
    """Why a disputed ticket was not settled like that."""

    QUARANTINE = "quarantine"
    NO_CASE = "no_case"  # there is no such case, or the ticket is not in it
    SETTLED = "settled"  # the ticket is settled otherwise already
    TAKEN = "taken"  # the unit is not free
    UNKNOWN_UNIT = "unknown_unit"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was decided for the ticket: its unit, or none and the buyer gets the money back.

    `is_case_closed`: nothing of the case is left to decide or to pay back.
    """

    ticket_id: str
    unit: int | None
    is_case_closed: bool


@dataclass(frozen=True, slots=True)
class ResolveOversold:
    """A person's word on a disputed ticket: another unit of its performance, or the money back.

    The ticket keeps its id and its code, and its row tells gates where it is valid now. Until the
    money has been paid back it stays disputed, so that the till's revocation finds it.
    """

    stream: str
    case_id: str
    ticket_id: str
    unit: int | None
    by: str

    def want(self, work: Work) -> None:
        """Name the case and the ticket."""
        work.cases.want([self.case_id])
        work.cases.fetch()
        work.tickets.want([self.ticket_id])

    def apply(self, work: Work) -> Resolved | NoResolution:
        """Decide once; the same word again changes nothing."""
        if work.quarantine:
            return NoResolution.QUARANTINE
        case, ticket = work.cases.get(self.case_id), work.tickets.get(self.ticket_id)
        body: dict[str, Any] = json.loads(case.body) if case is not None else {}
        if case is None or ticket is None or case.kind != CaseKind.OVERSOLD:
            return NoResolution.NO_CASE
        if self.ticket_id not in body["tickets"]:
            return NoResolution.NO_CASE
        decisions = body.setdefault("decisions", {})
        known = decisions.get(self.ticket_id)
        if known is not None and known["unit"] == self.unit:
            return Resolved(self.ticket_id, self.unit, case.state == "closed")
        if ticket.state != TicketState.DISPUTED:
            return NoResolution.SETTLED
        refusal = None if self.unit is None else self._move(work, ticket, self.unit)
        if refusal is not None:
            return refusal
        decisions[self.ticket_id] = {"unit": self.unit, "by": self.by, "at_ms": work.now_ms}
        case.body = json.dumps(body, ensure_ascii=False, sort_keys=True)
        work.cases.put(case.id, case)
        return Resolved(self.ticket_id, self.unit, close_if_settled(work, case, {"by": self.by}))

    def _move(self, work: Work, ticket: TicketRow, unit: int) -> NoResolution | None:
        if work.event.performance(ticket.perf_id) is None or not work.plan.has_unit(unit):
            return NoResolution.UNKNOWN_UNIT
        claim = work.claim(ticket.perf_id, unit)
        if claim.kind != ClaimKind.FREE:
            return NoResolution.TAKEN
        order = work.orders.get(ticket.order_id)
        assert order is not None, ticket.order_id
        claim.kind, claim.ref, claim.node_id = ClaimKind.SOLD, ticket.id, order.node_id
        work.put_claim(claim)
        ticket.unit, ticket.version, ticket.state = unit, claim.version, TicketState.VALID
        work.tickets.put(ticket.id, ticket)
        return None


def open_allotments(work: Work, node_id: str) -> list[Allot]:
    """A node's open allotments, by id."""
    rows = work.sql.rows(
        "SELECT id FROM allot WHERE event_id = ? AND state = 'open' AND node_id = ? ORDER BY id",
        work.stream,
        node_id,
    )
    work.allots.want(row[0] for row in rows)
    work.allots.fetch()
    ids = {row[0] for row in rows} | {a.id for a in work.allots.changed.values()}
    found = (work.allots.get(allot_id) for allot_id in sorted(ids))
    return [a for a in found if a is not None and (a.state, a.node_id) == ("open", node_id)]


def _lent_claims(work: Work, allot: Allot) -> list[Claim]:
    units = [unit for unit, _version in units_of(allot)]
    work.claims.want((allot.perf_id, unit) for unit in units)
    work.claims.fetch()
    claims = (work.claim(allot.perf_id, unit) for unit in units)
    return [claim for claim in claims if is_lent(claim, allot)]


def _left_shares(work: Work, allot: Allot) -> dict[str, int]:
    shares = ((pool_id, work.shares.get((allot.id, pool_id))) for pool_id in counts_of(allot))
    return {pool_id: share.lent for pool_id, share in shares if share is not None}


def _keep_shares(work: Work, allot: Allot, unknown_count: int) -> dict[str, int]:
    """Give back what the node can't have spent: a ticket spends one, and has a unit."""
    kept = {}
    for pool_id, left in _left_shares(work, allot).items():
        kept[pool_id] = min(left, unknown_count)
        give_back(work, allot, allot.perf_id, (), [(pool_id, left - kept[pool_id])])
    return kept


def _told(work: Work, allot: Allot) -> WrittenOff:
    case = work.cases.get(f"{CaseKind.WRITTEN_OFF}:{allot.id}")
    assert case is not None, allot.id
    body = json.loads(case.body)
    return WrittenOff(
        allot.id, allot.node_id, body["confirmed"], tuple(body["unknown"]), body["shares"]
    )
