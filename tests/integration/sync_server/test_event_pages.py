"""The console's pages of an event: tiers, prices, rules and quotas, looked at and changed."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import text

from sync_server.console import event_page
from sync_server.handlers.state import CENTRE
from sync_server.services.catalogue import document_rev, load_plan
from sync_server.services.permissions import PersonRole
from tests.integration.sync_server.console_forms import deeds, page_of, post, signed_in_as
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest
from ticketing.admission.rules import EntryRule, Passback
from ticketing.event import Event

Client = TestClient[Any, Any]
EVENT = "swan-lake"
PAGE = f"/console/events/{EVENT}"
PRICES = f"{PAGE}/prices"
ACCOUNT = {"form_of": "/console/me"}


async def event_now(client: Client) -> Event:
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    event: Event = loaded[2]
    return event


async def rev_of(client: Client) -> int:
    rev: int = await client.app[CENTRE].read(lambda c: document_rev(c, EVENT))
    return rev


async def filled(client: Client, path: str) -> dict[str, str]:
    """The fields of the page's first form as a browser would send them, nothing changed."""
    page = await page_raw(client, path)
    form = re.findall(r'<form class="stack" method="post".*?</form>', page, re.DOTALL)[0]
    fields = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            fields[name[1]] = html.unescape(value[1]) if value else ""
    for name, options in re.findall(
        r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(
            r'value="([^"]*)"', options
        )
        if chosen:
            fields[name] = chosen[1]
    del fields["form_token"]
    return fields


async def page_raw(client: Client, path: str) -> str:
    async with client.get(path) as response:
        assert response.status == 200, path
        return await response.text()


@pytest.mark.usefixtures("manager")
async def test_the_page_shows_tiers_prices_and_rules(client: Client) -> None:
    event, page = await event_now(client), await page_of(client, PAGE)
    for tier in event.price_tiers:
        assert tier.name.in_language("en") in page
    for rate in event.price_rules.rates:
        assert rate.name.in_language("en") in page
    for package in event.price_rules.packages:
        assert package.name.in_language("en") in page
    assert "¥880" in page
    assert f'href="{PAGE}"' in await page_of(client, "/console/events")
    async with client.get("/console/events/hamlet") as response:
        assert response.status == 404


async def test_a_changed_price_is_a_new_version_that_everybody_is_told(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    before, fields = await event_now(client), await filled(client, PRICES)
    assert fields["p.vip.adult"] == "880.00"
    status, page = await post(manager, PRICES, fields | {"p.vip.adult": "920.5"})
    assert status == 303, page
    after = await event_now(client)
    assert after.price("vip", "adult") == 92_050
    assert after.price_list_version == before.price_list_version + 1
    assert await rev_of(client) > int(fields["seen"]), "the feed has it for tills and gates"
    (deed,) = await deeds(client, house, "event_changed")
    assert deed["about"] == f"event:{EVENT}"
    assert deed["before"]["price_list/prices_minor/vip/adult"] == 88_000
    assert deed["after"]["price_list/prices_minor/vip/adult"] == 92_050
    history = await page_of(client, f"{PAGE}/history")
    assert "¥880.00" in history
    assert "¥920.50" in history
    status, page = await post(manager, PRICES, fields | {"p.vip.adult": "1"})
    assert (status, "changed this performance or its event meanwhile" in page) == (409, True)
    assert (await event_now(client)).price("vip", "adult") == 92_050


async def test_a_price_is_taken_off_sale_and_excepted_at_one_performance(
    client: Client, manager: PersonAtTest
) -> None:
    number = (await event_now(client)).performances[-1].number
    fields = await filled(client, f"{PRICES}?performance={number}")
    changes = {"p.vip.adult": "100", "p.vip.child": "-"}
    assert (await post(manager, PRICES, fields | changes))[0] == 303
    event = await event_now(client)
    assert event.price("vip", "adult", number) == 10_000
    assert event.price("vip", "child", number) is None
    assert event.price("vip", "adult") == 88_000
    fields = await filled(client, PRICES)
    assert (await post(manager, PRICES, fields | {"p.vip.child": ""}))[0] == 303
    assert (await event_now(client)).price("vip", "child") is None


async def test_a_price_that_is_none_is_named_beside_its_field(
    client: Client, manager: PersonAtTest
) -> None:
    fields, rev = await filled(client, PRICES), await rev_of(client)
    for typed, said in (
        ("12,50", "Write an amount"),
        ("<b>1</b>", "Write an amount"),
        ("1.234", "Write an amount"),
        ("900000000", "whole number from 0 to 10000000000"),
    ):
        status, page = await post(manager, PRICES, fields | {"p.vip.adult": typed})
        assert status == 400
        assert re.search(rf'id="fault-p.vip.adult">.*?{said}', page, re.DOTALL), page
    assert await rev_of(client) == rev


def part(key: str, item_id: str = "") -> str:
    return f"{PAGE}/parts/{key}" + (f"?id={item_id}" if item_id else "")


async def test_an_early_bird_is_changed_and_its_fields_say_what_is_wrong(
    client: Client, manager: PersonAtTest
) -> None:
    rate = (await event_now(client)).price_rules.rates[0]
    path = part("rates", rate.id)
    fields = await filled(client, path)
    changes = {"percent": "12.5", "off": "", "price": "", "until": "2027-03-01T00:00"}
    assert (await post(manager, path, fields | changes))[0] == 303
    (after,) = [each for each in (await event_now(client)).price_rules.rates if each.id == rate.id]
    assert after.reduction.hundredths == 1_250  # type: ignore[union-attr]
    assert f"{after.period.until_at:%Y-%m-%dT%H:%M}" == "2027-02-28T16:00", "by the house's clock"
    fields = await filled(client, path)
    status, page = await post(manager, path, fields | {"percent": "101", "until": "soon"})
    assert status == 400
    assert re.search(r'id="fault-until">.*?a day and a time', page, re.DOTALL)
    status, page = await post(manager, path, fields | {"percent": "101"})
    assert re.search(r'id="fault-percent">.*?a number from 0.01 to 100', page, re.DOTALL), page
    status, page = await post(manager, path, fields | {"price": "1"})
    assert (status, "must have exactly one of" in page) == (400, True)


async def test_a_ticket_type_is_added_under_a_number_of_its_own(
    client: Client, manager: PersonAtTest
) -> None:
    numbers = {each.number for each in (await event_now(client)).ticket_types}
    fields = await filled(client, part("types"))
    evil = "<script>alert(1)</script>"
    fields |= {"new_id": "neighbour", "name.zh": "邻居", "name.en": evil}
    assert (await post(manager, part("types"), fields))[0] == 303
    added = (await event_now(client)).ticket_type("neighbour")
    assert added is not None
    assert added.number == max(numbers) + 1
    for page in (PAGE, PRICES, part("types", "neighbour"), f"{PAGE}/history"):
        assert evil not in await page_raw(client, page)
        assert html.escape(evil) in await page_raw(client, page)
    fields = await filled(client, part("types")) | {"new_id": "neighbour", "name.zh": "\u202e"}
    status, page = await post(manager, part("types"), fields)
    assert status == 400
    assert re.search(r'id="fault-new_id">.*?is already at', page, re.DOTALL), page
    assert re.search(r'id="fault-name.zh">.*?printable characters', page, re.DOTALL), page


async def test_a_quota_is_not_smaller_than_what_is_used_of_it(
    client: Client, manager: PersonAtTest
) -> None:
    pool = (await event_now(client)).price_rules.pools[0]
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE pool SET lent = 7, free = capacity - 7 WHERE id = :p", p=pool.id)
    )
    path = part("quotas", pool.id)
    fields = await filled(client, path)
    status, page = await post(manager, path, fields | {"capacity": "6"})
    assert (status, "7 of the pool" in page) == (409, True), page
    assert (await post(manager, path, fields | {"capacity": "7"}))[0] == 303
    rows = await client.app[CENTRE].read(
        lambda c: c.execute(text("SELECT capacity, free FROM pool WHERE id = :p"), {"p": pool.id})
    )
    assert tuple(rows.one()) == (7, 0)


async def test_a_package_gets_other_tickets_and_goes_only_while_nothing_was_sold(
    client: Client, manager: PersonAtTest
) -> None:
    package = (await event_now(client)).price_rules.packages[0]
    path = part("packages", package.id)
    fields = await filled(client, path)
    spare = str(len(package.tickets))
    assert (await post(manager, path, fields | {f"{spare}.count": "2"}))[0] == 303
    after = (await event_now(client)).price_rules.package(package.id)
    assert after is not None
    assert after.ticket_count == package.ticket_count + 2
    fields = await filled(client, path)
    await client.app[CENTRE].write(_sell_one)
    assert "is not taken away" in await page_of(client, path)
    assert (await post(manager, path, fields | {"remove": "1"}))[0] == 409
    await client.app[CENTRE].write(lambda tx: tx.run("DELETE FROM ticket"))
    assert (await post(manager, path, fields | {"remove": "1"}))[0] == 303
    assert (await event_now(client)).price_rules.package(package.id) is None


def _sell_one(tx: Any) -> None:
    tx.run(
        "INSERT INTO ticket (event_id, id, order_id, perf_id, unit, version, state, allot_id, "
        "tier_id, ticket_type_id, price_minor, rev) "
        "VALUES (:e, 't', 'o', 1, 1, 1, 'valid', 'a', 'vip', 'adult', 1, 0)",
        e=EVENT,
    )


async def test_every_other_part_is_stored_as_it_is_shown(
    client: Client, manager: PersonAtTest
) -> None:
    event = await event_now(client)
    ids = {
        "tiers": event.price_tiers[0].id,
        "house": event.price_rules.house_rates[0].id,
        "discounts": event.price_rules.discounts[0].id,
        "refunds": "",
    }
    for key, item_id in ids.items():
        path = part(key, item_id)
        status, page = await post(manager, path, await filled(client, path))
        assert (status, "nothing to change" in page) == (409, True), page
    for path in ("parts/rates?id=none", "parts/none", "parts/tiers", "prices?performance=9999"):
        async with client.get(f"{PAGE}/{path}") as response:
            assert response.status == 404


async def test_entry_rules_are_added_changed_put_in_order_and_taken_away(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    path = part("entry")
    kinds = (await event_now(client)).ticket_types
    first = await filled(client, path) | {
        f"ticket_types.{kinds[0].id}": "1",
        "performances": "1",
        "entries": "不限",
        "each_day": "yes",
        "early": "30",
        "gates": 'own,\r\nGate 9,\r"North, upper"',
        "reentry": "20",
        "passback": "timed",
        "passback_minutes": "10",
    }
    assert (await post(manager, path, first))[0] == 303
    (rule,) = (await event_now(client)).entry_rules.rules
    assert (rule.ticket_types, rule.performances) == ((kinds[0].id,), (1,))
    assert rule.rule == EntryRule(
        None, True, 30, 0, True, ("Gate 9", "North, upper"), 20, Passback.TIMED, 10
    )
    assert "late_minutes" not in rule.given, "what is left empty it does not say"
    again = await filled(client, part("entry", "1"))
    assert (await post(manager, part("entry", "1"), again))[0] == 409, "shown as it is"
    second = await filled(client, path) | {"entries": "2", "each_day": "no", "gates": "any"}
    assert (await post(manager, path, second))[0] == 303
    page = await page_of(client, PAGE)
    assert "entries: 2, counted once for all days, any gate" in page
    assert "comes back within 20 min after an exit, a second person is refused for a while" in page
    fields = await filled(client, part("entry", "2"))
    assert (await post(manager, part("entry", "2"), fields | {"earlier": "1"}))[0] == 303
    assert [each.rule.entries for each in (await event_now(client)).entry_rules.rules] == [2, None]
    await client.app[CENTRE].write(_sell_one)  # of these rules no sale depends
    fields = await filled(client, part("entry", "1"))
    assert (await post(manager, part("entry", "1"), fields | {"remove": "1"}))[0] == 303
    assert [each.rule.entries for each in (await event_now(client)).entry_rules.rules] == [None]
    noted = (await deeds(client, house, "event_changed"))[0]
    assert noted["after"]["entry_rules/rules/1/entries"] == "unlimited"


@pytest.mark.parametrize(
    ("changes", "at", "said"),
    [
        pytest.param({"entries": "0"}, "entries", "from 1 to 10,?000", id="no entry"),
        pytest.param({"entries": "many"}, "entries", "unlimited", id="no number"),
        pytest.param({"performances": "77"}, "performances", "performance", id="not there"),
        pytest.param({"passback": "timed"}, "", "passback_minutes", id="no time"),
        pytest.param({}, "", r"entry_rules\.rules\[0\]", id="nothing said"),
    ],
)
async def test_a_wrong_entry_rule_is_named_with_its_place(
    client: Client, manager: PersonAtTest, changes: dict[str, str], at: str, said: str
) -> None:
    path = part("entry")
    status, page = await post(manager, path, await filled(client, path) | changes)
    assert status == 400
    where = f'id="fault-{at}">' if at else 'role="alert">'
    assert re.search(rf"{where}.*?{said}", page, re.DOTALL), page
    assert (await event_now(client)).entry_rules.rules == ()


async def test_what_gates_do_that_are_cut_off_is_changed(
    client: Client, manager: PersonAtTest
) -> None:
    path = part("doors")
    fields = await filled(client, path)
    assert (fields["cut_off"], fields["unrecorded"]) == ("allow", "deny")
    changes = {"cut_off": "home_gate_only", "unlisted": "desk", "unrecorded": "allow"}
    assert (await post(manager, path, fields | changes))[0] == 303
    rules = (await event_now(client)).entry_rules
    assert (rules.when_cut_off, rules.unlisted, rules.unrecorded) == tuple(changes.values())
    assert "It lets in only tickets of its own gate" in await page_of(client, PAGE)
    status, _ = await post(manager, path, await filled(client, path) | {"cut_off": "maybe"})
    assert status == 400


async def test_places_are_put_into_another_price_tier(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    _venue, plan, event = loaded
    area = next(each for each in plan.areas if each.rows)
    row = area.rows[0]
    units = [seat.unit for seat in row.seats]
    tier = next(each for each in event.price_tiers if each.id != event.tier_of(units[0]))
    path = f"{PAGE}/places"
    fields = await filled(client, path) | {"tier": tier.id, "area": area.id, "rows": row.label}
    assert (await post(manager, path, fields))[0] == 303
    after = await event_now(client)
    assert {after.tier_of(unit) for unit in units} == {tier.id}
    others = [unit for each in plan.areas for unit in each.units if unit not in units]
    assert [after.tier_of(unit) for unit in others] == [event.tier_of(unit) for unit in others]
    assert after.price(tier.id, "adult") == event.price(tier.id, "adult")
    back = fields | {"tier": event.tier_of(units[0])}
    status, page = await post(manager, path, back)
    assert (status, "meanwhile" in page) == (409, True), "as the form was shown it is no more"
    fields = await filled(client, path) | {"tier": tier.id}
    for wrong, said in (
        ({"area": area.id, "rows": "99"}, "no such row in the section: 99"),
        ({"area": "", "rows": "", "units": ""}, "Choose places first"),
        ({"area": area.id, "rows": row.label, "tier": "moon"}, "Choose places first"),
    ):
        status, page = await post(manager, path, fields | wrong)
        assert (status, said in page) == (400, True), said
    spans = [f"{first}-{last}" for each in plan.areas for first, last in each.unit_spans]
    everything = fields | {"area": "", "units": ",".join(spans)}
    status, page = await post(manager, path, everything)
    assert (status, "price_tiers[0].places" in page) == (400, True), "a tier without a place"
    noted = (await deeds(client, house, "event_changed"))[-1]
    assert f"price_tiers/{tier.id}/places/1/units" in json.dumps([noted["before"], noted["after"]])


async def test_an_auditor_reads_and_changes_nothing(client: Client) -> None:
    somebody = await signed_in_as(client, PersonRole.AUDITOR)
    assert "Change prices" not in await page_of(client, PAGE)
    assert "Nothing was changed" in await page_of(client, f"{PAGE}/history")
    async with client.get(PRICES) as response:
        assert response.status == 403
    assert (await post(somebody, PRICES, {"seen": "1"}))[0] == 403


async def test_a_long_audit_is_read_in_parts(
    client: Client, manager: PersonAtTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest first, each part bounded by what it shows and by what it looks at."""
    for price in ("901.00", "902.00", "903.00"):
        fields = await filled(client, PRICES)
        assert (await post(manager, PRICES, fields | {"p.vip.adult": price}))[0] == 303
    monkeypatch.setattr(event_page, "HISTORY_SHOWN_MAX", 2)
    shown, path, parts = [], f"{PAGE}/history", 0
    while path:
        page = await page_of(client, path)
        shown += re.findall(r'class="sold">¥(90\d)', page)
        assert ("The newest" in page) is (parts > 0)
        older = re.search(r'href="([^"]*before=\d+)"', page)
        path, parts = older[1] if older else "", parts + 1
        monkeypatch.setattr(event_page, "LOOKED_AT_MAX", 1)
        assert parts < 100
    assert shown == ["903", "902", "901"]
    assert parts > 3, "one record a part"
    assert "903" in await page_of(client, f"{PAGE}/history?before=x")
