"""Who answers the gates of an event: given to a hub at once, and back by the hub's own word."""

from __future__ import annotations

from dataclasses import replace

from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest, Denied, NotArbiter
from sync_server.heart.arbiters import ArbiterOf, AskBack, GiveToHub, NoChange, Stopped
from sync_server.heart.granted import Granted, TakeGranted
from tests.integration.sync_server.stage import EVENT, PERFORMANCE, Stage
from ticketing.ids import OpId
from ticketing.operations import Sale

HUB, OTHER = "00000000000000cc", "00000000000000dd"


def sold(stage: Stage) -> Sale:
    till = stage.till()
    sale = till.sell(till.borrow(1), 1)
    till.push()
    return sale


def ask(stage: Stage, sale: Sale) -> Accepted | Denied | NotArbiter:
    asked = AdmitRequest(OpId(f"{stage.mint():032x}"), sale.lines[0].code, "lane 1", ())
    return stage.take(Admit(EVENT, "gate", asked))


def test_the_centre_stops_with_the_commit_that_gives_it_away(stage: Stage) -> None:
    sale = sold(stage)
    assert stage.take(GiveToHub(EVENT, HUB)) == ArbiterOf(HUB, 1)
    assert ask(stage, sale) == NotArbiter()
    assert stage.rows("SELECT 1 FROM entry") == []


def test_it_goes_from_hub_to_hub_by_the_centre_only(stage: Stage) -> None:
    stage.take(GiveToHub(EVENT, HUB))
    assert stage.take(GiveToHub(EVENT, HUB)) is NoChange.ALREADY
    assert stage.take(GiveToHub(EVENT, OTHER)) is NoChange.AT_ANOTHER_HUB
    stage.take(AskBack(EVENT))
    assert stage.take(GiveToHub(EVENT, HUB)) is NoChange.AT_ANOTHER_HUB


def test_it_comes_back_by_the_hubs_word_of_this_very_time(stage: Stage) -> None:
    sale = sold(stage)
    assert stage.take(AskBack(EVENT)) is NoChange.NOT_AT_A_HUB
    stage.take(GiveToHub(EVENT, HUB))
    assert stage.take(Stopped(EVENT, HUB, 1)) is NoChange.OLD_WORD, "nobody asked"
    assert stage.take(AskBack(EVENT)) == ArbiterOf(HUB, 1, asked_back=True)
    assert ask(stage, sale) == NotArbiter(), "the hub may still be answering"
    assert stage.take(Stopped(EVENT, OTHER, 1)) is NoChange.OLD_WORD
    assert stage.take(Stopped(EVENT, HUB, 0)) is NoChange.OLD_WORD
    assert stage.take(Stopped(EVENT, HUB, 1)) == ArbiterOf(epoch=2)
    assert isinstance(ask(stage, sale), Accepted)
    assert stage.take(Stopped(EVENT, HUB, 1)) is NoChange.OLD_WORD, "said again"


def test_a_hub_that_is_given_up_is_not_waited_for(stage: Stage) -> None:
    sale = sold(stage)
    stage.take(GiveToHub(EVENT, HUB))
    assert stage.take(AskBack(EVENT, "manager, wang: drowned")) == ArbiterOf(epoch=2)
    assert isinstance(ask(stage, sale), Accepted)
    assert stage.take(Stopped(EVENT, HUB, 1)) is NoChange.OLD_WORD
    body = stage.one("SELECT body FROM doc WHERE kind = 'arbiter'")
    assert "drowned" in body


def test_what_a_hub_granted_is_a_fact_before_its_gate_tells_of_it(stage: Stage) -> None:
    sale, gate = sold(stage), stage.gate()
    line = sale.lines[0]
    told = Granted(
        f"{7:032x}", gate.node_id, line.ticket_id, PERFORMANCE, 1, "lane 1", stage.now_ms, 1
    )
    assert stage.take(TakeGranted(EVENT, (told, told))) == 1
    assert stage.take(TakeGranted(EVENT, (told,))) == 0
    again = replace(told, at_ms=told.at_ms + 70_000)
    assert stage.take(TakeGranted(EVENT, (again, told))) == 0
    assert stage.rows("SELECT journalled, offline, at_ms FROM entry") == [(0, 0, again.at_ms)]
    gate.let_in(line, op_id=f"{7:032x}")
    assert gate.push() == ["ok"]
    assert stage.rows("SELECT journalled FROM entry") == [(1,)]
    assert stage.cases() == []
    gate.let_in(line, minute=5, op_id=f"{8:032x}")
    gate.push()
    assert stage.cases() == [("double_entry", line.ticket_id)]
