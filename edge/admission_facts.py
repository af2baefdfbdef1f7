"""What the server told this node of who may sell what: facts of a decision, wherever it is made."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field

from ticketing.admission import AllotmentFacts, AllotmentState, IssuerKey, KeyState
from ticketing.code import TicketFacts
from ticketing.keys import is_signed, node_key_message


@dataclass(slots=True)
class Issuers:
    """The keys of the house's tills. Used by one thread, or by several: a key is checked once more
    at worst.
    """

    server_key: bytes
    _vouched: dict[str, bytes] = field(default_factory=dict)

    def find(self, mirror: sqlite3.Connection, key_id: str) -> IssuerKey | None:
        """A till's key, believed only with the server's signature on it; None when unknown.

        A gate's key vouches for no ticket, or a stolen gate could forge any.
        """
        row = mirror.execute(
            "SELECT id, role, key, signature, state FROM node WHERE key_id = ? AND role = 'till'",
            (key_id,),
        ).fetchone()
        if row is None:
            return None
        public = bytes.fromhex(row["key"])
        if self._vouched.get(key_id) != public:
            message = node_key_message(row["id"], row["role"], public)
            if not is_signed(self.server_key, bytes.fromhex(row["signature"]), message):
                return None
            self._vouched[key_id] = public
        return IssuerKey(public, KeyState(row["state"]))


def allotment_facts(
    mirror: sqlite3.Connection, stream: str, ticket: TicketFacts
) -> AllotmentFacts | None:
    """A till's key vouches for the units lent to it, or to its hub, for that very performance."""
    row = mirror.execute(
        "SELECT a.state, a.units, a.performance, EXISTS (SELECT 1 FROM node n WHERE n.key_id = ? "
        "AND a.node_id IN (n.id, n.hub)) AS is_sellers FROM allot a "
        "WHERE a.stream = ? AND a.id = ?",
        (ticket.key_id, stream, str(ticket.allotment)),
    ).fetchone()
    if row is None:
        return None
    same = row["performance"] == ticket.performance and row["is_sellers"] == 1
    has_unit = same and ticket.unit in json.loads(row["units"])
    return AllotmentFacts(has_unit, AllotmentState(row["state"]))
