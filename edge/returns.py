"""Own sales taken back: what this till knows of its orders, and the void it may do alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable

from edge.env import Env
from edge.journal import Unit, append
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    Exchange,
    Refund,
    Sale,
    SaleLine,
    decode_exchange,
    decode_sale,
    encode_exchange,
    encode_refund,
)
from ticketing.returns import ReturnRefusal, Route, SoldOrder, return_route
from ticketing.ticket import TicketState


def sold_order(
    connection: sqlite3.Connection, stream: str, order_id: OrderId, *, same_shift: bool
) -> SoldOrder | None:
    """What this till knows of an order that it sold itself; None when it did not.

    A ticket counts as valid as long as its unit is still the one that was sold for it here and
    nobody asked for it to be revoked.
    """
    row = _order(connection, stream, order_id)
    if row is None:
        return None
    revoked = revoked_tickets(connection, stream, order_id)
    own = not row["from_node"]  # or its tickets were printed here, and sold elsewhere
    states = {
        line.ticket_id: TicketState.VALID
        if line.ticket_id not in revoked and (not own or _is_sold(connection, stream, line))
        else TicketState.VOID
        for line in read_order(row["body"]).lines
    }
    acknowledged = not own or not _is_unheard(connection, stream, row["body"])
    return SoldOrder(states, own, same_shift and own, acknowledged)


def void_here(
    unit: Unit,
    env: Env,
    stream: str,
    refund: Refund,
    scanned: Collection[TicketId],
    *,
    same_shift: bool,
) -> Op | ReturnRefusal | Route:
    """Take back tickets of an own sale that the server has not acknowledged, without asking it.

    Their units are returned: nobody sells them here again, the server frees them. Gives
    Route.CENTRE when the server must be asked, and a ReturnRefusal when it can't be at all.
    """
    order = sold_order(unit, stream, refund.order_id, same_shift=same_shift)
    if order is None:
        return Route.CENTRE
    route = return_route(refund.action, order, refund.ticket_ids, scanned)
    if route is not Route.HERE:
        return route
    mark_returned(unit, stream, refund.order_id, refund.ticket_ids)
    return _record(unit, env, stream, OpKind.REFUND, encode_refund(refund))


def exchange_here(
    unit: Unit, env: Env, stream: str, exchange: Exchange, scanned: Collection[TicketId]
) -> Op | ReturnRefusal | Route:
    """Swap tickets of an own sale that the server has not acknowledged, without asking it.

    As `void_here` for what goes back; the caller has taken the new tickets' units in this very
    transaction, and undoes it unless it gets the operation.
    """
    order = sold_order(unit, stream, exchange.of_order, same_shift=False)
    if order is None:
        return Route.CENTRE
    route = return_route(exchange.action, order, exchange.returned, scanned)
    if route is not Route.HERE:
        return route
    mark_returned(unit, stream, exchange.of_order, exchange.returned)
    return _record(unit, env, stream, OpKind.EXCHANGE, encode_exchange(exchange))


def promised_units(connection: sqlite3.Connection) -> frozenset[tuple[str, int, int]]:
    """(stream, performance, unit) lent for replacements that are not finished yet.

    They wait for their new tickets: nobody gives them back meanwhile.
    """
    rows = connection.execute(
        "SELECT u.stream, u.performance, u.unit FROM revocation r JOIN allot a "
        "ON a.stream = r.stream AND a.req = r.op_id JOIN allot_unit u "
        "ON u.stream = a.stream AND u.allot_id = a.id "
        "WHERE r.state IN ('asked', 'granted') AND u.state = 'free'"
    )
    return frozenset((row["stream"], row["performance"], row["unit"]) for row in rows)


def read_order(body: str) -> Sale | Exchange:
    """What an own order sold. A body that nobody can read is a bug: we wrote it ourselves."""
    order = decode_sale(body) or decode_exchange(body)
    assert order is not None, "an order of ours that nobody can read"
    return order


def mark_returned(
    unit: Unit, stream: str, order_id: OrderId, ticket_ids: Iterable[TicketId]
) -> None:
    """The units of these tickets are not for sale from here again; another till's are not ours."""
    row = _order(unit, stream, order_id)
    if row is None:
        return
    lines = {line.ticket_id: line for line in read_order(row["body"]).lines}
    for ticket_id in ticket_ids:
        line = lines.get(ticket_id)
        if line is not None:
            unit.execute(
                "UPDATE allot_unit SET state = 'returned' WHERE stream = ? AND performance = ? "
                "AND unit = ? AND allot_id = ? AND version = ? AND state = 'sold'",
                (stream, line.performance, line.unit, str(line.allotment), line.version),
            )


def _order(connection: sqlite3.Connection, stream: str, order_id: OrderId) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT body, from_node FROM orders WHERE stream = ? AND id = ?", (stream, order_id)
    ).fetchone()
    return found


def _record(unit: Unit, env: Env, stream: str, kind: OpKind, body: str) -> Op:
    op_id = OpId(env.random_bytes(16).hex())
    return append(unit, stream, kind, body, op_id=op_id, wall_ms=env.wall_ms())


def _is_sold(connection: sqlite3.Connection, stream: str, line: SaleLine) -> bool:
    row = connection.execute(
        "SELECT 1 FROM allot_unit WHERE stream = ? AND performance = ? AND unit = ? "
        "AND allot_id = ? AND version = ? AND state = 'sold'",
        (stream, line.performance, line.unit, str(line.allotment), line.version),
    ).fetchone()
    return row is not None


def _is_unheard(connection: sqlite3.Connection, stream: str, body: str) -> bool:
    """Whether the operation that sold it is among those that the server has not acknowledged."""
    row = connection.execute(
        "SELECT 1 FROM journal j CROSS JOIN op o ON o.stream = j.stream AND o.inc = j.inc "
        "AND o.seq > max(j.acked, j.salvaged) WHERE j.stream = ? AND o.kind IN (?, ?) "
        "AND o.body = ?",
        (stream, OpKind.SALE, OpKind.EXCHANGE, body),
    ).fetchone()
    return row is not None


def revoked_tickets(
    connection: sqlite3.Connection, stream: str, order_id: OrderId
) -> frozenset[str]:
    """Tickets that somebody asked the server to revoke, unless it refused."""
    rows = connection.execute(
        "SELECT tickets FROM revocation WHERE stream = ? AND order_id = ? AND state <> 'refused'",
        (stream, order_id),
    )
    return frozenset(ticket for row in rows for ticket in json.loads(row["tickets"]))
