"""Terms of what was lent, from the grant's way into the file to the sale that is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.allotments import Grant, LentUnit, TermOver, install, take, units_of
from edge.errors import ServerUnreachable
from edge.journal import set_meta
from edge.protocol.acquire import Want, on_acquire
from edge.protocol.pull import News, Page, anchor_of_row, take_grants
from edge.replica import Replica
from edge.time_left import late_sold, note_contact, note_late, now_of, standing_of, worst_standing
from tests.fakes.edge_node import EVENT
from tests.fakes.hall import SetEnv
from ticketing.ids import AllotmentId
from ticketing.terms import Anchor, Sold, Standing

GEN = "0a1b2c3d"
SOFT_S, HARD_S = 1_000, 5_000
GRANTED_MS = 1_800_000_000_000


@pytest.fixture
def clock() -> SetEnv:
    return SetEnv()


def grant(number: int = 1, **changes: object) -> Grant:
    plain = Grant(AllotmentId(GEN, number), 1, False, "open", ((5, 0), (6, 0)), (), SOFT_S, HARD_S)
    return replace(plain, **changes)  # type: ignore[arg-type]


def moment(replica: Replica, clock: SetEnv) -> Anchor:
    with replica.reading() as connection:
        return now_of(connection, clock)


def lend(replica: Replica, clock: SetEnv, given: Grant) -> None:
    sent = moment(replica, clock)
    replica.transact(lambda unit: install(unit, EVENT, given, sent))


def sold(
    replica: Replica, clock: SetEnv, number: int, *, approved: bool = False
) -> LentUnit | None:
    return replica.transact(
        lambda unit: take(unit, EVENT, 1, number, now_of(unit, clock), approved=approved)
    )


def the_standing(replica: Replica, clock: SetEnv) -> Standing:
    with replica.reading() as connection:
        now = now_of(connection, clock)
        found = standing_of(connection, EVENT, f"{GEN}-1", now)
        assert worst_standing(connection, now) is found
    return found


def test_what_is_fresh_is_sold_and_what_is_past_its_terms_is_not(
    replica: Replica, clock: SetEnv
) -> None:
    lend(replica, clock, grant())
    clock.pass_s(SOFT_S * 0.98)
    assert the_standing(replica, clock) is Standing.NORMAL
    taken = sold(replica, clock, 5)
    assert taken is not None
    assert not taken.late
    clock.pass_s(SOFT_S * 0.02)
    with pytest.raises(TermOver) as over:
        sold(replica, clock, 6)
    assert over.value.standing is Standing.LIMITED
    clock.pass_s(HARD_S - SOFT_S)
    with pytest.raises(TermOver) as over:
        sold(replica, clock, 6, approved=True)
    assert over.value.standing is Standing.STOPPED
    with replica.reading() as connection:
        assert units_of(connection, EVENT, 1)[6].state == "free"


def test_a_supervisor_may_have_it_sold_late_and_the_sale_says_so(
    replica: Replica, clock: SetEnv
) -> None:
    lend(replica, clock, grant())
    clock.pass_s(SOFT_S)
    taken = sold(replica, clock, 5, approved=True)
    assert taken is not None
    assert taken.late


def test_what_was_lent_without_a_term_has_none(replica: Replica, clock: SetEnv) -> None:
    replica.transact(lambda unit: install(unit, EVENT, grant(soft_s=0, hard_s=0)))
    clock.pass_s(10**9)
    assert the_standing(replica, clock) is Standing.NORMAL


def test_after_a_restart_of_the_machine_the_wall_clock_counts(
    replica: Replica, clock: SetEnv
) -> None:
    lend(replica, clock, grant())
    clock.boot, clock.since_boot_s = "second-boot", 3.0
    assert the_standing(replica, clock) is Standing.NORMAL
    clock.pass_s(HARD_S)
    assert the_standing(replica, clock) is Standing.STOPPED


def test_a_clock_set_back_over_a_restart_ends_the_term(replica: Replica, clock: SetEnv) -> None:
    lend(replica, clock, grant())
    high_ms = clock.wall_ms() + 500
    replica.transact(lambda unit: set_meta(unit, "wall_high", str(high_ms)))
    clock.boot = "second-boot"
    assert the_standing(replica, clock) is Standing.STOPPED
    clock.pass_s(0.5)
    assert the_standing(replica, clock) is Standing.NORMAL


def test_a_repeated_request_counts_from_its_first_try(replica: Replica, clock: SetEnv) -> None:
    first = moment(replica, clock)
    clock.pass_s(SOFT_S)
    raw = {"id": f"{GEN}-1", "p": 1, "units": [[5, 0]], "soft_s": SOFT_S, "hard_s": HARD_S}
    want = Want(EVENT, "0" * 32, 1, units=(5,))
    replica.transact(lambda unit: on_acquire(unit, want, first, {"allotment": raw}))
    assert the_standing(replica, clock) is Standing.LIMITED


def test_a_grant_of_a_lost_history_is_not_taken(replica: Replica, clock: SetEnv) -> None:
    """Its answer was under way while the server failed over; we have declared what we hold."""
    replica.transact(lambda unit: set_meta(unit, "generation", "ffffffff"))
    raw = {"id": f"{GEN}-1", "p": 1, "units": [[5, 0]]}
    want, sent = Want(EVENT, "0" * 32, 1, units=(5,)), moment(replica, clock)
    with pytest.raises(ServerUnreachable, match="gen"):
        replica.transact(lambda unit: on_acquire(unit, want, sent, {"allotment": raw}))
    page = Page(EVENT, (), (grant(),), 0, 1)
    with pytest.raises(ServerUnreachable, match="gen"):
        replica.transact(lambda unit: take_grants(unit, News(GEN, False, ()), page, sent))
    with replica.reading() as connection:
        assert units_of(connection, EVENT, 1) == {}
    told = {"gen": "ffffffff", "allotment": raw}  # an old allotment that the server still knows
    replica.transact(lambda unit: on_acquire(unit, want, sent, told))


# --- grants that come by the feed


def pulled(replica: Replica, clock: SetEnv, given: Grant, now_ms: int) -> None:
    sent, page = moment(replica, clock), Page(EVENT, (), (given,), 0, 1)
    news = News(GEN, is_new_history=False, pages=(page,), now_ms=now_ms)
    replica.transact(lambda unit: take_grants(unit, news, page, sent))


def test_a_row_is_as_old_as_the_server_says(replica: Replica, clock: SetEnv) -> None:
    now_ms = GRANTED_MS + (SOFT_S - 100) * 1000
    pulled(replica, clock, grant(granted_ms=GRANTED_MS), now_ms)
    assert the_standing(replica, clock) is Standing.NORMAL
    clock.pass_s(100)
    assert the_standing(replica, clock) is Standing.LIMITED


def test_the_age_of_a_row_is_taken_for_longer_than_it_looks() -> None:
    sent = Anchor(1_000.0, "boot", 50_000_000, 0)
    found = anchor_of_row(grant(granted_ms=GRANTED_MS), GRANTED_MS + 990_000, sent)
    assert found is not None
    assert found.sent_mono_s == pytest.approx(1_000 - 1_010)
    assert found.sent_wall_ms == pytest.approx(50_000_000 - 1_010_000, abs=1)


@pytest.mark.parametrize(("granted_ms", "now_ms"), [(0, GRANTED_MS), (GRANTED_MS, 0)])
def test_a_row_of_unknown_age_sells_nothing(
    replica: Replica, clock: SetEnv, granted_ms: int, now_ms: int
) -> None:
    pulled(replica, clock, grant(granted_ms=granted_ms), now_ms)
    assert the_standing(replica, clock) is Standing.STOPPED


def test_an_extension_counts_and_an_older_row_does_not(replica: Replica, clock: SetEnv) -> None:
    pulled(replica, clock, grant(granted_ms=GRANTED_MS), GRANTED_MS)
    clock.pass_s(HARD_S)
    assert the_standing(replica, clock) is Standing.STOPPED
    later_ms = GRANTED_MS + HARD_S * 1000
    pulled(replica, clock, grant(granted_ms=GRANTED_MS), later_ms)
    assert the_standing(replica, clock) is Standing.STOPPED
    pulled(replica, clock, grant(granted_ms=later_ms), later_ms)
    assert the_standing(replica, clock) is Standing.NORMAL
    pulled(replica, clock, grant(granted_ms=GRANTED_MS), later_ms)
    assert the_standing(replica, clock) is Standing.NORMAL


def test_what_was_lent_to_an_earlier_life_is_not_ours(replica: Replica, clock: SetEnv) -> None:
    replica.transact(lambda unit: set_meta(unit, "incarnation", "2"))
    pulled(replica, clock, grant(incarnation=1), GRANTED_MS)
    pulled(replica, clock, grant(2, incarnation=2, soft_s=0, hard_s=0, units=((7, 0),)), GRANTED_MS)
    with replica.reading() as connection:
        assert list(units_of(connection, EVENT, 1)) == [7]


# --- caps


def test_late_sales_are_counted_until_the_server_is_heard(replica: Replica) -> None:
    replica.transact(lambda unit: note_late(unit, Sold(2, 900)))
    replica.transact(lambda unit: note_late(unit, Sold(1, 50)))
    with replica.reading() as connection:
        assert late_sold(connection) == Sold(3, 950)
    replica.transact(note_contact)
    with replica.reading() as connection:
        assert late_sold(connection) == Sold(0, 0)
