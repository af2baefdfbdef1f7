"""What windows hold, in the console: asked back by one person, given up for lost by two."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.handlers.state import CENTRE
from sync_server.services import people
from sync_server.services.audit import Deed
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import PersonRole
from sync_server.services.second_factor import begin_second_factor, find_second_factor
from sync_server.services.totp import STEP_S, code_at
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
from tests.integration.sync_server.test_performance_cancel import acquire
from tests.integration.sync_server.test_performance_changes import EVENT, last

Client = TestClient[Any, Any]
LENT = f"/console/events/{EVENT}/lent"
GUARDED_MS = 2 * 86_400_000
SECOND = Person("0123456789abcde0", "wu", "Wu", PersonRole.CASHIER)
pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
async def allotment(client: Client, till: NodeAtTest) -> str:
    """Two places that a window was lent, and a second person."""
    status, grant = await acquire(till, (await last(client)).number, "1" * 32)
    assert status == 200, grant
    centre = client.app[CENTRE]
    await centre.write(
        lambda tx: add_person(
            tx, centre.venue_id, SECOND, password_hash=people.hash_password("wu's own")
        )
    )
    return str(grant["allotment"]["id"])


async def term_is_over(client: Client) -> None:
    """As if it had been lent two days ago."""
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE allot SET granted_ms = granted_ms - :ms", ms=GUARDED_MS)
    )


def deciding(house: HouseOnDisk, allotment: str, **changes: str) -> dict[str, str]:
    return {
        "id": allotment,
        "reason": "it burnt",
        "own_password": house.password,
        "second": "wu",
        "second_password": "wu's own",
    } | changes


async def state_of(client: Client, allotment: str) -> tuple[str, int]:
    row = await client.app[CENTRE].write(
        lambda tx: tx.row("SELECT state, recall FROM allot WHERE id = :id", id=allotment)
    )
    return row.state, row.recall


async def test_what_a_window_has_not_sold_is_asked_back(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, till: NodeAtTest, allotment: str
) -> None:
    page = await page_of(client, LENT)
    assert allotment in page
    assert "Give up" not in page, "its term is not over"
    assert (await post(manager, LENT, {"allotment": allotment}))[0] == 303
    assert await state_of(client, allotment) == ("open", 1)
    assert "asked back" in await page_of(client, LENT)
    assert (await post(manager, LENT, {"window": till.id}))[0] == 303
    told = await deeds(client, house, Deed.STOCK_RECALLED)
    assert [each["about"] for each in told] == [f"allotment:{allotment}", f"node:{till.id}"]
    assert (await post(manager, LENT, {"allotment": allotment, "window": till.id}))[0] == 400


async def test_two_people_give_up_what_a_lost_window_holds(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, allotment: str
) -> None:
    await term_is_over(client)
    one = f"{LENT}/one"
    assert f"{one}?id={allotment}" in await page_of(client, LENT)
    assert (await post(manager, one, deciding(house, allotment)))[0] == 303
    assert (await state_of(client, allotment))[0] == "written_off"
    assert "written off" in await page_of(client, LENT)
    (deed,) = await deeds(client, house, Deed.ALLOTMENT_WRITTEN_OFF)
    assert deed["after"] == {"confirmed": 0, "unknown": 2, "second": "wu"}
    assert deed["reason"] == "it burnt"
    case = await client.app[CENTRE].write(
        lambda tx: tx.row("SELECT body FROM case_file WHERE kind = 'written_off'")
    )
    assert '"by": ["manager", "wu"]' in case.body


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"reason": " "}, 400, "Write down why", id="no reason"),
        pytest.param({"own_password": "guess"}, 400, "own password is not", id="guess"),
        pytest.param({"second_password": "guess"}, 400, "second person's login", id="second"),
        pytest.param({"second": "nobody"}, 400, "second person's login", id="nobody"),
        pytest.param({"second": "manager"}, 409, "Two different people", id="alone"),
    ],
)
async def test_one_person_alone_gives_nothing_up(
    client: Client,
    house: HouseOnDisk,
    manager: PersonAtTest,
    allotment: str,
    changes: dict[str, str],
    status: int,
    said: str,
) -> None:
    await term_is_over(client)
    fields = deciding(house, allotment, **changes)
    if changes.get("second") == "manager":
        fields["second_password"] = house.password
    got, page = await post(manager, f"{LENT}/one", fields)
    assert (got, said in page) == (status, True)
    assert (await state_of(client, allotment))[0] == "open"


async def test_before_its_term_is_over_nobody_gives_it_up(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, allotment: str
) -> None:
    status, page = await post(manager, f"{LENT}/one", deciding(house, allotment))
    assert (status, "may still be selling" in page) == (409, True)
    assert (await state_of(client, allotment))[0] == "open"


async def test_a_second_person_with_an_app_needs_its_code_too(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, allotment: str
) -> None:
    await term_is_over(client)
    centre = client.app[CENTRE]
    root = centre.keys.personal_data
    await centre.write(lambda tx: begin_second_factor(tx, root, SECOND.id))
    await centre.write(lambda tx: tx.run("UPDATE second_factor SET is_on = 1"))
    status, _page = await post(manager, f"{LENT}/one", deciding(house, allotment))
    assert (status, (await state_of(client, allotment))[0]) == (400, "open")
    factor = await centre.read(lambda c: find_second_factor(c, root, SECOND.id))
    code = code_at(factor.secret, int(time.time()) // STEP_S)
    status, _page = await post(manager, f"{LENT}/one", deciding(house, allotment, code=code))
    assert (status, (await state_of(client, allotment))[0]) == (303, "written_off")


async def test_an_auditor_sees_it_and_changes_nothing(client: Client, allotment: str) -> None:
    auditor = await signed_in_as(client, PersonRole.AUDITOR)
    page = await page_of(client, LENT)
    assert allotment in page
    assert "Ask back" not in page
    assert (await post(auditor, LENT, {"allotment": allotment}))[0] == 403
