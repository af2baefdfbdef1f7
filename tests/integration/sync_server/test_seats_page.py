"""Who holds what of a performance: every place once, and the same numbers as in the books."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.console.seat_view import make_seats_page
from sync_server.handlers.state import CENTRE
from sync_server.services.books import read_books
from sync_server.services.catalogue import load_plan
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.seat_states import Holding, SeatState, SeatStates, read_seat_states
from sync_server.services.takings import read_stream_takings
from tests.integration.sync_server.console_forms import page_of, signed_in_as
from tests.integration.sync_server.support import NodeAtTest
from tests.unit.ticketing.pretix_files import of_seats
from ticketing.pretix_plan import convert_plan
from ticketing.seating import SeatingPlan

Client = TestClient[Any, Any]
EVENT, PERFORMANCE = "swan-lake", 1
SEATS = f"/console/performances/{PERFORMANCE}/seats"


async def plan_of(client: Client) -> SeatingPlan:
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    plan: SeatingPlan = loaded[1]
    return plan


async def states_of(client: Client, plan: SeatingPlan) -> SeatStates:
    found: SeatStates = await client.app[CENTRE].read(
        lambda c: read_seat_states(c, EVENT, PERFORMANCE, plan)
    )
    return found


async def take(
    client: Client, kind: str, units: list[int], node_id: str = "", performance: int = PERFORMANCE
) -> None:
    def claim(tx: Any) -> None:
        for unit in units:
            tx.run(
                "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
                "VALUES (:e, :p, :u, :kind, '', :node, 1, :rev)",
                e=EVENT,
                p=performance,
                u=unit,
                kind=kind,
                node=node_id,
                rev=tx.next_rev(EVENT),
            )

    await client.app[CENTRE].write(claim)


async def write_off(client: Client, units: list[int]) -> None:
    """As the decision of two people leaves it: the places are free, and a case names them."""
    body = json.dumps({"performance": PERFORMANCE, "unknown": units})

    def case(tx: Any) -> None:
        tx.run(
            "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
            "VALUES (:e, 'c', 'written_off', 'open', 1, :body, :rev)",
            e=EVENT,
            body=body,
            rev=tx.next_rev(EVENT),
        )

    await client.app[CENTRE].write(case)
    await take(client, "free", units)


async def an_evening(client: Client) -> tuple[SeatingPlan, str]:
    """Some of everything; the id of the window that has some of it."""
    plan = await plan_of(client)
    window = (await NodeAtTest(client).enrol(NodeRole.TILL, "Window <1>")).id
    units = [seat.unit for seat in plan.areas[0].rows[0].seats]
    await take(client, "sold", units[:3], window)
    await take(client, "allot", units[3:8], window)
    second = [seat.unit for seat in plan.areas[0].rows[1].seats]
    await take(client, "hold", second[:1])
    await take(client, "blocked", second[1:5:2])
    await take(client, "returned", second[5:7])
    await take(client, "free", second[7:8])
    await take(client, "sold", units, window, performance=2)  # another evening
    standing = next(area for area in plan.areas if not area.rows)
    await take(client, "sold", list(standing.units)[:4], window)
    third = [seat.unit for seat in plan.areas[0].rows[2].seats]
    await write_off(client, third[:4])
    await client.app[CENTRE].write(
        lambda tx: tx.run(
            "UPDATE claim SET kind = 'allot', node_id = :n WHERE unit = :u", n=window, u=third[0]
        )
    )
    return plan, window


async def test_every_place_is_in_one_state_and_the_counts_are_the_books(client: Client) -> None:
    plan, _window = await an_evening(client)
    found = await states_of(client, plan)
    books = await client.app[CENTRE].read(read_books)
    account = next(each for each in books.units if each.performance == PERFORMANCE)
    takings = await client.app[CENTRE].read(lambda c: read_stream_takings(c, EVENT))
    told = {state: found.count(state) for state in SeatState}
    lost = takings.written_off[PERFORMANCE]
    assert lost == 3
    assert told == {
        SeatState.FREE: account.free - lost,
        SeatState.HELD: account.held,
        SeatState.LENT: account.lent,
        SeatState.SOLD: account.sold,
        SeatState.BLOCKED: account.blocked - account.held - account.returned,
        SeatState.RETURNED: account.returned,
        SeatState.WRITTEN_OFF: lost,
    }
    assert all(told.values())
    assert sum(told.values()) == account.capacity == plan.unit_count
    units = [unit for each in found.holdings for unit in each.units]
    assert len(units) == len(set(units))


@pytest.mark.usefixtures("manager")
async def test_the_page_draws_and_names_them(client: Client) -> None:
    _plan, window = await an_evening(client)
    async with client.get(SEATS) as response:
        assert response.status == 200
        raw = await response.text()
    page = await page_of(client, SEATS)
    drawing = raw[raw.index('<svg class="plan-drawing"') :].partition("</svg>")[0]
    drawn = {
        css: sum(path.partition('"')[0].count("M") for path in drawing.split(f'{css}" d="')[1:])
        for css in ("is-sold", "is-lent", "is-held", "is-blocked", "is-returned", "is-written-off")
    }
    sample_lent = 36
    assert drawn == {
        "is-sold": 3,
        "is-lent": 6 + sample_lent,
        "is-held": 1,
        "is-blocked": 2,
        "is-returned": 2,
        "is-written-off": 3,
    }
    assert "Stalls Left · Row 1 Seats 1–3" in page
    assert "Stalls Left · Row 1 Seats 4–8" in page
    assert "Stalls Standing × 4" in page
    assert "Window &lt;1&gt;" in raw
    assert "Window <1>" not in raw
    assert "1,260" in page
    assert f"who=lent.{window}" in page


@pytest.mark.usefixtures("manager")
async def test_a_holders_places_are_marked_and_an_area_is_drawn_alone(client: Client) -> None:
    plan, window = await an_evening(client)
    page = await page_of(client, f"{SEATS}?who=lent.{window}")
    assert "Marked: Lent, not sold · Window <1>" in page
    assert 'look-dot is-lent" d=' in page
    assert 'look-square is-sold is-dim" d=' in page
    area = plan.areas[0]
    page = await page_of(client, f"{SEATS}?area={area.id}")
    drawing = page[page.index('<svg class="plan-drawing"') :].partition("</svg>")[0]
    assert drawing.count("M") == area.capacity


@pytest.mark.usefixtures("manager")
async def test_what_is_asked_for_and_is_not_there_changes_nothing(client: Client) -> None:
    for asked in ("area=nowhere", "who=lent.nobody", "area=%3Cscript%3E&who=%3Cscript%3E"):
        page = await page_of(client, f"{SEATS}?{asked}")
        assert "Marked" not in page
        assert "<script>" not in page


@pytest.mark.usefixtures("manager")
async def test_a_place_that_is_taken_and_not_on_the_plan_is_said(client: Client) -> None:
    await take(client, "sold", [999_999])
    page = await page_of(client, SEATS)
    assert "Places that are taken and are not on the plan: 1" in page


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("number", ["0", "99", "x", "9" * 30])
async def test_a_performance_that_is_not_there_is_not_found(client: Client, number: str) -> None:
    async with client.get(f"/console/performances/{number}/seats") as response:
        assert response.status == 404


async def test_an_auditor_may_look(client: Client) -> None:
    await signed_in_as(client, PersonRole.AUDITOR)
    assert "Who holds what" in await page_of(client, SEATS)


@pytest.mark.parametrize("role", [PersonRole.CASHIER, PersonRole.SECURITY, PersonRole.AGENT])
async def test_who_may_not_look_is_refused(client: Client, role: PersonRole) -> None:
    await signed_in_as(client, role)
    async with client.get(SEATS) as response:
        assert response.status == 403


def test_a_large_house_is_drawn_as_areas_by_how_much_is_taken() -> None:
    plan = convert_plan(of_seats(7_500), source="", plan_id="arena", languages=("en",)).plan
    first = frozenset(plan.areas[0].units)
    rest = frozenset(seat.unit for seat in plan.seats) - first
    states = SeatStates(
        (
            Holding(SeatState.FREE, "", "", rest - {5_001}),
            Holding(SeatState.LENT, "n", "Window 1", first | {5_001}),
        ),
        0,
    )
    page = make_seats_page(plan, states, "en", "/x", area_id="", marked="")
    assert page.is_of_areas
    assert "share-4" in page.svg
    assert "share-1" in page.svg
    assert "share-0" in page.svg
    assert "0 free of 2,500" in page.svg
    assert "2,499 free of 2,500" in page.svg
    assert 'href="/x?area=block-2"' in page.svg
    assert len(page.svg) < 10_000
    assert page.holders[1].more == "and 2,201 more places"
