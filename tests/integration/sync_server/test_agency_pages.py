"""The console's pages of agencies: the house keeps all of them, an agent sees the own one alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import text

from sync_server.handlers.state import CENTRE
from sync_server.services.agencies import NotChanged, add_agency
from sync_server.services.audit import UNKNOWN
from sync_server.services.enrolment import add_code, new_code
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.scopes import WHOLE_VENUE, Scope, ScopeKind
from sync_server.services.sessions import SessionLimits, begin_session
from sync_server.store.writer import Transaction
from tests.integration.sync_server.console_forms import deeds, page_of, post
from tests.integration.sync_server.console_forms import (
    quick_passwords as quick_passwords,  # noqa: PLC0414 - a fixture
)
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest
from ticketing.personal import Buyer, data_key, index_tokens, seal

Client = TestClient[Any, Any]
AGENCIES, MINE = "/console/agencies", "/console/agency"
ONE = f"{AGENCIES}/one"
EVENT = "swan-lake"
LIMITS = SessionLimits(3_600_000, 3_600_000)
pytestmark = pytest.mark.usefixtures("quick_passwords")


@dataclass
class Sold:
    """What one agency's window sold, as rows: the calls that make them are tried elsewhere."""

    agency_id: str
    node: NodeAtTest
    receipt: str
    order_id: str
    total: int


@dataclass
class Two:
    """Two agencies with a window and an order each."""

    client: Client
    by_name: dict[str, Sold] = field(default_factory=dict)


@pytest.fixture
async def two(client: Client) -> Two:
    found = Two(client)
    centre = client.app[CENTRE]
    for number, name in enumerate(("North Travel", "South Travel"), 1):
        agency_id = await centre.write(lambda tx, name=name: add_agency(tx, name, UNKNOWN))
        assert not isinstance(agency_id, NotChanged)
        code = new_code(centre.keys.node_public)
        refused = await centre.write(
            lambda tx, c=code, n=name, a=agency_id: add_code(
                tx, c.secret, NodeRole.TILL, f"{n} desk", 60, a
            )
        )
        assert refused is None
        node = NodeAtTest(client)
        async with await node.apply(code.text) as response:
            node.reply = await response.json()
        sold = Sold(agency_id, node, f"{name[0]}1-00000{number}", f"{number:016x}", 10_000 * number)
        await centre.write(lambda tx, s=sold, n=number: record(tx, centre, s, n))
        found.by_name[name] = sold
    return found


def record(tx: Transaction, centre: Any, sold: Sold, number: int) -> None:
    """An order with its money, its place, one more that is lent, its buyer, and an open case."""
    keys = {"e": EVENT, "n": sold.node.id, "o": sold.order_id}
    now, rev = tx.now_ms, tx.next_rev(EVENT)
    tx.run(
        "INSERT INTO orders (event_id, id, node_id, inc, seq, receipt_no, state, total_minor, "
        "currency, sold_by, sold_ms, rev) VALUES (:e, :o, :n, 1, 1, :r, 'paid', :t, 'CNY', 'x', "
        ":now, :rev)",
        r=sold.receipt,
        t=sold.total,
        now=now,
        rev=rev,
        **keys,
    )
    tx.run(
        "INSERT INTO op (event_id, node_id, inc, seq, branch, op_id, kind, version, wall_ms, body, "
        "hash, received_ms, verdict, verdict_code, rev) VALUES (:e, :n, 1, 1, '', :o, 'sale', 1, "
        ":now, :body, '', :now, 'ok', '', 0)",
        body=f'{{"lines": [], "order": "{sold.order_id}"}}',
        now=now,
        **keys,
    )
    for line, (account, minor) in enumerate((("cash:" + sold.node.id, 1), ("sales", -1))):
        tx.run(
            "INSERT INTO ledger (event_id, node_id, inc, seq, branch, line, order_id, account, "
            "amount_minor, currency) VALUES (:e, :n, 1, 1, '', :l, :o, :a, :m, 'CNY')",
            l=line,
            a=account,
            m=minor * sold.total,
            **keys,
        )
    performance = tx.connection.execute(
        text("SELECT min(perf_id) FROM performance WHERE event_id = :e"), {"e": EVENT}
    ).scalar_one()
    for unit, kind in ((number * 10, "sold"), (number * 10 + 1, "allot")):
        tx.run(
            "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
            "VALUES (:e, :p, :u, :k, :o, :n, 1, :rev)",
            p=performance,
            u=unit,
            k=kind,
            rev=tx.next_rev(EVENT),
            **keys,
        )
    key, buyer = (
        data_key(centre.keys.personal_data, 1),
        Buyer(f"张三{number}", f"1380013800{number}"),
    )
    tx.run(
        "INSERT INTO buyer (event_id, order_id, key_no, sealed, tokens, node_id, at_ms, rev) "
        "VALUES (:e, :o, 1, :s, :t, :n, 1, :rev)",
        s=seal(buyer, key, EVENT, sold.order_id, bytes(12)),
        t=str(list(index_tokens(buyer, key))).replace("'", '"'),
        rev=tx.next_rev(EVENT),
        **keys,
    )
    tx.run(
        "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
        "VALUES (:e, :c, 'price', 'open', :now, :b, :rev)",
        c=f"price:{sold.order_id}",
        b=f'{{"lines": [], "order": "{sold.order_id}"}}',
        now=now,
        rev=tx.next_rev(EVENT),
        e=EVENT,
    )


async def agent_of(client: Client, *agency_ids: str, scope: Scope | None = None) -> PersonAtTest:
    """Somebody who works for these, at the client's browser."""
    where = scope or Scope(ScopeKind.AGENCY, frozenset(agency_ids))

    def begin(tx: Transaction) -> str:
        tx.run("DELETE FROM person WHERE login = 'agent'")
        who = Person("0123456789abcdef", "agent", "An Agent", PersonRole.AGENT, scope=where)
        add_person(tx, client.app[CENTRE].venue_id, who)
        return begin_session(tx, who.id, LIMITS)

    token = await client.app[CENTRE].write(begin)
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies({"boxgate_session": token}, client.make_url("/"))
    return PersonAtTest(client)


async def status_of(client: Client, path: str) -> tuple[int, str]:
    async with client.get(path) as response:
        said = await response.text()
        return response.status, re.sub(r"Request \S+", "", said.replace(path, ""))


async def test_an_agent_sees_the_own_agencys_account_and_nothing_of_another(
    client: Client, two: Two
) -> None:
    north, south = two.by_name["North Travel"], two.by_name["South Travel"]
    await agent_of(client, north.agency_id)
    page = await page_of(client, MINE)
    for said in ("North Travel desk", "¥100.00", north.receipt, "张** 138****8001", "Cash ¥100.00"):
        assert said in page, said
    assert re.search(r"1 left to sell", page)
    assert "another price than the list's" in page
    table = await page_of(client, f"{MINE}/takings.csv")
    assert "North Travel" in table
    assert ",100.00,CNY" in table
    for path in (
        f"{MINE}?id={north.agency_id}&receipt={south.receipt}",
        f"{MINE}?receipt={south.order_id}",
        f"{MINE}?receipt=%25",
    ):
        assert "There are no orders" in await page_of(client, path), path
        page += await page_of(client, path)
    secrets = ("South Travel", south.agency_id, south.node.id, "138****8002", "¥200.00")
    assert [each for each in secrets if each in page + table] == []


async def test_another_agencys_page_is_answered_like_one_that_there_is_not(
    client: Client, two: Two
) -> None:
    north, south = two.by_name["North Travel"], two.by_name["South Travel"]
    await agent_of(client, north.agency_id)
    for page in (MINE, f"{MINE}/takings.csv"):
        nobody = await status_of(client, f"{page}?id={'0' * 16}")
        assert nobody[0] == 404
        assert await status_of(client, f"{page}?id={south.agency_id}") == nobody
    for path in (
        f"{ONE}?id={north.agency_id}",
        AGENCIES,
        f"{AGENCIES}/takings.csv?id={north.agency_id}",
        "/console/",
        "/console/books.json",
        "/console/live",
        f"/console/cases/one?of={EVENT}&case=price:{north.order_id}",
    ):
        assert (await status_of(client, path))[0] == 403, path


@pytest.mark.parametrize("scope", [WHOLE_VENUE, Scope(ScopeKind.EVENT, frozenset({EVENT}))])
async def test_an_agent_without_an_agency_sees_nothing(
    client: Client, two: Two, scope: Scope
) -> None:
    await agent_of(client, scope=scope)
    for path in (MINE, f"{MINE}?id={two.by_name['North Travel'].agency_id}"):
        assert (await status_of(client, path))[0] == 403


async def test_who_works_for_two_agencies_chooses_and_a_retired_one_is_gone(
    client: Client, two: Two
) -> None:
    ids = [each.agency_id for each in two.by_name.values()]
    await agent_of(client, *ids)
    assert "North Travel desk" in await page_of(client, MINE)
    assert "South Travel desk" in await page_of(client, f"{MINE}?id={ids[1]}")
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE agency SET state = 'retired' WHERE id = :id", id=ids[0])
    )
    assert "South Travel desk" in await page_of(client, MINE)
    assert (await status_of(client, f"{MINE}?id={ids[0]}"))[0] == 404


async def test_an_agents_first_page_is_the_own_agency(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, two: Two
) -> None:
    fields = {"login": "an.bo", "name": "An Bo", "role": "agent", "scope": "agency"}
    fields[f"agency.{two.by_name['North Travel'].agency_id}"] = "1"
    fields["own_password"] = house.password
    status, page = await post(manager, "/console/people/add", fields)
    found = re.search('id="password">([^<]+)<', page)
    assert status == 200
    assert found is not None
    assert 'id="pin"' in page
    assert "only agency North Travel" in await page_of(client, "/console/people")
    client.session.cookie_jar.clear()
    async with await PersonAtTest(client).sign_in("an.bo", found[1]) as response:
        assert (response.status, response.headers["Location"]) == (303, MINE)
    page = await page_of(client, MINE)
    assert re.findall(r'<nav class="sections".*?</nav>', page, re.DOTALL)[0].count("<a ") == 1


async def test_the_house_keeps_its_agencies_and_sees_what_each_owes(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, two: Two
) -> None:
    page = await page_of(client, AGENCIES)
    assert "¥100.00" in page
    assert "¥200.00" in page
    table = await page_of(client, f"{AGENCIES}/takings.csv")
    assert table.count("CNY") == 2
    south = two.by_name["South Travel"]
    page = await page_of(client, f"{ONE}?id={south.agency_id}")
    assert south.receipt in page
    assert f"/console/nodes/one?id={south.node.id}" in page
    assert (await post(manager, f"{AGENCIES}/add", {"name": " "}))[0] == 400
    assert (await post(manager, f"{AGENCIES}/add", {"name": "South Travel"}))[0] == 409
    assert (await post(manager, f"{AGENCIES}/add", {"name": "=East"}))[0] == 303
    found = re.search(rf'{ONE}\?id=([0-9a-f]{{16}})"[^>]*>=East', await page_of(client, AGENCIES))
    assert found is not None
    east = found[1]
    rename = {"id": east, "name": "East"}
    assert (await post(manager, f"{ONE}/rename", rename | {"name": "South Travel"}))[0] == 409
    assert (await post(manager, f"{ONE}/rename", rename))[0] == 303
    assert (await post(manager, f"{ONE}/retire", {"id": south.agency_id}))[0] == 409
    assert (await post(manager, f"{ONE}/retire", {"id": east}))[0] == 303
    assert "This agency sells no more" in await page_of(client, f"{ONE}?id={east}")
    told = [
        (each.get("before"), each.get("after"))
        for deed in ("agency_added", "agency_renamed", "agency_retired")
        for each in await deeds(client, house, deed)
        if each["about"] == f"agency:{east}"
    ]
    assert told == [
        (None, {"name": "=East"}),
        ({"name": "=East"}, {"name": "East"}),
        ({"state": "active"}, {"state": "retired"}),
    ]
    assert (await status_of(client, f"{ONE}?id=nobody"))[0] == 404


async def test_the_enrolment_form_says_whose_window_it_is(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, two: Two
) -> None:
    north = two.by_name["North Travel"].agency_id
    asked = {"name": "Desk 2", "minutes": "60", "own_password": house.password, "agency": north}
    path = "/console/nodes/enrol"
    assert (await post(manager, path, asked | {"role": "gate"}))[0] == 409
    assert (await post(manager, path, asked | {"role": "till", "agency": "0" * 16}))[0] == 409
    assert (await post(manager, path, asked | {"role": "till"}))[0] == 200
    (deed,) = [
        e for e in await deeds(client, house, "enrol_code_made") if e["about"] == "node:Desk 2"
    ]
    assert deed["after"]["agency"] == north
    assert "North Travel" in await page_of(client, "/console/nodes")


async def test_a_window_asks_for_its_agencys_orders_and_hears_of_no_others(two: Two) -> None:
    north, south = two.by_name["North Travel"], two.by_name["South Travel"]
    await north.node.sign_in()
    base, nobody = f"/v1/e/{EVENT}", "f" * 16
    op = {"op": "1" * 32, "inc": 1, "action": "refund", "tickets": ["2" * 16]}
    for call, body in (("order", {}), ("handout", {}), ("revoke", op)):
        unknown = await north.node.call("POST", f"{base}/{call}", body | {"order": nobody})
        foreign = await north.node.call("POST", f"{base}/{call}", body | {"order": south.order_id})
        assert foreign == unknown
        assert unknown[1]["code"] == "unknown_order"
    status, own = await north.node.call("POST", f"{base}/order", {"order": north.order_id})
    assert (status, own["node"]) == (200, north.node.id)
    _, said = await north.node.call("GET", f"/v1/pull?after={EVENT}:0")
    _, part = await north.node.call("GET", f"{base}/own?gen={said['gen']}&after=0&rev=1")
    rows = [*said["streams"][EVENT]["rows"], *part["rows"]]
    assert {row[2]["id"] for row in rows if row[0] == "order"} == {north.order_id}
    assert south.order_id not in str(rows)
    assert south.node.id not in str(rows)
    assert (await north.node.call("GET", f"{base}/snapshot/till"))[1]["code"] == "just_pull"


async def test_a_limit_is_set_in_the_console_and_both_sides_see_it(
    client: Client, manager: PersonAtTest, two: Two, house: HouseOnDisk
) -> None:
    north = two.by_name["North Travel"]
    page = f"{ONE}?id={north.agency_id}"
    fields = {"id": north.agency_id, "event": EVENT, "most": "1 0"}
    assert (await post(manager, f"{ONE}/limit", fields, form_of=page))[0] == 400
    assert (await post(manager, f"{ONE}/limit", fields | {"event": "x"}, form_of=page))[0] == 404
    assert (await post(manager, f"{ONE}/limit", fields | {"most": "120"}, form_of=page))[0] == 303
    assert '<td class="n" data-label="At most">120</td>' in await page_of(client, page)
    (said,) = await deeds(client, house, "agency_limit_set")
    assert (said["about"], said["after"]) == (
        f"agency:{north.agency_id}",
        {"event": EVENT, "most": 120},
    )
    await agent_of(client, north.agency_id)
    mine = await page_of(client, MINE)
    assert '<td class="n" data-label="At most">120</td>' in mine
    assert "Set the limit" not in mine
