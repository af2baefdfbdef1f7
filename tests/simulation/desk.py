"""What a window does beside plain sales: tickets for tickets, and places by shares of a pool.

The program has no screens for these yet. The simulated cashier composes them of the very parts
that such screens will use, each in one transaction as a sale is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from edge import giving_back
from edge.allotments import LentUnit, TermOver, take
from edge.journal import Unit, append
from edge.protocol import revoke
from edge.sync import Wish
from edge.time_left import now_of
from pos_app.services import printing, sales
from pos_app.services.basket import add_unit, empty_basket
from tests.simulation.house import EVENT, PERFORMANCE, POOL
from ticketing.code import TicketFacts, make_code
from ticketing.event import Event
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import (
    CashLeg,
    Exchange,
    ExchangeAction,
    Sale,
    SaleLine,
    decode_exchange,
    decode_sale,
    encode_exchange,
    encode_sale,
)

if TYPE_CHECKING:
    from tests.simulation.tills import Till


class NotToBeHad(Exception):
    """The units for it are not the window's to sell: nothing was recorded."""


def order_of(till: Till, order_id: str) -> Sale | Exchange:
    """An order of this window, whichever way it was sold."""
    with till.node.replica.reading() as connection:
        row = connection.execute("SELECT body FROM orders WHERE id = ?", (order_id,)).fetchone()
    order = decode_sale(row["body"]) or decode_exchange(row["body"])
    assert order is not None, "an order of ours that nobody can read"
    return order


def exchange(till: Till, unit: Unit, asked: revoke.Revocation) -> Exchange | None:
    """Record tickets for tickets that the centre has revoked: the same places, or others.

    None when it has not revoked them, or that was brought to an end. Raises NotToBeHad.
    """
    found = revoke.find_revocation(unit, asked.op_id)
    if found is None or found.state is not revoke.RevocationState.GRANTED:
        return None
    if till._known() is None:  # the mirror begins anew: nobody knows what is on just now
        raise NotToBeHad
    of_order = order_of(till, asked.order_id)
    credit = sum(line.price_minor for line in of_order.lines if line.ticket_id in asked.ticket_ids)
    lines = _lines(till, unit, _wanted(till, unit, asked))
    action = ExchangeAction(asked.action)
    paid = sum(line.price_minor for line in lines) - credit
    made = Exchange(
        asked.ticket_ids,
        asked.order_id,
        action,
        OrderId(till.ids.next()),
        _receipt_no(till, unit),
        "p1",
        of_order.currency,
        of_order.price_list_version,
        lines,
        credit,
        0,
        paid,
        max(paid, 0),
    )
    body = encode_exchange(made)
    assert decode_exchange(body) == made, "no server would take this"
    revoke.finish_revoke(unit, till.node.env, found, OpKind.EXCHANGE, body)
    _note_order(till, unit, made, body)
    return made


def _wanted(till: Till, unit: Unit, asked: revoke.Revocation) -> list[int]:
    row = unit.execute("SELECT units FROM allot WHERE req = ?", (asked.op_id,)).fetchone()
    if row is not None:  # lent for this replacement
        return [number for number, _version in json.loads(row["units"])]
    free = till.free_units()
    if asked.action == ExchangeAction.REPLACEMENT or not free:
        raise NotToBeHad
    return till.world.rng.sample(free, min(len(free), len(asked.ticket_ids)))


def print_order(till: Till, order_id: str) -> None:
    """Print the tickets of an order; those of an exchange the program cannot print yet."""
    order = order_of(till, order_id)
    if isinstance(order, Sale):
        till.window.print_order(order_id)
        return
    env = till.node.env
    if not till.window._elsewhere.begin_print(order_id):
        return
    env.maybe_crash("before_print")
    printed = not printing.is_unprinted(till.node.replica, order_id)
    for line in order.lines:
        till.world.oracle.handed_to_buyer(till, line.code, is_original=not printed)
    env.maybe_crash("after_print")
    till._transact(
        lambda unit: unit.execute("UPDATE orders SET copies = copies + 1 WHERE id = ?", (order_id,))
    )


# --- shares of pools


def ask_for_share(till: Till, unit: int) -> bool:
    """Ask for a place and a share of the pool with it."""
    req = till.node.env.random_bytes(16).hex()
    wish = Wish(EVENT, req, PERFORMANCE, lambda _outcome: None, (unit,), counts=((POOL, 1),))
    return bool(till.node.engine.wish(wish))


def sell_by_share(till: Till, unit: Unit) -> Sale | None:
    """Sell one place whose allotment has a share left, and spend it. None when there is none."""
    row = unit.execute(
        "SELECT u.unit FROM allot_unit u JOIN allot_count c ON c.stream = u.stream "
        "AND c.allot_id = u.allot_id WHERE u.state = 'free' AND c.spent + c.released < c.granted "
        "AND c.pool = ? ORDER BY u.unit LIMIT 1",
        (POOL,),
    ).fetchone()
    if row is None:
        return None
    (line,) = _lines(till, unit, [row["unit"]])
    if not giving_back.spend(unit, EVENT, line.allotment, POOL):
        raise NotToBeHad
    env, event = till.node.env, till._known().event
    sale = Sale(
        OrderId(till.ids.next()),
        _receipt_no(till, unit),
        "p1",
        event.currency,
        event.price_list_version,
        line.price_minor,
        (replace(line, pool=POOL),),
        CashLeg(line.price_minor, line.price_minor),
    )
    body, op_id = encode_sale(sale), OpId(env.random_bytes(16).hex())
    append(unit, EVENT, OpKind.SALE, body, op_id=op_id, wall_ms=env.wall_ms())
    _note_order(till, unit, sale, body)
    return sale


# --- lines


def _lines(till: Till, unit: Unit, wanted: Sequence[int]) -> tuple[SaleLine, ...]:
    """Take the units and make their tickets. Raises NotToBeHad."""
    event, now, made = till._known().event, now_of(unit, till.node.env), []
    for number in wanted:
        try:
            lent = take(unit, EVENT, PERFORMANCE, number, now)
        except TermOver:
            raise NotToBeHad from None
        if lent is None:
            raise NotToBeHad
        made.append(_line(till, event, number, lent))
    return tuple(made)


def _line(till: Till, event: Event, number: int, lent: LentUnit) -> SaleLine:
    (priced,) = add_unit(empty_basket(event), event, PERFORMANCE, number).lines
    performance = event.performance(PERFORMANCE)
    ticket_type = event.ticket_type(priced.ticket_type_id)
    assert performance is not None
    assert ticket_type is not None
    lasts = performance.valid_to - performance.valid_from
    facts = TicketFacts(
        till.node.key.id,
        TicketId(till.ids.next()),
        PERFORMANCE,
        number,
        ticket_type.number,
        lent.version,
        lent.allotment,
        performance.valid_from,
        int(lasts.total_seconds() // 60),
    )
    return SaleLine(
        facts.ticket_id,
        PERFORMANCE,
        number,
        lent.version,
        lent.allotment,
        priced.tier_id,
        priced.ticket_type_id,
        priced.price_minor,
        priced.rule,
        make_code(facts, till.node.key.private),
    )


def _receipt_no(till: Till, unit: Unit) -> str:
    return sales.next_receipt_no(unit, till.machine.enrolled.node_id[:4].upper())


def _note_order(till: Till, unit: Unit, order: Sale | Exchange, body: str) -> None:
    unit.execute(
        "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, body) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            EVENT,
            order.order_id,
            order.receipt_no,
            till.node.env.wall_ms(),
            len(order.lines),
            body,
        ),
    )
