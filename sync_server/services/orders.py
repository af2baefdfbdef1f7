"""One order as its till recorded it, with its tickets as they stand now."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from sync_server.heart.order_money import OrderMoney
from sync_server.store.sql import Sql
from ticketing.ids import OpId, OrderId
from ticketing.journal import OpKind
from ticketing.pay_back import Funds

MOVEMENTS_MAX = 1_000
"""Told of one order's tickets: the latest entries and exits."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Somebody went in on a ticket, or came out: which phase that entry or exit is in now."""

    op_id: str
    node_id: str
    lane: str
    phase: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ToldTicket:
    """A ticket now; `in_ms` is when somebody first went in on it, 0: nobody.

    `blocked`, and `movements` that count, are what a gate decides by.
    """

    id: str
    state: str
    performance: int
    unit: int
    version: int
    blocked: str
    in_ms: int
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """`body` is the text of the operation that sold it; `turn` as in the hand-out's row.

    `left` is what is left of the money that came with it, when the operations `counted` were done.
    """

    kind: str
    node_id: str
    sold_ms: int
    body: str
    tickets: tuple[ToldTicket, ...]
    turn: int
    left: Funds = ()
    counted: tuple[OpId, ...] = ()

    @property
    def body_without_codes(self) -> str:
        """The same for who has nothing to print."""
        body = json.loads(self.body)
        for line in body["lines"]:
            line["code"] = ""
        return json.dumps(body, ensure_ascii=False, sort_keys=True)


def read_order(
    connection: Connection, event_id: str, order_id: str, ticket_id: str, agency: str = ""
) -> ToldOrder | None:
    """By its id, or else by a ticket's; None when there is none, or nobody can read it.

    `agency`: whose windows' orders are there for who asks; '' sees all.
    """
    if not order_id:
        found = connection.execute(
            text("SELECT order_id FROM ticket WHERE event_id = :e AND id = :t"),
            {"e": event_id, "t": ticket_id},
        ).scalar()
        order_id = str(found or "")
    row = connection.execute(
        text(
            "SELECT o.node_id, o.sold_ms, p.kind, p.body, coalesce(h.turn, 0) FROM orders o "
            "JOIN op p ON p.event_id = o.event_id AND p.node_id = o.node_id AND p.inc = o.inc "
            "AND p.seq = o.seq LEFT JOIN handout h ON h.event_id = o.event_id "
            "AND h.order_id = o.id WHERE o.event_id = :e AND o.id = :o AND (:a = '' OR "
            "o.node_id IN (SELECT id FROM node WHERE agency = :a)) ORDER BY p.branch"
        ),
        {"e": event_id, "o": order_id, "a": agency},
    ).fetchall()
    for node_id, sold_ms, kind, body, turn in row:
        if kind in (OpKind.SALE, OpKind.EXCHANGE) and _is_of(body, order_id):
            tickets = _tickets(connection, event_id, order_id)
            money = _money(connection, event_id, OrderId(order_id))
            return ToldOrder(kind, node_id, sold_ms, body, tickets, turn, *money)
    return None


def _is_of(body: str, order_id: str) -> bool:
    """Whether this very operation sold it: a forked journal has two of a number."""
    return bool(json.loads(body).get("order") == order_id)


def _money(
    connection: Connection, event_id: str, order_id: OrderId
) -> tuple[Funds, tuple[OpId, ...]]:
    books = OrderMoney(Sql.of(connection), event_id)
    order = books.order(order_id)
    if order is None:
        return (), ()
    return books.left(order), tuple(op_id for op_id, _told in books.given_back(order_id))


def _tickets(connection: Connection, event_id: str, order_id: str) -> tuple[ToldTicket, ...]:
    bound = {"e": event_id, "o": order_id}
    rows = connection.execute(
        text(
            "SELECT t.id, t.state, t.perf_id, t.unit, t.version, t.blocked, "
            "coalesce((SELECT min(e.at_ms) FROM entry e "
            "WHERE e.event_id = t.event_id AND e.ticket_id = t.id AND e.phase <> 'returned'), 0) "
            "FROM ticket t WHERE t.event_id = :e AND t.order_id = :o ORDER BY t.id"
        ),
        bound,
    ).fetchall()
    moved = connection.execute(
        text(
            "SELECT e.ticket_id, e.op_id, e.node_id, e.lane, e.phase, e.at_ms FROM ticket t "
            "JOIN entry e ON e.event_id = t.event_id AND e.ticket_id = t.id "
            "WHERE t.event_id = :e AND t.order_id = :o AND e.phase <> 'returned' "
            "ORDER BY e.at_ms DESC, e.op_id LIMIT :n"
        ),
        bound | {"n": MOVEMENTS_MAX},
    )
    movements: dict[str, list[Movement]] = {}
    for ticket_id, *told in moved:
        movements.setdefault(ticket_id, []).append(Movement(*told))
    tickets = (ToldTicket(*row) for row in rows)
    return tuple(replace(one, movements=tuple(movements.get(one.id, ()))) for one in tickets)
