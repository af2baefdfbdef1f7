"""A ticket that lets nobody in for now, by a person's word, and why; and lifting that again.

The sale stands, money and place as they were: for a ticket that was stolen, or bought with a card
that was. Gates refuse it as soon as the feed has told them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync_server.heart.cases import CaseKind, close_case, open_case
from sync_server.heart.effect import Effect
from sync_server.heart.work import Work
from ticketing.journal import Verdict
from ticketing.operations import BLOCK_CHARS_MAX, TicketBlocked, is_block_reason

REASON_CHARS_MAX = BLOCK_CHARS_MAX


class NoBlock(StrEnum):
    """Why a ticket is neither blocked nor free again."""

    UNKNOWN_TICKET = "unknown_ticket"  # the server never heard of it
    NO_REASON = "no_reason"  # none, or one that is too long
    AS_IT_WAS = "as_it_was"  # blocked for this very reason already, or not blocked


@dataclass(frozen=True, slots=True)
class BlockTicket:
    """Block a ticket, or with `lift` let it in again. `by` says who, `reason` why."""

    stream: str
    ticket_id: str
    by: str
    reason: str
    lift: bool = False

    def want(self, work: Work) -> None:
        """Name the ticket."""
        work.tickets.want([self.ticket_id])

    def apply(self, work: Work) -> NoBlock | None:
        """Write it down; the feed tells the gates. None: done."""
        reason = self.reason.strip()
        if not is_block_reason(reason):
            return NoBlock.NO_REASON
        ticket = work.tickets.get(self.ticket_id)
        if ticket is None:
            return NoBlock.UNKNOWN_TICKET
        wanted = "" if self.lift else reason
        if ticket.blocked == wanted:
            return NoBlock.AS_IT_WAS
        ticket.blocked = wanted
        work.tickets.put(ticket.id, ticket)
        told = {"ticket": ticket.id, "order": ticket.order_id, "by": self.by, "reason": reason}
        if self.lift:
            close_case(work, f"{CaseKind.BLOCKED}:{ticket.id}", {"by": self.by, "why": reason})
        else:
            open_case(work, CaseKind.BLOCKED, ticket.id, told)
        return None


def record_block(work: Work, blocked: TicketBlocked) -> Effect:
    """What people at a gate decided, whose roles the gate has checked. The later word stands.

    Rejected for a ticket that was never sold as far as is known here: then a case tells of it.
    """
    step = BlockTicket(
        work.stream, blocked.ticket_id, blocked.by, blocked.reason, lift=blocked.lifted
    )
    refused = step.apply(work)
    if refused is NoBlock.UNKNOWN_TICKET:
        return Effect(Verdict.REJECTED, refused.value)
    return Effect(Verdict.OK, shows=refused is None)
