"""What a hub makes of the journals of nodes below it, beside passing them on as they are.

The centre judges them. Here they only show at once, on the venue's own network, what was sold and
what was taken back: gates let in by it, windows see it. Whatever the centre says of the same rows
takes their place. So nothing is booked here, no case is opened, and what is known is left alone,
also when a till tells a hub's new machine its whole journal anew.
"""

from __future__ import annotations

from sync_server.heart.effect import Effect
from sync_server.heart.effects import Kind, put_order, put_ticket
from sync_server.heart.intake import Outcome, Push, Taken, record
from sync_server.heart.rows import OpRow
from sync_server.heart.source import Source
from sync_server.heart.units import revoke_ticket
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.journal import Op, Verdict
from ticketing.operations import Exchange, Refund, Sale, SaleLine
from ticketing.ticket import TicketState


class PushBelow(Push):
    """A batch of a journal, taken by the hub that its node is below.

    What the node's clock showed is kept with it: it goes on with the operations, which reach the
    centre even if the node never greets this history, and this run of the program ends.
    """

    __slots__ = ()

    def apply(self, work: Work) -> Outcome:
        """Record the batch, and what its node's clock showed."""
        outcome = Push.apply(self, work)
        if isinstance(outcome, Taken):
            work.keep_told_clock(self.source.node_id)
        return outcome


class SalesBelow(PushBelow):
    """A batch of a till's journal: what it sold shows at once."""

    __slots__ = ()

    def want(self, work: Work) -> None:
        """Name the orders and tickets too: the centre may have told of them before."""
        PushBelow.want(self, work)
        for kind in self._kinds:
            if isinstance(kind, Sale | Exchange):
                work.orders.want([kind.order_id])
                work.tickets.want(line.ticket_id for line in kind.lines)

    def _record(self, work: Work, op: Op, kind: Kind | str) -> OpRow:
        told = "contradiction" if op.seq in self.refused else kind
        if isinstance(told, str):
            return record(work, self.source, op, Effect(Verdict.REJECTED, told))
        return record(work, self.source, op, _shown(work, self.source, op, told))


def _shown(work: Work, source: Source, op: Op, kind: Kind) -> Effect:
    if isinstance(kind, Exchange):
        _take_back(work, kind.of_order, kind.returned)
    elif isinstance(kind, Refund):
        _take_back(work, kind.order_id, kind.ticket_ids)
    if not isinstance(kind, Sale | Exchange):
        return Effect(Verdict.OK, shows=isinstance(kind, Refund))
    if work.orders.get(kind.order_id) is None:
        put_order(work, source, op, kind)
    for line in kind.lines:
        _sell(work, source, kind.order_id, line)
    return Effect(Verdict.OK, shows=True)


def _sell(work: Work, source: Source, order_id: str, line: SaleLine) -> None:
    """As long as the unit is lent by what the line cites. Of anything else the centre must tell."""
    claim = work.claim(line.performance, line.unit)
    cited = (claim.kind, claim.ref, claim.version)
    if cited != (ClaimKind.ALLOT, str(line.allotment), line.version):
        return
    if work.tickets.get(line.ticket_id) is not None:
        return
    claim.kind, claim.ref, claim.node_id = ClaimKind.SOLD, line.ticket_id, source.node_id
    work.put_claim(claim)
    put_ticket(work, order_id, line, TicketState.VALID, claim)


def _take_back(work: Work, order_id: str, ticket_ids: tuple[str, ...]) -> None:
    for ticket_id in ticket_ids:
        ticket = work.tickets.get(ticket_id)
        if ticket is not None and ticket.order_id == order_id:
            revoke_ticket(work, ticket)
