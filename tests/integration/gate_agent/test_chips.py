"""What readers have seen, decided at a lane: a chip proves a ticket only where a till bound it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from edge.errors import ReplicaDamaged
from gate_agent.looking import ReaderWatch
from hardware.reader import Seen, SeenKind
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SECOND, node_row
from tests.integration.gate_agent.door_stage import LiveLane, WoodenBarrier
from tests.integration.gate_agent.lane_stage import STRANGER_KEY, TILL, TILL_KEY, Stage, no, yes
from ticketing.admission import Reason
from ticketing.code import TicketCode, parse_code
from ticketing.credential import (
    ChipKeys,
    CredentialKind,
    CredentialRef,
    Medium,
    chip_keys,
    credential_ref,
)
from ticketing.keys import public_of
from ticketing.operations import ByCredential
from ticketing.sun import make_sun
from ticketing.tags import bind

UID = bytes.fromhex("04E10CDA993C80")
COPY = "credential_of_other_chip"


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


KEYS = chip_keys(bytes(range(32)))
WITHOUT_CHECK = replace(KEYS, file_master=None)
NUMBER = UID.hex().upper()


def tap(
    lane: LiveLane, kind: SeenKind, value: str, uid: str = "", keys: ChipKeys | None = KEYS
) -> list[object]:
    """Hold something up; the decisions."""
    reader = Scripted([Seen(kind, value, "test:", 1.0, uid)])
    before = len(lane.decisions())
    lane.runner.debounce._seen_s.clear()
    ReaderWatch(reader, lane.runner, lambda: keys).run(reader.stop)
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
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex().upper()) == ["already_used"]


@pytest.mark.parametrize("uid", ["04E10CDA993C81", "", "not hexadecimal", "08A1B2C3"])
def test_on_another_chip_it_proves_nothing(lane: LiveLane, uid: str) -> None:
    assert tap(lane, SeenKind.NFC_NDEF, bound(lane.gate), uid) == [COPY]


def test_a_code_that_somebody_wrote_onto_a_chip_proves_nothing(lane: LiveLane) -> None:
    assert tap(lane, SeenKind.NFC_NDEF, lane.gate.code(), UID.hex()) == [COPY]


def test_what_a_stranger_bound_proves_nothing(lane: LiveLane) -> None:
    text = bound(lane.gate, STRANGER_KEY)
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex()) == [COPY]


def test_what_a_stolen_till_bound_proves_nothing(lane: LiveLane) -> None:
    text = bound(lane.gate)
    lane.gate.feed.node(node_row(TILL, public_of(TILL_KEY), state="revoked"))
    assert tap(lane, SeenKind.NFC_NDEF, text, UID.hex()) == [COPY]


@pytest.mark.parametrize(
    "kind", [SeenKind.NFC_UID, SeenKind.RFID_LF, SeenKind.RFID_UHF, SeenKind.NFC_SUN]
)
def test_a_number_alone_opens_nothing_even_if_it_looks_like_a_ticket(
    lane: LiveLane, kind: SeenKind
) -> None:
    code = lane.gate.code(unit=ROW[1])
    assert tap(lane, kind, code, UID.hex()) == ["credential_unknown"]
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


# --- credentials

TICKET = "00000000000000a1"
NFC_REF = credential_ref(KEYS, Medium.NFC, NUMBER)


def credential(
    gate: Stage,
    kind: str = "uid",
    *,
    ref: CredentialRef = NFC_REF,
    ticket: str = TICKET,
    state: str = "bound",
    counter: int = -1,
) -> None:
    """What the server told of a chip."""
    body = {"ref": ref, "ticket": ticket, "kind": kind, "state": state}
    gate.feed.tell(EVENT_ID, ("credential", body | {"type": 1, "counter": counter}))


def sold(gate: Stage, ticket: str = TICKET, unit: int = ROW[0], **more: Any) -> None:
    gate.feed.ticket(ticket, more.pop("performance", FIRST), unit, **more)


def link(counter: int, uid: bytes = UID, keys: ChipKeys = KEYS) -> str:
    assert keys.sun is not None
    made = make_sun(uid, counter, keys.sun)
    return f"https://box.example/?picc_data={made.picc_data.hex()}&cmac={made.mac.hex()}"


@pytest.mark.parametrize(
    ("kind", "value", "medium"),
    [
        pytest.param(SeenKind.RFID_LF, "0A1B2C3D4E", Medium.LF, id="125 kHz"),
        pytest.param(SeenKind.RFID_UHF, "E20010710000529B0940B402", Medium.UHF, id="UHF"),
        pytest.param(SeenKind.NFC_UID, NUMBER, Medium.NFC, id="NFC"),
    ],
)
def test_a_number_opens_for_the_ticket_that_the_house_bound_it_to(
    lane: LiveLane, kind: SeenKind, value: str, medium: Medium
) -> None:
    sold(lane.gate)
    assert tap(lane, kind, value) == ["credential_unknown"]
    ref = credential_ref(KEYS, medium, value)
    credential(lane.gate, ref=ref)
    assert tap(lane, kind, value) == ["admit"]
    assert lane.lines[-1]["credential"] == "uid"
    assert tap(lane, kind, value) == ["already_used"]
    (_op_id, entry), *others = lane.gate.entries()
    assert not others
    assert entry.by_credential == ByCredential(ref, CredentialKind.UID)
    assert (entry.ticket_id, entry.key_id, entry.ticket_type) == (TICKET, None, 1)


def test_the_same_number_on_another_medium_is_another_chip(lane: LiveLane) -> None:
    sold(lane.gate)
    credential(lane.gate)
    assert tap(lane, SeenKind.RFID_UHF, NUMBER) == ["credential_unknown"]


@pytest.mark.parametrize(
    ("ticket", "reason"),
    [
        pytest.param({"state": "void"}, "void", id="refunded"),
        pytest.param({"blocked": "stolen"}, "blocked", id="blocked"),
        pytest.param({"performance": SECOND}, "wrong_performance", id="for tomorrow"),
    ],
)
def test_a_chip_opens_nothing_that_its_ticket_does_not(
    lane: LiveLane, ticket: dict[str, Any], reason: str
) -> None:
    sold(lane.gate, **ticket)
    credential(lane.gate)
    assert tap(lane, SeenKind.NFC_UID, NUMBER) == [reason]


@pytest.mark.parametrize(
    ("state", "reason"), [("unbound", "credential_unknown"), ("blocked", "credential_blocked")]
)
def test_a_chip_that_was_taken_off_its_ticket_opens_nothing(
    lane: LiveLane, state: str, reason: str
) -> None:
    sold(lane.gate)
    credential(lane.gate, state=state)
    assert tap(lane, SeenKind.NFC_UID, NUMBER) == [reason]


def test_a_newer_ticket_for_the_place_makes_the_old_ones_chip_worthless(lane: LiveLane) -> None:
    sold(lane.gate)
    credential(lane.gate)
    sold(lane.gate, "00000000000000a2", version=1)
    assert tap(lane, SeenKind.NFC_UID, NUMBER) == ["replaced"]


def test_each_tap_of_a_chip_that_proves_itself_opens_once(lane: LiveLane) -> None:
    lane.gate.rule(entries="unlimited")
    sold(lane.gate)
    credential(lane.gate, "sun", counter=4)
    seen = SeenKind.NFC_SUN
    assert tap(lane, seen, link(4), NUMBER) == ["credential_replayed"]
    assert tap(lane, seen, link(6), NUMBER) == ["admit"]
    assert tap(lane, seen, link(6), NUMBER) == ["credential_replayed"]
    assert tap(lane, seen, link(5), NUMBER) == ["credential_replayed"]
    assert tap(lane, seen, link(7), NUMBER) == ["admit"]
    taps = [entry.by_credential for _op_id, entry in lane.gate.entries()]
    assert [by and by.counter for by in taps] == [6, 7]


def test_its_number_alone_and_another_houses_link_open_nothing(lane: LiveLane) -> None:
    sold(lane.gate)
    credential(lane.gate, "sun")
    assert tap(lane, SeenKind.NFC_UID, NUMBER) == [COPY]
    strange = link(9, keys=chip_keys(bytes(32)))
    assert tap(lane, SeenKind.NFC_SUN, strange, NUMBER) == ["credential_unknown"]
    assert tap(lane, SeenKind.NFC_SUN, link(9)[:-1], NUMBER) == ["credential_unknown"]


def test_a_gate_without_the_key_leaves_a_tap_to_the_server(lane: LiveLane) -> None:
    gate = lane.gate
    sold(gate)
    credential(gate, "sun")
    seen, text = SeenKind.NFC_SUN, link(9)
    assert tap(lane, seen, text, NUMBER, WITHOUT_CHECK) == ["cut_off"]
    gate.arbiter.says = no(Reason.CREDENTIAL_UNKNOWN)
    assert tap(lane, seen, text, NUMBER, WITHOUT_CHECK) == ["credential_unknown"]
    gate.arbiter.says = yes
    assert tap(lane, seen, text, NUMBER, WITHOUT_CHECK) == ["admit"]
    asked = gate.arbiter.asked[-1]
    named = {
        "ref": NFC_REF,
        "kind": "sun",
        "counter": 9,
        "ticket": TICKET,
        "link": text,
        "checked": False,
    }
    assert (asked.code, asked.chip) == ("", named)


def test_a_bound_text_whose_chip_was_taken_off_opens_nothing(lane: LiveLane) -> None:
    code = parse_code(lane.gate.code(ticket_id=TICKET))
    assert isinstance(code, TicketCode)
    text = bind(code, UID, TILL_KEY)
    credential(lane.gate, "tag", state="unbound")
    assert tap(lane, SeenKind.NFC_NDEF, text, NUMBER) == ["credential_unknown"]
    credential(lane.gate, "tag", ticket="00000000000000a2")
    assert tap(lane, SeenKind.NFC_NDEF, text, NUMBER) == [COPY]
    credential(lane.gate, "tag")
    assert tap(lane, SeenKind.NFC_NDEF, text, NUMBER) == ["admit"]


def test_a_code_on_a_chip_that_the_house_bound_is_as_good_as_a_signed_one(lane: LiveLane) -> None:
    code = lane.gate.code(ticket_id=TICKET)
    credential(lane.gate, "tag")
    said = f"https://box.example/t?{code}"
    assert tap(lane, SeenKind.NFC_NDEF, said, "04E10CDA993C81") == [COPY]
    assert tap(lane, SeenKind.NFC_NDEF, said, NUMBER) == ["admit"]


def test_without_keys_only_a_text_counts_that_a_till_bound_to_the_chip(lane: LiveLane) -> None:
    sold(lane.gate)
    credential(lane.gate)
    assert tap(lane, SeenKind.NFC_UID, NUMBER, keys=None) == ["credential_unknown"]
    assert tap(lane, SeenKind.NFC_NDEF, bound(lane.gate), NUMBER, None) == ["admit"]


def test_somebody_goes_out_by_a_chip(gate: Stage) -> None:
    sold(gate)
    credential(gate)
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False), leads_out=True) as out:
        assert tap(out, SeenKind.NFC_UID, NUMBER) == ["leave"]
        assert tap(out, SeenKind.NFC_UID, "04E10CDA993C81") == ["credential_unknown"]


def test_a_restarted_gate_remembers_a_tap(gate: Stage) -> None:
    gate.rule(entries="unlimited")
    gate.lend()
    sold(gate)
    credential(gate, "sun")
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False)) as lane:
        assert tap(lane, SeenKind.NFC_SUN, link(3), NUMBER) == ["admit"]
    gate.restart()
    with LiveLane(gate, WoodenBarrier(has_passage_contact=False)) as lane:
        assert tap(lane, SeenKind.NFC_SUN, link(3), NUMBER) == ["credential_replayed"]
        assert tap(lane, SeenKind.NFC_SUN, link(4), NUMBER) == ["admit"]
