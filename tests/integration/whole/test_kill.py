"""kill -9 at the worst moments: nothing lost, nothing doubled, nobody shut out."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from hardware.relay.simulator import RelaySimulator
from tests.demo.programs import DemoFailed, Program, wait_until
from tests.fakes.frames import make_frame, rasterise_pdf, write_frame
from tests.fakes.meddler import Meddler
from tests.integration.whole.conftest import House

pytestmark = pytest.mark.timeout(180)

_SUICIDE = (
    f"""command = [{json.dumps(sys.executable)}, "-c", "import os; os.kill(os.getppid(), 9)"]"""
)


def _ready(till: Program) -> None:
    assert till.ask({"do": "ready"}, 40)["free"] > 20


def _wait_synced(till: Program) -> None:
    def is_synced() -> bool:
        status = till.ask({"do": "status"})
        return bool(status["link"] == "online" and status["unsynced"] == 0)

    wait_until("the till is in step", is_synced, 40)


def test_a_till_killed_between_commit_and_print_has_sold_once_and_prints_later(
    house: House,
) -> None:
    till = house.start_plain_till(_SUICIDE)
    _ready(till)
    with pytest.raises((DemoFailed, BrokenPipeError)):
        till.ask({"do": "sell", "count": 2, "print": True}, 20)
    assert till.process.wait(10) == -9

    till = house.start_plain_till()
    status = till.ask({"do": "status"}, 30)
    assert len(status["unprinted"]) == 1, "the sale was committed, so it must be offered to print"
    assert till.ask({"do": "print", "order": status["unprinted"][0]})["outcome"] == "printed"
    assert till.ask({"do": "status"})["unprinted"] == []
    _wait_synced(till)
    assert len(list((house.folder / "tickets").glob("*.pdf"))) == 1
    house.settled_books()
    units = house.units()
    assert (units["sold"], units["tickets"]) == (2, 2)


def test_a_server_killed_before_it_saw_the_whole_push_gets_it_again(house: House) -> None:
    meddler = Meddler(house.port)
    till = house.start_plain_till(url=f"http://127.0.0.1:{meddler.port}")
    _ready(till)
    _wait_synced(till)

    def kill_in_the_middle(piece: bytes) -> bytes:
        if b"/push" not in piece:
            return piece
        house.kill_server()
        return b""

    meddler.on_request = kill_in_the_middle
    sold = till.ask({"do": "sell", "count": 3, "print": True})
    wait_until("the server is dead", lambda: house.server and house.server.process.poll(), 20)
    meddler.on_request = lambda piece: piece
    house.start_server()
    _wait_synced(till)
    meddler.close()
    _expect_sold_once(house, sold["total"], count=3)


def test_a_server_killed_after_its_commit_and_before_its_answer_applies_once(
    house: House,
) -> None:
    meddler = Meddler(house.port)
    till = house.start_plain_till(url=f"http://127.0.0.1:{meddler.port}")
    _ready(till)
    _wait_synced(till)
    meddler.answers = False
    sold = till.ask({"do": "sell", "count": 3, "print": True})
    wait_until("the server has the sale", lambda: house.units()["sold"] == 3, 20)
    house.kill_server()
    meddler.cut()
    meddler.answers = True
    house.start_server()
    _wait_synced(till)
    meddler.close()
    _expect_sold_once(house, sold["total"], count=3)


def test_a_server_killed_again_and_again_under_load_loses_and_doubles_nothing(
    house: House,
) -> None:
    till = house.start_plain_till()
    _ready(till)
    total = 0
    for kill in range(5):
        for _sale in range(8):
            total += till.ask({"do": "sell", "count": 1, "print": False})["total"]
        time.sleep(0.03 * kill)
        house.kill_server()
        total += till.ask({"do": "sell", "count": 1, "print": False})["total"]
        house.start_server()
    _wait_synced(till)
    _expect_sold_once(house, total, count=45)


def _expect_sold_once(house: House, total_minor: int, count: int) -> None:
    books = house.settled_books()
    units = house.units()
    assert (units["sold"], units["tickets"]) == (count, count)
    assert units["free"] + units["lent"] + units["sold"] == units["capacity"]
    (money,) = books["money"]
    assert money["orders_minor"] == money["taken_minor"] == total_minor


def test_a_gate_killed_between_grant_and_barrier_lets_the_ticket_in_once(house: House) -> None:
    till = house.start_plain_till()
    _ready(till)
    till.ask({"do": "sell", "count": 1, "print": True})
    (pdf,) = (house.folder / "tickets").glob("*.pdf")
    picture = rasterise_pdf(pdf)
    with RelaySimulator(house.folder / "relay") as relay:
        gate = house.start_gate()
        wait_until("the gate knows the house", lambda: _knows_the_event(house.folder), 30)
        relay.replies_to_drop_count = 1_000  # the board hears nothing, as far as the gate knows
        write_frame(house.frames / "1.png", make_frame(picture, seed=1))
        wait_until("the entry is granted", lambda: _granted(house.folder), 20)
        gate.kill()
        relay.replies_to_drop_count = 0

        gate = house.start_gate()
        write_frame(house.frames / "2.png", make_frame(picture, seed=2))
        line = _next_for(gate, "2")
        assert (line["decision"], line["barrier"], line["again"]) == ("admit", "opened", True)
        time.sleep(1.7)
        write_frame(house.frames / "3.png", make_frame(picture, seed=3))
        line = json.loads(gate.next_line(10))
        assert (line["decision"], line["reason"]) == ("refuse", "already_used")
    wait_until("the server heard of the entry", lambda: _entries(house) == 1, 20)
    assert house.books()["open_case_count"] == 0


def _next_for(gate: Program, _picture: str) -> dict[str, object]:
    line: dict[str, object] = json.loads(gate.next_line(20))
    return line


def _knows_the_event(folder: Path) -> bool:
    file = folder / "gate" / "mirror.db"
    if not file.exists():
        return False
    mirror = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        rows = mirror.execute("SELECT 1 FROM doc WHERE kind = 'event'").fetchall()
    except sqlite3.OperationalError:  # its tables are not there yet
        return False
    finally:
        mirror.close()
    return bool(rows)


def _granted(folder: Path) -> bool:
    with sqlite3.connect(f"file:{folder / 'gate' / 'journal.db'}?mode=ro", uri=True) as journal:
        rows = journal.execute("SELECT commanded_ms FROM entry").fetchall()
    journal.close()
    return rows == [(0,)]


def _entries(house: House) -> int:
    books = house.books()
    account = next(e for e in books["entries"] if e["performance"] == 1)
    assert account["entries"] == account["tickets_let_in"]
    return int(account["entries"])


def test_no_secret_of_the_house_is_in_the_logs(house: House) -> None:
    till = house.start_plain_till()
    _ready(till)
    till.ask({"do": "sell", "count": 1, "print": True})
    _wait_synced(till)
    house.books()
    words = "".join(log.read_text() for log in (house.folder / "logs").iterdir())
    manager = house.init["manager"]["password"]
    pins = [person["pin"] for person in house.init["people"]]
    assert words, "a log that says nothing proves nothing"
    assert manager not in words
    assert not [pin for pin in pins if re.search(rf"\b{pin}\b", words)]
    assert not re.search(r"BXG1[A-Z2-7]{20}", words), "ticket codes open doors"
    assert not re.search(r"eyJ[A-Za-z0-9_-]{20}", words), "tokens open servers"
