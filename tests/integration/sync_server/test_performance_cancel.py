"""Cancelling a performance: nothing of it is lent any more, and the list says who gets money back."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.console.performance_paths import event_page
from sync_server.handlers.state import CENTRE
from sync_server.heart.lending import NoGrant
from sync_server.heart.stock import Firm
from sync_server.services.audit import UNKNOWN, Deed
from sync_server.services.catalogue import NotStored
from sync_server.services.performance_changes import (
    NotChanged,
    Prepared,
    Refused,
    Target,
    prepare_cancel,
    store_cancel,
)
from sync_server.services.performance_rows import By, version_of
from sync_server.services.permissions import PersonRole
from sync_server.services.refund_list import (
    RefundLine,
    read_cancelled,
    read_refunds,
    summed,
    summed_by,
)
from sync_server.store.database import read_only
from tests.integration.sync_server.console_forms import deeds, page_of, post, signed_in_as
from tests.integration.sync_server.stage import PERFORMANCE, VENUE, Stage, Till
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest
from tests.integration.sync_server.test_performance_changes import (
    EVENT,
    catalogue_of,
    everything,
    imported,
    last,
)
from tests.integration.sync_server.test_returns import revoke, say_refund
from tests.integration.sync_server.test_stock import ask, hold
from ticketing.operations import Sale

Client = TestClient[Any, Any]
SOMEBODY = By("0" * 16, "Li Na", "storm")


def cancelling(house: HouseOnDisk, seen: int = 1) -> dict[str, str]:
    return {"seen": str(seen), "reason": "the tenor is ill", "own_password": house.password}


async def cancel(client: Client, number: int) -> Refused | None:
    centre = client.app[CENTRE]
    seen = await centre.read(lambda c: version_of(c, EVENT, number))
    ready = await centre.read(lambda c: prepare_cancel(c, Target(EVENT, number, seen)))
    assert isinstance(ready, Prepared), ready
    return await centre.write(  # type: ignore[no-any-return]
        lambda tx: store_cancel(tx, centre.venue_id, ready, SOMEBODY, UNKNOWN)
    )


async def acquire(till: NodeAtTest, number: int, req: str) -> tuple[int, dict[str, Any]]:
    body = {"req": req, "performance": number, "units": [1, 2], "firm": False}
    return await till.call("POST", f"/v1/e/{EVENT}/acquire", body)


async def test_a_cancel_stops_lending_and_asks_back_what_is_lent(
    client: Client, house: HouseOnDisk, manager: PersonAtTest, till: NodeAtTest
) -> None:
    number = (await last(client)).number
    status, grant = await acquire(till, number, "1" * 32)
    assert status == 200, grant
    path = f"/console/performances/{number}"
    shown = await page_of(client, f"{path}/cancel")
    assert "Windows hold 2 more places" in shown
    assert (await post(manager, f"{path}/cancel", cancelling(house)))[0] == 303
    cancelled = await last(client)
    assert (cancelled.is_cancelled, cancelled.on_sale) == (True, False)
    status, refused = await acquire(till, number, "2" * 32)
    assert (status, refused["code"]) == (409, "cancelled")
    status, again = await acquire(till, number, "1" * 32)
    held = again["allotment"]
    assert (status, held["id"]) == (200, grant["allotment"]["id"]), "what it was lent stays its own"
    assert (held["state"], held["recall"]) == ("open", True)
    page = await page_of(client, path)
    assert "cancelled</span>" in page
    assert "the tenor is ill" in page
    assert f"{path}/refunds" in page
    assert f"{path}/move" not in page
    (deed,) = await deeds(client, house, Deed.PERFORMANCE_CANCELLED)
    assert deed["after"]["cancelled"] is True
    assert "cancelled" not in deed["before"]
    assert "cancelled</span>" in await page_of(client, "/console/")
    history = await page_of(client, f"{event_page(EVENT)}/history")
    (table,) = re.findall("<h2>Performance cancelled</h2>.*?</table>", history, re.DOTALL)
    changed = re.findall('<th scope="row">(.*?)</th>', table)
    assert changed == ["on sale", "cancelled"], "and nothing of what stayed as it was"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param({"own_password": "guess"}, 400, "own password is not right", id="guess"),
        pytest.param({"reason": ""}, 400, "Write down why", id="no reason"),
        pytest.param({"seen": "7"}, 409, "meanwhile", id="another picture"),
    ],
)
async def test_without_what_it_takes_nothing_is_cancelled(
    client: Client,
    house: HouseOnDisk,
    manager: PersonAtTest,
    changes: dict[str, str],
    status: int,
    said: str,
) -> None:
    number = (await last(client)).number
    path, stored = f"/console/performances/{number}/cancel", await everything(client)
    given, page = await post(manager, path, cancelling(house) | changes)
    assert (given, said in page) == (status, True), page
    assert await everything(client) == stored


async def test_what_is_cancelled_is_not_moved_cancelled_or_brought_back(client: Client) -> None:
    found, old = await last(client), await catalogue_of(client)
    assert await cancel(client, found.number) is None
    stored, centre = await everything(client), client.app[CENTRE]
    again = await centre.read(lambda c: prepare_cancel(c, Target(EVENT, found.number, 2)))
    assert again == Refused(NotChanged.CANCELLED)
    answer = await imported(client, old)
    assert isinstance(answer, NotStored)
    assert "was cancelled, which is final" in str(answer.reasons[0])
    assert await everything(client) == stored


async def test_only_a_cancelled_performance_has_a_list_which_an_auditor_reads(
    client: Client,
) -> None:
    await signed_in_as(client, PersonRole.AUDITOR)
    number = (await last(client)).number
    path = f"/console/performances/{number}/refunds"
    for each in (path, f"{path}/refunds.csv"):
        async with client.get(each) as response:
            assert response.status == 404
    assert await cancel(client, number) is None
    assert "Nothing of it was sold." in await page_of(client, path)
    async with client.get(f"{path}/refunds.csv") as response:
        text = (await response.read()).decode("utf-8-sig")
        assert response.headers["Content-Disposition"].endswith('refunds.csv"')
    (head,) = csv.reader(io.StringIO(text))
    assert head[0] == "Order no."
    async with client.get(f"{path}/refunds.xlsx") as response:
        assert (await response.read())[:2] == b"PK"
    async with client.get(f"{path}/other.csv") as response:
        assert response.status == 404


# --- the list, on a small house


def cancel_here(stage: Stage) -> None:
    with read_only(stage.engine).connect() as connection:
        ready = prepare_cancel(connection, Target(EVENT, PERFORMANCE, 1))
    assert isinstance(ready, Prepared), ready
    assert stage.do(lambda tx: store_cancel(tx, VENUE, ready, SOMEBODY, UNKNOWN)) is None


def refunds(stage: Stage) -> list[RefundLine]:
    with read_only(stage.engine).connect() as connection:
        cancelled = read_cancelled(connection, EVENT, PERFORMANCE)
        assert cancelled is not None
        return read_refunds(connection, EVENT, PERFORMANCE, cancelled)


def give_back(stage: Stage, till: Till, sale: Sale, *at: int) -> None:
    op_id = f"{stage.mint():032x}"
    revoke(till, sale, *at, op_id=op_id)
    say_refund(till, sale, *at, op_id=op_id)
    assert till.push() == ["ok"]


def test_the_list_has_what_is_out_and_what_went_back_since(stage: Stage) -> None:
    first, second = stage.till(), stage.till("Window 2")
    lent = first.borrow(1, 2, 3, 4, 5)
    before, kept = first.sell(lent, 1, 2), first.sell(lent, 3)
    first.push()
    other = second.sell(second.borrow(6), 6)
    second.push()
    give_back(stage, first, before, 0)
    stage.now += timedelta(minutes=5)
    cancel_here(stage)
    price = kept.lines[0].price_minor
    lines = {line.order_id: line for line in refunds(stage)}
    assert lines.keys() == {before.order_id, kept.order_id, other.order_id}
    (one,) = [lines[before.order_id]]
    assert (one.open_count, one.open_minor, one.back_count) == (1, price, 0), "of two, one is left"
    assert {line.is_late for line in lines.values()} == {False}
    assert one.taken == {"cash": 2 * price}
    assert summed_by(lines.values(), tender=False)["Window 2"].open_minor == price
    assert summed_by(lines.values(), tender=True)["cash"].order_count == 3

    stage.now += timedelta(minutes=5)
    give_back(stage, first, kept, 0)
    late = first.sell(lent, 4)
    first.push()
    found = refunds(stage)
    assert [line.order_id for line in found][-1] == kept.order_id, "what is settled comes last"
    lines = {line.order_id: line for line in found}
    assert (lines[kept.order_id].open_count, lines[kept.order_id].back_minor) == (0, price)
    assert lines[late.order_id].is_late
    total = summed(found)
    assert (total.order_count, total.open_minor, total.back_minor) == (4, 3 * price, price)


def test_nothing_of_a_cancelled_performance_is_lent_held_or_kept_for_a_basket(
    stage: Stage,
) -> None:
    till = stage.till()
    lent = till.borrow(1, 2)
    held = hold(stage, 5)
    cancel_here(stage)
    assert till.ask((3,)) is NoGrant.CANCELLED
    assert till.ask(count=4) is NoGrant.CANCELLED
    claims = stage.claims()
    assert claims[1][0] == "allot", "a window may have sold it: only its own word frees it"
    assert claims[5][0] == "free"
    assert stage.one("SELECT recall FROM allot WHERE id = :id", id=str(lent.id)) == 1
    assert ask(stage, 6) is NoGrant.CANCELLED
    assert isinstance(stage.take(Firm(till.source, "", str(held.id))), NoGrant)
