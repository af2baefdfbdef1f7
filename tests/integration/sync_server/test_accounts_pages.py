"""Reconciliation and cases over HTTP: who may do what, and what no form does."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient

from sync_server.handlers.state import CENTRE
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.rows import Order, TicketRow
from sync_server.heart.source import run_in
from sync_server.heart.work import Work
from sync_server.services.catalogue import PlanShelf
from sync_server.services.people import Person, add_person, hash_password
from sync_server.services.permissions import PersonRole
from tests.integration.sync_server.stage import Doing
from tests.integration.sync_server.support import PersonAtTest

Client = TestClient[Any, Any]
EVENT = "swan-lake"
PERFORMANCE = f"/console/accounts?by=performance&of={quote(f'{EVENT}/1', safe='')}"


async def text_of(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path) as response:
        assert response.status == status, await response.text()
        return await response.text()


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, name
    return found[1]


async def sign(person: PersonAtTest, html: str, **changes: str) -> tuple[int, str]:
    names = ("form_token", "by", "of", "digest")
    form = {name: field(html, name) for name in names} | {"note": ""} | changes
    async with await person.post("/console/accounts/sign", form) as response:
        return response.status, await response.text()


async def open_a_case(client: Client) -> str:
    def do(work: Work) -> None:
        open_case(work, CaseKind.POOL, "order:early", {"order": "o", "node": "n"})

    await client.app[CENTRE].write(lambda tx: run_in(tx, Doing(EVENT, do), PlanShelf()))
    return f"/console/cases/one?of={EVENT}&case={quote('pool:order:early')}"


# --- reconciliation


@pytest.mark.parametrize("by", ["day", "performance", "shift", "till", "gate"])
async def test_there_is_a_list_of_each_kind(client: Client, manager: PersonAtTest, by: str) -> None:
    assert manager.client is client
    html = await text_of(client, f"/console/accounts?by={by}")
    assert "Reconciliation" in html


async def test_a_performance_is_signed_by_who_has_looked(
    client: Client, manager: PersonAtTest
) -> None:
    html = await text_of(client, PERFORMANCE)
    assert "Everything adds up" in html
    status, _text = await sign(manager, html)
    assert status == 303
    html = await text_of(client, PERFORMANCE)
    assert "these very figures" in html
    signed = re.search(r"signed=([0-9a-f]{16})", html)
    assert signed is not None
    async with client.get(f"/console/accounts/report.pdf?signed={signed[1]}") as response:
        assert response.content_type == "application/pdf"
        first = await response.read()
    async with client.get(f"/console/accounts/report.pdf?signed={signed[1]}") as response:
        assert await response.read() == first


async def test_figures_that_changed_meanwhile_are_not_signed(
    client: Client, manager: PersonAtTest
) -> None:
    html = await text_of(client, PERFORMANCE)
    status, text = await sign(manager, html, digest="0" * 64)
    assert status == 409
    assert "have changed meanwhile" in text


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/console/accounts?by=moon", id="no such kind"),
        pytest.param("/console/accounts?by=till&of=nobody", id="no such till"),
        pytest.param("/console/accounts/report.exe?by=day&of=2026-11-28", id="no such paper"),
        pytest.param("/console/accounts/report.pdf?signed=zzz", id="nobody signed it"),
        pytest.param("/console/accounts/rows?by=day&of=2026-11-28&check=cash", id="no rows"),
        pytest.param("/console/cases/one?of=x&case=y", id="no such case"),
    ],
)
@pytest.mark.usefixtures("manager")
async def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    await text_of(client, path, status=404)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
@pytest.mark.usefixtures("manager")
async def test_the_present_figures_can_be_taken_along(client: Client, kind: str) -> None:
    path = PERFORMANCE.replace("accounts?", f"accounts/report.{kind}?")
    async with client.get(path) as response:
        assert response.status == 200
        assert f".{kind}" in response.headers["Content-Disposition"]
        assert len(await response.read()) > 300


@pytest.mark.usefixtures("manager")
async def test_the_rows_behind_a_figure_have_a_page(client: Client) -> None:
    html = await text_of(client, PERFORMANCE)
    paths = [path.replace("&amp;", "&") for path in re.findall(r'href="([^"]*/rows\?[^"]*)"', html)]
    assert len(paths) == 3
    for path in paths:
        assert "There are no rows." in await text_of(client, path)


# --- cases


async def test_a_case_is_commented_and_settled(client: Client, manager: PersonAtTest) -> None:
    path = await open_a_case(client)
    html = await text_of(client, path)
    named = {name: field(html, name) for name in ("form_token", "of", "seen")}
    named["case"] = "pool:order:early"
    said = named | {"kind": "comment", "value": "<b>the list</b> was old"}
    async with await manager.post("/console/cases/one/note", said) as response:
        assert response.status == 303
    html = await text_of(client, path)
    assert "&lt;b&gt;the list&lt;/b&gt; was old" in html
    done = named | {"disposition": "loss", "why": "four tickets"}
    async with await manager.post("/console/cases/one/settle", done) as response:
        assert response.status == 303
    assert "four tickets" in await text_of(client, path)
    assert "pool" in await text_of(client, "/console/cases?state=closed")
    async with await manager.post("/console/cases/one/settle", done) as response:
        assert response.status == 409


@pytest.mark.parametrize(
    ("address", "changes"),
    [
        pytest.param("settle", {"disposition": "burn"}, id="no such way"),
        pytest.param("note", {"kind": "song", "value": "x"}, id="no such note"),
        pytest.param("note", {"kind": "deadline", "value": "soon"}, id="no such day"),
    ],
)
async def test_a_form_that_makes_no_sense_changes_nothing(
    client: Client, manager: PersonAtTest, address: str, changes: dict[str, str]
) -> None:
    html = await text_of(client, await open_a_case(client))
    form = {name: field(html, name) for name in ("form_token", "of", "seen")}
    form |= {"case": "pool:order:early", **changes}
    async with await manager.post(f"/console/cases/one/{address}", form) as response:
        assert response.status == 400


async def test_a_disputed_ticket_is_decided_about_on_its_cases_page(
    client: Client, manager: PersonAtTest
) -> None:
    def do(work: Work) -> None:
        row = TicketRow(EVENT, "a" * 16, "o", 1, 1, 0, "disputed", "x", "a", "adult", 500)
        work.tickets.put(row.id, row)
        work.orders.put("o", Order(EVENT, "o", "n", 1, 1, "R-1", "paid", 500, "CNY", "li", 1))
        body = {"node": "n", "order": "o", "tickets": [row.id], "proposals": {row.id: [2, 3]}}
        open_case(work, CaseKind.OVERSOLD, "o", body)

    await client.app[CENTRE].write(lambda tx: run_in(tx, Doing(EVENT, do), PlanShelf()))
    path = f"/console/cases/one?of={EVENT}&case={quote('oversold:o')}"
    html = await text_of(client, path)
    assert '<option value="3">Stalls Left · Row 1 Seat 3</option>' in html
    form = {"form_token": field(html, "form_token"), "of": EVENT, "case": "oversold:o"}
    form["ticket"] = "a" * 16
    for unit, status in (("4294967295", 409), ("x", 400), ("3", 303), ("2", 409)):
        answer = manager.post("/console/cases/one/decide", form | {"unit": unit})
        async with await answer as response:
            assert response.status == status, unit
    html = await text_of(client, path)
    assert "Now Stalls Left · Row 1 Seat 3" in html
    assert "Settled" in html  # nothing of the case was left to decide
    rows = await client.app[CENTRE].write(
        lambda tx: tx.rows("SELECT state, unit FROM ticket WHERE id = :t", t="a" * 16)
    )
    assert [tuple(row) for row in rows] == [("valid", 3)]


async def test_an_auditor_sees_all_and_can_neither_sign_nor_settle(
    client: Client, visitor: PersonAtTest
) -> None:
    centre = client.app[CENTRE]
    auditor = Person("a1", "audit", "Auditor", PersonRole.AUDITOR)
    await centre.write(
        lambda tx: add_person(tx, centre.venue_id, auditor, password_hash=hash_password("x" * 12))
    )
    case = await open_a_case(client)
    async with await visitor.sign_in("audit", "x" * 12) as response:
        assert response.status == 303
    html = await text_of(client, PERFORMANCE)
    assert "Sign as" not in html
    assert "Settle the case" not in await text_of(client, case)
    token = field(html, "form_token")
    for path in ("accounts/sign", "cases/one/settle", "cases/one/note", "cases/one/decide"):
        async with await visitor.post(f"/console/{path}", {"form_token": token}) as response:
            assert response.status == 403


async def test_a_form_from_elsewhere_signs_nothing(client: Client, manager: PersonAtTest) -> None:
    html = await text_of(client, PERFORMANCE)
    status, _text = await sign(manager, html, form_token="0" * 64)
    assert status == 403
