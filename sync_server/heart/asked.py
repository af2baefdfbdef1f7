"""Revocations that tills had asked for when a history of the database ended.

The centre revoked a ticket, sold its place anew one version up, and then forgot both; the till that
had asked was told nothing yet. Taken by itself, the forgotten history left one ticket that is valid
here and one that another till sold honestly. Two nodes together can prove what happened: the till
that asked for the revocation, and the one that was lent the place with a higher version, which only
a revocation can have freed. Then it is made again, before the second ticket is judged. A replacement
keeps its place for whoever asked, so that only the allotment lent in answer to it proves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sync_server.heart.agencies import is_foreign_ticket
from sync_server.heart.rows import Claim, Revocation
from sync_server.heart.units import revoke_ticket
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.operations import ExchangeAction
from ticketing.returns import ReturnAction
from ticketing.ticket import TicketState

ASKED_STATE = "asked"
"""Of a row in `declared` whose id is the operation's: a revocation, and no allotment."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A revocation as its till asked for it. Nothing of its own journal tells of it yet."""

    op_id: str
    action: ReturnAction
    order_id: str
    ticket_ids: tuple[str, ...]

    def to_text(self) -> str:
        """As the `declared` table keeps it."""
        body = {"action": self.action, "order": self.order_id, "tickets": self.ticket_ids}
        return json.dumps(body, separators=(",", ":"))


class AskedRevocations:
    """What an event's tills had asked for, by ticket."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._by_ticket: dict[str, tuple[str, str, dict[str, object]]] = {}
        rows = work.sql.rows(
            "SELECT id, node_id, body FROM declared WHERE event_id = ? AND state = ? ORDER BY id",
            work.stream,
            ASKED_STATE,
        )
        for op_id, node_id, text in rows:
            body = json.loads(text)
            for ticket_id in body["tickets"]:
                self._by_ticket.setdefault(ticket_id, (op_id, node_id, body))
        work.tickets.want(self._by_ticket)
        work.want_entries(self._by_ticket)
        work.revocations.want(op_id for op_id, _node_id, _body in self._by_ticket.values())

    def make_again(self, claim: Claim, version: int, allot_id: str, req: str) -> None:
        """Free the unit of a sold ticket for an allotment that was lent it at a higher version.

        `req`: the request that the allotment answered. Nothing happens without a till that asked
        for the revocation, and nothing to who has gone in.
        """
        if claim.kind != ClaimKind.SOLD or claim.version >= version:
            return
        asked = self._by_ticket.get(claim.ref)
        if asked is None or not self._may_be(asked):
            return
        op_id, node_id, body = asked
        replaces = body["action"] == ExchangeAction.REPLACEMENT
        if replaces and req != op_id:
            return
        for ticket_id in _tickets_of(body):
            ticket = self._work.tickets.get(ticket_id)
            assert ticket is not None, "it was just looked at"
            revoke_ticket(self._work, ticket)
        kept = {"order": body["order"], "tickets": body["tickets"]}
        kept["allotment"] = allot_id if replaces else ""
        row = Revocation(
            self._work.stream,
            op_id,
            node_id,
            str(body["action"]),
            self._work.now_ms,
            0,
            json.dumps(kept, sort_keys=True),
        )
        self._work.revocations.put(op_id, row)

    def _may_be(self, asked: tuple[str, str, dict[str, object]]) -> bool:
        """Whether every ticket still lets somebody in who has not gone in, and it is no other's."""
        work, (op_id, node_id, body) = self._work, asked
        if work.revocations.get(op_id) is not None:
            return False
        for ticket_id in _tickets_of(body):
            ticket = work.tickets.get(ticket_id)
            if ticket is None or ticket.order_id != body["order"]:
                return False
            if ticket.state == TicketState.VOID or is_foreign_ticket(work, node_id, ticket_id):
                return False
            if any(entry.phase != "returned" for entry in work.entries_of(ticket_id)):
                return False
        return True


def _tickets_of(body: dict[str, object]) -> Iterable[str]:
    tickets = body["tickets"]
    assert isinstance(tickets, list), "as it was kept"
    return tickets
