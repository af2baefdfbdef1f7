"""The window over a real sync engine and sockets: wishes, releases and sales reach the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.catalogue import MirrorCatalogue
from edge.node import open_node
from pos_app.services.basket import add_unit, empty_basket
from pos_app.services.model import Link, News, NewsKind, Sold, UnitState
from pos_app.services.printer import FolderPrinter
from pos_app.services.printing import PrintDesk
from pos_app.services.window import Window
from tests.fakes.edge_node import NODE, VENUE, TurnedEnv, enrolled_folder, wait_until
from tests.fakes.hall import EVENT_ID, FIRST, ROW, event_row
from tests.fakes.server import FakeServer, Reset
from tests.fakes.till import NOW
from tests.integration.pos_app.window_stage import CASHIER, PIN, VERIFIER

NOW_MS = round(NOW.timestamp() * 1000)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(NODE, VENUE) as server:
        server.now_ms = NOW_MS
        event_id, document = event_row()
        server.follow(event_id)
        server.publish(event_id, "doc", {"kind": "event", "id": event_id, "body": document})
        person = {"id": CASHIER, "name": "Li Na", "role": "cashier", "state": "active"}
        server.publish(VENUE, "person", {**person, "pin": VERIFIER})
        yield server


@contextmanager
def running(server: FakeServer, folder: Path, news: list[News]) -> Iterator[Window]:
    """A till's services at work, with somebody signed in."""
    env = TurnedEnv()
    env.wall_added_ms = NOW_MS - env.wall_ms()
    node = open_node(folder / "till", server.url, "till", env)
    catalogue = MirrorCatalogue(node.replica.mirror)
    printer = FolderPrinter(folder / "tickets")
    desk = PrintDesk(node.replica, catalogue, printer, env, "en", node.identity.name)
    window = Window(node, desk)
    window.subscribe(news.append)
    window.start()
    try:
        wait_until(lambda: window.performances() and window.people())
        wait_until(lambda: window.status().link is Link.ONLINE)
        window.sign_in(CASHIER, PIN)
        window.shifts.open(())
        yield window
    finally:
        server.release()
        window.stop()


def is_synced(window: Window) -> bool:
    return window.status().unsynced_count == 0


def test_a_unit_is_asked_for_taken_sold_and_told_to_the_server(
    server: FakeServer, tmp_path: Path
) -> None:
    enrolled_folder(tmp_path / "till")
    server.free_units = set(ROW)
    news: list[News] = []
    with running(server, tmp_path, news) as window:
        assert window.ask_for(FIRST, ROW[:2])
        wait_until(lambda: News(NewsKind.GRANTED, FIRST, ROW[:2]) in news)
        event = window.house(FIRST).event
        basket = add_unit(empty_basket(event), event, FIRST, ROW[0])
        assert isinstance(window.pay_cash(basket, basket.total_minor), Sold)
        window.give_back(FIRST, [ROW[1]])
        wait_until(lambda: is_synced(window))
        assert window.ask_for(FIRST, [ROW[0]])
        wait_until(lambda: any(one.kind is NewsKind.NOT_GRANTED for one in news))
    kinds = [op[2] for op in server.ops[EVENT_ID]]
    assert kinds == ["sale", "release"]


def test_a_lost_answer_leaves_no_unit_stranded(server: FakeServer, tmp_path: Path) -> None:
    enrolled_folder(tmp_path / "till")
    server.free_units = set(ROW)
    server.script("acquire", Reset(after_work=True))
    news: list[News] = []
    with running(server, tmp_path, news) as window:
        assert window.ask_for(FIRST, ROW[:1])
        wait_until(lambda: News(NewsKind.NOT_GRANTED, FIRST, ROW[:1], "offline") in news)
        [grant] = server.grants.values()
        server.publish(EVENT_ID, "allot", {**grant, "node": NODE})
        wait_until(lambda: [op[2] for op in server.ops[EVENT_ID]] == ["release"])
        assert window.availability(FIRST).states.get(ROW[0]) is not UnitState.FREE


def test_what_was_sold_offline_arrives_and_is_told_of(server: FakeServer, tmp_path: Path) -> None:
    enrolled_folder(tmp_path / "till")
    server.free_units = set(ROW)
    news: list[News] = []
    with running(server, tmp_path, news) as window:
        window.stock(FIRST)
        wait_until(lambda: window.availability(FIRST).states.get(ROW[0]) is UnitState.FREE)
        wait_until(lambda: is_synced(window))
        server.unplugged = True
        event = window.house(FIRST).event
        for unit in ROW[:3]:
            basket = add_unit(empty_basket(event), event, FIRST, unit)
            assert isinstance(window.pay_cash(basket, basket.total_minor), Sold)
        wait_until(lambda: window.status().link is Link.OFFLINE)
        assert window.ask_for(FIRST, [1]) is False
        assert window.status().unsynced_count == 3
        server.unplugged = False
        wait_until(lambda: News(NewsKind.SYNCED, count=3) in news)
    assert [op[2] for op in server.ops[EVENT_ID]] == ["sale"] * 3
    with closing(open_node(tmp_path / "till", server.url, "till", TurnedEnv()).replica) as replica:
        assert MirrorCatalogue(replica.mirror).event(EVENT_ID) is not None
