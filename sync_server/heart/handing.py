"""Who may print an order's tickets for the first time: its own till, until that lets another do it.

The right moves by its holder's recorded word only, as units do. A till that asks is noted in the
order's row; the holder reads of it in the feed and answers by an operation: go on, or it is printed
already. So two tills never both hand a ticket out, whatever is cut off from what.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync_server.heart.agencies import is_foreign, own_order
from sync_server.heart.rows import HandoutRow
from sync_server.heart.source import Source
from sync_server.heart.work import Work
from ticketing.operations import HandOver


class HandoutState(StrEnum):
    """How a question stands. Sent, never renamed."""

    YOURS = "yours"  # print them
    ASKED = "asked"  # who may print them has not answered yet


class NoHandout(StrEnum):
    """Why they are not to be printed. Sent, never renamed."""

    QUARANTINE = "quarantine"
    FENCED = "journal_forked"
    UNKNOWN_ORDER = "unknown_order"
    PRINTED = "already_printed"
    KEEPER_GONE = "keeper_gone"  # who may print them is no longer enrolled: replace the tickets


@dataclass(frozen=True, slots=True)
class AskHandout:
    """Let this till print an order's tickets; asked again, it says how that stands."""

    source: Source
    order_id: str

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name what it is about."""
        work.orders.want([self.order_id])
        work.handouts.want([self.order_id])
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> HandoutState | NoHandout:
        """Note the wish, unless it is granted or in vain."""
        source = self.source
        order = own_order(work, source.node_id, self.order_id)
        if work.quarantine:
            return NoHandout.QUARANTINE
        if work.journal(source.node_id, source.incarnation).state != "open":
            return NoHandout.FENCED
        if order is None:
            return NoHandout.UNKNOWN_ORDER
        row = work.handouts.get(self.order_id)
        if row is None:
            row = HandoutRow(work.stream, self.order_id, order.node_id)
        if row.keeper == source.node_id:
            return HandoutState.YOURS
        if row.copies:
            return NoHandout.PRINTED
        if not _is_here(work, row.keeper, order.node_id, order.inc):
            return NoHandout.KEEPER_GONE
        if row.wanted_by != source.node_id:
            row.wanted_by = source.node_id
            work.handouts.put(self.order_id, row)
        return HandoutState.ASKED


def hand_over(work: Work, source: Source, told: HandOver) -> bool:
    """Take the holder's answer; whether it changed anything. A later turn wins, in any order."""
    if source.branch:  # of a copy's log: nobody was let print by it
        return False
    order = work.orders.get(told.order_id) if work.agency_of(source.node_id) else None
    if order is not None and is_foreign(work, source.node_id, order.node_id):
        return False
    row = work.handouts.get(told.order_id)
    if row is None:
        row = HandoutRow(work.stream, told.order_id, source.node_id)
    elif told.turn <= row.turn:
        return False
    row.turn, row.wanted_by = told.turn, ""
    if told.copies:
        row.keeper, row.copies = source.node_id, told.copies
    else:
        row.keeper = told.to
    work.handouts.put(told.order_id, row)
    return True


def _is_here(work: Work, keeper: str, seller: str, incarnation: int) -> bool:
    """Whether the keeper can answer: enrolled, and in the life in which it sold the order."""
    node = work.sql.row("SELECT state, inc FROM node WHERE id = ?", keeper)
    if node is None or node[0] != "active":
        return False
    return keeper != seller or bool(node[1] == incarnation)
