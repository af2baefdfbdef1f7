"""Tickets as the server told of them: what a gate decides by, for a till that has no feed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge import replies
from ticketing.admission import Entry, instant_of
from ticketing.ids import OpId, TicketId
from ticketing.ticket import Ticket, TicketState

_LEFT = "left"
_COUNTED = frozenset({"granted", "passed"})
_CHARS_MAX = 400


@dataclass(frozen=True, slots=True)
class ToldTicket:
    """A ticket's row, with the entries that count and the exits."""

    row: Ticket
    entries: tuple[Entry, ...] = ()
    exits: tuple[Entry, ...] = ()


def read_told_ticket(raw: Mapping[str, Any]) -> ToldTicket | None:
    """One of an order's tickets; None from a server that tells nothing of entries.

    Its id and state are known to be sound. Raises ServerUnreachable for what makes no sense.
    """
    if "moves" not in raw:
        return None
    blocked, moves = raw.get("blocked"), raw["moves"]
    if not isinstance(blocked, str) or not isinstance(moves, list):
        raise replies.nonsense("tickets")
    row = Ticket(
        TicketId(raw["id"]),
        replies.number(raw, "p"),
        replies.number(raw, "u"),
        replies.number(raw, "v", high=255),
        TicketState(raw["state"]),
        blocked[:_CHARS_MAX],
    )
    told = [_moved(each) for each in moves]
    return ToldTicket(
        row,
        tuple(entry for phase, entry in told if phase in _COUNTED),
        tuple(entry for phase, entry in told if phase == _LEFT),
    )


def _moved(raw: object) -> tuple[str, Entry]:
    """An entry or exit with its phase. A phase of a later server counts as nothing."""
    match raw:
        case [str(op_id), str(node_id), str(lane), str(phase), int(at_ms)] if (
            type(at_ms) is int and at_ms >= 0
        ):
            return phase, Entry(OpId(op_id), node_id, lane[:_CHARS_MAX], instant_of(at_ms))
    raise replies.nonsense("moves")
