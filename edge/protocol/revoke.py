"""Revoke: tickets that must let nobody in any more, before their money goes back.

The intent is kept before the server is asked, under the operation id that will record what came of
it: a program that ends in between asks again, or shows what was left half done.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edge import replies
from edge.allotments import Grant, install
from edge.env import Env
from edge.journal import Unit, append, incarnation_of
from edge.protocol.history import check_generation
from edge.returns import mark_returned
from edge.time_left import now_of
from ticketing.ids import OpId, OrderId, TicketId, is_ticket_id
from ticketing.journal import Op, OpKind
from ticketing.returns import ReturnAction
from ticketing.terms import Anchor
from ticketing.ticket import TicketState


class RevocationState(StrEnum):
    """How far it has come. Stored, never renamed."""

    ASKED = "asked"  # the server may have it or not: ask again
    GRANTED = "granted"  # the tickets are dead; the money or the new tickets are still owed
    REFUSED = "refused"
    DONE = "done"  # recorded in the journal
    DROPPED = "dropped"  # somebody decided not to go on; the manager sees it


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tickets of one order to be revoked. `planned` is before the server was first asked."""

    stream: str
    op_id: OpId
    action: str
    order_id: OrderId
    ticket_ids: tuple[TicketId, ...]
    asked_ms: int
    state: RevocationState
    code: str
    planned: Anchor


@dataclass(frozen=True, slots=True)
class Revoked:
    """The tickets' states as the server has them now; for others in their place, what it lent."""

    tickets: tuple[tuple[TicketId, TicketState], ...]
    grant: Grant | None


def plan_revoke(
    unit: Unit,
    env: Env,
    stream: str,
    action: ReturnAction,
    order_id: OrderId,
    ticket_ids: Sequence[TicketId],
) -> Revocation:
    """Keep the intent and draw its operation id; ask only once this is committed."""
    now = now_of(unit, env)
    planned = Revocation(
        stream,
        OpId(env.random_bytes(16).hex()),
        action,
        order_id,
        tuple(ticket_ids),
        now.sent_wall_ms,
        RevocationState.ASKED,
        "",
        now,
    )
    unit.execute(
        "INSERT INTO revocation (stream, op_id, action, order_id, tickets, asked_ms, state, code, "
        "sent_mono_ms, boot_id, sent_wall_ms, sent_high_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?)",
        (
            stream,
            planned.op_id,
            action,
            order_id,
            json.dumps(planned.ticket_ids),
            planned.asked_ms,
            planned.state,
            int(now.sent_mono_s * 1000),
            now.boot_id,
            now.sent_wall_ms,
            now.wall_high_ms,
        ),
    )
    return planned


def pending_revocations(connection: sqlite3.Connection) -> tuple[Revocation, ...]:
    """Everything that was begun and not brought to an end, oldest first."""
    rows = connection.execute(
        "SELECT * FROM revocation WHERE state IN (?, ?) ORDER BY rowid",
        (RevocationState.ASKED, RevocationState.GRANTED),
    )
    return tuple(map(_revocation, rows))


def find_revocation(connection: sqlite3.Connection, op_id: OpId) -> Revocation | None:
    """One of them by its operation id."""
    row = connection.execute("SELECT * FROM revocation WHERE op_id = ?", (op_id,)).fetchone()
    return _revocation(row) if row else None


def revoke_request(connection: sqlite3.Connection, revocation: Revocation) -> dict[str, Any]:
    """As it is sent."""
    return {
        "op": revocation.op_id,
        "action": revocation.action,
        "order": revocation.order_id,
        "tickets": list(revocation.ticket_ids),
        "inc": incarnation_of(connection),
    }


def on_revoke(unit: Unit, revocation: Revocation, reply: Mapping[str, Any]) -> Revoked:
    """The tickets are dead. Their units are not ours to sell any more; what was lent instead is.

    Raises ServerUnreachable for an answer that makes no sense, or is of another history.
    """
    tickets = tuple(_ticket(raw) for raw in replies.objects(reply, "tickets"))
    raw_grant = reply.get("allotment")
    grant = replies.grant(raw_grant) if raw_grant else None
    if grant is not None:
        told = replies.generation(reply) if "gen" in reply else grant.id.generation
        check_generation(unit, told)
        install(unit, revocation.stream, grant, revocation.planned, req=revocation.op_id)
    mark_returned(unit, revocation.stream, revocation.order_id, revocation.ticket_ids)
    _move(unit, revocation, RevocationState.GRANTED, "")
    return Revoked(tickets, grant)


def on_revoke_refused(unit: Unit, revocation: Revocation, code: str) -> None:
    """The server said no: nothing was revoked."""
    _move(unit, revocation, RevocationState.REFUSED, code)


def finish_revoke(unit: Unit, env: Env, revocation: Revocation, kind: OpKind, body: str) -> Op:
    """Record the refund or exchange under the id that was asked with; then pay, and print."""
    op = append(unit, revocation.stream, kind, body, op_id=revocation.op_id, wall_ms=env.wall_ms())
    _move(unit, revocation, RevocationState.DONE, "")
    return op


def drop_revoke(unit: Unit, revocation: Revocation) -> None:
    """Somebody decided not to go on. The manager sees a revocation without an operation."""
    _move(unit, revocation, RevocationState.DROPPED, "")


def _move(unit: Unit, revocation: Revocation, state: RevocationState, code: str) -> None:
    """One step on; an answer that comes late brings nothing back that has ended."""
    unit.execute(
        "UPDATE revocation SET state = ?, code = ? WHERE op_id = ? AND state IN (?, ?)",
        (state, code, revocation.op_id, RevocationState.ASKED, RevocationState.GRANTED),
    )


def _revocation(row: sqlite3.Row) -> Revocation:
    return Revocation(
        row["stream"],
        OpId(row["op_id"]),
        row["action"],
        OrderId(row["order_id"]),
        tuple(TicketId(each) for each in json.loads(row["tickets"])),
        row["asked_ms"],
        RevocationState(row["state"]),
        row["code"],
        Anchor(
            row["sent_mono_ms"] / 1000, row["boot_id"], row["sent_wall_ms"], row["sent_high_ms"]
        ),
    )


def _ticket(raw: Mapping[str, Any]) -> tuple[TicketId, TicketState]:
    if not is_ticket_id(raw.get("id")) or raw.get("state") not in tuple(TicketState):
        raise replies.nonsense("tickets")
    return TicketId(raw["id"]), TicketState(raw["state"])
