"""Finding orders in the till's replica: by code, number or seat. Everything is looked up by index.

Orders of this window are here whole. Of other windows' sales the mirror has the head of each order
and the state of each ticket, but not which tickets an order sold: that is shown, and no more.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from edge.catalogue import Known, MirrorCatalogue
from edge.handing import ToldOrder
from edge.local_view import entered_ms, ticket_states
from edge.replica import Replica
from edge.returns import read_order, revoked_tickets, sold_order
from edge.seat_search import read_seat, units_called
from pos_app.services.after_sale_index import OrderIndex, SoldHere
from pos_app.services.after_sale_model import (
    FOUND_MAX,
    Finding,
    FindNote,
    FoundOrder,
    OrderDetail,
    SoldTicket,
    Standing,
    TicketStanding,
)
from pos_app.services.buyers import BuyerDesk
from pos_app.services.chips_model import is_held
from ticketing.code import CodeFault, TicketCode, parse_code
from ticketing.ids import OrderId, TicketId
from ticketing.operations import Exchange, Sale
from ticketing.order import OrderState
from ticketing.returns import SoldOrder
from ticketing.text import Text
from ticketing.ticket import TicketState

RECENT = 30
_NUMBER_DIGITS = 6
_TICKET_NO = re.compile(r"[0-9a-f]{8,16}")
_STANDINGS = {
    OrderState.PAID: Standing.PAID,
    OrderState.PARTLY_REFUNDED: Standing.PARTLY_BACK,
    OrderState.REFUNDED: Standing.BACK,
    OrderState.VOIDED: Standing.BACK,
}


@dataclass(frozen=True, slots=True)
class OwnOrder:
    """An order as it was recorded, and what is known of its tickets now.

    `from_node` sold it, if that was another window; `gone_to` prints it, if that is another one.
    """

    event_id: str
    order: Sale | Exchange
    sold_ms: int
    copies: int
    known: SoldOrder
    states: dict[TicketId, TicketStanding]
    entered: dict[TicketId, int]
    from_node: str = ""
    gone_to: str = ""

    @property
    def sold_at(self) -> datetime:
        """When it was sold, by this window's clock."""
        return _instant(self.sold_ms)


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks things up. `prefix` begins this window's receipt numbers; `chips` tells for which event's
    ticket a chip stands that is held up.
    """

    replica: Replica
    catalogue: MirrorCatalogue
    index: OrderIndex
    prefix: str
    buyers: BuyerDesk
    chips: Callable[[str], tuple[str, TicketId] | None]

    def recent(self) -> tuple[FoundOrder, ...]:
        """The last orders of this window, newest first."""
        with self.replica.reading() as connection:
            rows = connection.execute(
                "SELECT stream, id FROM orders ORDER BY rowid DESC LIMIT ?", (RECENT,)
            ).fetchall()
        return self._rows((row["stream"], row["id"]) for row in rows)

    def find(self, text: str, performance: int) -> Finding:
        """By a chip held up; else by ticket code, receipt number, buyer, ticket number or seat."""
        wanted = text.strip()
        if is_held(wanted):
            return self._by_chip(wanted)
        code = parse_code(wanted.upper())
        if code is not CodeFault.NOT_A_TICKET:
            return self._by_code(code)
        found = (
            (*self._by_number(wanted), *self._by_buyer(wanted))
            or self._by_ticket_no(wanted)
            or self._by_seat(wanted, performance)
        )
        found = tuple({one.key: one for one in found}.values())
        if not found:
            return Finding((), FindNote.NOTHING)
        elsewhere = all(not one.is_own for one in found)
        return Finding(found[:FOUND_MAX], FindNote.ELSEWHERE if elsewhere else None)

    def own(self, event_id: str, order_id: str, *, same_shift: bool = False) -> OwnOrder | None:
        """An order of this window; None for another's."""
        with self.replica.reading() as connection:
            row = connection.execute(
                "SELECT body, sold_ms, copies, from_node, gone_to FROM orders "
                "WHERE stream = ? AND id = ?",
                (event_id, order_id),
            ).fetchone()
            if row is None:
                return None
            known = sold_order(connection, event_id, OrderId(order_id), same_shift=same_shift)
            asked = _asked(connection, event_id, order_id)
        assert known is not None, "it was just there"
        with self.replica.mirror.reading() as mirror:
            told = ticket_states(mirror, event_id, known.tickets)
            entered = entered_ms(mirror, event_id, tuple(known.tickets))
        states = {
            ticket: _standing_of(state, asked=ticket in asked, entered=ticket in entered)
            for ticket, state in told.items()
        }
        known = replace(known, tickets=told)
        order, elsewhere = read_order(row["body"]), (row["from_node"], row["gone_to"])
        counted = row["sold_ms"], row["copies"]
        return OwnOrder(event_id, order, *counted, known, states, entered, *elsewhere)

    def foreign(self, told: ToldOrder) -> OwnOrder:
        """An order of another window, as the server told of it."""
        order_id = told.order.order_id
        with self.replica.reading() as connection:
            asked = _asked(connection, told.stream, order_id)
            revoked = revoked_tickets(connection, told.stream, order_id)
        tickets = {
            ticket: TicketState.VOID if ticket in revoked else state
            for ticket, state in told.states.items()
        }
        states = {
            ticket: _standing_of(state, asked=ticket in asked, entered=ticket in told.entered)
            for ticket, state in tickets.items()
        }
        known = SoldOrder(tickets, own=False, same_shift=False, acknowledged=True)
        entered = dict(told.entered)
        return OwnOrder(
            told.stream, told.order, told.sold_ms, 0, known, states, entered, told.node_id
        )

    @staticmethod
    def joined(own: OwnOrder, told: ToldOrder) -> OwnOrder:
        """An order of this window with what the server told of it since: what died or was called in
        question elsewhere, and who went in.
        """
        known, states = dict(own.known.tickets), dict(own.states)
        entered = {**told.entered, **own.entered}
        for ticket, standing in own.states.items():
            state = told.states.get(ticket, TicketState.VALID)
            if standing not in (TicketStanding.VALID, TicketStanding.ENTERED):
                continue  # what this window did itself comes first
            if state is not TicketState.VALID:
                known[ticket] = state
            states[ticket] = _standing_of(state, asked=False, entered=ticket in entered)
        return replace(own, known=replace(own.known, tickets=known), states=states, entered=entered)

    def detail(
        self, found: FoundOrder, own: OwnOrder | None, *, same_shift: bool
    ) -> OrderDetail | None:
        """With its tickets, as far as they are known; None for an event that is gone."""
        known = self.catalogue.event(found.event_id)
        if known is None:
            return None
        if own is None:
            return OrderDetail(
                found, known.venue, known.plan, known.event, (), 0, is_acknowledged=True,
                same_shift=False,
            )  # fmt: skip
        tickets = tuple(
            SoldTicket(
                line.ticket_id,
                line.performance,
                line.unit,
                line.tier_id,
                line.ticket_type_id,
                line.price_minor,
                line.rule,
                own.states[line.ticket_id],
                _instant(own.entered[line.ticket_id]) if line.ticket_id in own.entered else None,
            )
            for line in own.order.lines
        )
        return OrderDetail(
            self._row(own, known),
            known.venue,
            known.plan,
            known.event,
            tickets,
            own.copies,
            own.known.acknowledged,
            same_shift,
            own.order.sold_by,
            self._window(own.from_node),
            self._window(own.gone_to),
            note=own.order.note if isinstance(own.order, Sale) else "",
        )

    def _window(self, node_id: str) -> str:
        """What people call another window."""
        if not node_id:
            return ""
        with self.replica.mirror.reading() as mirror:
            row = mirror.execute("SELECT name FROM node WHERE id = ?", (node_id,)).fetchone()
        return str(row["name"]) if row and row["name"] else node_id[:4].upper()

    # --- by what

    def _by_code(self, code: TicketCode | CodeFault) -> Finding:
        if code is CodeFault.NEWER_FORMAT:
            return Finding((), FindNote.NEWER_CODE)
        if not isinstance(code, TicketCode):
            return Finding((), FindNote.DAMAGED_CODE)
        ticket_id = code.facts.ticket_id
        own = self.index.by_ticket(ticket_id)
        if own:
            is_paper = self._is_its_code(own[0], code.text)
            scanned = TicketId(ticket_id) if is_paper else None
            return Finding(self._rows([(own[0].event_id, own[0].order_id)]), None, scanned)
        told = tuple(self._told_ticket(code.facts.performance, ticket_id, code.facts.unit))
        return Finding(told, FindNote.ELSEWHERE if told else FindNote.UNKNOWN_CODE)

    def _by_chip(self, held: str) -> Finding:
        """A chip is no proof that the paper came back: nothing counts as scanned."""
        found = self.chips(held)
        if found is None:
            return Finding((), FindNote.UNKNOWN_CHIP)
        event_id, ticket_id = found
        own = self._rows((one.event_id, one.order_id) for one in self.index.by_ticket(ticket_id))
        if own:
            return Finding(own)
        with self.replica.mirror.reading() as mirror:
            row = mirror.execute(
                "SELECT order_id FROM ticket WHERE stream = ? AND id = ?", (event_id, ticket_id)
            ).fetchone()
        told = tuple(self._told_orders("id", event_id, row["order_id"])) if row else ()
        return Finding(told, FindNote.ELSEWHERE if told else FindNote.UNKNOWN_CHIP)

    def _is_its_code(self, sold: SoldHere, text: str) -> bool:
        """Whether the code read is the one that was printed: only that is the paper ticket."""
        own = self.own(sold.event_id, sold.order_id)
        lines = own.order.lines if own else ()
        return any(line.ticket_id == sold.ticket_id and line.code == text for line in lines)

    def _by_number(self, wanted: str) -> tuple[FoundOrder, ...]:
        numbers = [wanted.upper()]
        if wanted.isascii() and wanted.isdigit() and len(wanted) <= _NUMBER_DIGITS:
            numbers.append(f"{self.prefix}-{int(wanted):0{_NUMBER_DIGITS}d}")
        marks = ", ".join("?" * len(numbers))
        with self.replica.reading() as connection:
            rows = connection.execute(
                f"SELECT stream, id FROM orders WHERE receipt_no IN ({marks})",  # noqa: S608
                numbers,
            ).fetchall()
        own = self._rows((row["stream"], row["id"]) for row in rows)
        if own:
            return own
        events = self.catalogue.events()
        return tuple(
            one
            for known in events
            for one in self._told_orders("receipt_no", known.event.id, numbers[0])
        )

    def _by_buyer(self, wanted: str) -> tuple[FoundOrder, ...]:
        """By a buyer's name, whole number, or its last four digits."""
        keys = self.buyers.find(wanted, FOUND_MAX)
        own = self._rows(keys)
        known = {(one.event_id, one.order_id) for one in own}
        told = (one for key in keys if key not in known for one in self._told_orders("id", *key))
        return tuple(sorted((*own, *told), key=_newest))

    def _by_ticket_no(self, wanted: str) -> tuple[FoundOrder, ...]:
        number = wanted.lower()
        if not _TICKET_NO.fullmatch(number):
            return ()
        return self._rows((one.event_id, one.order_id) for one in self.index.by_ticket(number))

    def _by_seat(self, wanted: str, performance: int) -> tuple[FoundOrder, ...]:
        """Of the performance shown; failing that, of every one."""
        called = read_seat(wanted)
        if called is None:
            return ()
        found: list[FoundOrder] = []
        for known in self.catalogue.events():
            units = list(units_called(known.plan, *called))
            numbers = [one.number for one in known.event.performances]
            shown = [number for number in numbers if number == performance]
            for number in shown or numbers:
                for unit in units:
                    found += self._at_place(known, number, unit)
        here = [one for one in found if one.is_own]
        return tuple(here or found)

    def _at_place(self, known: Known, performance: int, unit: int) -> list[FoundOrder]:
        sold = self.index.by_place(performance, unit)
        own = {one.ticket_id for one in sold if one.event_id == known.event.id}
        rows = self._rows((one.event_id, one.order_id) for one in sold)
        with self.replica.mirror.reading() as mirror:
            claim = mirror.execute(
                "SELECT ref FROM claim WHERE stream = ? AND performance = ? AND unit = ? "
                "AND kind = 'sold'",
                (known.event.id, performance, unit),
            ).fetchone()
        if claim is None or not claim["ref"] or claim["ref"] in own:
            return list(rows)
        return [*rows, *self._told_ticket(performance, claim["ref"], unit)]

    # --- what the mirror tells of others

    def _told_orders(self, column: str, event_id: str, value: str) -> Iterator[FoundOrder]:
        known = self.catalogue.event(event_id)
        with self.replica.mirror.reading() as mirror:
            rows = mirror.execute(
                f"SELECT * FROM orders WHERE stream = ? AND {column} = ?",  # noqa: S608 - ours
                (event_id, value),
            ).fetchall()
        for row in rows if known is not None else ():
            assert known is not None, "or there are no rows"
            yield FoundOrder(
                event_id,
                row["id"],
                row["receipt_no"],
                known.event.name,
                _instant(row["sold_ms"]),
                0,
                row["total_minor"],
                row["currency"],
                _STANDINGS.get(row["state"], Standing.PAID),
                is_own=False,
                buyer=self.buyers.masked(event_id, row["id"]),
            )

    def _told_ticket(self, performance: int, ticket_id: str, unit: int) -> Iterator[FoundOrder]:
        """A ticket of another window: its order the server knows."""
        found = self.catalogue.performance(performance)
        if found is None:
            return
        event = found[0].event
        yield FoundOrder(
            event.id,
            "",
            "",
            event.name,
            None,
            1,
            0,
            event.currency,
            Standing.PAID,
            is_own=False,
            ticket_id=ticket_id,
            place=str(unit),
        )

    # --- rows

    def _rows(self, keys: Iterable[tuple[str, str]]) -> tuple[FoundOrder, ...]:
        found = (self.own(*key) for key in dict.fromkeys(keys))
        rows = [self._row(one, self.catalogue.event(one.event_id)) for one in found if one]
        return tuple(sorted(rows, key=_newest))

    def _row(self, own: OwnOrder, known: Known | None) -> FoundOrder:
        order = own.order
        return FoundOrder(
            own.event_id,
            order.order_id,
            order.receipt_no,
            known.event.name if known else Text.from_names({"en": own.event_id}),
            own.sold_at,
            len(order.lines),
            order.total_minor,
            order.currency,
            _order_standing(own.states.values()),
            is_own=not own.from_node or self._is_kept(own),
            buyer=self.buyers.masked(own.event_id, order.order_id),
        )

    def _is_kept(self, own: OwnOrder) -> bool:
        """Whether it is printed here, though another window sold it."""
        with self.replica.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM orders WHERE stream = ? AND id = ?",
                (own.event_id, own.order.order_id),
            ).fetchone()
        return row is not None


def _asked(connection: sqlite3.Connection, event_id: str, order_id: str) -> frozenset[str]:
    """Tickets whose revocation was begun and has not ended."""
    rows = connection.execute(
        "SELECT j.value FROM revocation r, json_each(r.tickets) j WHERE r.stream = ? "
        "AND r.order_id = ? AND r.state IN ('asked', 'granted')",
        (event_id, order_id),
    )
    return frozenset(row[0] for row in rows)


def _standing_of(state: TicketState, *, asked: bool, entered: bool) -> TicketStanding:
    if asked:
        return TicketStanding.ASKED
    if state is TicketState.VALID:
        return TicketStanding.ENTERED if entered else TicketStanding.VALID
    return TicketStanding(state.value)


def _order_standing(tickets: Iterable[TicketStanding]) -> Standing:
    gone = [ticket is TicketStanding.VOID for ticket in tickets]
    if all(gone):
        return Standing.BACK
    return Standing.PARTLY_BACK if any(gone) else Standing.PAID


def _newest(found: FoundOrder) -> float:
    return -found.sold_at.timestamp() if found.sold_at else 0.0


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
