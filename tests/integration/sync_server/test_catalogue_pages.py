"""A catalogue file in the console, and a new event: shown first, then stored."""

from __future__ import annotations

import html
import io
import json
import re
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp.test_utils import TestClient

from sync_server.console.performance_paths import event_page
from sync_server.handlers.state import CENTRE
from sync_server.services.catalogue import load_plan
from tests.integration.sync_server.console_forms import deeds, page_of, post
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest
from tests.integration.sync_server.test_event_pages import EVENT, event_now, filled

Client = TestClient[Any, Any]
UPLOAD, NEW = "/console/catalogue", "/console/new-event"


async def upload(somebody: PersonAtTest, document: object) -> tuple[int, str, str]:
    """Status, where it leads to, and the page."""
    form = aiohttp.FormData()
    form.add_field("form_token", await somebody.form_token(UPLOAD))
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    form.add_field("file", io.BytesIO(data), filename="c.json", content_type="application/json")
    async with somebody.client.post(
        f"{UPLOAD}/upload", data=form, allow_redirects=False
    ) as response:
        said = html.unescape(await response.text())
        return response.status, response.headers.get("Location", ""), said


async def as_file(client: Client) -> dict[str, Any]:
    """What is stored, as a catalogue file of the one event."""
    (body,) = await client.app[CENTRE].read(
        lambda c: c.exec_driver_sql("SELECT body FROM doc WHERE kind = 'event'").one()
    )
    stored = json.loads(body)
    event = stored["event"]
    for one in event["performances"]:
        one["starts"] = one.pop("starts_at").replace(":00Z", "Z")
        del one["doors_at"], one["ends_at"]
    for rule in (*event["price_rules"]["rates"], *event["price_rules"]["packages"]):
        for name in ("from", "until"):
            if f"{name}_at" in rule:
                rule[name] = rule.pop(f"{name}_at").replace(":00Z", "Z")
    return {
        "format": "boxgate-catalogue-1",
        "venue": stored["venue"],
        "plans": [stored["plan"]],
        "events": [event],
    }


async def test_a_file_is_compared_first_and_stored_when_confirmed(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    document = await as_file(client)
    prices = document["events"][0]["price_list"]
    prices["version"] += 1
    prices["prices_minor"]["vip"]["adult"] = 99_900
    status, draft, page = await upload(manager, document)
    assert status == 303, page
    page = await page_of(client, draft)
    assert "¥880.00" in page
    assert "¥999.00" in page
    assert (await event_now(client)).price("vip", "adult") == 88_000
    fields = await filled(client, draft)
    shown = await filled(client, f"{event_page(EVENT)}/prices")
    await post(manager, f"{event_page(EVENT)}/prices", shown | {"p.vip.adult": "890"})
    status, page = await post(manager, f"{UPLOAD}/save", fields)
    assert (status, "changed one of these events meanwhile" in page) == (409, True)
    assert (await post(manager, f"{UPLOAD}/save", await filled(client, draft)))[0] == 303
    assert (await event_now(client)).price("vip", "adult") == 99_900
    deed = (await deeds(client, house, "event_changed"))[-1]
    assert deed["before"]["price_list/prices_minor/vip/adult"] == 89_000
    assert (await deeds(client, house, "catalogue_imported"))[-1]["actor"]["kind"] == "person"
    status, page = await post(manager, f"{UPLOAD}/save", fields)
    assert (status, "no longer kept" in page) == (409, True)


async def test_faults_of_a_file_are_named_in_the_readers_language(
    client: Client, manager: PersonAtTest
) -> None:
    document = await as_file(client)
    document["events"][0]["price_tiers"][0]["letter"] = "ABC"
    document["events"][0]["ticket_typs"] = []
    status, _, page = await upload(manager, document)
    assert status == 400
    assert "<code>events[0].price_tiers[0].letter</code>" in page
    assert 'did you mean "ticket_types"?' in page
    await page_of(client, f"{UPLOAD}?lang=zh")
    page = (await upload(manager, document))[2]
    assert "是否想写 “ticket_types”？" in page
    assert "应为画在座位里的字母" in page
    assert "JSON" in (await upload(manager, b"{"))[2]
    assert (await upload(manager, {"format": "x"}))[0] == 400


async def test_what_stands_against_a_file_is_said_and_nothing_is_stored(
    client: Client, manager: PersonAtTest
) -> None:
    document = await as_file(client)
    rate = next(r for r in document["events"][0]["price_rules"]["pools"])
    await client.app[CENTRE].write(
        lambda tx: tx.run(
            "UPDATE pool SET lent = 5, free = capacity - 5 WHERE id = :p", p=rate["id"]
        )
    )
    rate["capacity"] = 4
    document["events"][0]["price_list"]["version"] += 1
    draft, said = (await upload(manager, document))[1], f"5 of the pool '{rate['id']}'"
    page = await page_of(client, draft)
    assert (said in page, "cannot be stored as it is" in page) == (True, True)
    assert f'action="{UPLOAD}/save"' not in page
    (seen,) = await client.app[CENTRE].read(
        lambda c: c.exec_driver_sql("SELECT rev FROM doc WHERE kind = 'event'").one()
    )
    fields = {"id": draft.partition("id=")[2], "seen": f"{EVENT}:{seen}"}
    status, page = await post(manager, f"{UPLOAD}/save", fields)
    assert (status, said in page, "Nothing was stored" in page) == (409, True, True), page


async def test_a_new_event_takes_places_prices_and_rules_of_another(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    source = await event_now(client)
    evil = "<img src=x>"
    fields = {
        "new_id": "gala",
        "name.zh": "晚会",
        "name.en": evil,
        "source": EVENT,
        "first": "2030-05-04",
        "last": "2030-05-05",
        "times": "10:00, 19:30",
        "doors": "30",
        "runs": "120",
        "on_sale": "1",
    }
    page = await page_of(client, f"{NEW}?{urlencode(fields)}")
    assert "2. 4 new performances" in page
    assert (await post(manager, NEW, fields))[0] == 303
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, "gala"))
    assert loaded is not None
    event = loaded[2]
    assert event.price("vip", "adult") == source.price("vip", "adult")
    assert len(event.performances) == 4
    assert min(each.number for each in event.performances) > max(
        each.number for each in source.performances
    )
    assert {rule.id for rule in event.price_rules.rates} <= {r.id for r in source.price_rules.rates}
    rows = await client.app[CENTRE].read(
        lambda c: c.exec_driver_sql("SELECT count(*) FROM pool WHERE event_id = 'gala'").scalar()
    )
    assert rows == len(source.price_rules.pools)
    async with client.get(event_page("gala")) as response:
        assert evil not in await response.text()
    assert [each["about"] for each in await deeds(client, house, "event_added")] == ["event:gala"]
    for changes, status, said in (
        ({}, 409, "of this id already"),
        ({"new_id": "Gala"}, 400, "an id (a-z"),
        ({"new_id": "b", "times": "x"}, 400, "Choose a day"),
        ({"new_id": "b", "first": "2016-01-01", "last": "2016-01-02"}, 409, "in the past"),
        ({"new_id": "b", "runs": "0"}, 400, "it takes 1 to"),
        ({"new_id": "b", "source": "none"}, 409, "There is no such"),
    ):
        given, page = await post(manager, NEW, fields | changes)
        assert (given, said in page) == (status, True), (changes, re.findall("alert.*", page))
