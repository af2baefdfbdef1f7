"""A house on loopback: server, till and gate as processes that a test may kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.node import program_version
from sync_server import commands
from sync_server.__main__ import _house_json
from sync_server.services.initialise import finish
from sync_server.services.permissions import NodeRole
from sync_server.services.sample import Sample
from sync_server.settings import Settings
from tests.demo.programs import DemoFailed, Program, wait_until
from tests.demo.stage import Stage
from tests.fakes.nursery import Nursery
from tests.integration.sync_server.conftest import _cheap_hashes
from tests.integration.sync_server.support import HouseOnDisk
from tests.integration.whole.centre_thread import serving

__all__ = ["House", "_cheap_hashes"]
PERFORMANCE = 1


class House(Stage):
    """A stage whose till has no screen and whose printer may be any command."""

    def settle(self) -> None:
        """Found the house, enrol a till and a gate: without a process for each command."""
        settings = Settings(data_dir=self.folder / "server")
        made = commands.init(settings, Sample.THEATRE)
        finish(settings)
        self.init = json.loads(_house_json(settings, made))
        with serving(HouseOnDisk(settings, made)) as url:
            for role, name in ((NodeRole.TILL, "Window 1"), (NodeRole.GATE, "Gate A")):
                code = commands.make_enrolment_code(settings, role, name, 60).text
                folder, env = self.folder / role, MachineEnv()
                enrol(folder, url, code, role, env, version=program_version())

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

    def settled_books(self) -> dict[str, Any]:
        """The books once they balance. Contacts are written up to half a second after the call."""
        with suppress(DemoFailed):
            wait_until("the books balance", lambda: self.books()["balanced"], 20)
        books = self.books()
        assert books["balanced"], books
        return books

    def units(self) -> dict[str, int]:
        """The books' account of the performance's units."""
        books = self.books()
        account: dict[str, int] = next(u for u in books["units"] if u["performance"] == PERFORMANCE)
        return account


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where programs start without importing everything anew."""
    with closing(Nursery()) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def settled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded house with its nodes enrolled, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("settled")
    with House(folder, PERFORMANCE) as house:
        house.settle()
        (folder / "init.json").write_text(json.dumps(house.init))
    return folder


@pytest.fixture
def closed_house(settled_folder: Path, tmp_path: Path, nursery: Nursery) -> Iterator[House]:
    """A settled house in which nothing runs; everything that is started is ended."""
    with House(tmp_path, PERFORMANCE, start=nursery.start) as house:
        for name in ("server", "till", "gate"):
            shutil.copytree(settled_folder / name, tmp_path / name)
        house.init = json.loads((settled_folder / "init.json").read_text())
        yield house


@pytest.fixture
def house(closed_house: House) -> House:
    """A settled house with its server running."""
    closed_house.start_server()
    return closed_house
