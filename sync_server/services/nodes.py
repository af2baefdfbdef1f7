"""The enrolled nodes as the server knows them: consulted at every call of a node."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from sync_server.services.house import read_meta
from sync_server.services.permissions import NodeRole
from sync_server.store.writer import Transaction

MIN_VERSION_KEY = "min_program_version"
"""The entry of `meta` that has the least version of windows and gates that are served."""


def name_order(name: str) -> tuple[str | int, ...]:
    """A machine's place among others, as people count: "Window 2" before "Window 10"."""
    parts = re.split(r"([0-9]{1,15})", name)  # words and numbers take turns
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts))


@dataclass(frozen=True, slots=True)
class Node:
    """A till, gate or hub. `public` is its Ed25519 key; `hub`: the node id of the hub it is below.

    `is_too_old`: its program is below the least version of the house. `agency`: the id of the one
    whose window it is; '' for the house's own.
    """

    id: str
    name: str
    role: NodeRole
    public: bytes
    state: Literal["active", "revoked"]
    incarnation: int = 1
    hub: str = ""
    program_version: str = ""
    is_too_old: bool = False
    agency: str = ""

    @property
    def is_active(self) -> bool:
        """Whether its token and its signature are taken."""
        return self.state == "active"


class NodeBook:
    """All nodes in memory, and whether that is still what the database says.

    `outdate` may be called on any thread; the rest belongs to the event loop. A refresh that
    began before the last change does not count as current.
    """

    def __init__(self) -> None:
        self._nodes: Mapping[str, Node] = {}
        self._lock = threading.Lock()
        self._changes = 1
        self._known = 0

    @property
    def version(self) -> int:
        """Which change of the house is the last: take it before reading the nodes."""
        return self._changes

    @property
    def is_current(self) -> bool:
        """Whether nothing has changed since the nodes were read."""
        return self._known == self._changes

    def outdate(self) -> None:
        """The house has changed: what is here may be old."""
        with self._lock:
            self._changes += 1

    def replace(self, nodes: Mapping[str, Node], version: int) -> None:
        """Take nodes that were read when `version` was the present one, unless newer are here."""
        if version >= self._known:
            self._nodes, self._known = nodes, version

    def get(self, node_id: str) -> Node | None:
        """The node, revoked or not."""
        return self._nodes.get(node_id)

    @property
    def till_count(self) -> int:
        """How many tills share the house."""
        return sum(n.role is NodeRole.TILL and n.is_active for n in self._nodes.values())


def read_nodes(connection: Connection) -> dict[str, Node]:
    """All nodes by their id."""
    least = read_meta(connection).get(MIN_VERSION_KEY, "")
    rows = connection.execute(
        text(
            "SELECT id, name, role, public_key, state, inc, hub, program_version, agency FROM node"
        )
    )
    return {
        row[0]: Node(
            row[0],
            row[1],
            NodeRole(row[2]),
            bytes.fromhex(row[3]),
            row[4],
            row[5],
            row[6],
            row[7],
            is_older(row[7], least),
            row[8],
        )
        for row in rows
    }


def is_older(version: str, least: str) -> bool:
    """Whether a program's version is below the least one; one that it does not say is."""
    return bool(least) and _numbers(version) < _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    """1.2.0 as (1, 2); what follows the numbers ("1.2.0rc1") does not count."""
    found = re.match(r"[0-9]{1,5}(\.[0-9]{1,5})*", version)
    numbers = [int(each) for each in found[0].split(".")] if found else [-1]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def revoke_node(tx: Transaction, venue_id: str, node_id: str) -> bool:
    """Take a node's key back, for ever; False when there is no such active node."""
    changed = tx.run(
        "UPDATE node SET state = 'revoked' WHERE id = :id AND state = 'active'", id=node_id
    )
    if changed:
        tx.run("UPDATE node SET rev = :rev WHERE id = :id", rev=tx.next_rev(venue_id), id=node_id)
    return bool(changed)
