"""What gates tell of their barriers in the house journal: kept as it is, with no effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.sync_server.stage import EVENT, VENUE, Gate, Stage
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import (
    GateCause,
    GateOpened,
    GateShut,
    Walked,
    encode_gate_opened,
    encode_gate_shut,
    encode_walked,
)

OPENED = encode_gate_opened(GateOpened("Lane 1", GateCause.HAND, "person-1", "coaches", 1_000))
SHUT = encode_gate_shut(GateShut(OpId("0" * 32), "Lane 1", 2_000))
WALKED = encode_walked(Walked("Lane 1", GateCause.HAND, 40, False, 1_000, 2_000))
ALL = [(OpKind.GATE_OPENED, OPENED), (OpKind.WALKED, WALKED), (OpKind.GATE_SHUT, SHUT)]


def house_of(gate: Gate) -> Gate:
    return replace(gate, stream=VENUE, ops=[])


def test_periods_in_which_a_gate_stood_open_are_kept(stage: Stage) -> None:
    house = house_of(stage.gate())
    for kind, body in ALL:
        house.say(kind, body)
    assert house.push() == ["ok", "ok", "ok"]
    stored = stage.rows("SELECT kind, body FROM op WHERE event_id = :v ORDER BY seq", v=VENUE)
    assert [(row.kind, row.body) for row in stored] == ALL
    assert stage.cases() == []


@pytest.mark.parametrize(("kind", "body"), ALL)
def test_they_belong_to_no_event_and_to_no_till(stage: Stage, kind: OpKind, body: str) -> None:
    gate = stage.gate()
    assert gate.stream == EVENT
    gate.say(kind, body)
    assert gate.push() == ["rejected unknown_kind"]
    till = replace(stage.till(), stream=VENUE, ops=[])
    till.say(kind, body)
    assert till.push() == ["rejected forbidden_kind"]


def test_one_that_makes_no_sense_is_poison_and_kept(stage: Stage) -> None:
    house = house_of(stage.gate())
    house.say(OpKind.WALKED, WALKED.replace("40", "-40"))
    assert house.push() == ["rejected malformed"]
