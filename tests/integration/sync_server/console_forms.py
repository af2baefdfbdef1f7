"""The console's pages as its tests call them: pages read, forms sent, and what the audit has."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher

from sync_server.auditing import records
from sync_server.handlers.state import AUDIT, CENTRE
from sync_server.services import people
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import PersonRole
from sync_server.services.sessions import SessionLimits, begin_session
from sync_server.store.audit import AuditStore
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest

Client = TestClient[Any, Any]
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
LIMITS = SessionLimits(3_600_000, 3_600_000)


@pytest.fixture
async def quick_passwords(
    client: Client, house: HouseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every form of these pages checks a password: here that takes no 64 MiB each time."""
    monkeypatch.setattr(people, "_PASSWORDS", QUICK)
    hashed = people.hash_password(house.password)
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE person SET password_hash = :h WHERE login = 'manager'", h=hashed)
    )


async def page_of(client: Client, path: str) -> str:
    async with client.get(path) as response:
        assert response.status == 200, path
        return html.unescape(await response.text())


async def post(
    somebody: PersonAtTest, path: str, fields: dict[str, str], *, form_of: str = "/console/me"
) -> tuple[int, str]:
    token = await somebody.form_token(form_of)
    async with await somebody.post(path, {**fields, "form_token": token}) as response:
        return response.status, html.unescape(await response.text())


async def signed_in_as(client: Client, role: PersonRole) -> PersonAtTest:
    """Somebody of the role at the client's browser."""

    def begin(tx: Any) -> str:
        who = Person("0123456789abcdef", "somebody", "Somebody", role)
        add_person(tx, client.app[CENTRE].venue_id, who)
        return begin_session(tx, who.id, LIMITS)

    token = await client.app[CENTRE].write(begin)
    client.session.cookie_jar.update_cookies({"boxgate_session": token}, client.make_url("/"))
    return PersonAtTest(client)


async def deeds(client: Client, house: HouseOnDisk, deed: str) -> list[dict[str, Any]]:
    """What the audit has of a deed, in its order."""
    await client.app[AUDIT].move()
    store = AuditStore(house.settings.database)
    told = [json.loads(record.noted.body) for record in records(store)]
    store.close()
    return [each for each in told if each["deed"] == deed]
