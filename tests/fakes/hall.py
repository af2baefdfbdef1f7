"""The sample theatre as a node's mirror has it, and a clock that stands on its first evening."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from edge.identity import Identity, NodeKey
from edge.mirror import Change, Mirror
from tests.fakes.edge_node import SERVER_KEY, VENUE
from tests.fakes.till import NOW, sample_catalogue
from ticketing.catalogue import event_documents
from ticketing.keys import key_id, node_key_message, public_of, sign

GENERATION = "0a1b2c3d"
FIRST, SECOND = 1, 2
"""Two performances of the sample's event; the doors of the first are open at NOW."""
ROW = (152, 153, 154, 155, 156, 157)
"""Seats in the stalls, of the dearest price tier."""
STANDING = 1_201
"""The first standing place."""


@dataclass
class SetEnv:
    """Clocks that stand until a test moves them; chance is the machine's."""

    now: datetime = NOW
    since_boot_s: float = 1_000.0
    boot: str = "first-boot"

    def wall_ms(self) -> int:
        return round(self.now.timestamp() * 1000)

    def monotonic_s(self) -> float:
        return self.since_boot_s

    def boot_id(self) -> str:
        return self.boot

    def maybe_crash(self, point: str) -> None:
        """Nothing: a test that wants a crash has its own."""

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def pass_s(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        self.since_boot_s += seconds

    def set_clock(self, by: timedelta) -> None:
        """Somebody sets the machine's clock; no time passes."""
        self.now += by


@cache
def event_row() -> tuple[str, dict[str, Any]]:
    """The sample's event id and its document."""
    event_id, document = event_documents(sample_catalogue())[0]
    return event_id, document


EVENT_ID = "swan-lake"


class Feed:
    """Tells a mirror what a server would, with rising revisions."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def tell(self, stream: str, *rows: tuple[str, Mapping[str, Any]]) -> None:
        """One page of news of one stream."""
        rev = self._mirror.cursors().get(stream, 0)
        changes = [Change(kind, rev + at, body) for at, (kind, body) in enumerate(rows, 1)]
        self._mirror.apply(stream, GENERATION, changes, rev + len(rows))

    def open_house(self, document: Mapping[str, Any] | None = None) -> None:
        """The event list and the sample's event, or another document in its place."""
        event_id, sample = event_row()
        self.tell(VENUE, ("doc", {"kind": "event_list", "id": event_id, "body": {}}))
        body = {"kind": "event", "id": event_id, "body": document or sample}
        self.tell(event_id, ("doc", body))

    def person(
        self,
        person_id: str,
        pin: str,
        *,
        role: str = "cashier",
        state: str = "active",
        name: str = "",
    ) -> None:
        """Somebody of the house; `pin` is a verifier."""
        body = {
            "id": person_id,
            "name": name or person_id,
            "role": role,
            "pin": pin,
            "state": state,
        }
        self.tell(VENUE, ("person", body))

    def node(self, row: Mapping[str, Any]) -> None:
        """A node's key, as `node_row` makes it."""
        self.tell(VENUE, ("node", row))

    def claims(self, performance: int, kind: str, units: Iterable[int], ref: str = "") -> None:
        """Somebody has these units (or nobody: 'free')."""
        rows = [
            ("claim", {"p": performance, "u": u, "kind": kind, "ref": ref, "node": "", "v": 0})
            for u in units
        ]
        self.tell(EVENT_ID, *rows)

    def allotment(
        self,
        allotment: str,
        performance: int,
        units: Iterable[int],
        state: str = "open",
        *,
        node: str = "",
    ) -> None:
        """Units lent to a till."""
        pairs = [[unit, 0] for unit in units]
        body = {"id": allotment, "node": node, "p": performance, "state": state, "units": pairs}
        self.tell(EVENT_ID, ("allot", body))

    def ticket(
        self,
        ticket_id: str,
        performance: int,
        unit: int,
        *,
        version: int = 0,
        state: str = "valid",
        blocked: str = "",
        order: str = "",
    ) -> None:
        """A sale that has reached the server."""
        body = {"id": ticket_id, "p": performance, "u": unit, "v": version, "state": state}
        self.tell(EVENT_ID, ("ticket", {**body, "blocked": blocked, "order": order}))

    def order_no(self, order_id: str, number: str) -> None:
        """What a gate hears of an order."""
        self.tell(EVENT_ID, ("order_no", {"id": order_id, "no": number}))

    def entry(
        self,
        op_id: str,
        ticket_id: str,
        node_id: str,
        lane: str,
        at_ms: int,
        *,
        phase: str = "granted",
    ) -> None:
        """Somebody was let in somewhere, or went out."""
        body = {
            "op": op_id,
            "ticket": ticket_id,
            "node": node_id,
            "lane": lane,
            "phase": phase,
            "at_ms": at_ms,
        }
        self.tell(EVENT_ID, ("entry", body))

    def double_entry(
        self, ticket_id: str, at_ms: int, gates: Iterable[str], *, is_open: bool = True
    ) -> None:
        """A case: the ticket went in at each of these gates, ten seconds apart, at the last by hand."""
        entries = [
            {
                "op": f"{number:032x}",
                "node_id": gate,
                "lane": f"Lane {number}",
                "at_ms": at_ms + 10_000 * number,
                "offline": number > 1,
                "by": ["p-boss", "p-guard"] if number > 1 else [],
            }
            for number, gate in enumerate(gates, 1)
        ]
        body = {
            "ticket": ticket_id,
            "performance": FIRST,
            "unit": ROW[0],
            "entries": entries,
            "causes": ["one_offline"],
        }
        case = {
            "id": f"double_entry:{ticket_id}",
            "kind": "double_entry",
            "state": "open" if is_open else "closed",
            "at_ms": at_ms,
            "body": body,
        }
        self.tell(EVENT_ID, ("case", case))


def node_row(
    node_id: str, public: bytes, *, role: str = "till", state: str = "active"
) -> dict[str, Any]:
    """A node as the house feed has it, with the server's signature over its key."""
    signature = sign(SERVER_KEY, node_key_message(node_id, role, public))
    return {
        "id": node_id,
        "name": node_id,
        "role": role,
        "key": public.hex(),
        "key_id": key_id(public),
        "signature": signature.hex(),
        "state": state,
    }


def till_row(identity: Identity, key: NodeKey) -> dict[str, Any]:
    """A till's own row."""
    return node_row(identity.node_id, key.public, role=identity.role)


def server_public() -> bytes:
    """The key that signs the nodes' keys."""
    return public_of(SERVER_KEY)
