"""The console over HTTP: who gets in, what they see, and what no page lets out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import sqlalchemy
from aiohttp.test_utils import TestClient, TestServer

from sync_server.console import live
from sync_server.console.figures import FIGURES
from sync_server.console.live import BULLETIN
from sync_server.handlers.state import CENTRE, LIMITS
from sync_server.services.limits import Limit
from sync_server.services.people import Person, add_person, hash_password
from sync_server.services.permissions import PersonRole
from sync_server.settings import ConsoleSettings, Settings
from tests.integration.sync_server.support import FORM_HEADERS, HouseOnDisk, PersonAtTest, app_of

Client = TestClient[Any, Any]
SESSION = "boxgate_session"


async def text_of(client: Client, path: str, **headers: str) -> str:
    async with client.get(path, headers=headers) as response:
        assert response.status == 200, response.status
        return await response.text()


def heading_of(html: str) -> str:
    found = re.search(r"<h1[^>]*>([^<]*)</h1>", html)
    assert found is not None
    return found[1]


async def change(client: Client, sql: str, **values: object) -> None:
    await client.app[CENTRE].write(lambda tx: tx.run(sql, **values))


# --- signing in


@pytest.mark.usefixtures("manager")
async def test_the_manager_signs_in_and_sees_that_all_is_accounted_for(client: Client) -> None:
    html = await text_of(client, "/console/")
    assert heading_of(html) == "All accounted for"
    assert "Seaview Grand Theatre" in html
    assert html.count("Swan Lake") >= 5
    assert "Window 2" in html
    assert "陈静 Chen Jing" in html


async def test_the_servers_address_leads_to_the_sign_in(client: Client) -> None:
    assert heading_of(await text_of(client, "/")) == "Sign in"


async def test_without_a_session_the_overview_leads_to_the_sign_in(client: Client) -> None:
    async with client.get("/console/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/console/login")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        pytest.param("manager", "wrong", id="a wrong password"),
        pytest.param("nobody", "wrong", id="nobody of that name"),
        pytest.param("li.na", "", id="a cashier, who has no password"),
        pytest.param("", "", id="nothing"),
        pytest.param("manager", "x" * 300, id="a very long password"),
    ],
)
async def test_a_wrong_sign_in_says_the_same_whatever_was_wrong(
    visitor: PersonAtTest, login: str, password: str
) -> None:
    async with await visitor.sign_in(login, password) as response:
        assert response.status == 401
        assert "Login and password do not belong together." in await response.text()
        assert SESSION not in response.cookies


async def test_a_role_without_the_console_is_not_let_in(
    client: Client, visitor: PersonAtTest
) -> None:
    guard = Person("0" * 16, "guard", "Guard", PersonRole.SECURITY)
    hashed = hash_password("right")
    await client.app[CENTRE].write(
        lambda tx: add_person(tx, "seaview", guard, password_hash=hashed)
    )
    async with await visitor.sign_in("guard", "right") as response:
        assert response.status == 401


async def test_the_sessions_cookie_is_out_of_reach_of_scripts_and_other_sites(
    visitor: PersonAtTest, house: HouseOnDisk
) -> None:
    async with await visitor.sign_in("manager", house.password) as response:
        cookie = response.cookies[SESSION]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert not cookie["secure"]  # plain HTTP on loopback


async def test_behind_a_proxy_cookies_are_for_https_only(house: HouseOnDisk) -> None:
    settings = Settings(data_dir=house.settings.data_dir, behind_proxy=True)
    async with TestClient(TestServer(app_of(house, settings))) as client:
        page = await client.get("/console/login")
        visit = page.cookies["boxgate_visit"]
        assert visit["secure"]
        token = re.search(r'name="form_token" value="([^"]+)"', await page.text())
        assert token is not None
        fields = {"login": "manager", "password": house.password, "form_token": token[1]}
        async with client.post(
            "/console/login",
            data=urlencode(fields),
            headers={**FORM_HEADERS, "Cookie": f"boxgate_visit={visit.value}"},
            allow_redirects=False,
        ) as response:
            assert response.status == 303
            cookie = response.cookies["__Host-boxgate_session"]
    assert cookie["secure"]
    assert cookie["path"] == "/"


async def test_only_a_hash_of_the_sessions_token_is_kept(
    client: Client, visitor: PersonAtTest, house: HouseOnDisk
) -> None:
    async with await visitor.sign_in("manager", house.password) as response:
        token = response.cookies[SESSION].value
    rows = await client.app[CENTRE].write(lambda tx: tx.rows("SELECT * FROM console_session"))
    assert len(rows) == 1
    assert token not in str(rows)


async def test_signing_out_ends_the_session_itself(client: Client, manager: PersonAtTest) -> None:
    jar = {c.key: c.value for c in client.session.cookie_jar}
    token = await manager.form_token("/console/")
    async with await manager.post("/console/logout", {"form_token": token}) as response:
        assert response.headers["Location"] == "/console/login"
    headers = {"Cookie": f"{SESSION}={jar[SESSION]}"}
    async with client.get("/console/", headers=headers, allow_redirects=False) as response:
        assert response.status == 303


@pytest.mark.usefixtures("manager")
async def test_a_session_ends_when_its_time_is_up(client: Client) -> None:
    await text_of(client, "/console/")
    await change(client, "UPDATE console_session SET expires_ms = 1")
    async with client.get("/console/", allow_redirects=False) as response:
        assert response.status == 303


@pytest.mark.usefixtures("manager")
async def test_a_session_ends_when_the_person_leaves(client: Client) -> None:
    await change(client, "UPDATE person SET state = 'left'")
    async with client.get("/console/", allow_redirects=False) as response:
        assert response.status == 303


async def session_end(client: Client) -> int:
    row = await client.app[CENTRE].write(
        lambda tx: tx.row("SELECT expires_ms, created_ms FROM console_session")
    )
    assert row is not None
    return int(row[0])


@pytest.mark.usefixtures("manager")
async def test_using_a_session_keeps_it_and_the_pages_own_refresh_does_not(client: Client) -> None:
    await change(client, "UPDATE console_session SET expires_ms = expires_ms - 600000")
    shortened = await session_end(client)
    await text_of(client, "/console/", **{"X-Boxgate-Refresh": "1"})
    assert await session_end(client) == shortened
    await text_of(client, "/console/")
    assert await session_end(client) >= shortened + 590_000


async def test_no_use_keeps_a_session_beyond_its_absolute_limit(house: HouseOnDisk) -> None:
    settings = Settings(
        data_dir=house.settings.data_dir,
        console=ConsoleSettings(idle_minutes=60, session_hours=1),
    )
    async with TestClient(TestServer(app_of(house, settings))) as client:
        visitor = PersonAtTest(client)
        client.session.cookie_jar._unsafe = True  # type: ignore[attr-defined]
        async with await visitor.sign_in("manager", house.password) as response:
            assert response.status == 303
        # 100 seconds are left of its hour, and unused it would end in 10.
        await change(
            client,
            "UPDATE console_session SET created_ms = created_ms - 3500000, "
            "expires_ms = created_ms - 3500000 + 3510000",
        )
        await text_of(client, "/console/")
        row = await client.app[CENTRE].write(
            lambda tx: tx.row("SELECT expires_ms - created_ms FROM console_session")
        )
        assert row is not None
        assert int(row[0]) == 3_600_000


# --- guessing


@pytest.fixture
async def impatient(client: Client) -> Client:
    """A server that makes a guesser wait for long, so that no test depends on how fast it runs."""
    limits = client.app[LIMITS]
    object.__setattr__(limits, "sign_in_pair", Limit(3, 3_600))
    return client


async def status_of(call: Awaitable[aiohttp.ClientResponse]) -> int:
    async with await call as response:
        return response.status


@pytest.mark.usefixtures("impatient")
async def test_guessing_a_password_is_slowed_down(
    visitor: PersonAtTest, house: HouseOnDisk
) -> None:
    for _ in range(3):
        async with await visitor.sign_in("manager", "guess") as response:
            assert response.status == 401
    async with await visitor.sign_in("manager", house.password) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
        assert "Too many tries" in await response.text()


async def test_a_guesser_elsewhere_does_not_lock_out_a_known_device(
    impatient: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    device = {c.key: c.value for c in impatient.session.cookie_jar}["boxgate_device"]
    impatient.session.cookie_jar.clear()
    statuses = [await status_of(manager.sign_in("manager", "guess")) for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    impatient.session.cookie_jar.update_cookies({"boxgate_device": device})
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 303


@pytest.mark.usefixtures("impatient")
async def test_a_device_of_one_person_is_not_known_for_another(manager: PersonAtTest) -> None:
    statuses = [await status_of(manager.sign_in("li.na", "guess")) for _ in range(4)]
    assert statuses == [401, 401, 401, 429]


@pytest.mark.usefixtures("impatient")
async def test_a_right_sign_in_makes_earlier_typing_mistakes_good(
    visitor: PersonAtTest, house: HouseOnDisk
) -> None:
    for _ in range(3):
        for _ in range(2):
            async with await visitor.sign_in("manager", "typo") as response:
                assert response.status == 401
        async with await visitor.sign_in("manager", house.password) as response:
            assert response.status == 303


# --- forms from elsewhere


async def test_a_form_without_its_token_does_nothing(client: Client, manager: PersonAtTest) -> None:
    for token in ({}, {"form_token": ""}, {"form_token": "0" * 64}, {"form_token": "é"}):
        async with await manager.post("/console/logout", token) as response:
            assert response.status == 403
    assert heading_of(await text_of(client, "/console/")) == "All accounted for"


async def test_a_sign_in_form_of_another_visit_is_refused(
    client: Client, visitor: PersonAtTest, house: HouseOnDisk
) -> None:
    token = await visitor.form_token("/console/login")
    client.session.cookie_jar.clear()
    fields = {"login": "manager", "password": house.password, "form_token": token}
    async with await visitor.post("/console/login", fields) as response:
        assert response.status == 403
        assert "form is out of date" in await response.text()


async def test_a_form_that_another_site_sends_is_refused(
    client: Client, manager: PersonAtTest
) -> None:
    token = await manager.form_token("/console/")
    async with client.post(
        "/console/logout",
        data=urlencode({"form_token": token}),
        headers={**FORM_HEADERS, "Sec-Fetch-Site": "cross-site"},
    ) as response:
        assert response.status == 403


# --- what pages carry


@pytest.mark.usefixtures("manager")
async def test_pages_forbid_scripts_and_styles_of_others(client: Client) -> None:
    async with client.get("/console/") as response:
        policy = response.headers["Content-Security-Policy"]
        html = await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "aiohttp" not in response.headers["Server"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "style=" not in html
    assert re.search(r"\son[a-z]+=", html) is None
    assert re.search(r"<script(?![^>]*src=)", html) is None


@pytest.mark.parametrize("name", ["console.css", "console.js", "theme.css", "favicon.svg"])
async def test_what_pages_load_is_there_and_is_sent_once(client: Client, name: str) -> None:
    async with client.get(f"/console/static/{name}") as response:
        assert response.status == 200
        tag = response.headers["ETag"]
    async with client.get(f"/console/static/{name}", headers={"If-None-Match": tag}) as response:
        assert response.status == 304


async def test_a_browser_keeps_what_pages_load_by_the_mark_of_its_content(client: Client) -> None:
    async with client.get("/console/login") as response:
        addresses = re.findall(r'"(/console/static/[^"]+)"', await response.text())
    assert len(addresses) == 3
    for address in addresses:
        async with client.get(address) as response:
            assert (response.status, "immutable" in response.headers["Cache-Control"]) == (
                200,
                True,
            )
        async with client.get(f"{address}0") as response:
            assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["pages.py", "..%2Fpages.py", "x"])
async def test_nothing_else_is_sent(client: Client, name: str) -> None:
    async with client.get(f"/console/static/{name}") as response:
        assert response.status == 404


async def test_an_unknown_page_says_so_in_html(client: Client) -> None:
    async with client.get("/console/nothing") as response:
        assert (response.status, response.content_type) == (404, "text/html")
        assert heading_of(await response.text()) == "There is no such page."


@pytest.mark.expected_errors("request_failed")
@pytest.mark.usefixtures("manager")
async def test_a_defect_shows_no_traceback(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync_server.console.pages.make_overview", lambda *_: 1 / 0)
    async with client.get("/console/") as response:
        html = await response.text()
        assert response.status == 500
        assert response.headers["X-Request-Id"] in html
    assert "Traceback" not in html
    assert "ZeroDivisionError" not in html


# --- languages


async def test_the_page_speaks_the_browsers_language(client: Client) -> None:
    chinese = await text_of(client, "/console/login", **{"Accept-Language": "zh-CN,zh;q=0.9"})
    english = await text_of(client, "/console/login", **{"Accept-Language": "de-DE,en;q=0.5"})
    assert '<html lang="zh-Hans">' in chinese
    assert '<html lang="en">' in english


async def test_a_chosen_language_stays(client: Client) -> None:
    assert '<html lang="zh-Hans">' in await text_of(client, "/console/login?lang=zh")
    assert '<html lang="zh-Hans">' in await text_of(client, "/console/login")
    assert '<html lang="en">' in await text_of(client, "/console/login?lang=en")


@pytest.mark.parametrize("lang", ["xx", "../../etc", ""])
async def test_an_unknown_language_is_ignored(client: Client, lang: str) -> None:
    assert '<html lang="en">' in await text_of(client, f"/console/login?lang={lang}")


# --- the books


@pytest.mark.usefixtures("manager")
async def test_programs_read_the_books_as_json(client: Client) -> None:
    async with client.get("/console/books.json") as response:
        assert response.content_type == "application/json"
        books = await response.json()
    assert books["balanced"] is True
    first = books["units"][0]
    assert first["capacity"] == first["free"] + first["lent"] + first["sold"] + first["blocked"]
    assert (first["capacity"], first["lent"], first["balanced"]) == (1_260, 36, True)
    assert [node["name"] for node in books["nodes"]] == ["Window 2"]


async def test_the_books_are_closed_to_strangers_and_to_nodes(client: Client, till: Any) -> None:
    for headers in (None, till.bearer):
        async with client.get("/console/books.json", headers=headers) as response:
            assert response.status == 401
            assert (await response.json())["code"] in ("not_signed_in", "token_invalid")


@pytest.mark.usefixtures("manager")
async def test_what_does_not_add_up_comes_first(client: Client) -> None:
    await change(client, "UPDATE node SET unsynced_count = 4 WHERE name = 'Window 2'")
    await change(
        client,
        "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
        "VALUES ('swan-lake', 'fork:x', 'fork', 'open', 1, '{}', 9999)",
    )
    await change(
        client,
        "UPDATE claim SET kind = 'sold' WHERE unit = (SELECT min(unit) FROM claim)",
    )
    html = await text_of(client, "/console/")
    assert heading_of(html) == "3 things are open"
    assert "Window 2: 4 records wait to be sent" in html
    assert "places sold 1, valid tickets 0" in html
    assert "Swan Lake — National Ballet: A node&#39;s journal contradicts" in html
    assert html.index('class="differs"') < html.index("1,260")
    async with client.get("/console/books.json") as response:
        assert (await response.json())["balanced"] is False


@pytest.mark.usefixtures("manager")
async def test_names_from_outside_are_text_and_not_markup(client: Client) -> None:
    await change(client, "UPDATE node SET name = '<script>alert(1)</script>'")
    html = await text_of(client, "/console/")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


# --- news


async def _event(response: aiohttp.ClientResponse) -> str:
    """The next event's name; comments and the first line are passed over."""
    while True:
        line = (await asyncio.wait_for(response.content.readline(), 20)).decode()
        if line.startswith("event: "):
            return line.removeprefix("event: ").strip()
        assert line, "the stream has ended"


@pytest.mark.usefixtures("manager")
async def test_who_listens_hears_of_a_change_and_when_the_session_is_over(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_PERIOD_S", 0.01)
    monkeypatch.setattr(live, "BEAT_PERIOD_S", 0.2)
    async with client.get("/console/live") as response:
        assert response.content_type == "text/event-stream"
        assert await _event(response) == "news"  # the first look
        await change(client, "UPDATE node SET unsynced_count = 3 WHERE name = 'Window 2'")
        assert await _event(response) == "news"
        await change(client, "DELETE FROM console_session")
        assert await _event(response) == "over"
        assert await response.content.read() == b"data:\n\n"
    assert client.app[BULLETIN].has_listeners is False


@pytest.mark.usefixtures("manager")
async def test_a_page_hears_what_changed_between_its_making_and_its_listening(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_PERIOD_S", 0.01)
    found = re.search(r'<body data-news="([^"]+)">', await text_of(client, "/console/"))
    assert found is not None
    client.app[BULLETIN].tell()
    async with client.get(found[1]) as response:
        said = [await response.content.readline() for _ in range(3)]
    assert said[2] == b"event: news\n"  # before it says for the first time that it lives


@pytest.mark.usefixtures("manager")
async def test_a_page_that_missed_nothing_hears_nothing_at_first(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_PERIOD_S", 0.01)
    monkeypatch.setattr(client.app[FIGURES], "books", asyncio.Event().wait)  # it never looks
    heard = client.app[BULLETIN].told_count
    page = await text_of(client, "/console/me")
    assert f'data-news="/console/live?heard={heard}"' in page
    async with client.get(f"/console/live?heard={heard}") as response:
        said = [await response.content.readline() for _ in range(3)]
    assert said[2] == b": still here\n"


@pytest.mark.usefixtures("manager")
async def test_too_many_listeners_are_told_to_look_by_themselves(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LISTENERS_MAX", 0)
    async with client.get("/console/live") as response:
        assert response.status == 204


@pytest.mark.usefixtures("manager")
async def test_listening_keeps_no_session_alive(client: Client) -> None:
    old = "UPDATE console_session SET created_ms = created_ms - 600000, expires_ms = :soon"
    soon = round(time.time() * 1000) + 120_000
    await change(client, old, soon=soon)
    headers = {"Accept": "text/event-stream"}
    async with client.get("/console/live", headers=headers) as response:
        assert response.status == 200
        rows = await client.app[CENTRE].read(
            lambda c: c.execute(sqlalchemy.text("SELECT expires_ms FROM console_session")).all()
        )
        assert [int(row[0]) for row in rows] == [soon]


async def test_nobody_listens_without_a_session(client: Client) -> None:
    async with client.get("/console/live") as response:
        assert response.status == 401
