"""What readers have seen, decided at a lane: a chip proves a ticket only where a till bound it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from edge.errors import ReplicaDamaged
from gate_agent.looking import ReaderWatch
from hardware.reader import Seen, SeenKind
from tests.fakes.hall import ROW, node_row
from tests.integration.gate_agent.door_stage import LiveLane, WoodenBarrier
from tests.integration.gate_agent.lane_stage import STRANGER_KEY, TILL, TILL_KEY, Stage
from ticketing.code import TicketCode, parse_code
from ticketing.keys import public_of
from ticketing.tags import bind

UID = bytes.fromhex("04E10CDA993C80")


@dataclass
class Scripted:
    """A reader that has seen this, once."""

    seen: list[Seen]
    stop: threading.Event = field(default_factory=threading.Event)

    def next_seen(self, timeout_s: float) -> Seen | None:
        assert timeout_s <= 1
        if self.seen:
            return self.seen.pop(0)
        self.stop.set()
        return None


@pytest.fixture
def lane(gate: Stage) -> Iterator[LiveLane]:
    gate.lend()
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False)) as live:
        yield live


def tap(lane: LiveLane, kind: SeenKind, value: str, uid: str = "") -> list[object]:
    """Hold something up; the decisions."""
    reader = Scripted([Seen(kind, value, "test:", 1.0, uid)])
    before = len(lane.decisions())
    ReaderWatch(reader, lane.runner).run(reader.stop)
    return [line["reason"] or line["decision"] for line in lane.decisions()[before:]]


def bound(gate: Stage, key: bytes = TILL_KEY) -> str:
    code = parse_code(gate.code())
    assert isinstance(code, TicketCode)
    return bind(code, UID, key)


@pytest.mark.parametrize("kind", [SeenKind.QR, SeenKind.LINE])
def test_a_printed_code_is_a_ticket(lane: LiveLane, kind: SeenKind) -> None:
    assert tap(lane, kind, lane.gate.code()) == ["admit"]
    assert lane.lines[-1]["decoder"] == kind.value


def test_a_ticket_that_a_till_bound_to_this_chip_is_let_in_once(lane: LiveLane) -> None:
    text = f"https://box.example/t#{bound(lane.gate)}"
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex().upper()) == ["admit"]
    lane.runner.debounce._seen_s.clear()
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex().upper()) == ["already_used"]


@pytest.mark.parametrize("uid", ["04E10CDA993C81", "", "not hexadecimal", "08A1B2C3"])
def test_on_another_chip_it_proves_nothing(lane: LiveLane, uid: str) -> None:
    assert tap(lane, SeenKind.NFC_NDEF, bound(lane.gate), uid) == ["not_a_ticket"]


def test_a_code_that_somebody_wrote_onto_a_chip_proves_nothing(lane: LiveLane) -> None:
    assert tap(lane, SeenKind.NFC_NDEF, lane.gate.code(), UID.hex()) == ["not_a_ticket"]


def test_what_a_stranger_bound_proves_nothing(lane: LiveLane) -> None:
    text = bound(lane.gate, STRANGER_KEY)
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex()) == ["not_a_ticket"]


def test_what_a_stolen_till_bound_proves_nothing(lane: LiveLane) -> None:
    text = bound(lane.gate)
    lane.gate.feed.node(node_row(TILL, public_of(TILL_KEY), state="revoked"))
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex()) == ["not_a_ticket"]


@pytest.mark.parametrize(
    "kind", [SeenKind.NFC_UID, SeenKind.RFID_LF, SeenKind.RFID_UHF, SeenKind.NFC_SUN]
)
def test_a_number_alone_opens_nothing_even_if_it_looks_like_a_ticket(
    lane: LiveLane, kind: SeenKind
) -> None:
    code = lane.gate.code(unit=ROW[1])
    assert tap(lane, kind, code, UID.hex()) == ["not_a_ticket"]
    assert lane.wood.opened == []


@pytest.mark.expected_errors("scan_failed")
def test_where_keys_cannot_be_read_nobody_is_let_in_by_a_chip(
    lane: LiveLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise ReplicaDamaged("mirror.db is damaged")

    text = bound(lane.gate)
    monkeypatch.setattr("gate_agent.facts.GateKnowledge.issuer", damaged)
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex()) == []
