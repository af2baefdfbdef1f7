"""The centre's own stock: holds end by its clock, what it sells is final, pools add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sync_server.heart.lending import Acquire, Grant, Lend, NoGrant
from sync_server.heart.rows import Pool
from sync_server.heart.source import Context, NodeRole, Step, run_steps
from sync_server.heart.stock import (
    HOLD_TTL_MAX_S,
    SERVER,
    Drop,
    ExpireHolds,
    Extend,
    Firm,
    Held,
    Hold,
    HoldWish,
    NoPool,
    NoSale,
    SellHeld,
    SetPool,
    SoldHeld,
    end_all_holds,
)
from sync_server.store.sql import Sql
from tests.integration.sync_server.stage import (
    CAPACITY,
    EVENT,
    GENERATION,
    PERFORMANCE,
    VENUE,
    Stage,
    Till,
)
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import OpKind
from ticketing.operations import Release, Sale, encode_release


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


def ask(stage: Stage, *units: int, by: str = "", req: str = "", **wish: Any) -> Held | NoGrant:
    told = HoldWish(req or f"{stage.mint():032x}", PERFORMANCE, 600, units)
    return stage.take(Hold(EVENT, by, replace(told, **wish)))


def hold(stage: Stage, *units: int, by: str = "", **wish: Any) -> Held:
    held = ask(stage, *units, by=by, **wish)
    assert isinstance(held, Held), held
    return held


def units(held: Held | Grant) -> list[int]:
    return [unit for unit, _version in held.units]


def pool(stage: Stage, pool_id: str = "first", capacity: int = 10) -> None:
    assert isinstance(stage.take(SetPool(EVENT, pool_id, capacity)), Pool)


def pool_row(stage: Stage, pool_id: str = "first") -> tuple[int, int, int, int]:
    ((capacity, free, lent, spent),) = stage.rows(
        "SELECT capacity, free, lent, spent FROM pool WHERE id = :id", id=pool_id
    )
    return capacity, free, lent, spent


def sale_of(stage: Stage, held: Held, *sold: int, pool_id: str = "") -> Sale:
    clerk = Till(stage, SERVER, NodeRole.TILL, bytes(32))  # type: ignore[arg-type]
    return clerk.sale(*(clerk.line(unit, held.id, pool=pool_id) for unit in sold))


def sell(stage: Stage, held: Held, sale: Sale, by: str = "") -> SoldHeld | NoSale:
    return stage.take(SellHeld(EVENT, by, str(held.id), OpId(f"{stage.mint():032x}"), sale))


def quarantine(stage: Stage) -> None:
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 1"))


# --- holds


def test_a_hold_keeps_units_from_everybody_else(stage: Stage, till: Till) -> None:
    held = hold(stage, 1, 2)
    assert held.units == ((1, 0), (2, 0))
    assert held.expires_ms == stage.now_ms + 600_000
    assert stage.claims() == {n: ("hold", str(held.id), "") for n in (1, 2)}
    assert till.ask([2, 3]) is NoGrant.TAKEN
    assert ask(stage, 3, 1) is NoGrant.TAKEN
    assert set(stage.claims()) == {1, 2}
    page = stage.pull(stage.gate(), EVENT)
    assert page is not None
    assert "allot" not in {row[0] for row in page.rows}  # the centre's own affair


def test_the_same_request_is_the_same_hold(stage: Stage) -> None:
    first = hold(stage, 1, req="a" * 32)
    assert ask(stage, 2, req="a" * 32) == first
    assert ask(stage, 1, req="a" * 32, by="somebody") is NoGrant.NOT_HELD
    stage.take(Drop(EVENT, "", str(first.id)))
    again = ask(stage, 1, req="a" * 32)
    assert again == replace(first, is_held=False)
    assert stage.claims()[1][0] == "free"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        pytest.param({"performance": 77}, NoGrant.UNKNOWN_PERFORMANCE, id="performance"),
        pytest.param({"units": (999,)}, NoGrant.UNKNOWN_UNIT, id="unit"),
        pytest.param({"units": (1, 1)}, NoGrant.LIMIT, id="one unit twice"),
        pytest.param({"units": (), "count": 101}, NoGrant.LIMIT, id="too many"),
        pytest.param({"ttl_s": 0}, NoGrant.LIMIT, id="no time"),
        pytest.param({"ttl_s": HOLD_TTL_MAX_S + 1}, NoGrant.LIMIT, id="too long"),
        pytest.param({"units": ()}, NoGrant.SOLD_OUT, id="nothing"),
        pytest.param({"counts": (("none", 1),)}, NoGrant.POOL_EMPTY, id="no such pool"),
        pytest.param({"counts": (("x", 1), ("x", 1))}, NoGrant.LIMIT, id="one pool twice"),
    ],
)
def test_a_refused_hold_takes_nothing(stage: Stage, wish: dict[str, Any], code: NoGrant) -> None:
    assert ask(stage, 1, **wish) is code
    assert stage.claims() == {}


def test_the_best_seats_side_by_side_are_held(stage: Stage) -> None:
    held = hold(stage, count=4)
    found = units(held)
    assert found == list(range(found[0], found[0] + 4))  # one row
    assert {stage.event.tier_of(unit) for unit in found} == {"a"}  # the dearest first
    balcony = hold(stage, count=4, tier_id="b")
    assert {stage.event.tier_of(unit) for unit in units(balcony)} == {"b"}


def test_a_group_is_not_split(stage: Stage) -> None:
    assert ask(stage, count=7) is NoGrant.SOLD_OUT  # no row is so long, the standing area has 5
    for unit in (2, 4, 8, 10, 14, 16, 32, 34):
        hold(stage, unit)
    assert units(hold(stage, count=3)) == [101, 102, 103]
    assert ask(stage, count=3) is NoGrant.SOLD_OUT


def test_a_hold_ends_by_the_centres_clock(stage: Stage) -> None:
    held = hold(stage, 1, ttl_s=60)
    later = hold(stage, 2, ttl_s=120)
    stage.now += timedelta(seconds=59)
    assert stage.take(ExpireHolds(EVENT)) == 0
    stage.now += timedelta(seconds=1)
    assert stage.take(ExpireHolds(EVENT)) == 1
    assert stage.claims() == {1: ("free", "", ""), 2: ("hold", str(later.id), "")}
    assert stage.take(ExpireHolds(EVENT)) == 0
    assert stage.take(Extend(EVENT, "", str(held.id), 60)) is NoGrant.NOT_HELD


def test_a_hold_that_nobody_has_ended_may_be_kept(stage: Stage) -> None:
    held = hold(stage, 1, ttl_s=60)
    stage.now += timedelta(seconds=90)
    kept = stage.take(Extend(EVENT, "", str(held.id), 60))
    assert isinstance(kept, Held)
    assert kept.expires_ms == stage.now_ms + 60_000
    assert stage.take(ExpireHolds(EVENT)) == 0
    assert stage.take(Extend(EVENT, "", str(held.id), 0)) is NoGrant.LIMIT
    assert stage.take(Extend(EVENT, "other", str(held.id), 60)) is NoGrant.NOT_HELD


def test_a_hold_that_is_kept_in_the_same_batch_is_not_ended(stage: Stage) -> None:
    """The database still says that it is over when the batch looks."""
    held = hold(stage, 1, ttl_s=60)
    stage.now += timedelta(seconds=90)
    steps: list[Step[Any]] = [Extend(EVENT, "", str(held.id), 60), ExpireHolds(EVENT)]
    with stage.engine.begin() as connection:
        context = Context(stage.now_ms, stage.plans)
        (_kept, ended), _news = run_steps(Sql.of(connection), steps, context)
    assert ended == 0
    assert stage.claims()[1][0] == "hold"


def test_dropping_twice_frees_once(stage: Stage, till: Till) -> None:
    held = hold(stage, 1, 2)
    assert stage.take(Drop(EVENT, "other", str(held.id))) is NoGrant.NOT_HELD
    assert stage.take(Drop(EVENT, "", str(held.id))) == replace(held, is_held=False)
    grant = till.borrow(1, 2)
    assert stage.take(Drop(EVENT, "", str(held.id))) == replace(held, is_held=False)
    assert stage.claims()[1] == ("allot", str(grant.id), till.node_id)
    assert stage.take(Drop(EVENT, "", str(grant.id))) is NoGrant.NOT_HELD


def test_nothing_is_held_in_quarantine(stage: Stage, till: Till) -> None:
    held = hold(stage, 1)
    sale = sale_of(stage, held, 1)
    quarantine(stage)
    assert ask(stage, 2) is NoGrant.QUARANTINE
    assert stage.take(Extend(EVENT, "", str(held.id), 60)) is NoGrant.QUARANTINE
    assert stage.take(Firm(till.source, "", str(held.id))) is NoGrant.QUARANTINE
    assert sell(stage, held, sale) is NoSale.QUARANTINE
    assert stage.take(SetPool(EVENT, "first", 1)) is NoPool.QUARANTINE
    assert stage.work(end_all_holds) == 1
    assert stage.claims() == {1: ("free", "", "")}


# --- firm


def test_a_hold_becomes_an_allotment(stage: Stage, till: Till) -> None:
    pool(stage)
    held = hold(stage, 1, 2, by=till.node_id, counts=(("first", 2),))
    firm = Firm(till.source, till.node_id, str(held.id))
    grant = stage.take(firm)
    assert isinstance(grant, Grant)
    assert (grant.units, grant.counts, grant.firm) == (held.units, {"first": 2}, True)
    assert grant.id != held.id
    assert stage.take(firm) == grant
    stage.now += timedelta(hours=2)
    assert stage.take(ExpireHolds(EVENT)) == 0
    assert stage.claims() == {n: ("allot", str(grant.id), till.node_id) for n in (1, 2)}
    assert pool_row(stage) == (10, 8, 2, 0)
    till.say_sale(till.sale(*(till.line(unit, grant.id, pool="first") for unit in (1, 2))))
    assert till.push() == ["ok"]
    assert pool_row(stage) == (10, 8, 0, 2)
    assert stage.cases() == []


def test_another_nodes_hold_is_not_firmed(stage: Stage, till: Till) -> None:
    held = hold(stage, 1, by="another")
    assert stage.take(Firm(till.source, till.node_id, str(held.id))) is NoGrant.NOT_HELD
    assert stage.claims()[1][0] == "hold"


def test_a_hold_that_lost_a_unit_to_a_declared_allotment_is_not_firmed(
    stage: Stage, till: Till
) -> None:
    held = hold(stage, 1, 2, by=till.node_id)
    stage.do(lambda tx: tx.run("UPDATE claim SET kind = 'allot', ref = 'x' WHERE unit = 2"))
    assert stage.take(Firm(till.source, till.node_id, str(held.id))) is NoGrant.NOT_HELD


def test_a_hold_that_is_over_is_not_firmed(stage: Stage, till: Till) -> None:
    held = hold(stage, 1, by=till.node_id)
    stage.take(Drop(EVENT, till.node_id, str(held.id)))
    assert stage.take(Firm(till.source, till.node_id, str(held.id))) is NoGrant.NOT_HELD


# --- sold by the centre itself


def test_a_sale_from_a_hold_is_booked_like_any_other(stage: Stage) -> None:
    held = hold(stage, 1, 2, 3)
    sale = sale_of(stage, held, 1, 2)
    assert sell(stage, held, sale) == SoldHeld(sale.order_id)
    claims = stage.claims()
    assert claims[1] == ("sold", sale.lines[0].ticket_id, SERVER)
    assert claims[3] == ("free", "", "")
    ledger = stage.rows("SELECT account, amount_minor, node_id, seq FROM ledger ORDER BY line")
    assert [tuple(row) for row in ledger] == [
        ("online", 100_000, SERVER, 1),
        ("sales", -100_000, SERVER, 1),
    ]
    assert stage.one("SELECT node_id FROM orders") == SERVER
    assert sale.lines[0].code in stage.one("SELECT body FROM op")  # to show and print again
    assert stage.books().balanced
    assert stage.cases() == []
    assert sell(stage, held, sale) == SoldHeld(sale.order_id)
    assert stage.one("SELECT count(*) FROM op") == 1
    assert sell(stage, held, replace(sale, receipt_no="W-2")) is NoSale.CONTRADICTION


def test_the_centres_sales_are_one_journal(stage: Stage) -> None:
    for unit in (1, 2):
        held = hold(stage, unit)
        assert isinstance(sell(stage, held, sale_of(stage, held, unit)), SoldHeld)
    rows = stage.rows("SELECT seq FROM op WHERE node_id = 'server' ORDER BY seq")
    assert [row.seq for row in rows] == [1, 2]
    assert stage.one("SELECT seq FROM journal WHERE node_id = 'server'") == 2


def test_only_what_is_held_is_sold(stage: Stage) -> None:
    held, other = hold(stage, 1), hold(stage, 2)
    wrong = [
        sale_of(stage, held, 1, 2),  # another's unit
        sale_of(stage, other, 1),  # the unit under another hold
        sale_of(stage, replace(held, id=AllotmentId(GENERATION, 99)), 1),
    ]
    for sale in wrong:
        assert sell(stage, held, sale) is NoSale.NOT_HELD
    stage.now += timedelta(hours=1)
    stage.take(ExpireHolds(EVENT))
    assert sell(stage, held, sale_of(stage, held, 1)) is NoSale.NOT_HELD
    assert stage.one("SELECT count(*) FROM orders") == 0


def test_a_sale_spends_no_more_shares_than_are_held(stage: Stage) -> None:
    pool(stage)
    held = hold(stage, 1, 2, counts=(("first", 1),))
    assert sell(stage, held, sale_of(stage, held, 1, 2, pool_id="first")) is NoSale.POOL_EMPTY
    assert pool_row(stage) == (10, 9, 1, 0)
    assert isinstance(sell(stage, held, sale_of(stage, held, 1, pool_id="first")), SoldHeld)
    assert pool_row(stage) == (10, 9, 0, 1)


# --- pools


def test_a_pool_is_lent_spent_and_given_back(stage: Stage, till: Till) -> None:
    pool(stage)
    wish = Acquire("a" * 32, PERFORMANCE, (1, 2), counts=(("first", 4),))
    grant = stage.take(Lend(till.source, wish))
    assert isinstance(grant, Grant)
    assert grant.counts == {"first": 4}
    till.say_sale(till.sale(till.line(1, grant.id, pool="first")))
    till.say(OpKind.RELEASE, encode_release(Release(PERFORMANCE, grant.id, (2,), (("first", 2),))))
    assert till.push() == ["ok", "ok"]
    assert pool_row(stage) == (10, 8, 1, 1)


def test_a_pool_grows_and_shrinks_to_what_is_in_use(stage: Stage) -> None:
    pool(stage)
    hold(stage, 1, counts=(("first", 4),))
    assert stage.take(SetPool(EVENT, "first", 3)) is NoPool.BELOW_USE
    pool(stage, capacity=4)
    assert pool_row(stage) == (4, 0, 4, 0)
    head = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    pool(stage, capacity=4)
    assert stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT) == head
    assert ask(stage, 2, counts=(("first", 1),)) is NoGrant.POOL_EMPTY


@pytest.mark.parametrize(
    ("stream", "pool_id", "capacity", "code"),
    [
        (VENUE, "first", 1, NoPool.HOUSE),
        (EVENT, "", 1, NoPool.MALFORMED),
        (EVENT, "first", -1, NoPool.MALFORMED),
        (EVENT, "first", 2**31, NoPool.MALFORMED),
    ],
)
def test_a_senseless_pool_is_refused(
    stage: Stage, stream: str, pool_id: str, capacity: int, code: NoPool
) -> None:
    assert stage.take(SetPool(stream, pool_id, capacity)) is code


def test_a_swept_hold_gives_its_shares_back(stage: Stage) -> None:
    pool(stage)
    hold(stage, 1, counts=(("first", 4),))
    stage.now += timedelta(hours=1)
    stage.take(ExpireHolds(EVENT))
    assert pool_row(stage) == (10, 10, 0, 0)
    assert stage.units().free == CAPACITY
