"""Reports over HTTP: figures of now, who sees what, and tables to take away."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import text

from sync_server import report_keeping
from sync_server.console.live import BULLETIN
from sync_server.console.tables import as_text
from sync_server.handlers.state import CENTRE
from sync_server.report_keeping import REPORTS as REPORT_KEEPER
from sync_server.services.permissions import PersonRole
from sync_server.services.sales_report import CURRENT, SalesAsked, read_sales
from sync_server.store.writer import Transaction
from tests.integration.sync_server.console_forms import page_of, signed_in_as
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest, app_of
from tests.integration.sync_server.test_agency_pages import EVENT, MINE, Two, agent_of, status_of
from tests.integration.sync_server.test_agency_pages import two as two  # noqa: PLC0414 - a fixture

Client = TestClient[Any, Any]
REPORTS = "/console/reports"
PAGES = (REPORTS, f"{REPORTS}/slots", f"{REPORTS}/entries")


@pytest.fixture
async def sold(client: Client, two: Two) -> Two:
    """Each agency's order has one ticket, and the first one's went in."""
    for number, name in enumerate(two.by_name, 1):
        await client.app[CENTRE].write(lambda tx, n=name, u=number: _sell(tx, two, n, u))
    await until_counted(client)
    return two


async def until_counted(client: Client) -> None:
    """Pages wait a moment only for what is counted: less than a busy machine may take."""
    for _ in range(200):
        await client.app[REPORT_KEEPER].catch_up()
        found = await client.app[CENTRE].read(lambda c: read_sales(c, SalesAsked()))
        if found.counted_ms == CURRENT:
            return
    pytest.fail("nobody counts")


def _sell(tx: Transaction, two: Two, name: str, number: int) -> None:
    sold = two.by_name[name]
    row = tx.row(
        "SELECT perf_id, starts_ms FROM performance WHERE event_id = :e ORDER BY starts_ms LIMIT 1",
        e=EVENT,
    )
    assert row is not None
    performance, starts_ms = row
    ticket = f"{number:016x}"
    tx.run(
        "INSERT INTO ticket (event_id, id, order_id, perf_id, unit, version, state, allot_id, "
        "tier_id, ticket_type_id, price_minor, rev) VALUES (:e, :t, :o, :p, :u, 0, 'valid', 'a', "
        "'a', 'adult', :m, :rev)",
        e=EVENT,
        t=ticket,
        o=sold.order_id,
        p=performance,
        u=number * 10,
        m=sold.total,
        rev=tx.next_rev(EVENT),
    )
    if number == 1:
        tx.run(
            "INSERT INTO entry (event_id, op_id, ticket_id, perf_id, unit, node_id, lane, phase, "
            "at_ms, offline, journalled, rev) VALUES (:e, :o, :t, :p, 10, 'gate', 'A', 'passed', "
            ":at, 0, 1, :rev)",
            e=EVENT,
            o=f"{number:032x}",
            t=ticket,
            p=performance,
            at=starts_ms,
            rev=tx.next_rev(EVENT),
        )


async def test_the_manager_sees_all_sales_by_one_thing_or_another(
    client: Client, manager: PersonAtTest, sold: Two
) -> None:
    assert manager.client is client
    page = await page_of(client, REPORTS)
    for said in ("¥300.00", "North Travel desk", "South Travel desk", "Agencies", "Ticket types"):
        assert said in page, said
    assert "still being counted" not in page
    async with client.get(f"{REPORTS}.json?event={EVENT}") as response:
        found = await response.json()
    tills = {each["of"]: each["sold_minor"] for each in found["lines"] if each["by"] == "till"}
    assert tills == {each.node.id: each.total for each in sold.by_name.values()}
    assert found["counted_ms"] == -1
    first = min(each["of"] for each in found["lines"] if each["by"] == "day")
    async with client.get(f"{REPORTS}.json?last={first}") as response:
        assert (await response.json())["lines"] == found["lines"]
    async with client.get(f"{REPORTS}.json?last=2001-01-01") as response:
        assert (await response.json())["lines"] == []


@pytest.mark.usefixtures("manager")
async def test_who_waits_no_longer_is_told_when_the_figures_are_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_keeping, "PATIENCE_S", 0.0)
    bulletin = client.app[BULLETIN]
    told_count = bulletin.told_count
    assert "still being counted" in await page_of(client, REPORTS)
    assert await bulletin.wait(told_count, 20)
    await until_counted(client)
    assert "still being counted" not in await page_of(client, REPORTS)


@pytest.mark.usefixtures("manager", "sold")
async def test_how_full_they_are_and_who_went_in_when(client: Client) -> None:
    page = await page_of(client, f"{REPORTS}/slots?event={EVENT}&first=")
    assert "heat-map" in page
    assert re.search(r"Sold\">2<span class=\"when\">1%", page)
    assert re.search(r"Entered\">1<span class=\"when\">1%", page)
    assert "0 of" in await page_of(client, f"{REPORTS}/slots?of=entered&first=")
    assert "no performances in these days" in await page_of(
        client, f"{REPORTS}/slots?last=2001-01-01"
    )
    page = await page_of(client, f"{REPORTS}/entries?event={EVENT}")
    assert page.count('<svg class="curve"') == 1
    assert "As a table" in page
    assert "at most 1 within 60 min" in page
    number = re.search(r'name="performance">.*?<option value="(\d+)"', page)
    assert number is not None
    table = await page_of(client, f"{REPORTS}/entries.csv?event={EVENT}&performance={number[1]}")
    assert table.splitlines()[1].endswith(",1,0,0")


@pytest.mark.usefixtures("manager", "sold")
@pytest.mark.parametrize("name", ["sales", "slots", "entries"])
async def test_reports_can_be_taken_along_and_no_cell_is_run(client: Client, name: str) -> None:
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE node SET name = '=1+1|' || name WHERE role <> 'hub'")
    )
    async with client.get(f"{REPORTS}/{name}.csv") as response:
        assert response.headers["Content-Disposition"].endswith(f'"boxgate-{name}.csv"')
        table = (await response.read()).decode("utf-8-sig")
    rows = [line.split(",") for line in table.splitlines()]
    assert len(rows) > 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", '"='))]
    async with client.get(f"{REPORTS}/{name}.xlsx") as response:
        with zipfile.ZipFile(io.BytesIO(await response.read())) as book:
            assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
    assert (await status_of(client, f"{REPORTS}/{name}.exe"))[0] == 404


@pytest.mark.parametrize("start", [*"=+-@|%", "\t", "\r", "\n", *"＝＋－＠"])
def test_no_text_begins_like_a_formula(start: str) -> None:
    assert as_text(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    "asked",
    ["performance=x", "performance=%00", "last=9999-12-31", "first=1.1.", "last=2026-02-30"],
)
async def test_what_is_no_day_and_no_number_is_refused(client: Client, asked: str) -> None:
    assert (await status_of(client, f"{REPORTS}?{asked}"))[0] == 400


async def test_an_agent_sees_the_own_agencys_sales_and_no_others(client: Client, sold: Two) -> None:
    north, south = sold.by_name["North Travel"], sold.by_name["South Travel"]
    await agent_of(client, north.agency_id)
    assert f"{MINE}/sales" in await page_of(client, MINE)
    page = await page_of(client, f"{MINE}/sales")
    table = await page_of(client, f"{MINE}/sales.csv?id={north.agency_id}")
    assert "¥100.00" in page
    assert "North Travel desk,,1,100.00,0,0.00,1,100.00,CNY" in table
    secrets = ("South Travel", south.node.id, "¥200.00", "200.00", "¥300.00")
    assert [each for each in secrets if each in page + table] == []
    for path in (f"{MINE}/sales", f"{MINE}/sales.csv"):
        assert (await status_of(client, f"{path}?id={south.agency_id}"))[0] == 404
    for path in (*PAGES, f"{REPORTS}.json", f"{REPORTS}/sales.csv"):
        assert (await status_of(client, path))[0] == 403, path


async def test_what_changed_is_counted_without_anybody_asking(
    monkeypatch: pytest.MonkeyPatch, house: HouseOnDisk
) -> None:
    monkeypatch.setattr(report_keeping, "FIRST_ROUND_S", 0.01)
    monkeypatch.setattr(report_keeping, "ROUND_PERIOD_S", 0.01)
    async with TestClient(TestServer(app_of(house))) as client:
        centre = client.app[CENTRE]

        async def behind() -> int:
            rows = await centre.read(
                lambda c: c.execute(
                    text(
                        "SELECT count(*) FROM stream s LEFT JOIN report_mark m "
                        "ON m.event_id = s.event_id WHERE s.kind = 'event' "
                        "AND (m.event_id IS NULL OR m.rev <> s.head)"
                    )
                ).scalar_one()
            )
            return int(rows)

        async def counted() -> None:
            for _ in range(1_000):
                if not await behind():
                    return
                await asyncio.sleep(0.02)
            pytest.fail("nobody counts")

        await counted()
        await centre.write(lambda tx: tx.next_rev(EVENT))
        assert await behind() <= 1
        await counted()


async def test_an_auditor_reads_reports_and_a_cashier_does_not(client: Client) -> None:
    await signed_in_as(client, PersonRole.AUDITOR)
    for path in PAGES:
        assert (await status_of(client, path))[0] == 200, path
