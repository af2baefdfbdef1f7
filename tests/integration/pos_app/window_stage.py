"""A window on real files, with a sync engine that answers when the test says so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from argon2 import PasswordHasher

from edge.allotments import Grant, install
from edge.catalogue import MirrorCatalogue
from edge.chip_keys import AskChipKeys
from edge.client import ServerClient
from edge.identity import NodeKey
from edge.journal import Unit, acknowledge, heads, lock
from edge.link import Link, LinkState
from edge.node import Node
from edge.replica import Replica
from edge.sync import Call, Listeners, SyncEngine, Wish
from edge.time_left import now_of
from pos_app.services.basket import Basket, add_unit, empty_basket
from pos_app.services.devices import DeviceParts
from pos_app.services.drawer import Drawer
from pos_app.services.model import News, NewsKind, Sold
from pos_app.services.printer import FolderPrinter, PrinterError, PrinterFault
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from tests.fakes.edge_node import an_identity, enrolled_folder
from tests.fakes.hall import EVENT_ID, FIRST, GENERATION, ROW, Feed, SetEnv
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import Op, OpKind
from ticketing.operations import CashCount
from ticketing.terms import Terms

CASHIER, PIN = "li.na", "471147"
# As weak as argon2 goes: what is tested is who counts the tries, not how dear one is.
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
VERIFIER = _HASHER.hash(PIN)


@dataclass
class ScriptedEngine:
    """Stands for the sync engine: keeps wishes until the test answers them."""

    link: Link = field(default_factory=Link)
    listeners: Listeners = field(default_factory=Listeners)
    wishes: list[Wish] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    chip_calls: list[Call] = field(default_factory=list)
    nudged: int = 0
    started: bool = False

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.started = False

    def nudge(self) -> None:
        self.nudged += 1

    def wish(self, wish: Wish | Call) -> bool:
        if self.link.state is not LinkState.ONLINE:
            return False
        if isinstance(wish, AskChipKeys):
            self.chip_calls.append(wish)
            return True
        if isinstance(wish, Call):
            self.calls.append(wish)
            return True
        self.wishes.append(wish)
        return True

    def become(self, state: LinkState) -> None:
        """The link changes, and the window hears it."""
        self.link = Link(state)
        self.listeners.link(self.link)


class BrokenPrinter:
    """Has no paper."""

    def print_pdf(self, pdf: bytes, *, job: str) -> None:
        assert pdf
        assert job
        raise PrinterError(PrinterFault.COMMAND_FAILED, "The printer has no paper.")


class Stage:
    """One till. `window` is open; `restart` ends the program and starts it again."""

    def __init__(self, folder: Path, env: SetEnv) -> None:
        self.folder, self.env = folder, env
        self.key: NodeKey = enrolled_folder(folder / "till")
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._grants = 0
        self._open()
        self.feed.open_house()
        self.feed.person(CASHIER, VERIFIER)

    @property
    def node_id(self) -> str:
        """This till's id."""
        return an_identity().node_id

    def _open(self) -> None:
        self.engine = ScriptedEngine()
        self.replica = Replica(self.folder / "till")
        self.feed = Feed(self.replica.mirror)
        self.catalogue = MirrorCatalogue(self.replica.mirror)
        self.printer = FolderPrinter(self.folder / "tickets")
        self.desk = PrintDesk(self.replica, self.catalogue, self.printer, self.env, "en", "POS-01")
        self.window = self.window_with(self.desk, cast("SyncEngine", self.engine))
        self.window.start()

    def window_with(
        self,
        desk: PrintDesk,
        engine: SyncEngine,
        drawer: Drawer | None = None,
        parts: DeviceParts | None = None,
    ) -> Window:
        """Another window's program over the same files."""
        node = Node(an_identity(), self.key, self.replica, engine, self.env, no_client)
        window = Window(node, desk, drawer, parts)
        window.subscribe(self.news.put)
        return window

    def close(self) -> None:
        self.window.stop()

    def restart(self) -> None:
        """The program ends and is started again."""
        self.close()
        self.start_again()

    def start_again(self) -> None:
        """The program is started again after its end."""
        self._open()

    def sign_in(self, *, float_count: CashCount | None = ()) -> None:
        """Sign in, and open a shift when none is; None leaves it at that."""
        self.window.sign_in(CASHIER, PIN)
        if float_count is not None and self.window.shifts.current() is None:
            self.window.shifts.open(float_count)

    # --- what the server does

    def go_online(self) -> None:
        self.engine.become(LinkState.ONLINE)

    def grant(
        self,
        units: Iterable[int],
        performance: int = FIRST,
        *,
        firm: bool = False,
        version: int = 0,
    ) -> Grant:
        """An allotment of ours, not yet installed."""
        self._grants += 1
        pairs = tuple((unit, version) for unit in units)
        allotment = AllotmentId(GENERATION, self._grants)
        return Grant(allotment, performance, firm, "open", pairs)

    def lend(
        self,
        units: Iterable[int],
        performance: int = FIRST,
        *,
        firm: bool = False,
        version: int = 0,
        terms: Terms | None = None,
    ) -> AllotmentId:
        """Lend units to this window: the grant in its journal, the claims in its mirror."""
        grant = self.grant(units, performance, firm=firm, version=version)
        if terms is not None:
            grant = replace(grant, soft_s=terms.soft_s, hard_s=terms.hard_s)
        self.replica.transact(lambda unit: install(unit, EVENT_ID, grant, now_of(unit, self.env)))
        numbers = [number for number, _version in grant.units]
        self.feed.claims(performance, "allot", numbers, ref=str(grant.id))
        return grant.id

    def answer(self, wish: Wish, outcome: Grant | str) -> None:
        """Answer a wish as the pusher would: the grant is installed before anybody hears of it."""
        if isinstance(outcome, Grant):
            self.replica.transact(lambda unit: install(unit, wish.stream, outcome))
        wish.then(outcome)

    def pulled(self, grant: Grant) -> None:
        """The feed brings a grant of ours, as the puller would take it in."""
        self.replica.transact(lambda unit: install(unit, EVENT_ID, grant))
        self.engine.listeners.pulled(EVENT_ID, frozenset({"allot"}))

    def acknowledge_all(self) -> None:
        """The server has confirmed everything."""

        def work(unit: Unit) -> None:
            for head in heads(unit):
                acknowledge(unit, head, head.seq, ())

        self.replica.transact(work)

    def fence_after_a_sale(self) -> None:
        """Sell something; then the server fences the journal that tells of it."""
        self.lend([ROW[-1]])
        self.sell([ROW[-1]])
        self.replica.transact(lambda unit: lock(unit, EVENT_ID))

    # --- what the cashier does

    def basket(self, units: Iterable[int], performance: int = FIRST) -> Basket:
        return self.basket_of(self.window, units, performance)

    @staticmethod
    def basket_of(window: Window, units: Iterable[int], performance: int = FIRST) -> Basket:
        event = window.house(performance).event
        basket = empty_basket(event)
        for unit in units:
            basket = add_unit(basket, event, performance, unit)
        return basket

    def sell(self, units: Sequence[int]) -> Sold:
        """Sell for the exact sum."""
        basket = self.basket(units)
        sold = self.window.pay_cash(basket, basket.total_minor)
        assert isinstance(sold, Sold), sold
        return sold

    # --- what came of it

    def heard(self) -> list[News]:
        """The news since the last time."""
        found = []
        while not self.news.empty():
            found.append(self.news.get())
        return found

    def heard_kinds(self) -> set[NewsKind]:
        return {news.kind for news in self.heard()}

    def ops(self, kind: OpKind) -> list[Op]:
        """The journal's operations of one kind, oldest first."""
        with self.replica.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM op WHERE kind = ? ORDER BY rowid", (kind,)
            ).fetchall()
        return [
            Op(
                row["seq"],
                OpId(row["op_id"]),
                row["kind"],
                row["version"],
                row["wall_ms"],
                row["body"],
                row["hash"],
            )
            for row in rows
        ]

    def count(self, table: str) -> int:
        with self.replica.reading() as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def at_once(*works: object) -> list[object]:
    """Run callables at the same moment on a thread each; their results in order."""
    gate = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def run(at: int) -> None:
        work = works[at]
        assert callable(work)
        gate.wait(10)
        results[at] = work()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def no_client() -> ServerClient:
    raise AssertionError("this till has no network")
