"""A real server loses what came after its backup; a real till brings it back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sync_server.heart.history import ListLost
from sync_server.heart.source import run_in
from sync_server.services.catalogue import PlanShelf
from sync_server.store.database import open_engine
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.demo.programs import wait_until
from tests.fakes.nursery import Nursery
from tests.integration.whole.conftest import House

pytestmark = pytest.mark.timeout(180)


@dataclass
class Console:
    """The server's commands, on the folder of a house."""

    nursery: Nursery
    folder: Path

    def run(self, *arguments: str) -> str:
        """What it printed."""
        words = (*arguments, "--data-dir", "server")
        code, out, err = self.nursery.run("sync_server", words, self.folder)
        assert code == 0, err
        return out

    def waiting(self) -> list[dict[str, Any]]:
        """The nodes that the new history waits for."""
        found: list[dict[str, Any]] = json.loads(self.run("quarantine", "--json"))
        return found


def _give_up(house: House, name: str) -> None:
    """Two people do; the sample has one with a password."""
    engine = open_engine(f"sqlite:///{house.folder / 'server' / 'boxgate.sqlite3'}")

    def give_up(tx: Transaction) -> None:
        rows = tx.rows(
            "SELECT q.event_id, q.node_id FROM quarantine q JOIN node n ON n.id = q.node_id "
            "WHERE n.name = :name",
            name=name,
        )
        for event, node_id in rows:
            step = ListLost(event, (node_id,), "manager", "li.na", "never started")
            run_in(tx, step, PlanShelf())

    transact(engine, give_up)
    engine.dispose()


def test_sales_after_the_backup_come_back_from_the_till(house: House, nursery: Nursery) -> None:
    console = Console(nursery, house.folder)
    till = house.start_plain_till()
    assert till.ask({"do": "ready"}, 40)["free"] > 20
    till.ask({"do": "sell", "count": 2, "print": False})
    wait_until("the first sale is there", lambda: house.units()["sold"] == 2, 20)
    backup = house.folder / "backup.sqlite3"
    console.run("backup", str(backup))
    till.ask({"do": "sell", "count": 3, "print": False})
    wait_until("the second sale is there", lambda: house.units()["sold"] == 5, 20)
    house.stop_server()
    console.run("restore", str(backup))
    house.start_server()
    assert house.units()["sold"] == 2
    wait_until(
        "only the window that never starts is waited for",
        lambda: {line["node"] for line in console.waiting()} == {"Window 2"},
        40,
    )
    _give_up(house, "Window 2")
    wait_until("what the till sold is back", lambda: house.units()["sold"] == 5, 40)
    assert house.units()["tickets"] == 5
    till.ask({"do": "sell", "count": 1, "print": False})
    wait_until("sales go on", lambda: house.units()["sold"] == 6, 20)
