"""A person's word on a case: settled, and how; or open again. The feed tells the nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync_server.heart.blocks import BlockTicket, NoBlock
from sync_server.heart.cases import CaseKind, close_case
from sync_server.heart.work import Work
from ticketing.ticket import TicketState

WHY_CHARS_MAX = 500


class Disposition(StrEnum):
    """What became of a case. Stored and sent, never renamed."""

    EXPLAINED = "explained"  # nothing was lost
    PUT_RIGHT = "put_right"  # somebody got back what was theirs
    LOSS = "loss"  # the house bears it
    MISUSE = "misuse"  # somebody tried to get what was not theirs
    TECHNICAL = "technical"  # for the operator


class NoSettlement(StrEnum):
    """Why a case is not settled."""

    NO_CASE = "no_case"  # there is none, or it is settled already
    CHANGED = "changed"  # facts joined it that the person did not see
    NO_REASON = "no_reason"  # none, or one that is too long
    TICKETS_OPEN = "tickets_open"  # disputed tickets that nobody has decided about


@dataclass(frozen=True, slots=True)
class Settled:
    """It is closed now; `ticket_freed` when a block of a ticket was lifted with it."""

    case_id: str
    ticket_freed: bool = False


@dataclass(frozen=True, slots=True)
class SettleCase:
    """Settle a case: who, how and why. `seen` is the digest of the facts that they looked at."""

    stream: str
    case_id: str
    by: str
    disposition: Disposition
    why: str
    seen: str

    def want(self, work: Work) -> None:
        """Name the case."""
        work.cases.want([self.case_id])

    def apply(self, work: Work) -> Settled | NoSettlement:
        """Close it. A block that it is about is lifted; disputed tickets are decided about first."""
        case, why = work.cases.get(self.case_id), " ".join(self.why.split())
        if case is None or case.state != "open":
            return NoSettlement.NO_CASE
        if digest_of_facts(case.body) != self.seen:
            return NoSettlement.CHANGED
        if not why or len(why) > WHY_CHARS_MAX or not why.isprintable():
            return NoSettlement.NO_REASON
        body = json.loads(case.body)
        if case.kind == CaseKind.OVERSOLD and _are_disputed(work, body["tickets"]):
            return NoSettlement.TICKETS_OPEN
        freed = case.kind == CaseKind.BLOCKED and self._lift(work, body["ticket"], why)
        resolution = {"by": self.by, "disposition": self.disposition.value, "why": why}
        if not freed:
            close_case(work, self.case_id, resolution)
        return Settled(self.case_id, freed)

    def _lift(self, work: Work, ticket_id: str, why: str) -> bool:
        lifting = BlockTicket(self.stream, ticket_id, self.by, why[:120], lift=True)
        return not isinstance(lifting.apply(work), NoBlock)


def digest_of_facts(body: str) -> str:
    """By what a form says which facts it was about."""
    return hashlib.sha256(body.encode()).hexdigest()


def _are_disputed(work: Work, ticket_ids: Sequence[str]) -> bool:
    work.tickets.want(ticket_ids)
    work.tickets.fetch()
    rows = (work.tickets.get(ticket_id) for ticket_id in ticket_ids)
    return any(row is not None and row.state == TicketState.DISPUTED for row in rows)
