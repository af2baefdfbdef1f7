"""PostgreSQL fails over under a running server: a standby that lacks the end of the history."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Engine, text

from sync_server import commands
from sync_server.app import make_app
from sync_server.centre import Centre
from sync_server.heart.history import ListLost, waiting_nodes
from sync_server.services.generations import cluster, timeline
from sync_server.services.initialise import finish
from sync_server.services.permissions import NodeRole
from sync_server.services.sample import Sample
from sync_server.services.witness import check_history
from sync_server.store.database import open_engine
from sync_server.store.sql import Sql
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.fakes.databases import is_on_postgresql
from tests.fakes.postgres import Cluster, private_cluster, standby_of
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, settings_in

pytestmark = pytest.mark.skipif(not is_on_postgresql(), reason="about PostgreSQL")
WAIT_S = 20


@dataclass
class Server:
    """A server in this process, as `serve` starts it."""

    centre: Centre
    client: TestClient[Any, Any]

    async def reasons(self) -> list[str]:
        """Why each history began, the first first."""
        rows = await self.centre.read(
            lambda c: c.execute(text("SELECT reason FROM generation ORDER BY started_ms")).all()
        )
        return [str(row[0]) for row in rows]


async def start(stack: AsyncExitStack, house: HouseOnDisk) -> Server:
    opened = commands.open_house(house.settings)
    assert opened.house is not None
    assert transact(opened.engine, lambda tx: check_history(tx, "ours", None)) is None
    centre = Centre(opened.engine, opened.house, opened.keys)
    client = await stack.enter_async_context(
        TestClient(TestServer(make_app(centre, house.settings)))
    )
    return Server(centre, client)


async def acquire(till: NodeAtTest, event: str, **wish: object) -> tuple[int, dict[str, Any]]:
    """Ask for units, again and again while the database is away."""
    body = {"req": secrets.token_hex(16), "performance": 1} | wish
    until_s = time.monotonic() + WAIT_S
    while True:
        status, reply = await till.call("POST", f"/v1/e/{event}/acquire", body)
        if status != 503 or time.monotonic() > until_s:
            return status, reply
        await asyncio.sleep(0.05)


async def lend(till: NodeAtTest, event: str) -> dict[str, Any]:
    status, reply = await acquire(till, event, count=2)
    assert status == 200, reply
    grant: dict[str, Any] = reply["allotment"]
    return grant


async def hello(till: NodeAtTest, generation: str) -> dict[str, Any]:
    body = {"proto": [1], "now_ms": 0, "unsynced": 0, "journals": [], "gen": generation}
    status, reply = await till.call("POST", "/v1/hello", body)
    assert status == 200, reply
    return reply


async def declare(till: NodeAtTest, event: str, generation: str, *grants: Any) -> bool:
    """Declare everything that was lent; whether others are waited for."""
    body = {"gen": generation, "inc": 1, "allotments": grants, "done": True}
    status, reply = await till.call("POST", f"/v1/e/{event}/declare", body)
    assert status == 200, reply
    return bool(reply["quarantined"])


async def events(server: Server) -> list[str]:
    rows = await server.centre.read(
        lambda c: c.execute(text("SELECT event_id FROM stream WHERE kind = 'event'")).all()
    )
    return sorted(str(row[0]) for row in rows)


def house_on(url: str, folder: Path) -> HouseOnDisk:
    settings = settings_in(folder / "data", database_url=url)
    settings.data_dir.mkdir(mode=0o700)
    made = commands.init(settings, Sample.THEATRE)
    finish(settings)
    return HouseOnDisk(settings, made)


def wait_until_it_follows(primary: Cluster, standby: Cluster) -> None:
    """The standby has replayed what the primary has written until now."""
    with (
        psycopg.connect(primary.url, autocommit=True) as source,
        psycopg.connect(standby.url, autocommit=True) as copy,
    ):
        until_s = time.monotonic() + WAIT_S
        (written,) = source.execute("SELECT pg_current_wal_lsn()").fetchone() or (None,)
        asked = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while (copy.execute(asked, (written,)).fetchone() or (False,))[0] is not True:
            assert time.monotonic() < until_s, "the standby does not follow"
            time.sleep(0.02)


@pytest.mark.timeout(120)
@pytest.mark.expected_errors("generation_began")
async def test_units_lent_in_the_lost_part_wait_for_their_till_after_a_promotion(
    tmp_path: Path,
) -> None:
    """A server that did not look at the timeline would lend them to somebody else."""
    with private_cluster(durable=False) as primary, standby_of(primary) as standby:
        hosts = f"host={primary.folder},{standby.folder}&port={primary.port},{standby.port}"
        url = f"{primary.url.partition('?')[0]}?{hosts}&target_session_attrs=read-write"
        house = house_on(url, tmp_path)
        async with AsyncExitStack() as stack:
            server = await start(stack, house)
            tills = [
                await NodeAtTest(server.client).enrol(NodeRole.TILL, f"Till {n}") for n in (1, 2)
            ]
            one, two = [await till.sign_in() for till in tills]
            event = (await events(server))[0]
            kept = await lend(one, event)
            wait_until_it_follows(primary, standby)
            standby.stop("immediate")
            lost = await lend(one, event)
            before = server.centre.generation

            primary.stop("immediate")
            standby.start()
            standby.promote()
            units = [unit for unit, _version in lost["units"]]
            status, reply = await acquire(two, event, units=units)
            assert (status, reply["code"]) == (409, "quarantine")
            assert await server.reasons() == ["init", "timeline"]
            now = server.centre.generation
            assert now != before, "adopted before anybody was answered"

            told = await hello(one, before.short)
            assert (told["gen"], event in told["quarantined"]) == (now.short, True)
            assert await declare(one, event, now.short, kept, lost)
            await declare(two, event, now.short)
            silent = await server.centre.read(lambda c: waiting_nodes(Sql.of(c), event))
            await server.centre.take(ListLost(event, silent, "chen", "wang", "a sample"))
            status, reply = await acquire(two, event, units=units)
            assert (status, reply["code"]) == (409, "lent_elsewhere"), "what one had is one's"


async def reconnect(server: Server) -> None:
    """As if the database had been away. A connection that is in use meanwhile is closed by nobody,
    so nothing may run by itself."""
    await leave(server.centre.engine)
    await server.centre.write(lambda tx: tx.run("UPDATE meta SET v = v WHERE k = 'none'"))


@pytest.fixture
async def server(house: HouseOnDisk) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        yield await start(stack, house)


@pytest.mark.usefixtures("nothing_by_itself")
@pytest.mark.expected_errors("generation_began")
async def test_two_servers_that_find_another_timeline_begin_one_history(
    server: Server, house: HouseOnDisk
) -> None:
    async with AsyncExitStack() as stack:
        other = await start(stack, house)
        before = server.centre.generation
        await server.centre.write(lambda tx: tx.run("UPDATE generation SET timeline = 99"))
        await asyncio.gather(reconnect(server), reconnect(other))
        assert await server.reasons() == ["init", "timeline"]
        assert other.centre.generation == server.centre.generation != before
        await reconnect(server)
        assert await server.reasons() == ["init", "timeline"], "once"


async def leave(engine: Engine) -> None:
    """Close its connections, when the writer has given its own back: a moment after it answered."""
    async with asyncio.timeout(5):
        while engine.pool.checkedout():  # type: ignore[attr-defined]  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    engine.dispose()


@pytest.mark.usefixtures("nothing_by_itself")
@pytest.mark.expected_errors("generation_began")
async def test_what_was_to_be_written_over_a_failover_is_written_in_the_new_history(
    server: Server,
) -> None:
    """The mint is committed first, and it stays when what comes behind it fails."""

    def fail(tx: Transaction) -> None:
        seen.extend(row.reason for row in tx.rows("SELECT reason FROM generation"))
        raise LookupError("no")

    seen: list[str] = []
    await server.centre.write(lambda tx: tx.run("UPDATE generation SET timeline = 99"))
    await leave(server.centre.engine)
    with pytest.raises(LookupError, match="no"):
        await server.centre.write(fail)
    assert sorted(seen) == sorted(await server.reasons()) == ["init", "timeline"]


async def test_the_role_of_the_server_needs_no_rights_beyond_its_own_database(
    house: HouseOnDisk,
) -> None:
    """Timeline and cluster are looked up by functions that anybody may call."""
    engine = open_engine(house.settings.database)
    role = f"plain_{secrets.token_hex(4)}"
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE ROLE {role}"))
            connection.execute(text(f"SET LOCAL ROLE {role}"))
            assert timeline(connection) >= 1
            assert cluster(connection)
            connection.rollback()
    finally:
        engine.dispose()
