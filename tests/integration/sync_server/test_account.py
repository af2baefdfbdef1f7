"""A person's account: logins that they see and end, a changed password, a code from the phone."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from sync_server.console import sign_in
from sync_server.handlers.state import CENTRE, CHECKS, LIMITS
from sync_server.services.limits import Limit
from sync_server.services.sessions import Origin, SessionLimits, begin_session
from sync_server.services.totp import STEP_S, code_at
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest

Client = TestClient[Any, Any]
ACCOUNT = "/console/me"
NEW = "correct horse battery"


async def status(client: Client, path: str, headers: dict[str, str] | None = None) -> int:
    """Of a page: as the client's own browser, or as another one with these cookies and no others."""
    if headers is None:
        async with client.get(path, allow_redirects=False) as response:
            return response.status
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers=headers) as other,
        other.get(client.make_url(path), allow_redirects=False) as response,
    ):
        return response.status


async def text_of(client: Client, path: str = ACCOUNT) -> str:
    async with client.get(path) as response:
        return await response.text()


async def post(manager: PersonAtTest, part: str, **fields: str) -> tuple[int, str]:
    token = await manager.form_token(ACCOUNT)
    async with await manager.post(f"{ACCOUNT}/{part}", {**fields, "form_token": token}) as response:
        return response.status, await response.text()


async def elsewhere(client: Client, login: str = "manager") -> dict[str, str]:
    """A login of a person at another browser; its cookie."""

    def begin(tx: Any) -> str:
        row = tx.row("SELECT id FROM person WHERE login = :login", login=login)
        limits = SessionLimits(3_600_000, 3_600_000)
        return begin_session(tx, row[0], limits, Origin("192.0.2.9", "Lynx\x00/2.9"))

    return {"Cookie": f"boxgate_session={await client.app[CENTRE].write(begin)}"}


def id_in(page: str) -> str:
    found = re.search(r'name="login" value="([0-9a-f]{16})"', page)
    assert found is not None
    return found[1]


# --- logins


async def test_a_stolen_cookie_is_dead_when_its_login_is_ended(
    client: Client, manager: PersonAtTest
) -> None:
    stolen = await elsewhere(client)
    assert await status(client, ACCOUNT, stolen) == 200
    page = await text_of(client)
    assert "192.0.2.9" in page
    assert "Lynx/2.9" in page
    assert (await post(manager, "logins", login=id_in(page)))[0] == 303
    assert await status(client, ACCOUNT, stolen) == 303
    assert await status(client, ACCOUNT) == 200


async def test_a_stolen_cookie_is_no_token(client: Client, manager: PersonAtTest) -> None:
    stolen = await elsewhere(client)
    bearer = {"Authorization": f"Bearer {stolen['Cookie'].partition('=')[2]}"}
    client.session.cookie_jar.clear()
    assert await status(client, "/console/books.json", bearer) == 401
    assert manager is not None


async def test_all_other_logins_end_together(client: Client, manager: PersonAtTest) -> None:
    others = [await elsewhere(client) for _ in range(3)]
    assert (await post(manager, "logins"))[0] == 303
    assert [await status(client, ACCOUNT, each) for each in others] == [303, 303, 303]
    assert await status(client, ACCOUNT) == 200


async def test_nobody_ends_anothers_login(client: Client, manager: PersonAtTest) -> None:
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE person SET role = 'auditor' WHERE login = 'li.na'")
    )
    other = await elsewhere(client, "li.na")
    row = await client.app[CENTRE].write(
        lambda tx: tx.row("SELECT id FROM console_session WHERE address = '192.0.2.9'")
    )
    assert row is not None
    assert (await post(manager, "logins", login=row[0]))[0] == 303
    assert (await post(manager, "logins"))[0] == 303
    assert await status(client, ACCOUNT, other) == 200


# --- the password


async def test_a_changed_password_ends_every_other_login(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    other = await elsewhere(client)
    assert (await post(manager, "password", old=house.password, new=NEW))[0] == 303
    assert await status(client, ACCOUNT, other) == 303
    assert await status(client, ACCOUNT) == 200
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 401
    async with await manager.sign_in("manager", NEW) as response:
        assert response.status == 303


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("guess", NEW, "is not right"), ("", "short", "is not right")],
)
async def test_without_the_old_password_there_is_no_new_one(
    manager: PersonAtTest, house: HouseOnDisk, old: str, new: str, said: str
) -> None:
    code, page = await post(manager, "password", old=old, new=new)
    assert (code, said in page) == (400, True)
    code, page = await post(manager, "password", old=house.password, new="short")
    assert (code, "at least 12 characters" in page) == (400, True)
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 303


# --- the second factor


async def set_up(manager: PersonAtTest, house: HouseOnDisk) -> bytes:
    """Turn it on; gives the secret."""
    code, page = await post(manager, "second-factor", action="begin", password=house.password)
    assert code == 200
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found is not None
    secret = base64.b32decode(found[1])
    step = int(time.time()) // STEP_S
    code, _ = await post(manager, "second-factor", action="confirm", code=code_at(secret, step - 1))
    assert code == 303
    return secret


async def second_step(manager: PersonAtTest, house: HouseOnDisk) -> dict[str, str]:
    """Sign in as far as the code's form; what it sends along."""
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 200
        page = await response.text()
    return dict(re.findall(r'name="(form_token|pending)" value="([^"]+)"', page))


async def test_with_a_second_factor_the_password_alone_opens_nothing(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    secret = await set_up(manager, house)
    client.session.cookie_jar.clear()
    fields = await second_step(manager, house)
    assert await status(client, ACCOUNT) == 303
    async with await manager.post("/console/login/code", {**fields, "code": "000000"}) as response:
        assert response.status == 401
    code = code_at(secret, int(time.time()) // STEP_S)
    async with await manager.post("/console/login/code", {**fields, "code": code}) as response:
        assert response.status == 303
    assert await status(client, ACCOUNT) == 200
    client.session.cookie_jar.clear()
    fields = await second_step(manager, house)
    async with await manager.post("/console/login/code", {**fields, "code": code}) as response:
        assert response.status == 401, "a code works once"


async def test_the_second_step_belongs_to_the_visit_that_took_the_first(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    secret = await set_up(manager, house)
    client.session.cookie_jar.clear()
    pending = (await second_step(manager, house))["pending"]
    client.session.cookie_jar.clear()
    token = await manager.form_token("/console/login")
    code = code_at(secret, int(time.time()) // STEP_S)
    for said in (pending, pending[:-1], pending.replace(".", "", 1), "..", ""):
        fields = {"form_token": token, "pending": said, "code": code}
        async with await manager.post("/console/login/code", fields) as response:
            assert response.headers["Location"] == "/console/login"
    assert await status(client, ACCOUNT) == 303


async def test_guessing_codes_is_slowed_down(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    object.__setattr__(client.app[LIMITS], "code_person", Limit(2, 3_600))
    await set_up(manager, house)
    client.session.cookie_jar.clear()
    fields = await second_step(manager, house)
    statuses = []
    for _ in range(3):
        async with await manager.post("/console/login/code", {**fields, "code": "1"}) as response:
            statuses.append(response.status)
    assert statuses == [401, 401, 429]


async def test_the_secret_is_kept_sealed(manager: PersonAtTest, house: HouseOnDisk) -> None:
    secret = await set_up(manager, house)
    centre = manager.client.app[CENTRE]
    row = await centre.write(lambda tx: tx.row("SELECT sealed FROM second_factor"))
    assert secret.hex() not in row[0]


async def test_it_is_turned_off_by_the_password_only(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    await set_up(manager, house)
    assert (await post(manager, "second-factor", action="end", password="guess"))[0] == 400
    assert (await post(manager, "second-factor", action="end", password=house.password))[0] == 303
    client.session.cookie_jar.clear()
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 303


# --- nobody is shut out


async def test_a_flood_of_guesses_at_a_login_makes_a_stranger_wait_and_refuses_nobody(
    client: Client,
    visitor: PersonAtTest,
    house: HouseOnDisk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(sign_in, "sleep", sleep)
    flooded = Limit(1, 3_600)
    flooded.take("manager", time.monotonic())
    object.__setattr__(client.app[LIMITS], "sign_in_login", flooded)
    async with await visitor.sign_in("manager", house.password) as response:
        assert response.status == 303
    assert sign_in.SLOWED_S in waited


async def test_a_queue_of_strangers_does_not_keep_a_known_device_waiting(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    checks = client.app[CHECKS]
    await checks.unknown.acquire()
    checks.waiting = sign_in.WAITING_MAX
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 303
    client.session.cookie_jar.clear()
    async with await manager.sign_in("manager", house.password) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
    checks.unknown.release()
