"""One owner per stream: others pass on to it, follow it when it is gone, and stop it by its epoch."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection, event, text

from sync_server import commands
from sync_server.app import make_app
from sync_server.auditing import AuditKeeper
from sync_server.centre import Centre
from sync_server.handlers.proxy import PASSED_ON_BY
from sync_server.heart.work import Work
from sync_server.ownership import claim_stream
from sync_server.services.house import new_generation
from sync_server.services.permissions import NodeRole
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.fakes.databases import is_on_postgresql
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from ticketing.ids import OpId
from ticketing.journal import ROOT_HASH, chain_op, op_to_wire

VENUE = "seaview"
WAIT_S = 20
PUSH = f"/v1/e/{VENUE}/push"
on_postgresql = pytest.mark.skipif(not is_on_postgresql(), reason="SQLite has one server")


@dataclass
class Server:
    """A server in this process, at an address of its own."""

    centre: Centre
    client: TestClient[Any, Any]

    @property
    def url(self) -> str:
        return str(self.client.make_url("")).rstrip("/")

    async def row(self) -> Any:
        return await self.centre.read(
            lambda c: c.execute(
                text("SELECT owner_url, epoch FROM stream WHERE event_id = :e"), {"e": VENUE}
            ).one()
        )


@dataclass
class Sender:
    """A till's house journal: each `next` is one more sign-in."""

    node: NodeAtTest
    seq: int = 0
    hash: str = ROOT_HASH

    def next(self) -> dict[str, object]:
        self.seq += 1
        op = chain_op(
            self.hash,
            VENUE,
            self.node.id,
            1,
            self.seq,
            OpId(secrets.token_hex(16)),
            "sign_in",
            1,
            int(time.time() * 1000),
            '{"person":"li.na"}',
        )
        prev, self.hash = self.hash, op.hash
        return {
            "inc": 1,
            "first": self.seq,
            "prev": prev,
            "ops": [op_to_wire(op)],
            "unsynced": 1,
        }

    async def send(
        self, server: Server, body: object, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        sent = server.client.post(PUSH, json=body, headers=self.node.bearer | headers)
        async with sent as response:
            return response.status, await response.json()


async def start(stack: AsyncExitStack, house: HouseOnDisk) -> Server:
    opened = commands.open_house(house.settings)
    assert opened.house is not None
    centre = Centre(opened.engine, opened.house, opened.keys, own_url="")
    client = TestClient(TestServer(make_app(centre, house.settings)))
    server = Server(centre, await stack.enter_async_context(client))
    centre.ownership.name(server.url)
    return server


@pytest.fixture(autouse=True)
def nothing_written_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next commit is the test's own, and a lease that a test has ended stays so."""
    monkeypatch.setattr(AuditKeeper, "start", lambda _: None)
    for period in ("centre.HEARD_PERIOD_S", "centre.SWEEP_PERIOD_S", "ownership.RENEW_PERIOD_S"):
        monkeypatch.setattr(f"sync_server.{period}", 3_600)


@pytest.fixture
async def first(house: HouseOnDisk) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        yield await start(stack, house)


@pytest.fixture
async def second(house: HouseOnDisk) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        yield await start(stack, house)


@pytest.fixture
async def sender(first: Server) -> Sender:
    node = await NodeAtTest(first.client).enrol(NodeRole.TILL, "Window 1")
    return Sender(await node.sign_in())


def end_lease(server: Server) -> None:
    """As if ten seconds had gone by."""
    transact(
        server.centre.engine,
        lambda tx: tx.run("UPDATE stream SET lease_until_ms = 0 WHERE event_id = :e", e=VENUE),
    )


def stored(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM op")).scalar_one())


async def test_who_is_asked_first_owns_the_stream(first: Server, sender: Sender) -> None:
    assert tuple(await first.row()) == ("", 0)
    assert (await sender.send(first, sender.next()))[0] == 200
    assert tuple(await first.row()) == (first.url, 1)
    assert (await sender.send(first, sender.next()))[0] == 200
    assert tuple(await first.row()) == (first.url, 1), "an owner does not claim again"


async def test_requests_that_come_together_claim_once(first: Server, sender: Sender) -> None:
    body = sender.next()
    answers = await asyncio.gather(*(sender.send(first, body) for _ in range(8)))
    assert {status for status, _reply in answers} == {200}
    assert (await first.row())[1] == 1


def take_away(server: Server) -> None:
    """Another server follows; nothing but owner and epoch tells of it."""
    transact(
        server.centre.engine,
        lambda tx: tx.run(
            "UPDATE stream SET epoch = epoch + 1, owner_url = 'http://127.0.0.1:9', "
            "lease_until_ms = 99999999999999 WHERE event_id = :e",
            e=VENUE,
        ),
    )


async def test_an_owner_whose_epoch_is_over_commits_nothing_by_it(
    first: Server, sender: Sender
) -> None:
    assert (await sender.send(first, sender.next()))[0] == 200
    take_away(first)
    status, reply = await sender.send(first, sender.next())
    if is_on_postgresql():
        assert (status, reply["code"]) == (503, "owner_unavailable")
        assert await first.centre.read(stored) == 1
    else:  # a lease in a SQLite file is a dead server's: claimed again, by a new epoch
        assert (status, (await first.row())[1]) == (200, 3)


async def test_nothing_but_the_epoch_stops_an_owner_that_was_followed(
    first: Server, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above would not see the check missing if head and revisions stopped it too."""
    real = Work.begin
    assert (await sender.send(first, sender.next()))[0] == 200
    take_away(first)
    monkeypatch.setattr(
        Work, "begin", lambda sql, stream, now, plans, _: real(sql, stream, now, plans)
    )
    assert (await sender.send(first, sender.next()))[0] == 200
    assert (await first.row())[1] == 2, "by an epoch that is not its own"


async def test_a_server_that_stops_gives_its_streams_up(house: HouseOnDisk) -> None:
    async with AsyncExitStack() as stack:
        server = await start(stack, house)
        await server.centre.ownership.own(VENUE)
        engine = server.centre.engine
    found = transact(engine, lambda tx: tx.row("SELECT lease_until_ms, epoch FROM stream "
                                               "WHERE event_id = :e", e=VENUE))  # fmt: skip
    engine.dispose()
    assert found == (0, 1)


async def test_a_renewal_finds_out_what_was_taken(first: Server) -> None:
    ownership = first.centre.ownership
    await ownership.own(VENUE)
    await ownership.renew()
    assert ownership.owns(VENUE)
    transact(
        first.centre.engine,
        lambda tx: tx.run("UPDATE stream SET epoch = epoch + 1 WHERE event_id = :e", e=VENUE),
    )
    await ownership.renew()
    assert not ownership.owns(VENUE)


async def test_a_stream_that_is_not_there_is_nobodys(sender: Sender) -> None:
    status, reply = await sender.node.call("POST", "/v1/e/no-such/push", sender.next())
    assert (status, reply["code"]) == (404, "unknown_stream")


# --- two servers


@on_postgresql
async def test_a_call_is_passed_on_to_the_owner(
    first: Server, second: Server, sender: Sender
) -> None:
    assert (await sender.send(first, sender.next()))[0] == 200
    body = sender.next()
    status, reply = await sender.send(second, body)
    assert (status, reply["acked"]) == (200, 2)
    assert tuple(await second.row()) == (first.url, 1)
    assert await sender.send(first, body) == (200, reply), "the same answer from either"
    status, reply = await sender.send(second, sender.next() | {"prev": "f" * 64})
    assert (status, reply["code"]) == (400, "broken_chain"), "refusals are passed back too"


@on_postgresql
async def test_a_call_is_passed_on_once(first: Server, second: Server, sender: Sender) -> None:
    assert (await sender.send(first, sender.next()))[0] == 200
    passed_on = {PASSED_ON_BY: "http://127.0.0.1:9"}
    status, reply = await sender.send(second, sender.next(), **passed_on)
    assert (status, reply["code"]) == (421, "not_owner")


@on_postgresql
async def test_a_server_follows_an_owner_whose_lease_is_over(
    first: Server, second: Server, sender: Sender
) -> None:
    assert (await sender.send(first, sender.next()))[0] == 200
    end_lease(first)
    assert (await sender.send(second, sender.next()))[0] == 200
    assert tuple(await second.row()) == (second.url, 2)
    assert (await sender.send(first, sender.next()))[0] == 200, "the old one passes on to it"
    assert tuple(await second.row()) == (second.url, 2)


@on_postgresql
@pytest.mark.expected_errors("commit_failed", "database_failed")
async def test_an_owner_held_back_before_it_writes_commits_nothing_after_it_was_followed(
    first: Server, second: Server, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen in the middle, it holds the row until PostgreSQL ends its transaction."""
    assert (await sender.send(first, sender.next()))[0] == 200
    frozen, go_on, real = threading.Event(), threading.Event(), Work.flush

    def flush(work: Work) -> None:
        if not frozen.is_set():
            work.sql.driver.execute("SET LOCAL idle_in_transaction_session_timeout = 300", ())
            frozen.set()
            assert go_on.wait(WAIT_S)
        real(work)

    monkeypatch.setattr(Work, "flush", flush)
    body = sender.next()
    held = asyncio.create_task(sender.send(first, body))
    assert await asyncio.to_thread(frozen.wait, WAIT_S)
    await asyncio.to_thread(end_lease, second)  # waits until the row is free
    assert (await sender.send(second, body))[0] == 200
    go_on.set()
    status, reply = await held
    assert (status, reply["code"]) == (503, "store_unavailable")
    assert await sender.send(first, body) == await sender.send(second, body)
    assert await second.centre.read(stored) == 2
    assert tuple(await second.row()) == (second.url, 2)


@on_postgresql
async def test_a_locked_row_does_not_hold_the_one_who_would_follow(
    first: Server, second: Server
) -> None:
    with first.centre.engine.begin() as connection:
        connection.execute(
            text("SELECT 1 FROM stream WHERE event_id = :e FOR UPDATE"), {"e": VENUE}
        )
        claim = transact(second.centre.engine, lambda tx: claim_stream(tx, VENUE, second.url))
    assert claim.is_locked


@pytest.fixture
def no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are started from now on look for no changes by themselves."""
    monkeypatch.setattr("sync_server.centre.WATCH_PERIOD_S", 3600)


@on_postgresql
@pytest.mark.usefixtures("no_watch")
@pytest.mark.parametrize("streams", [1, 200])
async def test_news_of_another_server_comes_by_its_bell(
    streams: int, first: Server, second: Server
) -> None:
    """Of so many streams, too, that their names do not fit."""
    names = [VENUE, *(f"event-{n:03d}-{'x' * 40}" for n in range(1, streams))]

    def change(tx: Transaction) -> None:
        for name in names[1:]:
            tx.run("INSERT INTO stream (event_id, kind, head) VALUES (:e, 'event', 0)", e=name)
        for name in names:
            tx.next_rev(name)

    ticket = second.centre.news.ticket()
    await first.centre.write(change)
    await asyncio.wait_for(second.centre.news.wait([names[-1]], ticket, 60), WAIT_S)


@on_postgresql
async def test_a_node_that_another_server_enrolled_is_known_at_once(
    first: Server, second: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second.centre, "_on_bell", lambda _streams: None)
    node = await NodeAtTest(first.client).enrol(NodeRole.TILL, "Window 7")
    await NodeAtTest(second.client, node.private, node.reply).sign_in()


# --- a database that goes away


@contextmanager
def at_commit(server: Server, then: Any) -> Iterator[None]:
    """Do something instead of the next commit of the writer, and fail it."""
    done: list[int] = []

    def meddle(connection: Connection) -> None:
        if not done:
            done.append(1)
            then(connection.connection.driver_connection)
            raise psycopg.OperationalError("the connection was lost")

    event.listen(server.centre.engine, "commit", meddle)
    yield
    event.remove(server.centre.engine, "commit", meddle)


@on_postgresql
@pytest.mark.expected_errors("commit_failed", "database_failed", "Exception during reset")
@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_connection_lost_at_the_commit_is_answered_503_and_the_same_again_once(
    first: Server, sender: Sender, *, is_committed: bool
) -> None:
    assert (await sender.send(first, sender.next()))[0] == 200
    body = sender.next()

    def lose(connection: psycopg.Connection[Any]) -> None:
        if is_committed:
            connection.commit()
        connection.close()

    with at_commit(first, lose):
        status, reply = await sender.send(first, body)
    assert (status, reply["code"]) == (503, "store_unavailable")
    assert await first.centre.read(stored) == (2 if is_committed else 1)
    status, reply = await sender.send(first, body)
    assert (status, reply["acked"]) == (200, 2)
    assert await first.centre.read(stored) == 2


@on_postgresql
async def test_dropped_connections_are_made_again(first: Server, sender: Sender) -> None:
    assert (await sender.send(first, sender.next()))[0] == 200
    dropping = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    transact(first.centre.engine, lambda tx: tx.rows(dropping))
    body = sender.next()
    statuses = [(await sender.send(first, body))[0] for _ in range(3)]
    assert statuses[-1] == 200
    ticket = first.centre.news.ticket()
    bell_heard = first.centre.news.wait([VENUE], ticket, 60)
    transact(first.centre.engine, lambda tx: tx.next_rev(VENUE))
    await asyncio.wait_for(bell_heard, WAIT_S)


@on_postgresql
async def test_two_servers_in_each_others_way_both_get_through(
    first: Server, second: Server
) -> None:
    """Each job locks a row and then the other's; PostgreSQL tells one of them to begin again."""
    both = threading.Barrier(2)

    def job(mine: str, others: str) -> Any:
        waited: list[int] = []

        def change(tx: Transaction) -> int:
            tx.next_rev(mine)
            if not waited:
                waited.append(1)
                both.wait(WAIT_S)
            return tx.next_rev(others)

        return change

    def head(connection: Connection, stream: str) -> int:
        sql = text("SELECT head FROM stream WHERE event_id = :e")
        return int(connection.execute(sql, {"e": stream}).scalar_one())

    event_id = "swan-lake"
    before = await first.centre.read(lambda c: (head(c, VENUE), head(c, event_id)))
    await asyncio.gather(
        first.centre.write(job(VENUE, event_id)), second.centre.write(job(event_id, VENUE))
    )
    after = await first.centre.read(lambda c: (head(c, VENUE), head(c, event_id)))
    assert after == (before[0] + 2, before[1] + 2)


async def test_a_generation_that_another_server_began_is_adopted(first: Server) -> None:
    begun = new_generation()
    transact(
        first.centre.engine,
        lambda tx: tx.run(
            "INSERT INTO generation (id, short, started_ms, reason) "
            "VALUES (:id, :short, 99999999999999, 'restore')",
            id=begun.id,
            short=begun.short,
        ),
    )
    async with asyncio.timeout(WAIT_S):
        while first.centre.generation != begun:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
