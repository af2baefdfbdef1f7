"""Copying a performance: the same prices and rules, at other times, under numbers of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.handlers.state import CENTRE
from sync_server.services.catalogue import NotStored, document_rev
from sync_server.services.performance_rows import read_changes
from tests.integration.sync_server.console_forms import page_of, post
from tests.integration.sync_server.support import PersonAtTest
from tests.integration.sync_server.test_performance_changes import (
    EVENT,
    catalogue_of,
    event_now,
    everything,
    imported,
    last,
    zone_of,
)

Client = TestClient[Any, Any]


async def fields_for(client: Client, **changes: str) -> dict[str, str]:
    """Two days from a week after the last performance on, at two times."""
    first = ((await last(client)).starts_at + timedelta(days=7)).astimezone(await zone_of(client))
    rev = await client.app[CENTRE].read(lambda c: document_rev(c, EVENT))
    return {
        "first": f"{first:%Y-%m-%d}",
        "last": f"{first + timedelta(days=1):%Y-%m-%d}",
        "times": "14:00, 19:30",
        "seen": str(rev),
    } | changes


async def test_a_series_of_time_slots_has_what_the_first_one_has(
    client: Client, manager: PersonAtTest
) -> None:
    before = await event_now(client)
    source = before.performances[0]
    prices = {each for each in before.prices if each.performance_number == source.number}
    path, fields = f"/console/performances/{source.number}/copy", await fields_for(client)
    old = await catalogue_of(client)
    stored = await everything(client)
    query = "&".join(f"{name}={fields[name]}" for name in ("first", "last", "times"))
    assert "2. 4 new performances" in await page_of(client, f"{path}?{query}")
    assert await everything(client) == stored
    assert (await post(manager, path, fields))[0] == 303
    after = await event_now(client)
    added = [each for each in after.performances if before.performance(each.number) is None]
    highest = max(each.number for each in before.performances)
    assert [each.number for each in added] == [highest + at for at in range(1, 5)]
    zone = await zone_of(client)
    clocks = [f"{each.starts_at.astimezone(zone):%H:%M}" for each in added]
    assert clocks == ["14:00", "19:30"] * 2
    for each in added:
        assert each.starts_at - each.doors_at == source.starts_at - source.doors_at
        assert each.ends_at - each.starts_at == source.ends_at - source.starts_at
        same = {replace(price, performance_number=each.number) for price in prices}
        assert same <= set(after.prices)
    (change,) = await client.app[CENTRE].read(lambda c: read_changes(c, EVENT, highest + 1))
    assert change.kind == "added"
    refused = await imported(client, old)
    assert isinstance(refused, NotStored), "a file from before does not take them away"
    status, page = await post(manager, path, await fields_for(client) | fields)
    assert (status, "at one of these times already" in page) == (409, True)


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"times": ""}, 400, "Choose a day", id="no time"),
        pytest.param({"times": "14"}, 400, "Choose a day", id="half a time"),
        pytest.param({"first": "2016-01-01", "last": "2016-01-02"}, 409, "in the past", id="past"),
        pytest.param({"first": "2016-01-01"}, 400, "at most 400 days", id="ten years"),
        pytest.param({"first": "x"}, 400, "Choose a day", id="no day"),
        pytest.param({"seen": "x"}, 409, "meanwhile", id="another document"),
    ],
)
async def test_what_cannot_be_copied_is_refused_with_words(
    client: Client, manager: PersonAtTest, changes: dict[str, str], status: int, said: str
) -> None:
    number, stored = (await last(client)).number, await everything(client)
    path = f"/console/performances/{number}/copy"
    given, page = await post(manager, path, await fields_for(client, **changes))
    assert (given, said in page) == (status, True), page
    assert await everything(client) == stored
