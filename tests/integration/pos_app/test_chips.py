"""Chips at a window on real files: bound without the network, kept, told, undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.link import LinkState
from edge.returns import read_order
from edge.sync import NoAnswer
from pos_app.services.after_sale_model import FindNote
from pos_app.services.chips import as_held, read_held
from pos_app.services.chips_model import BoundChip, ForTicket, NoChip
from tests.fakes.hall import EVENT_ID, FIRST, ROW
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage
from ticketing.credential import CredentialKind, Medium, chip_keys, credential_ref
from ticketing.ids import TicketId
from ticketing.journal import OpKind
from ticketing.operations import decode_credential_bound, decode_credential_unbound
from ticketing.sun import make_sun

KEYS = replace(chip_keys(bytes(range(32))), file_master=None)
UID = "04E10CDA993C80"
REF = credential_ref(KEYS, Medium.NFC, UID)
TICKET = ForTicket(EVENT_ID, TicketId("1" * 16), "adult", is_valid=True)
OTHER = replace(TICKET, ticket_id=TicketId("2" * 16))
HELD = as_held("nfc_uid", UID, UID)
NOW_BOUND = BoundChip(REF, TICKET.ticket_id, CredentialKind.UID)


@pytest.fixture
def ready(till: Stage) -> Stage:
    """The keys have come, and the network is gone again."""
    till.go_online()
    till.engine.chip_calls[-1].then(KEYS)
    till.engine.become(LinkState.OFFLINE)
    return till


def bodies(till: Stage, kind: OpKind) -> list[str]:
    with till.replica.reading() as journal:
        rows = journal.execute("SELECT body FROM op WHERE kind = ? ORDER BY seq", (kind,))
        return [row["body"] for row in rows]


def tell(till: Stage, **row: Any) -> None:
    """The server's row of the chip."""
    body = {"ref": REF, "ticket": TICKET.ticket_id, "kind": "uid", "state": "bound"}
    till.feed.tell(EVENT_ID, ("credential", {**body, "type": 1, "counter": -1, **row}))


def test_a_chip_is_bound_without_the_network_and_shown_and_undone(ready: Stage) -> None:
    chips = ready.window.chips
    assert chips.bind(TICKET, UID) == NOW_BOUND
    assert chips.of(TICKET) == (NOW_BOUND,)
    (body,) = bodies(ready, OpKind.CREDENTIAL_BOUND)
    told = decode_credential_bound(body)
    assert told is not None
    assert (told.ref, told.ticket_id, told.by) == (REF, TICKET.ticket_id, CASHIER)
    assert told.ticket_type > 0
    assert UID not in body
    assert chips.take_off(TICKET, NOW_BOUND, lost=False) is None
    assert chips.of(TICKET) == ()
    (body,) = bodies(ready, OpKind.CREDENTIAL_UNBOUND)
    undone = decode_credential_unbound(body)
    assert undone is not None
    assert not undone.blocked


def test_a_lost_chip_is_told_as_lost(ready: Stage) -> None:
    chips = ready.window.chips
    chips.bind(TICKET, UID)
    assert chips.take_off(TICKET, NOW_BOUND, lost=True) is None
    undone = decode_credential_unbound(bodies(ready, OpKind.CREDENTIAL_UNBOUND)[0])
    assert undone is not None
    assert undone.blocked


def test_another_chip_of_the_kind_takes_the_place_of_the_first(ready: Stage) -> None:
    chips = ready.window.chips
    tell(ready)
    second = chips.bind(TICKET, "04E10CDA993C81")
    assert isinstance(second, BoundChip)
    assert chips.of(TICKET) == (second,)


def test_a_chip_of_another_ticket_is_not_taken(ready: Stage) -> None:
    chips = ready.window.chips
    chips.bind(TICKET, UID)
    assert chips.bind(OTHER, UID) is NoChip.TAKEN
    chips.take_off(TICKET, NOW_BOUND, lost=False)
    assert isinstance(chips.bind(OTHER, UID), BoundChip)


def test_what_another_window_bound_is_known_and_can_be_taken_off(ready: Stage) -> None:
    chips = ready.window.chips
    tell(ready)
    assert chips.of(TICKET) == (NOW_BOUND,)
    assert chips.bind(OTHER, UID) is NoChip.TAKEN
    assert chips.take_off(TICKET, NOW_BOUND, lost=False) is None
    assert chips.of(TICKET) == ()


def test_the_servers_word_counts_once_it_shows_ours(ready: Stage) -> None:
    chips = ready.window.chips
    chips.bind(TICKET, UID)
    tell(ready, state="unbound")
    assert chips.of(TICKET) == (NOW_BOUND,), "it has not heard of ours yet"
    ready.replica.transact(lambda unit: unit.execute("UPDATE op SET verdict = 'ok', rev = 1"))
    assert chips.of(TICKET) == (), "another window has taken it off since"


def test_what_the_server_refused_does_not_stand(ready: Stage) -> None:
    chips = ready.window.chips
    chips.bind(TICKET, UID)
    ready.replica.transact(lambda unit: unit.execute("UPDATE op SET verdict = 'disputed'"))
    assert chips.of(TICKET) == ()


def test_keys_are_kept_over_a_restart_without_the_network(ready: Stage) -> None:
    ready.restart()
    ready.window.sign_in(CASHIER, PIN)
    assert ready.window.chips.bind(TICKET, UID) == NOW_BOUND


def test_what_cannot_be_bound_is_said(stage: Stage) -> None:
    till, chips = stage, stage.window.chips
    assert chips.bind(TICKET, UID) is NoChip.NOT_SIGNED_IN
    till.window.sign_in(CASHIER, PIN)
    assert chips.bind(TICKET, UID) is NoChip.NO_KEYS
    till.go_online()
    till.engine.chip_calls[-1].then(NoAnswer("offline"))
    assert chips.bind(TICKET, UID) is NoChip.NO_KEYS
    till.engine.listeners.greeted()
    till.engine.chip_calls[-1].then(KEYS)
    assert chips.bind(replace(TICKET, is_valid=False), UID) is NoChip.NOT_VALID
    assert chips.bind(TICKET, UID) == NOW_BOUND


def test_a_chip_finds_the_order_that_it_stands_for(ready: Stage) -> None:
    ready.lend(ROW[:1])
    sold = ready.sell(ROW[:1])
    with ready.replica.reading() as journal:
        body = journal.execute("SELECT body FROM orders").fetchone()["body"]
    find = ready.window.after_sale.find
    assert find(HELD, FIRST).note is FindNote.UNKNOWN_CHIP
    ready.window.chips.bind(
        replace(TICKET, ticket_id=TicketId(read_order(body).lines[0].ticket_id)), UID
    )
    found = find(HELD, FIRST)
    assert [one.order_id for one in found.orders] == [sold.order_id]
    assert found.scanned is None, "the paper may be anywhere"


def test_a_chip_finds_an_order_of_another_window(ready: Stage) -> None:
    tell(ready)
    order = {
        "id": "7" * 16, "node": "b" * 16, "no": "0BBB-000001", "state": "paid", "total": 100,
        "refunded": 0, "currency": "CNY", "by": "wang", "at_ms": 1_000,
    }  # fmt: skip
    ticket = {
        "id": TICKET.ticket_id, "p": FIRST, "u": 300, "v": 0, "state": "valid",
        "blocked": "", "order": order["id"],
    }  # fmt: skip
    ready.feed.tell(EVENT_ID, ("order", order), ("ticket", ticket))
    found = ready.window.after_sale.find(HELD, FIRST)
    assert [(one.order_id, one.is_own) for one in found.orders] == [("7" * 16, False)]
    assert found.note is FindNote.ELSEWHERE


def link(counter: int) -> str:
    sun = chip_keys(bytes(range(32))).sun
    assert sun is not None
    made = make_sun(bytes.fromhex(UID), counter, sun)
    return f"https://box.example/?picc_data={made.picc_data.hex()}&cmac={made.mac.hex()}"


@pytest.mark.parametrize(
    ("held", "kind", "medium", "number"),
    [
        pytest.param("04 e1 0c da 99 3c 80", "uid", Medium.NFC, UID, id="typed"),
        pytest.param("0A1B2C3D4E", "uid", Medium.LF, "0A1B2C3D4E", id="125 kHz, typed"),
        pytest.param(
            as_held("rfid_lf", "", "0A1B2C3D4E"), "uid", Medium.LF, "0A1B2C3D4E", id="125 kHz"
        ),
        pytest.param(as_held("nfc_uid", UID, UID), "uid", Medium.NFC, UID, id="NFC"),
        pytest.param(
            as_held("nfc_ndef", UID, "https://shop.example"), "uid", Medium.NFC, UID, id="a link"
        ),
        pytest.param(as_held("nfc_sun", UID, link(7)), "sun", Medium.NFC, UID, id="NTAG 424"),
    ],
)
def test_a_chip_is_bound_as_what_it_shows(
    held: str, kind: str, medium: Medium, number: str
) -> None:
    chip = read_held(held, KEYS)
    assert not isinstance(chip, NoChip)
    assert (chip.kind, chip.ref) == (kind, credential_ref(KEYS, medium, number))
    assert chip.counter == (7 if kind == "sun" else -1)


@pytest.mark.parametrize(
    ("held", "why"),
    [
        pytest.param("hello", NoChip.NOT_A_CHIP, id="a word"),
        pytest.param("[", NoChip.NOT_A_CHIP, id="half a list"),
        pytest.param('["nfc_uid"]', NoChip.NOT_A_CHIP, id="a short list"),
        pytest.param("08A1B2C3", NoChip.NOT_LASTING, id="a telephone"),
        pytest.param("04E10CDA993C", NoChip.NOT_A_CHIP, id="nothing has six bytes"),
        pytest.param(as_held("nfc_sun", UID, "?picc_data=00"), NoChip.NOT_A_CHIP, id="no proof"),
    ],
)
def test_what_is_no_chip_is_not_bound(held: str, why: NoChip) -> None:
    assert read_held(held, KEYS) is why
