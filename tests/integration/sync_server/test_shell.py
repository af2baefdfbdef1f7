"""What every request goes through: default deny, limits, errors without secrets, a clean log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.exc import OperationalError

from sync_server.handlers import middlewares
from sync_server.handlers.addresses import address_of
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, SETTINGS
from sync_server.services.sessions import SessionLimits, begin_session
from sync_server.settings import Settings
from sync_server.store.errors import StoreBusy
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest, app_of

Client = TestClient[Any, Any]


async def test_an_address_without_a_permission_opens_to_nobody(house: HouseOnDisk) -> None:
    async def forgotten(_request: web.Request) -> web.Response:
        return web.Response(text="secret")

    app = app_of(house)
    app.router.add_get("/v1/forgotten", forgotten)
    async with TestClient(TestServer(app)) as client, client.get("/v1/forgotten") as response:
        assert response.status == 403
        assert "secret" not in await response.text()


def test_a_route_cannot_be_made_without_a_permission() -> None:
    with pytest.raises(TypeError):
        route("GET", "/v1/x")  # type: ignore[call-arg]


async def test_a_person_without_the_permission_is_told_so(client: Client) -> None:
    def sign_in_cashier(tx: Any) -> str:
        row = tx.row("SELECT id FROM person WHERE login = 'li.na'")
        return begin_session(tx, row[0], SessionLimits(60_000, 60_000))

    token = await client.app[CENTRE].write(sign_in_cashier)
    headers = {"Cookie": f"boxgate_session={token}"}
    async with client.get("/console/", headers=headers) as response:
        assert response.status == 403
        assert "your role does not include this page" in await response.text()
    async with client.get("/console/books.json", headers=headers) as response:
        assert (await response.json())["code"] == "forbidden"


async def test_only_so_many_sessions_of_a_person_live(client: Client) -> None:
    def sign_in_often(tx: Any) -> int:
        for _ in range(25):
            begin_session(tx, "0123456789abcdef", SessionLimits(60_000, 60_000))
        return int(tx.row("SELECT count(*) FROM console_session")[0])

    assert await client.app[CENTRE].write(sign_in_often) == 20


async def test_a_busy_server_says_when_to_come_back(
    client: Client, manager: PersonAtTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_work: object) -> None:
        raise StoreBusy("the server is busy; try again")

    del manager
    monkeypatch.setattr(client.app[CENTRE], "read", busy)
    async with client.get("/console/books.json") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert (await response.json())["code"] == "busy"
    async with client.get("/console/") as response:
        assert response.status == 503
        assert "busy" in await response.text()


@pytest.mark.expected_errors("database_failed")
async def test_a_database_that_fails_shows_no_statement_and_no_value(
    client: Client, manager: PersonAtTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_work: object) -> None:
        raise OperationalError("SELECT hush", {"p": "hush"}, RuntimeError("hush"))

    del manager
    monkeypatch.setattr(client.app[CENTRE], "read", fail)
    async with client.get("/console/books.json") as response:
        assert response.status == 503
        text = await response.text()
    assert "store_unavailable" in text
    assert "hush" not in text


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middlewares, "BODY_TIMEOUT_S", 0.01)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    async with client.post("/v1/enrol", data=slow()) as response:
        assert response.status == 408
        assert (await response.json())["code"] == "too_slow"
    never.set()


async def test_a_caller_who_goes_away_within_a_request_is_no_defect(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(_request: web.BaseRequest) -> bytes:
        raise ConnectionResetError("Connection lost")

    monkeypatch.setattr(web.BaseRequest, "read", gone)
    async with client.post("/v1/enrol", data=b"{}") as response:
        assert response.status == 400
    assert logging.ERROR not in [record.levelno for record in caplog.records]


async def test_the_log_has_ids_and_no_secrets(
    client: Client,
    till: NodeAtTest,
    manager: PersonAtTest,
    house: HouseOnDisk,
    caplog: pytest.LogCaptureFixture,
) -> None:
    del manager
    async with client.get("/console/?lang=en&hush=hush", headers=till.bearer):
        pass
    await till.call("POST", "/v1/hello", [])
    records = [vars(record) for record in caplog.records if record.name.startswith("sync_server")]
    fields = [record.get("boxgate_fields", {}) for record in records]
    assert any(each.get("node_id") == till.id for each in fields)
    assert any(each.get("person_id") == house.made.sign_ins[0].person.id for each in fields)
    written = str(fields)
    for secret in ("hush", till.token, house.password, "manager", "Window 1"):
        assert secret not in written
    assert logging.ERROR not in [record["levelno"] for record in records]


@pytest.mark.parametrize(
    ("body", "slow_s", "level"),
    [
        pytest.param({"journals": [], "proto": [1]}, 60, logging.DEBUG, id="went well"),
        pytest.param({"journals": [], "proto": [1]}, 0, logging.INFO, id="was slow"),
        pytest.param([], 60, logging.INFO, id="was refused"),
    ],
)
async def test_a_nodes_call_is_logged_for_people_when_something_is_to_be_said_of_it(
    till: NodeAtTest,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    body: object,
    slow_s: float,
    level: int,
) -> None:
    monkeypatch.setattr(middlewares, "SLOW_S", slow_s)
    told = {"now_ms": 0, "unsynced": 0} | body if isinstance(body, dict) else body
    caplog.clear()
    status, _ = await till.call("POST", "/v1/hello", told)
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    assert (line.levelno, vars(line)["boxgate_fields"]["status"]) == (level, status)


async def test_a_request_keeps_the_id_it_came_with_and_gets_one_of_its_own_otherwise(
    client: Client,
) -> None:
    found = []
    for given in ("from-a-proxy-17", "too short", "", "line\tbreak-and-more"):
        async with client.get("/v1/nothing", headers={"X-Request-Id": given}) as response:
            found.append(response.headers["X-Request-Id"])
    assert found[0] == "from-a-proxy-17"
    assert len(set(found)) == 4
    assert all(len(each) == 16 and each.isalnum() for each in found[1:])


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "expected"),
    [
        pytest.param(False, "203.0.113.9", "127.0.0.1", id="nobody is believed"),
        pytest.param(True, "203.0.113.9", "203.0.113.9", id="the proxy is"),
        pytest.param(True, "1.2.3.4, 203.0.113.9", "203.0.113.9", id="only its own word"),
        pytest.param(True, None, "127.0.0.1", id="a proxy that says nothing"),
    ],
)
async def test_a_caller_cannot_choose_the_address_it_is_limited_by(
    *, behind_proxy: bool, forwarded: str | None, expected: str
) -> None:
    async def show(request: web.Request) -> web.Response:
        return web.Response(text=address_of(request))

    app = web.Application()
    app[SETTINGS] = Settings(behind_proxy=behind_proxy)
    app.router.add_get("/", show)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    async with TestClient(TestServer(app)) as client, client.get("/", headers=headers) as response:
        assert await response.text() == expected
