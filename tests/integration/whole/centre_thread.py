"""The real server over loopback in a thread of the test's process, and real tills that sync with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from edge.catalogue import MirrorCatalogue
from edge.enrolment import enrol
from edge.node import Node, open_node, program_version
from pos_app.services.basket import Basket, add_unit, empty_basket
from pos_app.services.model import Link, News, Sold, UnitState
from pos_app.services.printer import FolderPrinter
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from sync_server import commands
from sync_server.services.permissions import NodeRole
from tests.fakes.edge_node import TurnedEnv, wait_until
from tests.integration.sync_server.support import HouseOnDisk, app_of

PERFORMANCE = 1


@contextmanager
def serving(house: HouseOnDisk) -> Iterator[str]:
    """The server's address while it runs."""
    with serving_app(lambda: app_of(house)) as url:
        yield url


@contextmanager
def serving_app(make: Callable[[], web.Application], port: int = 0) -> Iterator[str]:
    """The address of an application while it runs, on a loop of its own."""
    loop = asyncio.new_event_loop()
    told: list[str] = []
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(make(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        told.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await over.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20), "the server does not start"
    try:
        yield told[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


@dataclass
class Counter:
    """One till of the house, with somebody signed in and a shift open."""

    node: Node
    window: Window
    printer: FolderPrinter
    folder: Path
    news: list[News] = field(default_factory=list)

    def basket(self, units: tuple[int, ...], performance: int = PERFORMANCE) -> Basket:
        """Places as the plan has them, at the list price."""
        event = self.window.house(performance).event
        basket = empty_basket(event)
        for unit in units:
            basket = add_unit(basket, event, performance, unit)
        return basket

    def hold(self, count: int, performance: int = PERFORMANCE) -> tuple[int, ...]:
        """So many places that are ours to sell."""
        self.window.stock(performance)

        def free() -> list[int]:
            states = self.window.availability(performance).states
            return sorted(unit for unit, state in states.items() if state is UnitState.FREE)

        wait_until(lambda: len(free()) >= count)
        return tuple(free()[:count])

    def sell(self, count: int = 1, performance: int = PERFORMANCE) -> Sold:
        """Sell so many places for cash, and have the server hear of it."""
        basket = self.basket(self.hold(count, performance), performance)
        sold = self.window.pay_cash(basket, basket.total_minor)
        assert isinstance(sold, Sold), sold
        self.be_synced()
        return sold

    def be_synced(self) -> None:
        """Wait until the server has everything."""
        wait_until(lambda: self.window.status().unsynced_count == 0)

    @property
    def papers(self) -> list[str]:
        """What came out of the printer."""
        return sorted(path.name for path in (self.folder / "tickets").glob("*.pdf"))


@contextmanager
def counter(house: HouseOnDisk, url: str, folder: Path, name: str) -> Iterator[Counter]:
    """A till that is enrolled, in step with the server, and open."""
    code = commands.make_enrolment_code(house.settings, NodeRole.TILL, name, 60)
    env = TurnedEnv()
    enrol(folder / "till", url, code.text, "till", env, version=program_version())
    with running(house, url, folder) as made:
        yield made


@contextmanager
def running(house: HouseOnDisk, url: str, folder: Path, person: str = "li.na") -> Iterator[Counter]:
    """The same, enrolled before."""
    env = TurnedEnv()
    node = open_node(folder / "till", url, "till", env, folder / "witness")
    catalogue = MirrorCatalogue(node.replica.mirror)
    printer = FolderPrinter(folder / "tickets")
    desk = PrintDesk(node.replica, catalogue, printer, env, "en", node.identity.name)
    window = Window(node, desk)
    made = Counter(node, window, printer, folder)
    window.subscribe(made.news.append)
    window.start()
    try:
        wait_until(lambda: window.performances() and window.people())
        wait_until(lambda: window.status().link is Link.ONLINE)
        sign_in(house, window, person)
        yield made
    finally:
        window.stop()


def sign_in(house: HouseOnDisk, window: Window, login: str) -> None:
    """Somebody opens the till, and a shift when there is none."""
    made = next(each for each in house.made.sign_ins if each.person.login == login)
    signed = window.sign_in(made.person.id, made.pin)
    assert window.signed_in is not None, signed
    if window.shifts.current() is None:
        window.shifts.open(())


def until(look: Callable[[], object]) -> object:
    """What it gives once it gives something."""
    found: list[object] = []

    def looked() -> bool:
        value = look()
        if value:
            found.append(value)
        return bool(value)

    wait_until(looked)
    return found[-1]
