"""A till with everything real but its paper: widgets, threads, files, sockets to a server that may
misbehave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from edge.catalogue import MirrorCatalogue
from edge.node import open_node
from pos_app.services.model import Link, UnitState
from pos_app.services.printer import PrinterError, PrinterFault
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from pos_app.ui.app import Till
from pos_app.ui.window import TillWindow
from tests.fakes.edge_node import NODE, VENUE, TurnedEnv, enrolled_folder, wait_until
from tests.fakes.hall import EVENT_ID, FIRST, event_row
from tests.fakes.server import FakeServer
from tests.fakes.till import NOW, sample_catalogue
from tests.gui.robot import click, settle
from tests.integration.pos_app.window_stage import CASHIER, PIN, VERIFIER

PATIENCE_MS = 30_000
"""For a busy machine; nothing here takes a second on one of its own."""
_NOW_MS = round(NOW.timestamp() * 1000)


@dataclass
class Paper:
    """A printer. `dies` after that many bytes of each job, while it is set."""

    dies: int | None = None
    tickets: dict[str, list[bytes]] = field(default_factory=dict)
    broken_count: int = 0

    def print_pdf(self, pdf: bytes, *, job: str) -> None:
        """Take a job, or the beginning of one."""
        if self.dies is not None:
            self.broken_count += 1
            raise PrinterError(
                PrinterFault.COMMAND_FAILED, f"The printer is gone after {self.dies} bytes."
            )
        self.tickets.setdefault(job, []).append(pdf)


@dataclass
class Counter:
    """A till whose cashier has signed in and opened the first performance, with seats lent."""

    bot: QtBot
    server: FakeServer
    services: Window
    till: Till
    paper: Paper

    @property
    def window(self) -> TillWindow:
        """What the cashier sees."""
        return self.till.window

    def wait(self, is_so: Callable[[], object]) -> None:
        """Turn the loop until it is so."""
        self.bot.waitUntil(lambda: bool(is_so()), timeout=PATIENCE_MS)

    def sell(self) -> str:
        """The usual sale, in two taps; its receipt number. Waits for the paper too."""
        sell = self.window.sell
        before = sell.state.last_sale
        click(self.window, "best_together")
        self.wait(lambda: sell.state.can_pay)
        click(self.window, "quick_cash_0")
        self.wait(lambda: sell.state.last_sale is not before)
        self.wait(lambda: not sell.state.printing)
        made = sell.state.last_sale
        assert made is not None
        return made.receipt_no

    def sales_at_the_server(self) -> list[str]:
        """Ids of the sales that the server has, as often as it has them."""
        return [op[0] for op in self.server.ops[EVENT_ID] if op[2] == "sale"]

    def is_synced(self) -> bool:
        """Whether everything is sent, and shown so."""
        status = self.window.sell.state.status
        return status.link is Link.ONLINE and status.unsynced_count == 0


@contextmanager
def counter(bot: QtBot, folder: Path) -> Iterator[Counter]:
    """A counter on a working network."""
    with FakeServer(NODE, VENUE) as server:
        server.now_ms = _NOW_MS
        event_id, document = event_row()
        server.follow(event_id)
        server.publish(event_id, "doc", {"kind": "event", "id": event_id, "body": document})
        person = {"id": CASHIER, "name": "Li Na", "role": "cashier", "state": "active"}
        server.publish(VENUE, "person", {**person, "pin": VERIFIER})
        server.free_units = {seat.unit for seat in sample_catalogue().plans[0].seats}
        paper = Paper()
        services = _services(server, folder, paper)
        till = Till(services, services.now)
        try:
            made = Counter(bot, server, services, till, paper)
            _open(made)
            yield made
        finally:
            server.release()
            joined = till.close()
            services.stop()
        assert joined


def _services(server: FakeServer, folder: Path, paper: Paper) -> Window:
    """The real ones, with somebody's shift open and the network up."""
    enrolled_folder(folder / "till")
    env = TurnedEnv()
    env.wall_added_ms = _NOW_MS - env.wall_ms()
    node = open_node(folder / "till", server.url, "till", env)
    catalogue = MirrorCatalogue(node.replica.mirror)
    desk = PrintDesk(node.replica, catalogue, paper, env, "en", node.identity.name)
    window = Window(node, desk)
    window.start()
    wait_until(lambda: window.performances() and window.people())
    wait_until(lambda: window.status().link is Link.ONLINE)
    window.sign_in(CASHIER, PIN)
    window.shifts.open(())
    window.sign_out()
    return window


def _open(desk: Counter) -> None:
    window = desk.window
    window.resize(1366, 768)
    window.show()
    window.activateWindow()
    QTest.qWaitForWindowActive(window)
    desk.wait(lambda: window.sign_in.state.people)
    click(window, f"sign_in_{CASHIER}")
    for digit in PIN:
        click(window, f"pin_key_{digit}")
    click(window, "sign_in_submit")
    desk.wait(lambda: window.pages.currentWidget() is window.picker_view)
    desk.wait(lambda: window.picker.state.days)
    click(window, f"performance_{FIRST}")
    desk.wait(lambda: UnitState.FREE in window.sell.state.states.values())
    desk.wait(desk.is_synced)
    settle(window)
