"""The console's page of people: added, changed, given new keys, switched off, signed out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from sync_server.handlers.state import CENTRE, LIMITS
from sync_server.services.audit import Actor
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import WHOLE_VENUE
from sync_server.services.sessions import Origin, SessionLimits, begin_session
from sync_server.services.staff import NotKept, change_person, read_staff, switch_off
from sync_server.store import schema
from tests.integration.sync_server.console_forms import (
    deeds,
    page_of,
    post,
    signed_in_as,
)
from tests.integration.sync_server.console_forms import (
    quick_passwords as quick_passwords,  # noqa: PLC0414 - a fixture
)
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest
from ticketing.journal import OpKind
from ticketing.operations import SignedIn, encode_signed_in

Client = TestClient[Any, Any]
PEOPLE = "/console/people"
ONE = f"{PEOPLE}/one"
pytestmark = pytest.mark.usefixtures("quick_passwords")
ACTIONS = ("change", "state", "factor", "password", "pin", "logins")


def shown(page: str, what: str) -> str:
    """A key that the page shows once, '' when it shows none."""
    found = re.search(f'id="{what}">([^<]+)<', page)
    return found[1] if found else ""


async def id_of(client: Client, login: str) -> str:
    def find(connection: Connection) -> str:
        query = text("SELECT id FROM person WHERE login = :login")
        return str(connection.execute(query, {"login": login}).scalar_one())

    return str(await client.app[CENTRE].read(find))


async def pin_hash(client: Client, person_id: str) -> str:
    def find(connection: Connection) -> str:
        query = text("SELECT pin_hash FROM person WHERE id = :id")
        return str(connection.execute(query, {"id": person_id}).scalar_one())

    return str(await client.app[CENTRE].read(find))


async def login_of(client: Client, person_id: str) -> None:
    """They sign in at another browser."""
    limits, origin = SessionLimits(3_600_000, 3_600_000), Origin("192.0.2.9", "Lynx/2.9")
    await client.app[CENTRE].write(lambda tx: begin_session(tx, person_id, limits, origin))


async def add(manager: PersonAtTest, password: str, **fields: str) -> tuple[int, str]:
    asked = {"login": "wang.fang", "name": "Wang Fang", "role": "security", "scope": "venue"}
    return await post(manager, f"{PEOPLE}/add", {**asked, "own_password": password, **fields})


async def do(
    manager: PersonAtTest, action: str, person_id: str, password: str, **fields: str
) -> tuple[int, str]:
    return await post(
        manager, f"{ONE}/{action}", {"id": person_id, "own_password": password, **fields}
    )


# --- adding


async def test_somebody_is_added_with_keys_that_work_and_are_shown_once(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, gate: NodeAtTest
) -> None:
    status, page = await add(manager, house.password, role="manager")
    password, pin = shown(page, "password"), shown(page, "pin")
    assert status == 200
    person_id = await id_of(client, "wang.fang")
    assert PasswordHasher().verify(await pin_hash(client, person_id), pin)
    _, said = await gate.call("GET", "/v1/pull?after=seaview:0")
    told = [row[2]["id"] for row in said["streams"]["seaview"]["rows"] if row[0] == "person"]
    assert person_id in told
    (deed,) = [e for e in await deeds(client, house, "person_added") if e["about"][7:] == person_id]
    assert deed["actor"]["kind"] == "person"
    assert deed["after"]["role"] == "manager"
    assert password not in json.dumps(deed)
    page = await page_of(client, f"{ONE}?id={person_id}")
    assert password not in page
    assert pin not in page
    client.session.cookie_jar.clear()
    async with await PersonAtTest(client).sign_in("wang.fang", password) as response:
        assert response.status == 303


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"own_password": "guess"}, 400, "own password is not right", id="guess"),
        pytest.param({"login": "manager"}, 409, "somebody with this login", id="login taken"),
        pytest.param({"login": "two words"}, 400, "A login is one word", id="login of two words"),
        pytest.param({"name": " "}, 400, "1 to 64 characters", id="no name"),
        pytest.param({"role": "king"}, 400, "what the form offers", id="no such role"),
        pytest.param({"scope": "world"}, 400, "what the form offers", id="no such scope"),
        pytest.param({"scope": "event"}, 400, "which events or agencies", id="of no event"),
        pytest.param({"scope": "agency"}, 400, "which events or agencies", id="of no agency"),
        pytest.param(
            {"scope": "agency", "agency.0": "1"}, 400, "what the form offers", id="unknown agency"
        ),
        pytest.param({"role": "agent"}, 400, "works for an agency", id="agent of the house"),
    ],
)
async def test_without_what_it_takes_nobody_is_added(
    client: Client,
    house: HouseOnDisk,
    manager: PersonAtTest,
    changes: dict[str, str],
    status: int,
    said: str,
) -> None:
    given, page = await add(manager, house.password, **changes)
    assert (given, said in page, shown(page, "password")) == (status, True, "")
    assert "wang.fang" not in await page_of(client, PEOPLE)


async def test_a_role_for_one_event_has_no_pin(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    fields = {"role": "manager", "scope": "event", "event.hamlet": "1"}
    status, page = await add(manager, house.password, **fields)
    assert (status, shown(page, "pin")) == (200, "")
    person_id = await id_of(client, "wang.fang")
    page = await page_of(client, f"{ONE}?id={person_id}")
    assert 'name="event.hamlet" value="1" checked' in page
    assert (await do(manager, "pin", person_id, house.password))[0] == 409


# --- changing


async def test_another_role_holds_at_once_and_the_audit_has_before_and_after(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    person_id = await id_of(client, "li.na")
    assert await pin_hash(client, person_id)
    rights = {"name": "Li Na", "role": "auditor", "scope": "venue"}
    assert (await do(manager, "change", person_id, "guess", **rights))[0] == 400
    assert (await do(manager, "change", person_id, house.password, **rights))[0] == 303
    (deed,) = await deeds(client, house, "person_changed")
    assert (deed["before"]["role"], deed["after"]["role"]) == ("cashier", "auditor")
    assert deed["about"] == f"person:{person_id}"
    assert await pin_hash(client, person_id) == "", "an auditor works at no window"
    assert (await do(manager, "change", person_id, house.password, **rights))[0] == 303
    assert len(await deeds(client, house, "person_changed")) == 1, "nothing changed"


async def test_nobody_changes_their_own_rights_or_switches_themselves_off(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    me = await id_of(client, "manager")
    rights = {"name": "Somebody", "role": "auditor", "scope": "venue"}
    for action, fields in (("change", rights), ("state", {"state": "left"}), ("password", {})):
        status, page = await do(manager, action, me, house.password, **fields)
        assert (status, "ask another manager" in page) == (409, True), action
    rights["role"] = "manager"
    assert (await do(manager, "change", me, house.password, **rights))[0] == 303
    assert "Somebody" in await page_of(client, PEOPLE), "but one's own name"


async def test_the_last_who_may_keep_people_stays_one(client: Client) -> None:
    centre, actor = client.app[CENTRE], Actor("person", "of-a-page-opened-before")
    me, name = await id_of(client, "manager"), "Manager"

    def demote(tx: Any) -> object:
        role, scope = PersonRole.CASHIER, WHOLE_VENUE
        return change_person(tx, centre.venue_id, me, actor, name=name, role=role, scope=scope)

    assert await centre.write(demote) is NotKept.LAST_KEEPER
    off = await centre.write(lambda tx: switch_off(tx, centre.venue_id, me, actor))
    assert off is NotKept.LAST_KEEPER


# --- keys


async def test_a_new_password_ends_the_old_one_and_every_login(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    _, page = await add(manager, house.password, role="auditor")
    old, person_id = shown(page, "password"), await id_of(client, "wang.fang")
    await login_of(client, person_id)
    status, page = await do(manager, "password", person_id, "guess")
    assert (status, shown(page, "password")) == (400, "")
    status, page = await do(manager, "password", person_id, house.password)
    new = shown(page, "password")
    assert (status, new != old) == (200, True)
    assert "192.0.2.9" not in await page_of(client, f"{ONE}?id={person_id}")
    (deed,) = await deeds(client, house, "password_changed")
    assert (deed["about"], new in json.dumps(deed)) == (f"person:{person_id}", False)
    client.session.cookie_jar.clear()
    for password, expected in ((old, 401), (new, 303)):
        async with await PersonAtTest(client).sign_in("wang.fang", password) as response:
            assert response.status == expected


async def test_a_new_pin_is_the_only_one(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    person_id = await id_of(client, "li.na")
    before = await pin_hash(client, person_id)
    status, page = await do(manager, "pin", person_id, "guess")
    assert (status, await pin_hash(client, person_id)) == (400, before)
    status, page = await do(manager, "pin", person_id, house.password)
    assert status == 200
    assert PasswordHasher().verify(await pin_hash(client, person_id), shown(page, "pin"))
    (deed,) = await deeds(client, house, "pin_changed")
    assert deed["about"] == f"person:{person_id}"


async def test_a_lost_phone_is_asked_for_no_more(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    person_id = await id_of(client, "li.na")
    assert (await do(manager, "factor", person_id, house.password))[0] == 404
    await client.app[CENTRE].write(
        lambda tx: tx.run(
            "INSERT INTO second_factor (person_id, sealed, is_on, last_step) "
            "VALUES (:id, '00', 1, 0)",
            id=person_id,
        )
    )
    assert "Ask for no code any more" in await page_of(client, f"{ONE}?id={person_id}")
    assert (await do(manager, "factor", person_id, house.password))[0] == 303
    assert len(await deeds(client, house, "second_factor_ended")) == 1
    assert "Ask for no code any more" not in await page_of(client, f"{ONE}?id={person_id}")


# --- leaving, and logins


async def test_somebody_who_is_switched_off_has_no_keys_and_no_logins_and_can_come_back(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    person_id = await id_of(client, "li.na")
    await login_of(client, person_id)
    assert (await do(manager, "state", person_id, house.password, state="left"))[0] == 303
    (deed,) = await deeds(client, house, "person_left")
    assert deed["before"] == {"state": "active"}
    assert deed["after"] == {"state": "left", "logins_ended": 1}
    assert await pin_hash(client, person_id) == ""
    for action in ("pin", "password"):
        status, page = await do(manager, action, person_id, house.password)
        assert (status, "switched off" in page) == (409, True)
    assert (await do(manager, "state", person_id, house.password, state="left"))[0] == 404
    assert (await do(manager, "state", person_id, house.password, state="active"))[0] == 303
    assert len(await deeds(client, house, "person_back")) == 1
    assert (await do(manager, "pin", person_id, house.password))[0] == 200


async def test_a_manager_sees_and_ends_somebodys_logins_and_keeps_the_own_one(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    person_id, me = await id_of(client, "li.na"), await id_of(client, "manager")
    for who in (person_id, person_id, me):
        await login_of(client, who)
    page = await page_of(client, f"{ONE}?id={person_id}")
    found = re.findall(r'name="login" value="([0-9a-f]{16})"', page)
    assert (len(found), page.count(">Lynx/2.9")) == (2, 2)
    await post(manager, f"{ONE}/logins", {"id": me, "login": found[0]})
    assert "Lynx/2.9" in await page_of(client, f"{ONE}?id={person_id}"), "of another person: kept"
    assert len(await deeds(client, house, "logins_ended")) == 0
    await post(manager, f"{ONE}/logins", {"id": person_id, "login": found[0]})
    assert (await page_of(client, f"{ONE}?id={person_id}")).count(">Lynx/2.9") == 1
    await post(manager, f"{ONE}/logins", {"id": person_id})
    await post(manager, f"{ONE}/logins", {"id": me})
    assert "Lynx/2.9" not in await page_of(client, f"{ONE}?id={person_id}")
    assert "Lynx/2.9" not in await page_of(client, f"{ONE}?id={me}")
    assert [each["after"]["count"] for each in await deeds(client, house, "logins_ended")] == [
        1
    ] * 3


# --- what the list says


@pytest.mark.usefixtures("manager")
async def test_the_list_says_when_somebody_signed_in_last_and_where(
    client: Client, till: NodeAtTest
) -> None:
    centre, person_id = client.app[CENTRE], await id_of(client, "li.na")
    body = encode_signed_in(SignedIn(person_id))

    def tell(tx: Any) -> None:
        for number, wall_ms in ((1, 1_700_000_000_000), (2, 1_790_000_000_000)):
            row = schema.op.insert().values(
                event_id=centre.venue_id,
                node_id=till.id,
                inc=1,
                seq=number,
                branch="",
                op_id=f"{number:032x}",
                kind=OpKind.SIGN_IN.value,
                version=1,
                wall_ms=wall_ms,
                body=body,
                hash="",
                received_ms=0,
                verdict="ok",
                verdict_code="",
                rev=0,
            )
            tx.connection.execute(row)

    await centre.write(tell)
    staff = await centre.read(lambda c: read_staff(c, centre.venue_id, centre.now_ms()))
    lines = {each.person.login: each for each in staff}
    assert lines["li.na"].signed_in_ms == 1_790_000_000_000
    assert lines["li.na"].signed_in_at == "Window 1"
    assert 0 <= centre.now_ms() - lines["manager"].signed_in_ms < 600_000
    assert lines["manager"].login_count == 1
    page = await page_of(client, PEOPLE)
    assert '<span class="when">Window 1</span>' in page
    assert "not yet" in page, "the other cashier's"


@pytest.mark.usefixtures("manager")
async def test_the_list_says_at_whose_login_somebody_guesses(client: Client) -> None:
    assert "many wrong tries" not in await page_of(client, PEOPLE)
    limit = client.app[LIMITS].sign_in_login
    for _ in range(60):
        limit.take("li.na", 10.0**9)
    assert (await page_of(client, PEOPLE)).count("many wrong tries") == 1


async def test_an_auditor_neither_sees_nor_changes_people(
    client: Client, house: HouseOnDisk
) -> None:
    auditor = await signed_in_as(client, PersonRole.AUDITOR)
    person_id = await id_of(client, "manager")
    for path in (PEOPLE, f"{ONE}?id={person_id}"):
        async with client.get(path) as response:
            assert response.status == 403
    assert (await add(auditor, house.password))[0] == 403
    for action in ACTIONS:
        assert (await do(auditor, action, person_id, house.password, state="left"))[0] == 403


async def test_somebody_who_is_not_there_has_no_page(
    client: Client, house: HouseOnDisk, manager: PersonAtTest
) -> None:
    async with client.get(f"{ONE}?id=' OR 1=1 --") as response:
        assert response.status == 404
    rights = {"name": "X", "role": "auditor", "scope": "venue", "state": "left"}
    for action in ACTIONS:
        assert (await do(manager, action, "f" * 16, house.password, **rights))[0] == 404, action
