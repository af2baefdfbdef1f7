"""A shift on real programs: killed at the drawer, closed with the network out, booked whole."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import pytest

from tests.demo.programs import DemoFailed, Program, wait_until
from tests.integration.whole.conftest import House

pytestmark = pytest.mark.timeout(180)

# The drawer's command is the till's child: this one ends the till the moment it is kicked.
_SUICIDE = [sys.executable, "-c", "import os; os.kill(os.getppid(), 9)"]
_DEADLY_DRAWER = f'folder = "tickets"\n\n[drawer]\ncommand = {json.dumps(_SUICIDE)}'


def _is_synced(till: Program) -> bool:
    status = till.ask({"do": "status"})
    return bool(status["link"] == "online" and status["unsynced"] == 0)


def _cash(house: House) -> int:
    (drawer,) = house.books()["cash"]
    return int(drawer["cash_minor"])


def test_a_till_killed_by_its_drawer_closes_the_shift_offline_and_the_books_follow(
    house: House,
) -> None:
    till = house.start_plain_till(_DEADLY_DRAWER)
    assert till.ask({"do": "ready"}, 40)["free"] > 20
    with suppress(DemoFailed, BrokenPipeError):  # it may be dead before it can answer
        till.ask({"do": "sell", "count": 2, "print": False}, 20)
    assert till.process.wait(10) == -9

    till = house.start_plain_till()
    till.ask({"do": "ready"}, 40)
    wait_until("the till is in step", lambda: _is_synced(till), 40)
    taken = _cash(house)
    assert taken > 0, "the sale stands, and with it its money"
    assert house.units()["sold"] == 2

    house.kill_server()
    assert till.ask({"do": "close", "counted": taken - 5_00})["z"] == 1
    house.start_server()
    wait_until("the till is in step again", lambda: _is_synced(till), 40)
    assert _cash(house) == taken - 5_00, "the books hold what was counted"
    books = house.settled_books()
    assert books["open_case_count"] == 0, "five yuan are no case"
