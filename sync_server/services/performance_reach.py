"""Whom a change of a performance concerns: tickets that are out, and the machines to be told."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from sync_server.services.nodes import name_order
from sync_server.services.permissions import NodeRole

_TOLD = (NodeRole.TILL, NodeRole.GATE)


@dataclass(frozen=True, slots=True)
class Concern:
    """What is out of a performance, and what was paid for it.

    `lent_count`: places that windows hold and may have sold.
    """

    ticket_count: int
    order_count: int
    lent_count: int
    let_in_count: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class ToldNode:
    """A window or gate that is in use. `has_heard`: of the change that was asked about.

    A gate tells how far it has read. A window does not: it has heard once it was in contact after.
    """

    name: str
    role: NodeRole
    last_seen_ms: int  # 0: never
    unsynced_count: int
    has_heard: bool


def read_concern(connection: Connection, event_id: str, number: int) -> Concern:
    """Living tickets, the places that are lent, and how many were let in already."""
    values = {"e": event_id, "p": number}
    tickets = connection.execute(
        text(
            "SELECT count(*), count(DISTINCT order_id), coalesce(sum(price_minor), 0) FROM ticket "
            "WHERE event_id = :e AND perf_id = :p AND state <> 'void'"
        ),
        values,
    ).one()
    lent = connection.execute(
        text("SELECT count(*) FROM claim WHERE event_id = :e AND perf_id = :p AND kind = 'allot'"),
        values,
    ).scalar_one()
    let_in = connection.execute(
        text(
            "SELECT count(DISTINCT ticket_id) FROM entry WHERE event_id = :e AND perf_id = :p "
            "AND phase IN ('granted','passed')"
        ),
        values,
    ).scalar_one()
    return Concern(int(tickets[0]), int(tickets[1]), int(lent), int(let_in), int(tickets[2]))


def read_told(
    connection: Connection, event_id: str, generation: str, rev: int, at_ms: int
) -> list[ToldNode]:
    """Every window and gate in use, by name; whether it has heard of a change of this revision."""
    rows = connection.execute(
        text(
            "SELECT n.name, n.role, n.last_seen_ms, n.unsynced_count, g.generation, g.rev "
            "FROM node n LEFT JOIN gate_cursor g ON g.node_id = n.id AND g.event_id = :e "
            "WHERE n.state = 'active'"
        ),
        {"e": event_id},
    )
    found = []
    for name, role, seen_ms, unsynced, read_in, read_to in rows:
        if role not in _TOLD:
            continue
        if role == NodeRole.GATE:
            has_heard = read_in == generation and int(read_to or 0) >= rev
        else:
            has_heard = int(seen_ms) > at_ms
        found.append(ToldNode(name, NodeRole(role), int(seen_ms), int(unsynced), has_heard))
    return sorted(found, key=lambda each: name_order(each.name))
