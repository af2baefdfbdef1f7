"""The console's pages of seating plans: uploaded, looked at, saved, refused."""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import text

from sync_server.console import plans
from sync_server.handlers.state import CENTRE
from sync_server.services import plan_store
from sync_server.services.audit import Actor
from sync_server.services.catalogue import load_plan, load_venue
from sync_server.services.permissions import PersonRole
from sync_server.services.plan_store import (
    DRAFT_LIFE_MS,
    Draft,
    read_draft,
    read_stored_plan,
    read_versions,
)
from sync_server.services.plans import Against, SavedPlan, Weighed, save_plan, weigh
from tests.integration.sync_server.console_forms import deeds, page_of, post, signed_in_as
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest
from tests.unit.ticketing.pretix_files import of_seats, row, town_hall
from ticketing.seating import SeatingPlan
from ticketing.seating_document import plan_document

Client = TestClient[Any, Any]
PLANS = "/console/plans"
EVENT, PLAN = "swan-lake", "opera-house"


async def upload(
    somebody: PersonAtTest,
    document: object,
    plan_id: str = "",
    *,
    token: str | None = None,
    form_of: str = PLANS,
) -> tuple[int, str, str]:
    """Status, where it leads to, and the page."""
    form = aiohttp.FormData()
    form.add_field("form_token", await somebody.form_token(form_of) if token is None else token)
    form.add_field("id", plan_id)
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    form.add_field("file", io.BytesIO(data), filename="plan.json", content_type="application/json")
    async with somebody.client.post(
        f"{PLANS}/upload", data=form, allow_redirects=False
    ) as response:
        text = html.unescape(await response.text())
        return response.status, response.headers.get("Location", ""), text


async def confirm(somebody: PersonAtTest, draft: str) -> tuple[int, str]:
    return await post(somebody, f"{PLANS}/save", {"id": draft.rpartition("=")[2]})


async def save(somebody: PersonAtTest, document: object, plan_id: str = "") -> None:
    status, draft, page = await upload(somebody, document, plan_id)
    assert status == 303, page
    status, page = await confirm(somebody, draft)
    assert status == 303, page


async def plan_of_event(client: Client) -> SeatingPlan:
    loaded = await client.app[CENTRE].read(lambda c: load_plan(c, EVENT))
    assert loaded is not None
    plan: SeatingPlan = loaded[1]
    return plan


async def versions(client: Client, plan_id: str) -> list[int]:
    found = await client.app[CENTRE].read(lambda c: read_versions(c, plan_id))
    return [each.version for each in found]


async def sample(client: Client) -> dict[str, Any]:
    """The sample theatre's plan as a file of ours."""
    async with client.get(f"{PLANS}/file?id={PLAN}") as response:
        assert response.status == 200
        assert response.headers["Content-Disposition"] == f'attachment; filename="{PLAN}-1.json"'
        found: dict[str, Any] = await response.json()
        return found


async def take(client: Client, unit: int, kind: str = "sold") -> None:
    def claim(tx: Any) -> None:
        tx.run(
            "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
            "VALUES (:e, 1, :u, :kind, '', '', 1, :rev)",
            e=EVENT,
            u=unit,
            kind=kind,
            rev=tx.next_rev(EVENT),
        )

    await client.app[CENTRE].write(claim)


# --- looking


@pytest.mark.usefixtures("manager")
async def test_the_list_tells_the_venue_and_the_plans_of_the_catalogue(client: Client) -> None:
    page = await page_of(client, PLANS)
    assert "Asia/Shanghai" in page
    assert "Opera House" in page
    assert "1,260" in page
    assert "Swan Lake" in page
    assert "catalogue at the command line" in page


@pytest.mark.usefixtures("manager")
async def test_a_plan_is_drawn_with_its_stage_rows_and_areas(client: Client) -> None:
    page = await page_of(client, f"{PLANS}/one?id={PLAN}")
    drawing = page[page.index('<svg class="plan-drawing"') :].partition("</svg>")[0]
    assert ">Stage<" in drawing
    assert drawing.count("h0") == 1_200, "a dot for every seat"
    assert "Stalls Centre" in page
    assert "style=" not in drawing
    assert "<script" not in drawing
    assert "http" not in drawing.replace("/console", "")


@pytest.mark.usefixtures("manager")
async def test_a_close_up_shows_one_area(client: Client) -> None:
    plan = await plan_of_event(client)
    area = plan.areas[0]
    page = await page_of(client, f"{PLANS}/one?id={PLAN}&area={area.id}")
    drawing = page[page.index('<svg class="plan-drawing"') :].partition("</svg>")[0]
    assert drawing.count("h0") == area.capacity


@pytest.mark.parametrize(
    "asked",
    ["id=nowhere", f"id={PLAN}&version=2", f"id={PLAN}&version=x", f"id={PLAN}&version=0", ""],
)
@pytest.mark.usefixtures("manager")
async def test_what_is_not_there_is_not_found(client: Client, asked: str) -> None:
    for page in ("one", "file"):
        async with client.get(f"{PLANS}/{page}?{asked}") as response:
            assert response.status == 404


# --- uploading and saving


async def test_a_plan_of_pretix_is_seen_before_it_is_saved_and_then_is_there(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    status, draft, _ = await upload(manager, town_hall())
    assert status == 303
    page = await page_of(client, draft)
    assert "not saved yet" in page
    assert "Town hall" in page
    assert "Galerie für Gäste" in page
    assert "1 drawing of it is left out" in page
    assert '{"units": [[1, 8]]}' in page, "the places of the category Front"
    assert await versions(client, "town-hall") == []
    status, _ = await confirm(manager, draft)
    assert status == 303
    page = await page_of(client, f"{PLANS}/one?id=town-hall")
    assert "pretix plan" in page
    assert "Front" in page
    (deed,) = await deeds(client, house, "plan_saved")
    assert deed["about"] == "plan:town-hall"
    assert deed["actor"]["kind"] == "person"
    assert deed["after"]["version"] == 1
    assert deed["after"]["places"] == 30
    assert "before" not in deed


async def test_a_plan_of_ours_becomes_the_next_version_and_its_event_gets_it(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, gate: NodeAtTest
) -> None:
    document = await sample(client)
    document["plan"]["areas"][0]["name"]["en"] = "The Front Stalls"
    await take(client, document["plan"]["areas"][0]["rows"][0]["first_unit"])
    status, draft, _ = await upload(manager, document)
    assert status == 303
    page = await page_of(client, draft)
    assert "version 1, 1,260 places" in page
    assert "Swan Lake" in page
    status, _ = await confirm(manager, draft)
    assert status == 303
    assert (await plan_of_event(client)).areas[0].name.in_language("en") == "The Front Stalls"
    assert await versions(client, PLAN) == [2, 1]
    _, said = await gate.call("GET", f"/v1/pull?after={EVENT}:0")
    told = [r[2]["body"] for r in said["streams"][EVENT]["rows"] if r[0] == "doc"]
    assert told[-1]["plan"]["areas"][0]["name"]["en"] == "The Front Stalls"
    (deed,) = await deeds(client, house, "plan_saved")
    assert (deed["before"]["version"], deed["after"]["version"]) == (1, 2)
    assert deed["before"]["digest"] != deed["after"]["digest"]
    assert deed["after"]["events"] == [EVENT]
    old = await page_of(client, f"{PLANS}/one?id={PLAN}&version=1")
    assert "there is a newer one" in old
    assert "The Front Stalls" not in old
    assert "(another version)" in old


async def test_a_catalogue_with_one_plan_is_taken_too(
    client: Client, manager: PersonAtTest
) -> None:
    plan = (await sample(client))["plan"]
    await save(manager, {"format": "boxgate-catalogue-1", "plans": [plan]}, "second-hall")
    assert await versions(client, "second-hall") == [1]


async def test_the_same_plan_again_makes_no_version(client: Client, manager: PersonAtTest) -> None:
    await save(manager, await sample(client))
    assert await versions(client, PLAN) == [1]


async def test_the_next_version_of_a_pretix_plan_keeps_the_numbers_of_rows_that_stay(
    client: Client, manager: PersonAtTest
) -> None:
    await save(manager, town_hall())
    first = town_hall()
    first["zones"][0]["rows"].append(row("Stalls", "0", 100, range(1, 3)))
    await save(manager, first)
    second = town_hall()
    second["zones"][1]["rows"].append(row("Balcony", "B", 30, range(1, 4), category=""))
    await save(manager, second)
    stored = await client.app[CENTRE].read(lambda c: read_stored_plan(c, "town-hall"))
    assert stored is not None
    units = {(seat.row, seat.label): seat.unit for seat in stored.plan.seats}
    assert units["1", "1"] == 1
    assert units["A", "6"] == 30
    assert units["B", "1"] == 33, "31 and 32 were another row's"


async def test_many_seats_are_drawn_as_areas_that_lead_to_their_seats(
    client: Client, manager: PersonAtTest
) -> None:
    status, draft, page = await upload(manager, of_seats(7_500))
    assert status == 303, page
    async with client.get(draft) as response:
        body = await response.read()
    assert len(body) < 30_000
    assert b"drawn as areas" in body
    assert body.count(b"<polygon") == 3
    leads = html.unescape(re.search(rb'<a href="([^"]+)" aria-label="Block 3"', body)[1].decode())  # type: ignore[index]
    async with client.get(leads) as response:
        close_up = await response.read()
    assert close_up.count(b"h0") == 2_500


# --- what is refused


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "choose a file", id="nothing"),
        pytest.param(b"\xff\xfe", "not JSON", id="no UTF-8"),
        pytest.param(b"{", "not JSON", id="cut off"),
        pytest.param(b'{"zones": NaN}', "not JSON", id="no number"),
        pytest.param(b'{"zones": [], "zones": []}', "not JSON", id="a key twice"),
        pytest.param(b"[" * 100_000, "not JSON", id="nested deeply"),
        pytest.param(b"9" * 5_000, "not JSON", id="many digits"),
        pytest.param(b"[]", "neither a plan of ours", id="a list"),
        pytest.param(b'{"format": "other"}', "neither a plan of ours", id="another format"),
        pytest.param(b'{"name": "\xe5\x8e\x85", "zones": []}', "Give the plan an id", id="no id"),
    ],
)
async def test_what_is_no_plan_file_is_refused(
    manager: PersonAtTest, data: bytes, said: str
) -> None:
    status, _, page = await upload(manager, data)
    assert status == 400
    assert said in page


async def test_faults_are_listed_with_their_places_and_nothing_is_kept(
    client: Client, manager: PersonAtTest
) -> None:
    document = town_hall()
    for seat in document["zones"][0]["rows"][4]["seats"]:
        del seat["seat_guid"]
    status, _, page = await upload(manager, document)
    assert status == 400
    assert "<code>zones[0].rows[4].seats[3]</code>" in page
    assert 'has no "seat_guid"' in page
    assert "the file has faults" in page
    document = await sample(client)
    document["plan"]["areas"][2]["rows"][4]["seats"][1]["x"] = "12"
    status, _, page = await upload(manager, document)
    assert status == 400
    assert "<code>plan.areas[2].rows[4].seats[1].x</code>" in page
    two = {"format": "boxgate-catalogue-1", "plans": [document["plan"]] * 2}
    status, _, page = await upload(manager, two)
    assert status == 400
    assert "must hold 1 to 1 plan" in page


async def test_an_id_that_is_none_is_refused(client: Client, manager: PersonAtTest) -> None:
    for document in (town_hall(), await sample(client)):
        status, _, page = await upload(manager, document, "../x")
        assert status == 400
        assert "Give the plan an id" in page
        assert 'value="../x"' in page


async def test_names_that_look_like_pages_are_shown_as_text(
    client: Client, manager: PersonAtTest
) -> None:
    evil = '"><script>alert(1)</script>'
    document = town_hall()
    document["name"] = evil
    document["zones"][0]["name"] = f"{evil} {{{{ 7 * 7 }}}} <image href=//x>"
    document["zones"][0]["rows"][0]["row_number"] = "<b>'\"&"
    document["categories"][0]["name"] = evil
    for each in document["zones"][0]["rows"]:
        for seat in each["seats"]:
            seat["category"] = "" if seat["category"] == "Front" else seat["category"]
    status, draft, _ = await upload(manager, document, "evil")
    assert status == 303
    async with client.get(draft) as response:
        body = await response.text()
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<script>alert" not in body
    assert "<image" not in body
    assert "<b>" not in body
    assert "{{ 7 * 7 }}" in body
    status, _ = await confirm(manager, draft)
    assert status == 303
    for path in (PLANS, f"{PLANS}/one?id=evil", f"{PLANS}/one?id=evil&area=%3Cscript%3E"):
        async with client.get(path) as response:
            assert "<script>alert" not in await response.text()


async def test_a_form_of_another_visit_is_refused(client: Client, manager: PersonAtTest) -> None:
    for token in ("", "0" * 43):
        status, _, page = await upload(manager, town_hall(), token=token)
        assert status == 403
        assert "out of date" in page
    status, draft, _ = await upload(manager, town_hall())
    assert status == 303
    async with await manager.post(
        f"{PLANS}/save", {"id": draft.rpartition("=")[2], "form_token": "0" * 43}
    ) as response:
        assert response.status == 403
    assert await versions(client, "town-hall") == []


async def test_a_file_beyond_the_limit_is_not_read(manager: PersonAtTest) -> None:
    token = await manager.form_token(PLANS)
    big = b" " * plans.UPLOAD_BYTES_MAX
    status, _, page = await upload(manager, big, token=token)
    assert status == 413
    assert "too large" in page


async def test_a_body_without_a_length_ends_at_its_own_routes_limit(client: Client) -> None:
    """The largest route's limit is not everybody's: a stranger's sign-in is cut off long before."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = "POST /console/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"x" * 65_536
    writer.write(head.encode() + b"10000\r\n" + piece + b"\r\n")  # and the body goes on
    await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_second_file_at_the_same_time_waits_for_another_moment(
    client: Client, manager: PersonAtTest
) -> None:
    token = await manager.form_token(PLANS)
    async with client.app[plans.PLAN_DESK].reading:
        status, _, page = await upload(manager, town_hall(), token=token)
    assert status == 503
    assert "busy" in page


async def test_an_upload_is_its_persons_own_and_is_saved_once(
    client: Client, manager: PersonAtTest
) -> None:
    status, draft, _ = await upload(manager, town_hall())
    assert status == 303
    assert (await confirm(manager, draft))[0] == 303
    status, page = await confirm(manager, draft)
    assert status == 409
    assert "no longer kept" in page
    status, draft, _ = await upload(manager, town_hall(), "again")
    admin = await signed_in_as(client, PersonRole.ADMIN)
    async with client.get(draft) as response:
        assert response.status == 409
    assert (await confirm(admin, draft))[0] == 409
    assert await versions(client, "again") == []


async def test_an_upload_ends_after_an_hour(
    client: Client, manager: PersonAtTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, draft, _ = await upload(manager, town_hall())
    assert status == 303
    monkeypatch.setattr(plan_store, "DRAFT_LIFE_MS", -DRAFT_LIFE_MS)
    assert (await confirm(manager, draft))[0] == 409
    assert await versions(client, "town-hall") == []


async def test_a_version_that_somebody_saved_meanwhile_is_not_overwritten(
    client: Client, manager: PersonAtTest
) -> None:
    document = await sample(client)
    document["plan"]["name"]["en"] = "Opera"
    status, draft, _ = await upload(manager, document)
    assert status == 303
    document["plan"]["name"]["en"] = "Grand Opera"
    other = (await plan_of_event(client)), document["plan"]

    def import_(tx: Any) -> None:
        plan = plan_store._plan(json.dumps(other[1]))
        plan_store.keep_plan(tx, plan, plan_store.PlanSource.IMPORT)

    await client.app[CENTRE].write(import_)
    status, page = await confirm(manager, draft)
    assert status == 409
    assert "have changed since" in page
    assert await versions(client, PLAN) == [2, 1]


Change = Callable[[dict[str, Any]], None]


def without_a_row(plan: dict[str, Any]) -> None:
    del plan["areas"][0]["rows"][0]


def turned_round(plan: dict[str, Any]) -> None:
    labels = [seat["label"] for seat in plan["areas"][0]["rows"][0]["seats"]]
    for seat, label in zip(plan["areas"][0]["rows"][0]["seats"], labels[::-1], strict=True):
        seat["label"] = label


def with_a_new_row(plan: dict[str, Any]) -> None:
    seats = [{"label": "1", "x": -50, "y": 0}]
    plan["areas"][0]["rows"].append({"label": "99", "first_unit": 9_001, "seats": seats})


def in_english_only(plan: dict[str, Any]) -> None:
    for named in (plan, *plan["areas"]):
        named["name"] = {"en": named["name"]["en"]}


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        pytest.param(without_a_row, "sold", "would be gone: 1, such as", id="sold and gone"),
        pytest.param(without_a_row, "allot", "would be gone: 1, such as", id="lent and gone"),
        pytest.param(without_a_row, "hold", "would be gone: 1, such as", id="held and gone"),
        pytest.param(turned_round, "blocked", "would stand for others", id="blocked and moved"),
        pytest.param(with_a_new_row, "sold", "without a price tier: 1, such as", id="untiered"),
    ],
)
async def test_no_ticket_loses_its_place_by_a_new_plan(
    client: Client, manager: PersonAtTest, change: Change, kind: str, said: str
) -> None:
    document, before = await sample(client), await plan_of_event(client)
    await take(client, document["plan"]["areas"][0]["rows"][0]["first_unit"], kind)
    change(document["plan"])
    status, draft, _ = await upload(manager, document)
    assert status == 303
    page = await page_of(client, draft)
    assert said in page
    assert "Swan Lake" in page
    assert "Save this plan" not in page
    status, page = await confirm(manager, draft)
    assert status == 409
    assert said in page
    assert await plan_of_event(client) == before
    assert await versions(client, PLAN) == [1]


async def test_a_place_that_is_sold_while_somebody_looks_is_not_lost(
    client: Client, manager: PersonAtTest
) -> None:
    document = await sample(client)
    unit = document["plan"]["areas"][0]["rows"][0]["first_unit"]
    without_a_row(document["plan"])
    _, draft, _ = await upload(manager, document)
    assert "Save this plan" in await page_of(client, draft)
    await take(client, unit)
    status, page = await confirm(manager, draft)
    assert status == 409
    assert "would be gone" in page


async def test_a_place_that_nobody_has_may_go(client: Client, manager: PersonAtTest) -> None:
    document = await sample(client)
    without_a_row(document["plan"])
    await save(manager, document)
    plan = await plan_of_event(client)
    assert plan.unit_count < 1_260
    assert plan_document(plan) == document["plan"]


async def test_names_in_other_languages_than_the_houses_are_faults(
    client: Client, manager: PersonAtTest
) -> None:
    document = await sample(client)
    in_english_only(document["plan"])
    status, _, page = await upload(manager, document)
    assert status == 400
    assert "<code>plan.name</code>" in page


async def weighed_draft(client: Client, manager: PersonAtTest) -> tuple[Draft, Weighed]:
    """What a confirmation has read when it comes to the writer."""
    document = await sample(client)
    document["plan"]["name"]["en"] = "Opera"
    _, draft_path, _ = await upload(manager, document)
    centre = client.app[CENTRE]

    def look(connection: Any) -> tuple[Draft, Weighed]:
        person_id = connection.execute(text("SELECT person_id FROM plan_draft")).scalar_one()
        draft_id = draft_path.rpartition("=")[2]
        found = read_draft(connection, person_id, draft_id, centre.now_ms())
        assert found is not None
        return found, weigh(connection, load_venue(connection, centre.venue_id), found)

    looked: tuple[Draft, Weighed] = await centre.read(look)
    assert looked[1].reasons == ()
    return looked


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param("UPDATE doc SET rev = rev + 1000 WHERE kind = 'event'", id="event"),
        pytest.param("DELETE FROM plan_draft", id="saved by another click"),
        pytest.param("UPDATE plan SET version = 7", id="plan"),
    ],
)
async def test_what_changed_between_the_last_look_and_the_writing_is_noticed(
    client: Client, manager: PersonAtTest, meanwhile: str
) -> None:
    draft, weighed = await weighed_draft(client, manager)
    centre, nobody = client.app[CENTRE], Actor("person", "test")
    await centre.write(lambda tx: tx.run(meanwhile))
    answer = await centre.write(lambda tx: save_plan(tx, draft, weighed, nobody, "Test"))
    assert [reason.against for reason in answer] == [Against.CHANGED]
    assert (await plan_of_event(client)).name.in_language("en") == "Opera House"


async def test_what_did_not_change_is_saved(client: Client, manager: PersonAtTest) -> None:
    draft, weighed = await weighed_draft(client, manager)
    centre, nobody = client.app[CENTRE], Actor("person", "test")
    answer = await centre.write(lambda tx: save_plan(tx, draft, weighed, nobody, "Test"))
    assert answer == SavedPlan(2, 1)


# --- rights


@pytest.mark.parametrize("role", [PersonRole.AUDITOR])
async def test_an_auditor_looks_and_changes_nothing(client: Client, role: PersonRole) -> None:
    auditor = await signed_in_as(client, role)
    page = await page_of(client, PLANS)
    assert "Opera House" in page
    assert "Upload" not in page
    await page_of(client, f"{PLANS}/one?id={PLAN}")
    status, _, _ = await upload(auditor, town_hall(), form_of="/console/me")
    assert status == 403
    assert (await post(auditor, f"{PLANS}/save", {"id": "0" * 32}))[0] == 403
    async with client.get(f"{PLANS}/draft?id=0") as response:
        assert response.status == 403


@pytest.mark.parametrize("role", [PersonRole.CASHIER, PersonRole.SECURITY, PersonRole.AGENT])
async def test_others_see_nothing(client: Client, role: PersonRole) -> None:
    await signed_in_as(client, role)
    for path in (PLANS, f"{PLANS}/one?id={PLAN}", f"{PLANS}/file?id={PLAN}", f"{PLANS}/draft?id=0"):
        async with client.get(path) as response:
            assert response.status == 403
