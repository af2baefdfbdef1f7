"""A house on loopback: server, till and gate as processes that a test may kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.programs import Program
from tests.demo.stage import Stage

PERFORMANCE = 1


class House(Stage):
    """A stage whose till has no screen and whose printer may be any command."""

    def settle(self) -> None:
        """Found the house, start the server, enrol a till and a gate."""
        self.found_house()
        self.start_server()
        self.enrol("pos_app", "till", "Window 1")
        self.enrol("gate_agent", "gate", "Gate A")

    def start_plain_till(self, printer: str = 'folder = "tickets"', url: str = "") -> Program:
        """The till without its screen."""
        settings = self.folder / "plain-till.toml"
        settings.write_text(
            f'server_url = "{url or self.url}"\ndata_dir = "till"\n\n[printer]\n{printer}\n'
        )
        person, pin = self.pin_of("li.na")
        return self._start("till", "tests.fakes.till_process", str(settings), person, pin)

    def kill_server(self) -> None:
        """kill -9."""
        assert self.server is not None
        self.server.kill()

    def units(self) -> dict[str, int]:
        """The books' account of the performance's units."""
        books = self.books()
        account: dict[str, int] = next(u for u in books["units"] if u["performance"] == PERFORMANCE)
        return account


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A settled house; everything that was started is ended."""
    with House(tmp_path, PERFORMANCE) as settled:
        settled.settle()
        yield settled
