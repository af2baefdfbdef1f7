"""Which ticket a chip stands for: a table, and what a chip's keyed name gives away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ticketing.admission import Chip, Reason, Refuse, decide_chip, refused_for
from ticketing.credential import (
    ChipKeys,
    Credential,
    CredentialKind,
    CredentialRef,
    CredentialState,
    Medium,
    chip_keys,
    chip_keys_of,
    credential_ref,
    is_credential_ref,
)
from ticketing.ids import TicketId
from ticketing.sun import SunFault
from ticketing.tags import TagFault

UID, TAG, SUN = CredentialKind.UID, CredentialKind.TAG, CredentialKind.SUN
BOUND, UNBOUND, BLOCKED = CredentialState
REF, TICKET, OTHER = CredentialRef("a" * 32), TicketId("1" * 16), TicketId("2" * 16)
KEYS = chip_keys(bytes(range(32)))
UNKNOWN, COPY = Reason.CREDENTIAL_UNKNOWN, Reason.CREDENTIAL_OF_OTHER_CHIP
REPLAYED, LOST = Reason.CREDENTIAL_REPLAYED, Reason.CREDENTIAL_BLOCKED


def chip(kind: CredentialKind = UID, **said: object) -> Chip:
    return Chip(REF, kind, **said)  # type: ignore[arg-type]


def row(
    kind: CredentialKind = UID, state: CredentialState = BOUND, counter: int = -1
) -> Credential:
    return Credential(REF, TICKET, kind, state, 1, counter)


@pytest.mark.parametrize(
    ("held", "known", "answer"),
    [
        pytest.param(chip(), None, UNKNOWN, id="nobody bound it"),
        pytest.param(chip(), row(), TICKET, id="bound by its number"),
        pytest.param(chip(), row(state=UNBOUND), UNKNOWN, id="taken off"),
        pytest.param(chip(), row(state=BLOCKED), LOST, id="lost"),
        pytest.param(chip(), row(TAG), COPY, id="the number of a chip that has a text"),
        pytest.param(chip(), row(SUN), COPY, id="the number of a chip that proves itself"),
        pytest.param(chip(TAG, says=TICKET), None, COPY, id="a code that nobody bound"),
        pytest.param(chip(TAG, says=TICKET, is_signed=True), None, TICKET, id="signed for it"),
        pytest.param(chip(TAG, says=TICKET), row(TAG), TICKET, id="its own text"),
        pytest.param(chip(TAG, says=OTHER), row(TAG), COPY, id="another ticket's text"),
        pytest.param(
            chip(TAG, says=OTHER, is_signed=True), row(TAG), COPY, id="signed, and bound anew"
        ),
        pytest.param(chip(TAG), row(TAG), COPY, id="no text"),
        pytest.param(
            chip(TAG, says=TICKET, is_signed=True),
            row(TAG, UNBOUND),
            UNKNOWN,
            id="signed, taken off",
        ),
        pytest.param(
            chip(TAG, says=TICKET, is_signed=True), row(TAG, BLOCKED), LOST, id="signed, lost"
        ),
        pytest.param(chip(TAG, says=TICKET), row(), TICKET, id="a text where the number was bound"),
        pytest.param(chip(TAG, says=OTHER), row(), COPY, id="and another's"),
        pytest.param(chip(SUN, counter=5), row(SUN, counter=4), TICKET, id="a later tap"),
        pytest.param(chip(SUN, counter=0), row(SUN), TICKET, id="the first tap"),
        pytest.param(chip(SUN, counter=4), row(SUN, counter=4), REPLAYED, id="the same tap"),
        pytest.param(chip(SUN, counter=3), row(SUN, counter=4), REPLAYED, id="an earlier tap"),
        pytest.param(chip(SUN), row(SUN), REPLAYED, id="no counter"),
        pytest.param(chip(SUN, counter=5), None, UNKNOWN, id="proved, and bound to nothing"),
        pytest.param(chip(SUN, counter=5), row(TAG), COPY, id="a link where a text was bound"),
    ],
)
def test_a_chip_stands_for_what_was_bound_and_nothing_less(
    held: Chip, known: Credential | None, answer: TicketId | Reason
) -> None:
    found = decide_chip(held, known)
    assert (found.reason if isinstance(found, Refuse) else found) == answer


@pytest.mark.parametrize("fault", [*TagFault, *SunFault])
def test_every_fault_of_a_chips_text_is_a_refusal_that_names_it(fault: TagFault | SunFault) -> None:
    refusal = refused_for(fault)
    assert refusal.miss is not None
    assert refusal.miss.note == fault.value


def test_a_chips_name_depends_on_key_medium_and_number() -> None:
    number = "04E10CDA993C80"
    names = {
        credential_ref(keys, medium, text)
        for keys in (KEYS, chip_keys(bytes(32)))
        for medium in Medium
        for text in (number, "04E10CDA993C81")
    }
    assert len(names) == 2 * 3 * 2
    assert all(map(is_credential_ref, names))
    assert not any(number.lower() in name for name in names)


@pytest.mark.parametrize("number", ["", "04", "04e10cda", "04E10CDAX", "04E10CD", "00" * 33])
def test_what_is_no_number_has_no_name(number: str) -> None:
    with pytest.raises(ValueError, match="number"):
        credential_ref(KEYS, Medium.NFC, number)


@pytest.mark.parametrize("keys", [KEYS, replace(KEYS, file_master=None)])
def test_keys_come_out_as_they_went_in(keys: ChipKeys) -> None:
    assert chip_keys_of(keys.to_data_key()) == keys
    assert "naming" not in repr(keys)


def test_keys_of_another_size_are_none() -> None:
    key = KEYS.to_data_key()
    assert chip_keys_of(replace(key, number=2)) is None
    assert chip_keys_of(replace(key, sealing=b"x")) is None
    assert chip_keys_of(replace(key, indexing=b"x")) is None
