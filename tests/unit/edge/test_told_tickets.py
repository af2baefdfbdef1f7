"""What the server tells of a ticket's entries: read as a gate would, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from edge.errors import ServerUnreachable
from edge.told_tickets import ToldTicket, read_told_ticket
from ticketing.admission import Entry, instant_of
from ticketing.ids import OpId, TicketId
from ticketing.ticket import Ticket, TicketState

TOLD: dict[str, Any] = {
    "id": "00000000000000a1", "state": "valid", "p": 7, "u": 152, "v": 2, "blocked": "stolen",
    "moves": [],
}  # fmt: skip
ROW = Ticket(TicketId("00000000000000a1"), 7, 152, 2, TicketState.VALID, "stolen")


def move(phase: str, at_ms: int) -> list[object]:
    return [f"{at_ms:032x}", "00000000000000aa", "A1", phase, at_ms]


def entry(at_ms: int) -> Entry:
    return Entry(OpId(f"{at_ms:032x}"), "00000000000000aa", "A1", instant_of(at_ms))


def test_entries_that_count_and_exits_are_told_apart() -> None:
    phases = ("granted", "passed", "returned", "left", "of_a_later_server")
    moves = [move(phase, at) for at, phase in enumerate(phases, 1)]
    assert read_told_ticket({**TOLD, "moves": moves}) == ToldTicket(
        ROW, (entry(1), entry(2)), (entry(4),)
    )


def test_an_older_server_tells_nothing_of_them() -> None:
    assert read_told_ticket({key: TOLD[key] for key in TOLD if key != "moves"}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"moves": {}}, id="no list"),
        pytest.param({"moves": [["ab", "aa", "A1", "passed"]]}, id="no time"),
        pytest.param({"moves": [["ab", "aa", "A1", "passed", -1]]}, id="before all time"),
        pytest.param({"moves": [["ab", "aa", "A1", "passed", True]]}, id="a time that is none"),
        pytest.param({"blocked": None}, id="no block"),
        pytest.param({"p": "7"}, id="no performance"),
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ServerUnreachable):
        read_told_ticket({**TOLD, **wrong})
