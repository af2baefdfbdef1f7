"""What a person types in, and what a server's answer must prove."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

import pytest

from edge.errors import EnrolmentRefused
from edge.identity import EnrolmentCode, Identity, NodeKey, identity_from_reply
from ticketing.keys import fingerprint, key_id, node_key_message, public_of, sign

SERVER, STRANGER, NODE = bytes(32), bytes([1]) * 32, bytes([2]) * 32
IDENTITY = Identity(
    "00000000000000aa", "till", "窗口一", "house", "http://house.test", public_of(SERVER).hex()
)
SECRET = "ABCDEFGHIJKLMNOP"
CODE = SECRET + base64.b32encode(fingerprint(public_of(SERVER))).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CODE, id="as it is"),
        pytest.param(CODE.lower(), id="in lower case"),
        pytest.param("-".join(CODE[at : at + 4] for at in range(0, 32, 4)), id="with dashes"),
        pytest.param(f"  {CODE[:16]}\t{CODE[16:]}\n", id="with blanks"),
        pytest.param(" - ".join(CODE[at : at + 8] for at in range(0, 32, 8)), id="with both"),
    ],
)
def test_a_code_is_read_however_it_was_typed(text: str) -> None:
    code = EnrolmentCode.parse(text)
    assert code == EnrolmentCode(SECRET, fingerprint(public_of(SERVER)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(CODE[:-1], id="a character short"),
        pytest.param(CODE + "A", id="a character long"),
        pytest.param(CODE[:-1] + "1", id="a digit that is not in the alphabet"),
        pytest.param(CODE[:-1] + "0", id="a nought for an O"),
        pytest.param(CODE[:-1] + "=", id="padding"),
        pytest.param(CODE[:-1] + "\u0661", id="an Arabic digit"),
        pytest.param(CODE + "\x00", id="a control character"),
        pytest.param("http://house.test/enrol", id="an address"),
    ],
)
def test_what_is_no_code_is_refused_with_what_a_code_looks_like(text: str) -> None:
    with pytest.raises(EnrolmentRefused, match="32 letters and digits"):
        EnrolmentCode.parse(text)


def a_reply(**changed: Any) -> dict[str, object]:
    message = node_key_message(IDENTITY.node_id, "till", public_of(NODE))
    signature = sign(SERVER, message).hex()
    return {**asdict(IDENTITY), "key_signature": signature, "more": [1], **changed}


def test_an_answer_that_proves_itself_is_the_identity() -> None:
    found = identity_from_reply(a_reply(), EnrolmentCode.parse(CODE), public_of(NODE))
    assert found == IDENTITY


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param({"server_key": None}, "makes no sense", id="no server key"),
        pytest.param({"server_key": "zz"}, "makes no sense", id="a key that is not hex"),
        pytest.param({"server_key": "00" * 31}, "makes no sense", id="a key too short"),
        pytest.param({"node_id": "../../etc"}, "makes no sense", id="a path for an id"),
        pytest.param({"node_id": 7}, "makes no sense", id="a number for an id"),
        pytest.param({"venue_id": "THE HOUSE"}, "makes no sense", id="a venue that is no stream"),
        pytest.param({"issuer": None}, "makes no sense", id="no issuer"),
        pytest.param(
            {"server_key": public_of(STRANGER).hex()}, "not the server that made", id="a stranger"
        ),
        pytest.param({"key_signature": "00" * 64}, "did not sign", id="a wrong signature"),
        pytest.param({"key_signature": "xyz"}, "did not sign", id="a signature that is not hex"),
        pytest.param({"key_signature": None}, "did not sign", id="no signature"),
        pytest.param({"role": "gate"}, "did not sign", id="another role than was signed"),
        pytest.param({"node_id": "00000000000000ab"}, "did not sign", id="another node's id"),
    ],
)
def test_an_answer_that_does_not_prove_itself_is_refused(
    changed: dict[str, object], sentence: str
) -> None:
    with pytest.raises(EnrolmentRefused, match=sentence):
        identity_from_reply(a_reply(**changed), EnrolmentCode.parse(CODE), public_of(NODE))


def test_a_signature_for_another_key_is_refused() -> None:
    with pytest.raises(EnrolmentRefused, match="did not sign"):
        identity_from_reply(a_reply(), EnrolmentCode.parse(CODE), public_of(STRANGER))


def test_a_strangers_signature_with_the_strangers_key_does_not_help() -> None:
    message = node_key_message(IDENTITY.node_id, "till", public_of(NODE))
    reply = a_reply(
        server_key=public_of(STRANGER).hex(), key_signature=sign(STRANGER, message).hex()
    )
    with pytest.raises(EnrolmentRefused, match="nobody stands between"):
        identity_from_reply(reply, EnrolmentCode.parse(CODE), public_of(NODE))


def test_a_keys_short_id_is_the_one_that_tickets_cite() -> None:
    assert NodeKey(NODE, public_of(NODE)).id == key_id(public_of(NODE))
