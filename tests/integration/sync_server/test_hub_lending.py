"""A hub lends on what the centre has lent it, and the centre judges what tills below it do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sync_server.handlers.recovery_api import _declared
from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest
from sync_server.heart.below import SalesBelow
from sync_server.heart.history import Declare, NewGeneration, begin_generation
from sync_server.heart.intake import Taken
from sync_server.heart.lending import Acquire, Grant, Lend, NoGrant
from sync_server.heart.reclaim import Recall
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.unlent import TakeUnlent
from sync_server.hub.stock import LendOn, Missing, StopLending, declarations, going_back, lacks
from sync_server.store.sql import Sql
from tests.integration.sync_server.hub_copy import HUB_GENERATION, hub_copy, read_on, said_alike
from tests.integration.sync_server.stage import EVENT, GENERATION, PERFORMANCE, UNITS, Stage, Till
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import OpKind
from ticketing.operations import Sale, Settle, encode_settle


@dataclass
class House:
    """A centre, a hub, and tills below it."""

    centre: Stage
    hub: Stage
    hub_id: str

    @property
    def source(self) -> Source:
        return Source(self.hub_id, NodeRole.HUB, 1, EVENT)

    def till(self, name: str = "Window 1") -> Till:
        """One that calls the hub."""
        till = self.centre.till(name)
        self.centre.do(
            lambda tx: tx.run(
                "UPDATE node SET hub = :h WHERE id = :n", h=self.hub_id, n=till.node_id
            )
        )
        self.read()
        return till

    def lend(self, *units: int, generation: str = HUB_GENERATION) -> Grant:
        """The centre lends these to the hub, as asked in one of its histories."""
        wish = Acquire(f"{generation}{self.centre.mint():024x}", PERFORMANCE, units)
        grant = self.centre.take(Lend(self.source, wish))
        assert isinstance(grant, Grant), grant
        self.read()
        return grant

    def ask(self, till: Till, *units: int, req: str = "", count: int = 0) -> object:
        """What the hub says to a till's wish."""
        wish = Acquire(req or f"{self.centre.mint():032x}", PERFORMANCE, units, count)
        return self.hub.take(LendOn(till.source, wish, self.hub_id, HUB_GENERATION))

    def given(self, till: Till, *units: int, req: str = "") -> tuple[Grant, ...]:
        answer = self.ask(till, *units, req=req)
        assert isinstance(answer, tuple), answer
        return answer

    def push(self, till: Till) -> list[str]:
        """A till's journal, by way of the hub; the centre's verdicts."""
        batch = till.batch(till.acked + 1, len(till.ops))
        here = self.hub.take(SalesBelow(till.source, batch))
        assert isinstance(here, Taken)
        assert {op.verdict for op in here.ops} == {"ok"}
        return till.push()

    def read(self) -> None:
        """The hub reads everything that is new."""
        read_on(self.centre, self.hub)

    def states(self) -> dict[int, tuple[str, str, str]]:
        """The units as the centre has them."""
        return self.centre.claims()


@pytest.fixture
def house(stage: Stage, tmp_path: Path) -> Iterator[House]:
    _private, hub_id = stage._enrol(NodeRole.HUB, "Hub 1")
    with hub_copy(tmp_path / "hub") as hub:
        made = House(stage, hub, hub_id)
        made.read()
        yield made


def sells(house: House, till: Till, *units: int) -> Sale:
    """A till is given these units by the hub, and sells them."""
    grants = house.given(till, *units)
    of_unit = {unit: grant for grant in grants for unit, _version in grant.units}
    return till.say_sale(till.sale(*(till.line(unit, of_unit[unit].id) for unit in units)))


def test_a_till_sells_what_its_hub_was_lent_and_the_centre_takes_it(house: House) -> None:
    root = house.lend(1, 2, 3)
    one, other = house.till(), house.till("Window 2")
    sale = sells(house, one, 1, 2)
    assert sale.lines[0].allotment == root.id
    assert house.ask(other, 3) is NoGrant.LENT_ELSEWHERE, "whole allotments go to one till"
    assert house.push(one) == ["ok"]
    assert house.states()[1] == ("sold", sale.lines[0].ticket_id, one.node_id)
    assert house.states()[3] == ("allot", str(root.id), house.hub_id)
    assert house.hub.one("SELECT count(*) FROM ticket WHERE state = 'valid'") == 2
    house.read()
    said_alike(house.centre, house.hub, "ticket", "id, order_id, unit, version, state, allot_id")
    said_alike(house.centre, house.hub, "orders", "id, node_id, receipt_no, state, total_minor")
    assert house.centre.cases() == []


def test_a_repeated_request_gives_the_same_allotments(house: House) -> None:
    house.lend(1, 2)
    house.lend(3)
    till = house.till()
    first = house.given(till, 2, 3, req="a" * 32)
    assert len(first) == 2
    assert house.given(till, 2, 3, req="a" * 32) == first
    assert house.given(till, 7, req="a" * 32) == first, "the request is its id"
    assert {grant.incarnation for grant in first} == {1}


def test_what_the_hub_has_not_only_the_centre_may_lend(house: House) -> None:
    till, direct = house.till(), house.centre.till("Window 9")
    direct.borrow(5)
    house.read()
    assert house.ask(till, 4) == Missing((4,))
    assert house.ask(till, count=10) == Missing(())
    assert house.ask(till, 5) is NoGrant.LENT_ELSEWHERE
    house.lend(4, 6)
    assert [grant.units for grant in house.given(till, 4)] == [((4, 0), (6, 0))]
    assert house.ask(till, 6) is NoGrant.ALREADY_YOURS


def test_of_about_so_many_a_till_gets_its_part(house: House) -> None:
    """Whole allotments, and something is left for the other window."""
    for first in (1, 3, 5, 7):
        house.lend(first, first + 1)
    one, other = house.till(), house.till("Window 2")
    given = house.ask(one, count=20)
    assert isinstance(given, tuple)
    assert [len(grant.units) for grant in given] == [2, 2]
    assert isinstance(house.ask(other, count=20), tuple)


def test_what_an_earlier_history_of_the_hub_was_lent_is_given_to_nobody(house: House) -> None:
    """A till may have it, and nobody here knows."""
    root = house.lend(1, generation="0badcafe")
    till = house.till()
    assert house.ask(till, 1) is NoGrant.LENT_ELSEWHERE
    till.say_sale(till.sale(till.line(1, root.id)))
    assert house.push(till) == ["ok"], "the till that had it sells it all the same"


def test_what_is_given_back_below_a_hub_is_free_at_the_centre(house: House) -> None:
    root = house.lend(1, 2, 3)
    till = house.till()
    house.given(till, 1)
    till.release(root.id, 1)
    till.say(OpKind.SETTLE, encode_settle(Settle(PERFORMANCE, root.id)))
    assert house.push(till) == ["ok", "ok"]
    assert {kind for kind, _ref, _node in house.states().values()} == {"free"}
    house.read()
    assert house.hub.one("SELECT state FROM allot") == "closed"
    assert house.ask(till, 1) == Missing((1,))


def test_a_till_below_another_hub_sells_nothing_of_this_ones(house: House) -> None:
    root = house.lend(1)
    stranger = house.centre.till("Window 9")
    stranger.say_sale(stranger.sale(stranger.line(1, root.id)))
    assert stranger.push() == ["disputed not_held"]


def test_a_hub_gives_back_what_it_lent_to_nobody_and_never_lends_it_again(house: House) -> None:
    given, kept = house.lend(1), house.lend(2)
    till = house.till()
    house.given(till, 1)
    house.centre.take(Recall(EVENT, node_id=house.hub_id))
    house.read()
    assert house.hub.take(StopLending(EVENT, house.hub_id, HUB_GENERATION)) == 1
    with house.hub.engine.connect() as connection:
        waiting = going_back(connection, house.hub_id)
    assert waiting == {EVENT: [str(kept.id)]}
    house.hub.do(lambda tx: tx.run("UPDATE upstream SET rev = 0"))
    house.read()
    assert house.ask(till, 2) is NoGrant.LENT_ELSEWHERE, "also when it is told anew that it has it"
    ids = (str(kept.id), str(given.id))
    assert house.centre.take(TakeUnlent(house.source, "0badcafe", ids)) == 0, "of another history"
    assert house.centre.take(TakeUnlent(house.source, GENERATION, ids[:1])) == 1
    assert house.centre.take(TakeUnlent(house.source, GENERATION, ids[:1])) == 0
    assert (house.states()[2][0], house.states()[1][0]) == ("free", "allot")
    house.read()
    with house.hub.engine.connect() as connection:
        assert going_back(connection, house.hub_id) == {}
    recalled = house.hub.one("SELECT recall FROM allot WHERE node_id = :n", n=till.node_id)
    assert recalled == 1, "the till hears of it too"


def test_after_a_lost_history_the_hub_says_what_it_was_lent(house: House) -> None:
    """The centre has forgotten the allotment: nothing is lent, and the sale waits, until then."""
    root, till = house.lend(1, 2), house.till()
    sells(house, till, 1)
    here = house.hub.take(SalesBelow(till.source, till.batch(1, 1)))
    assert isinstance(here, Taken)
    house.centre.do(lambda tx: tx.run("DELETE FROM allot"))
    house.centre.do(lambda tx: tx.run("DELETE FROM claim"))
    made = NewGeneration("n", "0a0b0c0d", house.centre.now_ms, "test")
    house.centre.do(lambda tx: begin_generation(Sql.of(tx.connection), made))
    waits = house.centre.rows("SELECT node_id FROM quarantine")
    assert [row[0] for row in waits] == [house.hub_id], "the till tells the hub alone"
    assert till.push() == ["deferred"]
    with house.hub.engine.connect() as connection:
        (page,) = declarations(connection, house.hub_id, EVENT)
    assert [(one["id"], one["units"]) for one in page] == [(str(root.id), [[1, 0], [2, 0]])]
    told = tuple(one for one in map(_declared, page) if one is not None)
    answer = house.centre.take(Declare(house.source, made.short, told, done=True))
    assert not getattr(answer, "quarantined", True)
    assert house.centre.rows("SELECT verdict FROM op") == [("ok",)]
    assert house.states()[1][0] == "sold"
    assert house.states()[2] == ("allot", str(root.id), house.hub_id)


def test_a_new_machine_of_the_hub_takes_a_journal_that_the_centre_knows(house: House) -> None:
    """Its tills tell it everything anew; what the feed has brought stays."""
    house.lend(1, 2)
    till = house.till()
    sells(house, till, 1)
    assert till.push() == ["ok"]
    house.read()
    before = house.hub.rows("SELECT id, state, rev FROM ticket")
    again = house.hub.take(SalesBelow(till.source, till.batch(1, 1)))
    assert isinstance(again, Taken)
    assert [op.verdict for op in again.ops] == ["ok"]
    assert house.hub.rows("SELECT id, state, rev FROM ticket") == before
    assert house.hub.case_kinds() == []


def test_a_gate_lets_in_what_a_till_below_a_hub_sold(house: House) -> None:
    """The centre has not heard of the sale: the hub's allotment vouches for it."""
    root, till, gate = house.lend(1), house.till(), house.centre.gate()
    line = till.line(1, root.id)
    strange = till.line(2, AllotmentId(GENERATION, 999_999))

    def ask(code: str, op: int) -> object:
        asked = AdmitRequest(OpId(f"{op:032x}"), code, "lane 1", ())
        return house.centre.take(Admit(EVENT, gate.node_id, asked))

    assert isinstance(ask(line.code, 1), Accepted)
    assert not isinstance(ask(strange.code, 2), Accepted)
    other = house.centre.till("Window 9")
    forged = replace(other.line(1, root.id), ticket_id=line.ticket_id)
    assert not isinstance(ask(forged.code, 3), Accepted), "not a till below this hub"


def test_the_hub_has_more_ready_for_more_tills(house: House) -> None:
    def wanted() -> int:
        with house.hub.engine.connect() as connection:
            found = lacks(connection, house.hub_id, HUB_GENERATION, house.centre.now_ms)
        return sum(lack.requests for lack in found if lack.performance == PERFORMANCE)

    assert wanted() == 0, "nobody would sell it"
    house.till()
    assert wanted() == 5
    house.till("Window 2")
    assert wanted() == 10
    house.lend(*UNITS[:10])
    assert wanted() == 9
    with house.hub.engine.connect() as connection:
        assert not lacks(connection, house.hub_id, HUB_GENERATION, 2**50), "all of it is over"
