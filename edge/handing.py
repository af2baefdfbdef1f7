"""Which node may print an order's tickets first, as far as this one knows: its own till, at first.

The right goes to another node by an operation of the one that has it, and by nothing else. Paper
that may be out, or lies in a printer's spool, counts as printed: then nothing is handed over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from edge import replies
from edge.env import Env
from edge.journal import LockReason, Unit, append, get_meta, incarnation_of, lock_reason
from edge.mirror import Mirror
from edge.told_tickets import ToldTicket, read_told_ticket
from ticketing.ids import OpId, OrderId, TicketId, is_node_id, is_ticket_id
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    Exchange,
    HandOver,
    Sale,
    decode_exchange,
    decode_sale,
    encode_exchange,
    encode_hand_over,
    encode_sale,
)
from ticketing.pay_back import Fund, Funds
from ticketing.ticket import TicketState

ANSWERS_MAX = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Another node asks to print an order that this one may print first."""

    stream: str
    order_id: OrderId
    by: str
    turn: int


@dataclass(frozen=True, slots=True)
class ToldOrder:
    """An order as the server told of it: who sold it, and how its tickets stand.

    `left` is what is left of the money that came with it, when the operations `counted` were done;
    None from a server that does not tell. `at_gate` is what a gate would decide by.
    """

    stream: str
    node_id: str
    sold_ms: int
    order: Sale | Exchange
    states: Mapping[TicketId, TicketState]
    entered: Mapping[TicketId, int]
    turn: int
    left: Funds | None = None
    counted: frozenset[OpId] = frozenset()
    at_gate: Mapping[TicketId, ToldTicket] = field(default_factory=dict)


def order_request(order_id: str, ticket_id: str) -> dict[str, Any]:
    """Ask for an order by its id or, without one, by a ticket's."""
    return {"order": order_id} if order_id else {"ticket": ticket_id}


def read_told_order(stream: str, reply: Mapping[str, Any]) -> ToldOrder:
    """What the server told of an order. Raises ServerUnreachable for what makes no sense."""
    body, node_id = reply.get("body"), reply.get("node")
    order = (decode_sale(body) or decode_exchange(body)) if isinstance(body, str) else None
    if order is None or not is_node_id(node_id):
        raise replies.nonsense("order")
    states: dict[TicketId, TicketState] = {}
    entered: dict[TicketId, int] = {}
    places: dict[str, tuple[int, int]] = {}
    at_gate: dict[TicketId, ToldTicket] = {}
    for raw in replies.objects(reply, "tickets"):
        if not is_ticket_id(raw.get("id")) or raw.get("state") not in tuple(TicketState):
            raise replies.nonsense("tickets")
        ticket_id = TicketId(raw["id"])
        states[ticket_id] = TicketState(raw["state"])
        places[ticket_id] = replies.number(raw, "u"), replies.number(raw, "v", high=255)
        in_ms = replies.number(raw, "in_ms")
        if in_ms:
            entered[ticket_id] = in_ms
        told = read_told_ticket(raw)
        if told is not None:
            at_gate[ticket_id] = told
    lines = tuple(
        replace(line, unit=places[line.ticket_id][0], version=places[line.ticket_id][1])
        if line.ticket_id in places
        else line
        for line in order.lines
    )
    for line in lines:  # the server does not honour it at all: a person settles that
        states.setdefault(line.ticket_id, TicketState.DISPUTED)
    return ToldOrder(
        stream,
        str(node_id),
        replies.number(reply, "at_ms"),
        replace(order, lines=lines),
        states,
        entered,
        replies.number(reply, "turn"),
        _funds(reply["left"]) if "left" in reply else None,
        _op_ids(reply.get("counted", [])),
        at_gate,
    )


def _op_ids(raw: object) -> frozenset[OpId]:
    """Operations by their ids. Raises ServerUnreachable for what are none."""
    if not isinstance(raw, list) or not all(isinstance(each, str) for each in raw):
        raise replies.nonsense("counted")
    return frozenset(map(OpId, raw))


def _funds(raw: object) -> Funds:
    """Money by tender, the newest first. Raises ServerUnreachable for what is none."""
    funds: list[Fund] = []
    for each in raw if isinstance(raw, list) else [None]:
        match each:
            case [str(tender), int(amount), str(said)] if type(amount) is int and amount >= 0:
                funds.append(Fund(tender, amount, said))
            case _:
                raise replies.nonsense("left")
    return tuple(funds)


# --- giving


def wanted_of(mirror: Mirror, journal: sqlite3.Connection, node_id: str) -> tuple[Wanted, ...]:
    """What other nodes ask of this one, as the mirror has it, and it has not answered; the oldest.

    What it cannot answer, since it lost the order, stands in nobody's way.
    """
    with mirror.reading() as connection:
        rows = connection.execute(
            "SELECT stream, order_id, wanted_by, turn FROM handout "
            "WHERE keeper = ? AND wanted_by <> '' ORDER BY rev",
            (node_id,),
        ).fetchall()
    every = (
        Wanted(row["stream"], OrderId(row["order_id"]), row["wanted_by"], row["turn"])
        for row in rows
    )
    return tuple(islice((one for one in every if _to_answer(journal, one)), ANSWERS_MAX))


def answer(unit: Unit, env: Env, wanted: Wanted) -> Op | None:
    """Hand the order over, or say that it is printed; None when that was answered before."""
    row = _to_answer(unit, wanted)
    if row is None:
        return None
    copies = max(row["copies"], row["begun"])
    told = HandOver(wanted.order_id, wanted.by, wanted.turn + 1, copies)
    op_id = OpId(env.random_bytes(16).hex())
    op = append(
        unit,
        wanted.stream,
        OpKind.HAND_OVER,
        encode_hand_over(told),
        op_id=op_id,
        wall_ms=env.wall_ms(),
    )
    unit.execute(
        "UPDATE orders SET turn = ?, gone_to = ? WHERE stream = ? AND id = ?",
        (told.turn, "" if copies else wanted.by, wanted.stream, wanted.order_id),
    )
    return op


def _to_answer(connection: sqlite3.Connection, wanted: Wanted) -> Any:
    """The order's row; None when it was answered before, or is not here."""
    row = connection.execute(
        "SELECT copies, begun, gone_to, turn FROM orders WHERE stream = ? AND id = ?",
        (wanted.stream, wanted.order_id),
    ).fetchone()
    return None if row is None or row["turn"] > wanted.turn or row["gone_to"] else row


# --- taking


def unfetched(
    mirror: Mirror, journal: sqlite3.Connection, node_id: str
) -> tuple[tuple[str, OrderId], ...]:
    """(stream, order id) that this node may print, and of which it does not have the tickets.

    Of very many the oldest: what was fetched, and printed perhaps, stays in the mirror.
    """
    with mirror.reading() as connection:
        rows = connection.execute(
            "SELECT stream, order_id, turn FROM handout WHERE keeper = ? AND turn > 0 "
            "AND copies = 0 ORDER BY rev",
            (node_id,),
        ).fetchall()
    missing = (
        (row["stream"], OrderId(row["order_id"]))
        for row in rows
        if not _is_here(journal, row["stream"], row["order_id"], row["turn"])
    )
    return tuple(islice(missing, ANSWERS_MAX))


def take_handed(unit: Unit, told: ToldOrder) -> None:
    """Keep an order that this node may print from now on; taken twice it changes nothing."""
    order = told.order
    if _is_here(unit, told.stream, order.order_id, told.turn):
        return
    # A life of this node that is lost may have printed it: then it is printed here or nowhere.
    begun = int(incarnation_of(unit) > 1)
    known = unit.execute(
        "SELECT 1 FROM orders WHERE stream = ? AND id = ?", (told.stream, order.order_id)
    ).fetchone()
    if known is not None:  # it was here before, and has come back
        unit.execute(
            "UPDATE orders SET gone_to = '', turn = ?, begun = ? WHERE stream = ? AND id = ?",
            (told.turn, begun, told.stream, order.order_id),
        )
        return
    unit.execute(
        "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body, from_node, turn, "
        "begun) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            told.stream,
            order.order_id,
            _free_number(unit, order.receipt_no),
            told.sold_ms,
            len(order.lines),
            encode_sale(order) if isinstance(order, Sale) else encode_exchange(order),
            told.node_id,
            told.turn,
            begun,
        ),
    )


def begin_print(unit: Unit, order_id: str) -> bool:
    """Paper of this order is about to come out. False when another node prints it.

    A folder that was set back or copied may have handed it over since: it prints nothing first.
    Where this cannot be noted nothing may come out: the order might be handed over all the same.
    """
    row = unit.execute("SELECT gone_to FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None or row["gone_to"] or lock_reason(unit) not in (None, LockReason.FORKED):
        return False
    unit.execute("UPDATE orders SET begun = 1 WHERE id = ?", (order_id,))
    return True


def no_print(unit: Unit, order_id: str) -> None:
    """No paper came out, and none is on its way."""
    unit.execute("UPDATE orders SET begun = 0 WHERE id = ?", (order_id,))


def _is_here(connection: sqlite3.Connection, stream: str, order_id: str, turn: int) -> bool:
    """Whether all is known here that the server said by this turn.

    What this node itself is noted to have gone to, it has only had in an earlier life.
    """
    row = connection.execute(
        "SELECT gone_to, turn FROM orders WHERE stream = ? AND id = ?", (stream, order_id)
    ).fetchone()
    if row is None or row["turn"] != turn:
        return row is not None and (row["turn"] > turn or not row["gone_to"])
    return bool(row["gone_to"] != get_meta(connection, "node_id"))


def _free_number(unit: Unit, receipt_no: str) -> str:
    """The receipt number; two tills whose ids begin alike give the same ones, and here is one file."""
    number = receipt_no
    while unit.execute("SELECT 1 FROM orders WHERE receipt_no = ?", (number,)).fetchone():
        number += "*"
    return number
