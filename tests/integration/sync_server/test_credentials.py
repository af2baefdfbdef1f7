"""Chips that stand for tickets: bound and unbound in any order, checked by the arbiter, told to all."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from sync_server.heart.arbiter import Accepted, Admit, AdmitRequest, Denied, NotArbiter
from sync_server.heart.chips import ShownChip
from tests.integration.sync_server.stage import EVENT, NOW, Gate, Stage, Till
from ticketing.admission import Reason
from ticketing.credential import (
    NO_COUNTER,
    ChipKeys,
    CredentialKind,
    CredentialRef,
    Medium,
    chip_keys,
    credential_ref,
)
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import (
    ByCredential,
    CredentialBound,
    CredentialUnbound,
    Sale,
    SaleLine,
    encode_credential_bound,
    encode_credential_unbound,
    encode_entry,
)
from ticketing.sun import make_sun

UID, TAG, SUN = CredentialKind.UID, CredentialKind.TAG, CredentialKind.SUN
KEYS = chip_keys(bytes(range(32)))
CHIP = bytes.fromhex("04E10CDA993C80")
ONE, TWO, THREE = (CredentialRef(digit * 32) for digit in "123")
SUN_REF = credential_ref(KEYS, Medium.NFC, CHIP.hex().upper())
AT_MS = round(NOW.timestamp() * 1000)


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


@pytest.fixture
def sale(till: Till) -> Sale:
    sale = till.sell(till.borrow(1, 2), 1, 2)
    till.push()
    return sale


def bind(
    till: Till,
    line: SaleLine,
    ref: CredentialRef = ONE,
    kind: CredentialKind = UID,
    *,
    at_ms: int = AT_MS,
    counter: int = NO_COUNTER,
) -> list[str]:
    told = CredentialBound(ref, line.ticket_id, kind, 1, "li", at_ms, counter)
    till.say(OpKind.CREDENTIAL_BOUND, encode_credential_bound(told))
    return till.push()


def unbind(
    till: Till,
    line: SaleLine,
    ref: CredentialRef = ONE,
    *,
    at_ms: int = AT_MS + 1,
    lost: bool = False,
) -> list[str]:
    told = CredentialUnbound(ref, line.ticket_id, "li", at_ms, lost)
    till.say(OpKind.CREDENTIAL_UNBOUND, encode_credential_unbound(told))
    return till.push()


def states(stage: Stage) -> dict[str, tuple[str, str]]:
    rows = stage.rows("SELECT ref, ticket_id, state FROM credential")
    return {row.ref: (row.ticket_id, row.state) for row in rows}


def ask(
    gate: Gate,
    line: SaleLine,
    by: ByCredential,
    *,
    op: str = "a",
    lane: str = "lane 1",
    link: str = "",
    code: str = "",
    signed: bool = False,
    checked: bool = False,
    keys: ChipKeys | None = KEYS,
) -> Accepted | Denied:
    chip = ShownChip(by, line.ticket_id, link, signed, checked)
    asked = AdmitRequest(OpId(op * 32), code, lane, (), "", chip)
    answer = gate.stage.take(Admit(EVENT, gate.node_id, asked, chip_keys=keys))
    assert not isinstance(answer, NotArbiter)
    return answer


def tap(gate: Gate, line: SaleLine, counter: int, **how: Any) -> Accepted | Denied:
    made = make_sun(CHIP, counter, KEYS.sun)  # type: ignore[arg-type]
    link = f"https://box.example/?picc_data={made.picc_data.hex()}&cmac={made.mac.hex()}"
    return ask(gate, line, ByCredential(SUN_REF, SUN, counter), link=link, **how)


def test_a_chip_stands_for_its_ticket_until_it_is_unbound(
    stage: Stage, till: Till, sale: Sale
) -> None:
    one, two = sale.lines
    assert bind(till, one) == ["ok"]
    gate = stage.gate()
    assert ask(gate, two, ByCredential(ONE, UID)) == Denied(Reason.CREDENTIAL_UNKNOWN, None)
    assert ask(gate, one, ByCredential(TWO, UID)) == Denied(Reason.CREDENTIAL_UNKNOWN, None)
    assert ask(gate, one, ByCredential(ONE, UID)) == Accepted(OpId("a" * 32), unconfirmed=False)
    again = ask(gate, one, ByCredential(ONE, UID), op="b", lane="lane 2")
    assert isinstance(again, Denied)
    assert again.reason is Reason.ALREADY_USED
    assert unbind(till, one) == ["ok"]
    after = ask(gate, one, ByCredential(ONE, UID), op="c", lane="lane 3")
    assert after == Denied(Reason.CREDENTIAL_UNKNOWN, None)
    assert stage.cases() == []


def test_a_lost_chip_is_told_to_be_lost(stage: Stage, till: Till, sale: Sale) -> None:
    bind(till, sale.lines[0])
    unbind(till, sale.lines[0], lost=True)
    answer = ask(stage.gate(), sale.lines[0], ByCredential(ONE, UID))
    assert answer == Denied(Reason.CREDENTIAL_BLOCKED, None)


def test_a_ticket_that_lets_nobody_in_does_not_by_its_chip_either(
    stage: Stage, till: Till, sale: Sale
) -> None:
    bind(till, sale.lines[0])
    stage.do(lambda tx: tx.run("UPDATE ticket SET state = 'void' WHERE unit = 1"))
    answer = ask(stage.gate(), sale.lines[0], ByCredential(ONE, UID))
    assert answer == Denied(Reason.VOID, None)


def test_another_chip_takes_the_place_of_the_first_of_its_kind(
    stage: Stage, till: Till, sale: Sale
) -> None:
    line = sale.lines[0]
    bind(till, line, ONE)
    assert bind(till, line, THREE, TAG, at_ms=AT_MS + 1) == ["ok"]
    assert bind(till, line, TWO, at_ms=AT_MS + 2) == ["ok"]
    found = {ref: state for ref, (_ticket, state) in states(stage).items()}
    assert found == {ONE: "unbound", TWO: "bound", THREE: "bound"}
    assert bind(till, line, ONE, at_ms=AT_MS + 1) == ["ok_late newer_word"], (
        "said before the second one was"
    )
    assert states(stage)[TWO][1] == "bound"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_deeds_that_arrive_in_another_order_come_to_the_same(
    stage: Stage, till: Till, sale: Sale, order: tuple[int, ...]
) -> None:
    line, other = sale.lines[0], stage.till("Window 2")
    deeds = [
        lambda: bind(till, line, ONE, at_ms=AT_MS),
        lambda: bind(other, line, TWO, at_ms=AT_MS + 5),
        lambda: unbind(stage.till("Window 3"), line, ONE, at_ms=AT_MS + 9, lost=True),
    ]
    for at in order:
        deeds[at]()
    found = {ref: state for ref, (_ticket, state) in states(stage).items()}
    assert found == {ONE: "blocked", TWO: "bound"}


def test_a_chip_that_stands_for_a_living_ticket_is_bound_to_no_other(
    stage: Stage, till: Till, sale: Sale
) -> None:
    one, two = sale.lines
    bind(till, one)
    assert bind(stage.till("Window 2"), two, at_ms=AT_MS + 5) == ["disputed stands_for_another"]
    assert states(stage)[ONE] == (one.ticket_id, "bound")
    assert stage.case_kinds() == ["credential"]
    stage.do(lambda tx: tx.run("UPDATE ticket SET state = 'void' WHERE unit = 1"))
    assert bind(till, two, at_ms=AT_MS + 9) == ["ok"], "the first ticket lets nobody in any more"
    assert states(stage)[ONE] == (two.ticket_id, "bound")


def test_a_ticket_that_nobody_knows_gets_a_case_and_no_chip(stage: Stage, till: Till) -> None:
    line = till.line(3, till.borrow(3).id)
    assert bind(till, line) == ["disputed unknown_ticket"]
    assert states(stage) == {}
    assert stage.case_kinds() == ["credential"]


def test_a_tap_opens_once_and_only_later_ones_after_it(
    stage: Stage, till: Till, sale: Sale
) -> None:
    line = sale.lines[0]
    bind(till, line, SUN_REF, SUN, counter=5)
    gate = stage.gate()
    assert tap(gate, line, 5) == Denied(Reason.CREDENTIAL_REPLAYED, None), "the tap of the binding"
    assert isinstance(tap(gate, line, 8), Accepted)
    assert isinstance(tap(gate, line, 8), Accepted), "the same question, whose answer was lost"
    assert tap(gate, line, 8, op="b") == Denied(Reason.CREDENTIAL_REPLAYED, None)
    assert tap(gate, line, 7, op="c") == Denied(Reason.CREDENTIAL_REPLAYED, None)
    later = tap(gate, line, 9, op="d", lane="lane 2")
    assert isinstance(later, Denied)
    assert later.reason is Reason.ALREADY_USED
    assert stage.one("SELECT counter FROM credential") == 8


def test_nobody_has_to_believe_the_gate_about_a_tap(stage: Stage, till: Till, sale: Sale) -> None:
    line = sale.lines[0]
    bind(till, line, SUN_REF, SUN)
    gate, honest = stage.gate(), make_sun(CHIP, 3, KEYS.sun)  # type: ignore[arg-type]
    link = f"?picc_data={honest.picc_data.hex()}&cmac={honest.mac.hex()}"
    higher = ask(gate, line, ByCredential(SUN_REF, SUN, 4), link=link)
    assert isinstance(higher, Denied)
    assert higher.reason is Reason.CREDENTIAL_UNKNOWN
    forged = link[:-1] + ("0" if link[-1] != "0" else "1")
    for said in (forged, "", "https://elsewhere.example"):
        answer = ask(gate, line, ByCredential(SUN_REF, SUN, 3), link=said)
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.CREDENTIAL_UNKNOWN
    number = ask(gate, line, ByCredential(SUN_REF, UID))
    assert number == Denied(Reason.CREDENTIAL_OF_OTHER_CHIP, None), "its number alone is a copy"


def test_a_tap_let_in_by_a_gate_alone_is_told_to_the_others(
    stage: Stage, till: Till, sale: Sale
) -> None:
    line = sale.lines[0]
    bind(till, line, SUN_REF, SUN)
    gate = stage.gate()
    entry = gate.entry(line)
    alone = replace(
        entry,
        offline=True,
        key_id=None,
        allotment=None,
        by_credential=ByCredential(SUN_REF, SUN, 6),
    )
    gate.say(OpKind.ENTRY, encode_entry(alone))
    assert gate.push() == ["ok"]
    page = stage.pull(gate, EVENT)
    assert page is not None
    [body] = [row[2] for row in page.rows if row[0] == "credential"]
    assert body == {
        "ref": SUN_REF,
        "ticket": line.ticket_id,
        "kind": "sun",
        "state": "bound",
        "type": 1,
        "counter": 6,
    }


def test_a_bound_text_is_checked_with_its_code(stage: Stage, till: Till, sale: Sale) -> None:
    one, two = sale.lines
    gate, by = stage.gate(), ByCredential(ONE, TAG)
    unsigned = ask(gate, one, by, code=one.code)
    assert unsigned == Denied(Reason.CREDENTIAL_OF_OTHER_CHIP, None)
    bind(till, one, ONE, TAG)
    other = ask(gate, two, by, code=two.code, signed=True)
    assert other == Denied(Reason.CREDENTIAL_OF_OTHER_CHIP, None)
    silent = ask(gate, one, by)
    assert silent == Denied(Reason.CREDENTIAL_OF_OTHER_CHIP, None), "it must say its ticket"
    assert isinstance(ask(gate, one, by, code=one.code), Accepted)


def test_who_signed_a_text_for_a_chip_needs_no_row(stage: Stage, sale: Sale) -> None:
    line = sale.lines[0]
    answer = ask(stage.gate(), line, ByCredential(ONE, TAG), code=line.code, signed=True)
    assert isinstance(answer, Accepted)
    assert stage.one("SELECT count(*) FROM entry") == 1


def test_a_server_without_the_key_believes_who_has_it_and_nobody_else(
    stage: Stage, till: Till, sale: Sale
) -> None:
    line, gate = sale.lines[0], stage.gate()
    bind(till, line, SUN_REF, SUN)
    by = ByCredential(SUN_REF, SUN, 3)
    assert ask(gate, line, by, keys=None) == Denied(Reason.CUT_OFF, None)
    assert isinstance(ask(gate, line, by, keys=None, checked=True), Accepted)
