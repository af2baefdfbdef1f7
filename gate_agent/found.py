"""Finding a ticket without its code: by its number, its seat, or because it was shown a moment ago."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from edge.catalogue import Known
from edge.seat_search import read_seat, units_called
from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory
from ticketing.admission import code_of_row
from ticketing.code import TicketCode, TicketFacts, parse_code
from ticketing.ids import TicketId, is_ticket_id
from ticketing.ticket import Ticket, TicketState

FOUND_MAX = 30
_NUMBER = re.compile(r"[0-9a-f]{6,16}")
_TICKET = "SELECT id, stream, performance, unit, version FROM ticket WHERE "


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket of an event (`stream`). Not `is_read`: known by its row alone, and `code` has no
    more than what the row says.
    """

    stream: str
    code: TicketCode
    is_read: bool

    @property
    def facts(self) -> TicketFacts:
        """What the code says, or would as far as the row tells."""
        return self.code.facts


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks in the mirror, and in what lanes remember of the codes that they turned away."""

    knowledge: GateKnowledge
    memory: LaneMemory
    now: Callable[[], datetime]

    def ticket(self, ticket_id: str) -> FoundTicket | None:
        """The ticket of this number, by its code where a lane has read it lately."""
        if not is_ticket_id(ticket_id):
            return None
        shown = self._shown(TicketId(ticket_id))
        return shown or next(iter(self._rows("id = ?", ticket_id)), None)

    def find(self, text: str) -> tuple[FoundTicket, ...]:
        """By code, order number, ticket number (six digits of it are enough) or seat, in this order."""
        wanted = text.strip()
        code = parse_code(wanted.upper())
        if isinstance(code, TicketCode):
            stream = self.knowledge.event_of(code.facts.performance)
            return (FoundTicket(stream, code, is_read=True),) if stream else ()
        return self._by_order(wanted) or self._by_number(wanted.lower()) or self._by_seat(wanted)

    def _by_order(self, wanted: str) -> tuple[FoundTicket, ...]:
        """All tickets of the order of this number."""
        return self._rows(
            "order_id IN (SELECT o.id FROM order_no o WHERE o.stream = ticket.stream "
            "AND o.receipt_no IN (?, ?))",
            wanted,
            wanted.upper(),
        )

    def _by_number(self, number: str) -> tuple[FoundTicket, ...]:
        if not _NUMBER.fullmatch(number):
            return ()
        whole = self.ticket(number)
        if whole is not None:
            return (whole,)
        return self._rows("id >= ? AND id < ?", number, number + "g")

    def _by_seat(self, wanted: str) -> tuple[FoundTicket, ...]:
        """Of the performances that are let in now; failing that, of all."""
        called = read_seat(wanted)
        if called is None:
            return ()
        known = self.knowledge.catalogue.events()
        now = self.knowledge.let_in_now(frozenset(), self.now())
        return self._at_seat(known, called, now) or self._at_seat(known, called, None)

    def _at_seat(
        self, events: Iterable[Known], called: tuple[str, str, str], served: frozenset[int] | None
    ) -> tuple[FoundTicket, ...]:
        found: list[FoundTicket] = []
        for known in events:
            numbers = [one.number for one in known.event.performances]
            units = list(units_called(known.plan, *called))[:FOUND_MAX]
            for number in (each for each in numbers if served is None or each in served):
                for unit in units:
                    key = (known.event.id, number, unit)
                    found += self._rows("stream = ? AND performance = ? AND unit = ?", *key)
                    if len(found) >= FOUND_MAX:
                        return tuple(found[:FOUND_MAX])
        return tuple(found)

    def _rows(self, where: str, *values: object) -> tuple[FoundTicket, ...]:
        streams = [known.event.id for known in self.knowledge.catalogue.events()]
        found: list[sqlite3.Row] = []
        with self.knowledge.replica.mirror.reading() as mirror:
            for stream in streams:  # the event comes first in every index
                sql = f"{_TICKET} stream = ? AND {where} ORDER BY version DESC LIMIT {FOUND_MAX}"
                found += mirror.execute(sql, (stream, *values)).fetchall()
        return tuple(
            self._shown(TicketId(row["id"]))
            or FoundTicket(row["stream"], _as_code(row), is_read=False)
            for row in found[:FOUND_MAX]
        )

    def _shown(self, ticket_id: TicketId) -> FoundTicket | None:
        code = self.memory.turned_away(ticket_id)
        stream = self.knowledge.event_of(code.facts.performance) if code else None
        return FoundTicket(stream, code, is_read=True) if code and stream else None


def _as_code(row: sqlite3.Row) -> TicketCode:
    """What a row tells, in the form that the engine takes. Its state is looked up when it is asked."""
    ticket = Ticket(
        TicketId(row["id"]), row["performance"], row["unit"], row["version"], TicketState.VALID
    )
    return code_of_row(ticket, "")
