"""Places that the house keeps back: claims like any others, released once, and on record."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy.exc import OperationalError

from sync_server.handlers.state import CENTRE
from sync_server.heart.kept_back import (
    NEVER_MS,
    Block,
    Blocked,
    BlockReason,
    Freed,
    Keeping,
    NotKept,
    Rekeep,
    Rekept,
    Taken,
    Unblock,
)
from sync_server.heart.lending import Grant, NoGrant
from sync_server.heart.rows import Pool
from sync_server.heart.stock import ExpireHolds, Hold, HoldWish, SetPool, end_all_holds
from sync_server.services.blocking import unblock_due
from sync_server.services.books import read_books
from sync_server.services.catalogue import load_plan
from sync_server.services.permissions import PersonRole
from sync_server.services.reckoning import By, LineCode
from sync_server.services.reconciling import Facts, House
from sync_server.services.seat_states import SeatState, read_seat_states
from sync_server.services.sweeping import Sweeper
from sync_server.services.takings import read_stream_takings
from sync_server.store.database import read_only
from sync_server.store.sql import Stale
from tests.integration.sync_server.console_forms import deeds, page_of, post, signed_in_as
from tests.integration.sync_server.stage import CAPACITY, EVENT, PERFORMANCE, Stage, Till
from tests.integration.sync_server.support import HouseOnDisk, PersonAtTest
from tests.unit.ticketing.house import catalogue

Client = TestClient[Any, Any]
FOR_THE_MAYOR = Keeping("The mayor", BlockReason.HOUSE, "", NEVER_MS, "m1")


def block(stage: Stage, *units: int, **more: Any) -> Blocked | NotKept:
    asked: dict[str, Any] = {
        "counts": (),
        "keeping": FOR_THE_MAYOR,
        "req": f"block:{stage.mint():032x}",
    } | more
    return stage.take(Block(EVENT, performance=PERFORMANCE, units=units, **asked))


def blocked(stage: Stage, *units: int, **more: Any) -> Blocked:
    found = block(stage, *units, **more)
    assert isinstance(found, Blocked), found
    assert found.id
    return found


def released(stage: Stage, block: str = "", *units: int) -> tuple[Freed, ...]:
    found = stage.take(Unblock(EVENT, PERFORMANCE, block, units))
    assert isinstance(found, tuple)
    return found


def stock_lines(stage: Stage) -> dict[LineCode, int]:
    """The reconciliation's account of the performance's places."""
    with read_only(stage.engine).connect() as connection:
        takings = {EVENT: read_stream_takings(connection, EVENT)}
        books = read_books(connection)
    house = House(Facts(catalogue().venue, {EVENT: stage.event}, books, takings))
    reckoning = house.reckon(By.PERFORMANCE, f"{EVENT}/{PERFORMANCE}")
    assert reckoning is not None
    (stock,) = (check for check in reckoning.checks if check.kind == "stock")
    assert not stock.difference
    return {line.code: line.figure for line in stock.lines}


def test_what_is_blocked_cannot_be_lent_held_or_sold(stage: Stage) -> None:
    till = stage.till()
    kept = blocked(stage, 1, 2)
    assert stage.claims() == dict.fromkeys((1, 2), ("blocked", kept.id, ""))
    assert till.ask([2, 3]) is NoGrant.TAKEN
    grant = till.ask(count=300)
    assert isinstance(grant, Grant)
    assert not {1, 2} & {unit for unit, _version in grant.units}
    assert stage.take(Hold(EVENT, "", HoldWish("a" * 32, PERFORMANCE, 60, (1,)))) is NoGrant.TAKEN
    till.sell(grant, 1)  # a window that sells all the same
    till.push()
    assert stage.claims()[1] == ("blocked", kept.id, "")
    assert stage.rows("SELECT state FROM ticket WHERE unit = 1 AND state = 'valid'") == []
    lines = stock_lines(stage)
    parts = (LineCode.FREE, LineCode.LENT, LineCode.SOLD, LineCode.BLOCKED)
    assert lines[LineCode.BLOCKED] == 2
    assert sum(lines[code] for code in parts) == lines[LineCode.CAPACITY] == CAPACITY


def test_what_another_has_is_refused_with_who_and_may_be_asked_back(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2)
    till.sell(grant, 2)
    till.push()
    refused = block(stage, 1, 2, 3, ask_back=True)
    lent, sold = Taken(1, "allot", till.node_id), Taken(2, "sold", till.node_id)
    assert refused == Blocked("", (), (lent, sold), (str(grant.id),))
    assert stage.claims().get(3, ("free",))[0] == "free"
    assert stage.one("SELECT recall FROM allot WHERE id = :i", i=str(grant.id)) == 1
    some = blocked(stage, 1, 2, 3, what_is_free=True)
    assert (some.units, some.taken) == ((3,), (lent, sold))


def test_a_release_frees_once_and_what_was_sold_since_stays_sold(stage: Stage) -> None:
    till = stage.till()
    kept = blocked(stage, 1, 2, 3)
    (freed,) = released(stage, "", 1, 4)
    assert (freed.id, freed.units) == (kept.id, (1,))
    assert released(stage, "", 1, 4) == ()
    till.sell(till.borrow(1), 1)
    till.push()
    (rest,) = released(stage, kept.id)
    assert rest.units == (2, 3)
    assert released(stage, kept.id) == ()
    assert [stage.claims()[n][0] for n in (1, 2, 3)] == ["sold", "free", "free"]


def test_the_same_form_blocks_once(stage: Stage) -> None:
    first = blocked(stage, 1, req="block:x")
    released(stage, first.id)
    assert block(stage, 1, req="block:x") == first
    assert stage.claims()[1][0] == "free"


def test_rights_of_a_pool_are_kept_and_come_back(stage: Stage) -> None:
    assert isinstance(stage.take(SetPool(EVENT, "first", 10)), Pool)
    kept = blocked(stage, counts=(("first", 4),))
    assert stage.rows("SELECT free, lent, spent FROM pool") == [(6, 4, 0)]
    assert block(stage, counts=(("first", 7),)) is NotKept.POOL_EMPTY
    (freed,) = released(stage, kept.id)
    assert freed.counts == (("first", 4),)
    assert stage.rows("SELECT free, lent, spent FROM pool") == [(10, 0, 0)]


@pytest.mark.parametrize(
    ("units", "code"),
    [
        pytest.param((), NotKept.NOTHING, id="nothing"),
        pytest.param((1, 1), NotKept.LIMIT, id="one twice"),
        pytest.param((999,), NotKept.UNKNOWN_UNIT, id="not on the plan"),
    ],
)
def test_what_cannot_be_kept_changes_nothing(
    stage: Stage, units: tuple[int, ...], code: NotKept
) -> None:
    assert block(stage, *units) is code
    assert stage.claims() == {}


def test_a_block_ends_by_the_clock_and_is_noted_with_whose_it_was(stage: Stage) -> None:
    until_ms = stage.now_ms + 60_000
    kept = blocked(stage, 1, keeping=Keeping("Radio", BlockReason.SPONSOR, "", until_ms, "m1"))
    blocked(stage, 2)
    stage.now += timedelta(seconds=59)
    assert stage.do(lambda tx: unblock_due(tx, EVENT)) == ()
    stage.now += timedelta(seconds=1)
    assert stage.take(ExpireHolds(EVENT)) == 0  # it is no basket's
    (freed,) = stage.do(lambda tx: unblock_due(tx, EVENT))
    assert isinstance(freed, Freed)
    assert (freed.id, freed.units) == (kept.id, (1,))
    assert stage.do(lambda tx: unblock_due(tx, EVENT)) == ()
    (row,) = stage.rows("SELECT body FROM audit_outbox WHERE body LIKE '%places_released%'")
    told = json.loads(row[0])
    assert (told["before"]["owner"], told["before"]["places"]) == ("Radio", "1")
    assert told["actor"] == {"kind": "server", "id": "release_time"}
    assert stage.claims()[2][0] == "blocked"


def test_a_block_is_changed_and_released_by_its_new_time(stage: Stage) -> None:
    kept = blocked(stage, 1, 2)
    until_ms = stage.now_ms + 60_000
    said = Keeping("Radio", BlockReason.SPONSOR, "", until_ms, "m2")
    change = Rekeep(EVENT, PERFORMANCE, kept.id, said)
    done = stage.take(change)
    assert done == Rekept(FOR_THE_MAYOR, replace(said, by="m1")), "who made it stays"
    assert stage.claims() == dict.fromkeys((1, 2), ("blocked", kept.id, ""))
    stage.now += timedelta(seconds=60)
    (freed,) = stage.do(lambda tx: unblock_due(tx, EVENT))
    assert (freed.units, freed.keeping.owner) == ((1, 2), "Radio")
    assert stage.take(change) is NotKept.RELEASED
    hold = stage.take(Hold(EVENT, "", HoldWish("c" * 32, PERFORMANCE, 60, (3,))))
    assert not isinstance(hold, NoGrant)
    basket = Rekeep(EVENT, PERFORMANCE, str(hold.id), said)
    assert stage.take(basket) is NotKept.RELEASED, "a basket's hold is no block"


def test_a_block_outlives_a_lost_history(stage: Stage) -> None:
    blocked(stage, 1)
    assert stage.work(end_all_holds) == 0
    assert stage.claims()[1][0] == "blocked"


def test_a_block_against_a_grant_gives_each_place_to_one(stage: Stage) -> None:
    till: Till = stage.till()
    outcomes: list[object] = []
    together = threading.Barrier(2)

    def tries(ask: Any) -> None:
        for units in ((1, 2, 3), (3, 4, 5), (5, 6, 7)):
            together.wait(20)
            try:
                outcomes.append(ask(units))
            except (Stale, OperationalError) as error:
                outcomes.append(error)

    asks = (lambda units: till.ask(list(units)), lambda units: block(stage, *units))
    threads = [threading.Thread(target=tries, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lent = {u for one in outcomes if isinstance(one, Grant) for u, _version in one.units}
    kept = {unit for one in outcomes if isinstance(one, Blocked) for unit in one.units}
    assert len(outcomes) == 6
    assert lent | kept
    assert not lent & kept
    told = {unit: kind for unit, (kind, _ref, _node) in stage.claims().items() if kind != "free"}
    assert told == dict.fromkeys(lent, "allot") | dict.fromkeys(kept, "blocked")


# --- the page

SEATS = "/console/performances/1/seats"


async def test_a_manager_blocks_and_releases_on_the_page(
    client: Client, manager: PersonAtTest, house: HouseOnDisk
) -> None:
    page = await page_of(client, SEATS)
    req = page.partition('name="req" value="')[2][:32]
    fields = {
        "req": req,
        "area": "stalls-left",
        "rows": "1",
        "seats": "1-2",
        "owner": "=Radio <1>",
        "reason": "sponsor",
    }
    assert (await post(manager, f"{SEATS}/block", fields | {"owner": ""}, form_of=SEATS))[0] == 400
    assert (await post(manager, f"{SEATS}/block", fields, form_of=SEATS))[0] == 303
    page = await page_of(client, SEATS)
    assert "=Radio <1>" in page
    assert "Stalls Left · Row 1 Seats 1–2" in page
    (noted,) = await deeds(client, house, "places_blocked")
    assert noted["before"]["state"] == "free"
    assert (noted["after"]["owner"], noted["after"]["reason"]) == ("=Radio <1>", "sponsor")
    again = fields | {"req": "b" * 32, "seats": "2-3"}
    status, page = await post(manager, f"{SEATS}/block", again, form_of=SEATS)
    assert status == 409
    assert "Nothing was blocked, because these are not free:" in page
    status, _ = await post(manager, f"{SEATS}/release", again, form_of=SEATS)
    page = await page_of(client, SEATS)
    assert status == 303
    assert "Stalls Left · Row 1 Seat 1" in page
    (freed,) = await deeds(client, house, "places_released")
    assert freed["before"]["owner"] == "=Radio <1>"
    kept = page.partition('name="block" value="')[2].partition('"')[0]
    form = await page_of(client, f"{SEATS}?change={kept}")
    assert 'name="owner" type="text" maxlength="80" value="=Radio <1>"' in form
    change = {"block": kept, "owner": "Radio 2", "reason": "house", "until_date": "2031-02-03"}
    status, page = await post(manager, f"{SEATS}/change", change, form_of=SEATS)
    assert (status, "needs a day and a time to come" in page) == (400, True)
    change |= {"until_time": "19:30"}
    assert (await post(manager, f"{SEATS}/change", change, form_of=SEATS))[0] == 303
    page = await page_of(client, SEATS)
    assert "Radio 2" in page
    assert "House seats" in page
    form = await page_of(client, f"{SEATS}?change={kept}")
    assert 'value="2031-02-03"' in form
    assert 'value="19:30"' in form
    (changed,) = await deeds(client, house, "block_changed")
    assert changed["before"] == {"owner": "=Radio <1>", "reason": "sponsor"}
    assert (changed["after"]["owner"], changed["after"]["reason"]) == ("Radio 2", "house")
    gone = change | {"block": kept.partition("-")[0] + "-99999"}
    assert (await post(manager, f"{SEATS}/change", gone, form_of=SEATS))[0] == 409
    await post(manager, f"{SEATS}/release", {"block": kept}, form_of=SEATS)
    assert "Nothing is kept back." in await page_of(client, SEATS)


async def test_only_who_may_block_sees_the_form_and_is_heard(client: Client) -> None:
    auditor = await signed_in_as(client, PersonRole.AUDITOR)
    assert "Block places" not in await page_of(client, SEATS)
    fields = {"req": "a" * 32, "area": "stalls-left", "owner": "x", "reason": "house"}
    assert (await post(auditor, f"{SEATS}/block", fields))[0] == 403
    assert (await post(auditor, f"{SEATS}/change", fields))[0] == 403


async def test_the_sweep_releases_what_is_over(client: Client) -> None:
    centre = client.app[CENTRE]
    keeping = Keeping("Radio", BlockReason.SPONSOR, "", centre.now_ms() - 1, "m1")
    plan = await centre.read(lambda c: load_plan(c, EVENT))
    assert plan is not None
    unit = plan[1].seats[0].unit
    await centre.take(Block(EVENT, "block:z", PERFORMANCE, (unit,), (), keeping))
    await Sweeper().sweep(centre, centre.now_ms())
    states = await centre.read(lambda c: read_seat_states(c, EVENT, PERFORMANCE, plan[1]))
    assert states.count(SeatState.BLOCKED) == 0


async def test_blocked_rights_of_a_quota_are_not_shown_as_lent(
    client: Client, manager: PersonAtTest
) -> None:
    req = (await page_of(client, SEATS)).partition('name="req" value="')[2][:32]
    fields = {"req": req, "pool": "press-seats", "pool_count": "7", "owner": "x", "reason": "house"}
    assert (await post(manager, f"{SEATS}/block", fields, form_of=SEATS))[0] == 303
    page = await page_of(client, "/console/events/swan-lake")
    row = page.partition(">press-seats</a>")[2].partition("</tr>")[0]
    shown = dict(re.findall(r'data-label="([^"]+)"[^>]*>(\d+)<', row))
    assert shown == {
        "In all": "12",
        "Used": "0",
        "Lent to windows": "0",
        "Blocked": "7",
        "Left": "5",
    }
