"""The centre over a real database: the loop waits for nothing, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from sync_server import centre as centre_module
from sync_server.centre import Centre
from sync_server.services.nodes import NodeBook, revoke_node
from sync_server.store.errors import StoreBusy
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.integration.sync_server.support import HouseOnDisk


@pytest.fixture
async def centre(house: HouseOnDisk) -> AsyncIterator[Centre]:
    centre = house.open_centre()
    await centre.open()
    yield centre
    await centre.close()


def put(tx: Transaction) -> None:
    tx.run("INSERT INTO meta (k, v) VALUES ('test', 'here')")


def get(tx: Transaction) -> str | None:
    row = tx.row("SELECT v FROM meta WHERE k = 'test'")
    return None if row is None else str(row[0])


async def test_what_is_written_can_be_read(centre: Centre) -> None:
    await centre.write(put)
    found = await centre.read(
        lambda c: c.execute(text("SELECT v FROM meta WHERE k = 'test'")).scalar()
    )
    assert found == "here"


async def test_a_failing_job_tells_its_caller_and_changes_nothing(centre: Centre) -> None:
    def fail(tx: Transaction) -> None:
        put(tx)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await centre.write(fail)
    assert await centre.write(get) is None


async def test_a_caller_who_goes_away_does_not_stop_the_writer(centre: Centre) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        entered.set()
        go_on.wait(30)
        put(tx)

    call = asyncio.create_task(centre.write(slow))
    await asyncio.to_thread(entered.wait, 30)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    go_on.set()
    assert await centre.write(get) == "here"


async def test_news_comes_with_the_commit(centre: Centre) -> None:
    ticket = centre.news.ticket()
    await centre.write(lambda tx: tx.next_rev("swan-lake"))
    await asyncio.wait_for(centre.news.wait(["swan-lake"], ticket, 30), 20)


async def test_what_another_process_writes_is_news_too(centre: Centre) -> None:
    ticket = centre.news.ticket()
    transact(centre.engine, lambda tx: tx.next_rev("swan-lake"))
    await asyncio.wait_for(centre.news.wait(["swan-lake"], ticket, 30), 20)


async def test_a_database_that_is_away_for_a_while_does_not_end_the_watch(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()
    real = centre.read

    async def away(_work: object) -> None:
        failed.set()
        raise OSError

    monkeypatch.setattr(centre, "read", away)
    await asyncio.wait_for(failed.wait(), 20)
    monkeypatch.setattr(centre, "read", real)
    ticket = centre.news.ticket()
    transact(centre.engine, lambda tx: tx.next_rev("swan-lake"))
    await asyncio.wait_for(centre.news.wait(["swan-lake"], ticket, 30), 20)


async def test_too_many_readers_are_told_so(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(centre_module, "READS_WAITING_MAX", 0)
    with pytest.raises(StoreBusy):
        await centre.read(lambda _: None)


@pytest.mark.usefixtures("nothing_by_itself")
async def test_nodes_are_read_again_only_after_a_change(centre: Centre) -> None:
    (node_id,) = centre.nodes._nodes
    current = [centre.nodes.is_current]
    await centre.write(lambda tx: revoke_node(tx, centre.venue_id, node_id))
    current.append(centre.nodes.is_current)
    await centre.refresh_nodes()
    current.append(centre.nodes.is_current)
    await centre.write(lambda tx: tx.next_rev("swan-lake"))
    current.append(centre.nodes.is_current)
    assert current == [True, False, True, True]
    node = centre.nodes.get(node_id)
    assert node is not None
    assert not node.is_active


def test_a_refresh_that_began_before_a_change_does_not_count() -> None:
    book = NodeBook()
    version, current = book.version, []
    book.outdate()
    for began_at in (version, book.version):
        book.replace({}, began_at)
        current.append(book.is_current)
    assert current == [False, True]


async def test_closing_finishes_what_is_queued(house: HouseOnDisk) -> None:
    centre = house.open_centre()
    await centre.open()
    call = asyncio.create_task(centre.write(put))
    await asyncio.sleep(0)
    await centre.close()
    await call
    assert transact(centre.engine, get) == "here"
    centre.engine.dispose()
