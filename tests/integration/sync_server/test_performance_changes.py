"""Moving a performance in the console: shown first, stored once, told to nodes, and on record."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.handlers.state import CENTRE
from sync_server.services.audit import UNKNOWN, Deed
from sync_server.services.catalogue import (
    NotStored,
    Plan,
    Stored,
    load_plan,
    reasons_against_event,
    store_catalogue,
)
from sync_server.services.performance_changes import (
    NotChanged,
    Prepared,
    Refused,
    Target,
    Times,
    prepare_move,
    store_change,
)
from sync_server.services.performance_rows import (
    By,
    RowMoved,
    read_changes,
    store_performances,
    version_of,
)
from sync_server.store.writer import Transaction
from tests.integration.sync_server.console_forms import deeds, page_of, post
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest
from ticketing.catalogue import Catalogue
from ticketing.event import Event, Performance

Client = TestClient[Any, Any]
EVENT = "swan-lake"
SOMEBODY = By("0" * 16, "Li Na", "storm")
LATER = timedelta(days=3)


async def event_now(client: Client) -> Event:
    loaded: Plan | None = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    return loaded[2]


async def last(client: Client) -> Performance:
    """The performance that is farthest away: whatever the hour, it has not begun."""
    return (await event_now(client)).performances[-1]


async def everything(client: Client) -> list[Any]:
    tables = ("doc", "performance", "performance_change")

    def read(connection: Any) -> list[Any]:
        return [
            sorted(map(str, connection.exec_driver_sql(f"SELECT * FROM {table}").all()))  # noqa: S608
            for table in tables
        ]

    return await client.app[CENTRE].read(read)  # type: ignore[no-any-return]


def times_after(found: Performance, by: timedelta = LATER) -> Times:
    return Times(found.doors_at + by, found.starts_at + by, found.ends_at + by)


def fields_of(found: Performance, by: timedelta, zone: Any, seen: int = 1) -> dict[str, str]:
    start = (found.starts_at + by).astimezone(zone)
    return {
        "date": f"{start:%Y-%m-%d}",
        "time": f"{start:%H:%M}",
        "doors": "45",
        "runs": "150",
        "seen": str(seen),
        "reason": "storm warning",
    }


async def zone_of(client: Client) -> Any:
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    return loaded[0].zone


async def test_a_move_is_shown_then_done_then_told_and_on_record(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, till: NodeAtTest, gate: NodeAtTest
) -> None:
    before, zone = await last(client), await zone_of(client)
    path, fields = f"/console/performances/{before.number}", fields_of(before, LATER, zone)
    stored = await everything(client)
    query = "&".join(f"{name}={fields[name]}" for name in ("date", "time", "doors", "runs"))
    shown = await page_of(client, f"{path}/move?{query}")
    assert 'id="preview"' in shown
    preview = shown[shown.index('id="preview"') :]
    assert "Window 1" in preview
    assert "Gate 1" in preview
    assert await everything(client) == stored
    assert (await post(manager, f"{path}/move", fields))[0] == 303
    after = await last(client)
    assert after == replace(
        before,
        doors_at=before.starts_at + LATER - timedelta(minutes=45),
        starts_at=before.starts_at + LATER,
        ends_at=before.starts_at + LATER + timedelta(minutes=150),
    )
    for node in (till, gate):
        status, told = await node.call("GET", f"/v1/pull?gen=&after={EVENT}:0&wait_s=0")
        assert status == 200, told
        rows = told["streams"][EVENT]["rows"]
        (body,) = [body["body"] for kind, _rev, body in rows if kind == "doc"]
        (heard,) = [p for p in body["event"]["performances"] if p["number"] == before.number]
        assert heard["starts_at"] == f"{after.starts_at:%Y-%m-%dT%H:%M:00Z}"
    page = await page_of(client, path)
    assert "storm warning" in page
    assert "Moved" in page
    (deed,) = await deeds(client, house, Deed.PERFORMANCE_MOVED)
    assert deed["actor"]["kind"] == "person"
    assert deed["reason"] == "storm warning"
    assert deed["before"]["starts_at"] != deed["after"]["starts_at"]
    (change,) = await client.app[CENTRE].read(lambda c: read_changes(c, EVENT, before.number))
    assert (change.version, change.before, change.after) == (2, deed["before"], deed["after"])


async def test_what_somebody_else_changed_meanwhile_is_not_changed_again(
    client: Client, manager: PersonAtTest
) -> None:
    found, zone = await last(client), await zone_of(client)
    path = f"/console/performances/{found.number}/move"
    assert (await post(manager, path, fields_of(found, LATER, zone)))[0] == 303
    stored = await everything(client)
    other = fields_of(found, timedelta(days=1), zone)
    status, page = await post(manager, path, other)
    assert status == 409
    assert "Somebody changed this performance or its event meanwhile" in page
    assert "storm warning" in page, "what was typed is kept"
    assert await everything(client) == stored
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    assert (await post(manager, path, {**other, "seen": seen[1]}))[0] == 303


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"date": "2016-01-02"}, 409, "begin in the past", id="past"),
        pytest.param({"date": "2026-02-30"}, 400, "Choose a day", id="no such day"),
        pytest.param({"date": "+45", "time": "m"}, 400, "Choose a day", id="a sample's form"),
        pytest.param({"time": "25:00"}, 400, "Choose a day", id="no such hour"),
        pytest.param({"date": "9999-12-31"}, 400, "Choose a day", id="no ticket lasts so long"),
        pytest.param({"doors": "1441"}, 400, "1,440 minutes", id="doors too early"),
        pytest.param({"runs": "0"}, 400, "1,440 minutes", id="it takes no time"),
        pytest.param({"runs": "-5"}, 400, "1,440 minutes", id="less than none"),
        pytest.param({"reason": " "}, 400, "Write down why", id="no reason"),
        pytest.param({"reason": "x" * 501}, 400, "Write down why", id="a long reason"),
        pytest.param({"seen": "x"}, 409, "meanwhile", id="no version"),
    ],
)
async def test_what_cannot_be_is_refused_with_words(
    client: Client, manager: PersonAtTest, changes: dict[str, str], status: int, said: str
) -> None:
    found, zone = await last(client), await zone_of(client)
    path, stored = f"/console/performances/{found.number}/move", await everything(client)
    given, page = await post(manager, path, fields_of(found, LATER, zone) | changes)
    assert (given, said in page) == (status, True), page
    assert await everything(client) == stored


async def test_the_times_it_has_already_are_no_move(client: Client) -> None:
    found = await last(client)
    target = Target(EVENT, found.number, 1)
    same, now = times_after(found, timedelta()), datetime.now(UTC)
    answer = await client.app[CENTRE].read(lambda c: prepare_move(c, target, same, now))
    assert answer == Refused(NotChanged.SAME)


async def prepared(client: Client, by: timedelta, seen: int = 1) -> Prepared:
    found = await last(client)
    target, times = Target(EVENT, found.number, seen), times_after(found, by)
    now = datetime.now(UTC)
    answer = await client.app[CENTRE].read(lambda c: prepare_move(c, target, times, now))
    assert isinstance(answer, Prepared), answer
    return answer


async def store(client: Client, ready: Prepared) -> Refused | None:
    centre = client.app[CENTRE]
    return await centre.write(  # type: ignore[no-any-return]
        lambda tx: store_change(
            tx, centre.venue_id, ready, SOMEBODY, Deed.PERFORMANCE_MOVED, UNKNOWN
        )
    )


async def test_a_move_does_not_look_through_what_was_sold(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a house with a million tickets every sale would wait for that."""
    ready, centre = await prepared(client, LATER), client.app[CENTRE]
    asked: list[str] = []
    rows = Transaction.rows

    def noted(tx: Transaction, sql: str, **values: Any) -> Any:
        asked.append(sql)
        return rows(tx, sql, **values)

    monkeypatch.setattr(Transaction, "rows", noted)
    await centre.write(lambda tx: list(reasons_against_event(tx, ready.event, ready.plan)))
    assert not [sql for sql in asked if re.search("claim|orders|ticket", sql)]
    other = replace(ready.event, currency="EUR")
    await centre.write(lambda tx: list(reasons_against_event(tx, other, ready.plan)))
    assert [sql for sql in asked if "FROM orders" in sql]


async def test_of_two_changes_made_from_one_picture_the_second_is_refused(client: Client) -> None:
    first, second = await prepared(client, LATER), await prepared(client, 2 * LATER)
    assert await store(client, first) is None
    stored = await everything(client)
    assert await store(client, second) == Refused(NotChanged.MEANWHILE)
    assert await everything(client) == stored


async def test_the_database_itself_refuses_a_version_that_is_gone(client: Client) -> None:
    """Whatever a program has read: the row is written in place of the version that it read."""
    event, centre = await event_now(client), client.app[CENTRE]

    def as_if_read_before(tx: Any) -> None:
        tx.run("UPDATE performance SET cancelled_ms = 5 WHERE event_id = :e", e=EVENT)
        store_performances(tx, event, 1_260)

    stored = await everything(client)
    with pytest.raises(RowMoved):
        await centre.write(as_if_read_before)
    assert await everything(client) == stored


async def catalogue_of(client: Client, **changes: Any) -> Catalogue:
    """The house's catalogue as a file would bring it, with another last performance."""
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    venue, plan, event = loaded
    changed = replace(event.performances[-1], **changes)
    performances = (*event.performances[:-1], changed)
    return Catalogue(venue, (plan,), (replace(event, performances=performances),))


async def imported(client: Client, catalogue: Catalogue) -> Stored | NotStored:
    return await client.app[CENTRE].write(  # type: ignore[no-any-return]
        lambda tx: store_catalogue(tx, catalogue)
    )


async def test_a_file_from_before_does_not_undo_a_move(client: Client) -> None:
    old = await catalogue_of(client)
    assert await store(client, await prepared(client, LATER)) is None
    stored = await everything(client)
    answer = await imported(client, old)
    assert isinstance(answer, NotStored)
    said = str(*answer.reasons)
    moved = await last(client)
    assert f"performance {moved.number} was moved in the console" in said
    assert f"{moved.starts_at:%Y-%m-%dT%H:%M}" in said
    assert await everything(client) == stored
    assert isinstance(await imported(client, await catalogue_of(client)), Stored)
    off_sale = await catalogue_of(client, on_sale=False)
    assert isinstance(await imported(client, off_sale), Stored)
    assert isinstance(await imported(client, old), NotStored), "the move is still the last word"


async def test_a_move_by_a_file_counts_as_a_change_too(client: Client) -> None:
    ready = await prepared(client, LATER)
    found = await last(client)
    later = found.starts_at + timedelta(minutes=15)
    assert isinstance(await imported(client, await catalogue_of(client, starts_at=later)), Stored)
    assert await store(client, ready) == Refused(NotChanged.MEANWHILE)
    number = found.number
    changes = await client.app[CENTRE].read(lambda c: read_changes(c, EVENT, number))
    assert [(each.kind, each.by.name) for each in changes] == [("moved", "")]
    assert await client.app[CENTRE].read(lambda c: version_of(c, EVENT, number)) == 2
    assert json.dumps(changes[0].after)
