"""Two servers on one PostgreSQL, as processes: killed, frozen and stopped under load."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from tests.bench._house import (
    EVENT,
    BenchNode,
    Journal,
    Lent,
    Process,
    boxgate_server,
    make_house,
    sale_op,
)
from tests.demo.programs import wait_until
from tests.fakes.postgres import Cluster, is_opted_out, private_cluster
from ticketing.journal import op_to_wire

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(is_opted_out(), reason="somebody chose to go without PostgreSQL"),
]

FOLLOWED_WITHIN_S = 12.0
TILLS = 4
UNITS = 1_000


@dataclass
class Pair:
    """Two servers over one database."""

    settings: Settings
    cluster: Cluster
    servers: tuple[Process, Process]

    def ask(self, sql: str, *values: object) -> Any:
        """The first row."""
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            return connection.execute(sql.encode(), values).fetchone()

    def owner(self) -> tuple[str, int]:
        """Whose the event is, and by which epoch."""
        url, epoch = self.ask("SELECT owner_url, epoch FROM stream WHERE event_id = %s", EVENT)
        return url, epoch


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with private_cluster() as cluster, ExitStack() as stack:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        first = make_house(folders[0], cluster.url, 1)
        second = replace(first, data_dir=folders[1] / "data")
        second.data_dir.mkdir(mode=0o700)
        shutil.copytree(first.keys_dir, second.keys_dir)
        one, two = (stack.enter_context(boxgate_server(each)) for each in (first, second))
        try:
            yield Pair(first, cluster, (one, two))
        finally:
            for process in (one, two):  # a frozen one does not end
                try:
                    os.kill(process.pid, signal.SIGCONT)
                except ProcessLookupError:
                    continue


@dataclass
class Seller:
    """A till that sells two tickets at a time, and sends each sale until somebody took it."""

    node: BenchNode
    lent: Lent
    journal: Journal
    urls: tuple[str, ...]
    acked: list[tuple[float, int]] = field(default_factory=list)
    """When, and up to which operation."""
    refusals: set[str] = field(default_factory=set)

    def sell(self, http: httpx.Client, *, give_up_s: float = 60.0) -> int:
        """One sale; how often it was sent."""
        prev = self.journal.hash
        op = sale_op(self.journal, self.node.sale(self.lent, 2 * (self.journal.seq)))
        body = {"inc": 1, "first": op.seq, "prev": prev, "ops": [op_to_wire(op)], "unsynced": 1}
        until_s = time.monotonic() + give_up_s
        for tries, url in enumerate(itertools.cycle(self.urls), 1):
            if self._send(http, url, body):
                return tries
            assert time.monotonic() < until_s, f"nobody takes it: {self.refusals}"
            time.sleep(0.02)
        raise AssertionError("a cycle does not end")

    def _send(self, http: httpx.Client, url: str, body: dict[str, object]) -> bool:
        headers = {"Authorization": f"Bearer {self.node.token}"}
        try:
            answer = http.post(f"{url}/v1/e/{EVENT}/push", json=body, headers=headers)
        except httpx.TransportError as error:
            self.refusals.add(type(error).__name__)
            return False
        if answer.status_code != httpx.codes.OK:
            self.refusals.add(f"{answer.status_code} {answer.json()['code']}")
            return False
        reply = answer.json()
        assert [verdict[1] for verdict in reply["verdicts"]] == ["ok"], reply
        self.acked.append((time.monotonic(), reply["acked"]))
        return True


def sellers(pair: Pair, count: int) -> list[Seller]:
    found = []
    one, two = (process.url for process in pair.servers)
    with httpx.Client(base_url=one, timeout=30) as http:
        for number in range(count):
            node = BenchNode(http, NodeRole.TILL).enrol(pair.settings, f"Window {number}")
            node.sign_in()
            lent = node.acquire(1, range(1 + number * UNITS, 1 + (number + 1) * UNITS))
            urls = (one, two) if number % 2 else (two, one)
            found.append(Seller(node, lent, Journal(node, EVENT), urls))
    return found


def check_books(pair: Pair, tills: list[Seller]) -> None:
    """Acknowledged is stored, once, and units, tickets and money agree."""
    for till in tills:
        assert till.acked[-1][1] == till.journal.seq
        (seq, head) = pair.ask("SELECT seq, hash FROM journal WHERE node_id = %s", till.node.id)
        assert (seq, head) == (till.journal.seq, till.journal.hash)
    sales = sum(till.journal.seq for till in tills)
    assert pair.ask("SELECT count(*), count(DISTINCT op_id) FROM op") == (sales, sales)
    assert pair.ask("SELECT count(*) FROM op WHERE verdict <> 'ok'") == (0,)
    assert pair.ask("SELECT count(*) FROM orders") == (sales,)
    assert pair.ask("SELECT count(*) FROM ticket WHERE state = 'valid'") == (2 * sales,)
    assert pair.ask("SELECT count(*) FROM claim WHERE kind = 'sold'") == (2 * sales,)
    assert pair.ask("SELECT count(*) FROM claim WHERE kind = 'allot'") == (
        len(tills) * UNITS - 2 * sales,
    )
    assert pair.ask("SELECT sum(amount_minor) FROM ledger") == (0,)
    assert pair.ask("SELECT count(*) FROM case_file") == (0,)


def test_a_killed_owners_events_move_and_nothing_acknowledged_is_lost(
    pair: Pair, record_property: Any
) -> None:
    tills = sellers(pair, TILLS)
    owner = next(each for each in pair.servers if each.url == pair.owner()[0])
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(till: Seller) -> None:
        try:
            with httpx.Client(timeout=10) as http:
                while not stop.is_set() and 2 * till.journal.seq < UNITS - 2:
                    till.sell(http)
                    time.sleep(0.03)  # so that the units last for the whole of it
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(till,)) for till in tills]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    os.kill(owner.pid, signal.SIGKILL)
    killed_s = time.monotonic()
    until_s = killed_s + 30
    while pair.owner()[0] == owner.url and time.monotonic() < until_s and not failures:
        time.sleep(0.05)
    time.sleep(1.0)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    firsts = [min(at for at, _seq in till.acked if at > killed_s) for till in tills]
    moved_s = max(firsts) - killed_s
    record_property("moved_s", round(moved_s, 2))
    print(json.dumps({"moved_s": round(moved_s, 2), "sales": sum(t.journal.seq for t in tills)}))  # noqa: T201 - the figure of the day
    assert moved_s < FOLLOWED_WITHIN_S
    assert pair.owner()[0] != owner.url
    check_books(pair, tills)


def test_a_frozen_owner_is_followed_and_commits_nothing_more_by_itself_and_a_stopped_one_hands_over(
    pair: Pair,
) -> None:
    held, other = sellers(pair, 2)
    one, two = pair.servers
    held.urls, other.urls = (one.url,), (two.url,)
    assert pair.owner() == (one.url, 1)
    with httpx.Client(timeout=40) as http, httpx.Client(timeout=40) as second:
        held.sell(http)
        other.sell(second)  # passed on
        assert pair.owner() == (one.url, 1)

        os.kill(one.pid, signal.SIGSTOP)
        waiting = threading.Thread(target=held.sell, args=(http,))
        waiting.start()  # the frozen server's socket takes it
        pair.ask("UPDATE stream SET lease_until_ms = 0 WHERE event_id = %s RETURNING 1", EVENT)
        other.sell(second)
        assert pair.owner() == (two.url, 2)
        assert not held.acked[1:], "who is frozen says nothing"
        os.kill(one.pid, signal.SIGCONT)
        waiting.join(40)
        assert pair.owner() == (two.url, 2), "it passed on what it was asked"
        check_books(pair, [held, other])

        os.kill(two.pid, signal.SIGTERM)
        while Path(f"/proc/{two.pid}/stat").exists() and not has_ended(two.pid):
            time.sleep(0.01)
        assert held.sell(http) == 1, "at once"
        other.urls = (one.url,)
        assert other.sell(second) == 1
        assert pair.owner() == (one.url, 3)
    check_books(pair, [held, other])


def test_a_crash_of_the_database_under_load_loses_nothing_acknowledged(pair: Pair) -> None:
    tills = sellers(pair, 2)
    with httpx.Client(timeout=20) as http:
        for _ in range(5):
            for till in tills:
                till.sell(http)
        pair.cluster.stop("immediate")
        waiting = [threading.Thread(target=till.sell, args=(http,)) for till in tills]
        for thread in waiting:
            thread.start()
        refused = "503 store_unavailable"
        wait_until("both hear of it", lambda: all(refused in till.refusals for till in tills), 20)
        pair.cluster.start()
        for thread in waiting:
            thread.join(40)
        for till in tills:
            till.sell(http)
    check_books(pair, tills)


def has_ended(pid: int) -> bool:
    """A zombie has: its parent has not looked yet."""
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"
