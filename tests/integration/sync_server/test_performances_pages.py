"""The console's pages of events and performances: what they show, and of whom they are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.handlers.state import CENTRE
from sync_server.services.permissions import PersonRole
from tests.integration.sync_server.console_forms import page_of, signed_in_as

Client = TestClient[Any, Any]
EVENTS = "/console/events"


async def numbers(client: Client) -> list[int]:
    rows = await client.app[CENTRE].read(
        lambda c: c.exec_driver_sql("SELECT perf_id FROM performance ORDER BY starts_ms").all()
    )
    return [int(row[0]) for row in rows]


@pytest.mark.usefixtures("manager")
async def test_every_performance_of_the_house_is_listed_with_its_page(client: Client) -> None:
    page = await page_of(client, EVENTS)
    assert "Swan Lake" in page
    listed = [int(found) for found in re.findall(r'href="/console/performances/(\d+)"', page)]
    assert listed == await numbers(client)
    for number in listed:
        one = await page_of(client, f"/console/performances/{number}")
        assert re.search(rf"<dt>Number</dt><dd>{number}</dd>", one)
        assert re.search(r"<dt>Capacity</dt><dd>1,260</dd>", one)


@pytest.mark.usefixtures("manager")
async def test_what_is_over_is_listed_when_asked_for(client: Client) -> None:
    first, *others = await numbers(client)
    await client.app[CENTRE].write(_let_one_be_over)
    page = await page_of(client, EVENTS)
    assert f'href="/console/performances/{first}"' not in page
    assert f'href="/console/performances/{others[0]}"' in page
    assert "Show 1 that is over" in page
    assert f'href="/console/performances/{first}"' in await page_of(client, f"{EVENTS}?over=1")
    assert "over</span>" in await page_of(client, f"/console/performances/{first}")


def _let_one_be_over(tx: Any) -> None:
    """The event's document with its first performance ten years ago, as a file would bring it."""
    (row,) = tx.rows("SELECT event_id, body FROM doc WHERE kind = 'event'")
    body = re.sub(r'"(doors_at|starts_at|ends_at)":"20\d\d', r'"\1":"2016', row[1], count=3)
    tx.run(
        "UPDATE doc SET body = :b, rev = :rev WHERE kind = 'event'",
        b=body,
        rev=tx.next_rev(row[0]),
    )


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("number", ["99", "0", "hamlet", "1" * 20, "²"])
async def test_a_performance_that_is_not_there_is_not_found(client: Client, number: str) -> None:
    async with client.get(f"/console/performances/{number}") as response:
        assert response.status == 404


async def test_an_auditor_reads_them_and_security_does_not(client: Client) -> None:
    await signed_in_as(client, PersonRole.AUDITOR)
    assert "Swan Lake" in await page_of(client, EVENTS)
    client.session.cookie_jar.clear()
    async with client.get(EVENTS, allow_redirects=False) as response:
        assert response.status == 303
