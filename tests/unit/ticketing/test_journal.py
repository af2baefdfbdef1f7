"""The chain: what an operation is bound to, and what is a framing error."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from ticketing.ids import OpId
from ticketing.journal import (
    BODY_CHARS_MAX,
    ROOT_HASH,
    Op,
    chain_op,
    first_break,
    is_hash,
    op_from_wire,
    op_hash,
    op_to_wire,
)

NODE = "00000000000000aa"


def chain(count: int, *, stream: str = "swan-lake", node: str = NODE, inc: int = 1) -> list[Op]:
    ops: list[Op] = []
    prev = ROOT_HASH
    for seq in range(1, count + 1):
        op_id = OpId(f"{seq:032x}")
        ops.append(chain_op(prev, stream, node, inc, seq, op_id, "print", 1, 1000 + seq, "{}"))
        prev = ops[-1].hash
    return ops


def broken_at(ops: list[Op], *, prev: str = ROOT_HASH, first: int = 1) -> int | None:
    return first_break(ops, prev, first, "swan-lake", NODE, 1)


def test_the_hash_covers_these_very_bytes() -> None:
    text = (
        f"{ROOT_HASH}\nswan-lake\n{NODE}\n3\n7\n{'0f' * 16}\nsale\n1\n1700000000000\n" + '{"座":1}'
    )
    assert (
        op_hash(
            ROOT_HASH, "swan-lake", NODE, 3, 7, "0f" * 16, "sale", 1, 1_700_000_000_000, '{"座":1}'
        )
        == hashlib.sha256(text.encode()).hexdigest()
    )


def test_a_chain_holds() -> None:
    ops = chain(4)
    assert broken_at(ops) is None
    assert broken_at(ops[2:], prev=ops[1].hash, first=3) is None
    assert broken_at([]) is None


@pytest.mark.parametrize(
    ("spoil", "at"),
    [
        pytest.param(lambda ops: ops[1:], 0, id="the first is missing"),
        pytest.param(lambda ops: [ops[0], *ops[2:]], 1, id="one in between is missing"),
        pytest.param(lambda ops: [ops[0], ops[2], ops[1]], 1, id="two change places"),
        pytest.param(lambda ops: [ops[0], ops[0]], 1, id="one comes twice"),
        pytest.param(lambda ops: [*ops, replace(ops[2], seq=4)], 3, id="a copy of the last"),
        pytest.param(lambda ops: [replace(op, body="{ }") for op in ops], 0, id="another body"),
        pytest.param(
            lambda ops: [*ops[:2], replace(ops[2], hash=ops[2].hash.upper())],
            2,
            id="a shouted hash",
        ),
    ],
)
def test_the_first_break_is_found(spoil: Any, at: int) -> None:
    assert broken_at(spoil(chain(3))) == at


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seq": 9}, id="its number"),
        pytest.param({"op_id": OpId("f" * 32)}, id="its id"),
        pytest.param({"kind": "sale"}, id="its kind"),
        pytest.param({"version": 2}, id="its version"),
        pytest.param({"wall_ms": 999}, id="its time"),
        pytest.param({"body": '{"a":1}'}, id="its body"),
        pytest.param({"hash": "f" * 64}, id="its hash"),
    ],
)
def test_one_changed_field_breaks_the_chain_there(change: dict[str, Any]) -> None:
    first, second, third = chain(3)
    assert broken_at([first, replace(second, **change), third]) == 1


@pytest.mark.parametrize(
    "ops",
    [
        pytest.param(chain(2, stream="nutcracker"), id="another stream"),
        pytest.param(chain(2, node="00000000000000ab"), id="another node"),
        pytest.param(chain(2, inc=2), id="another incarnation"),
    ],
)
def test_an_operation_of_another_journal_does_not_fit(ops: list[Op]) -> None:
    assert broken_at(ops) == 0


def test_an_operation_survives_the_wire() -> None:
    (op,) = chain(1)
    assert op_to_wire(op) == [1, op.op_id, "print", 1, 1001, "{}", op.hash]
    assert op_from_wire(op_to_wire(op)) == op


def wire(**changes: object) -> list[object]:
    (op,) = chain(1)
    names = ("seq", "op_id", "kind", "version", "wall_ms", "body", "hash")
    return [changes.get(name, value) for name, value in zip(names, op_to_wire(op), strict=True)]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"seq": 2**53 - 1}, id="the highest number in the journal"),
        pytest.param({"kind": "k" * 32}, id="the longest kind"),
        pytest.param({"version": 65_535}, id="the highest version"),
        pytest.param({"wall_ms": 0}, id="a clock that was never set"),
        pytest.param({"wall_ms": 2**53 - 1}, id="a clock gone mad"),
        pytest.param({"body": "x" * BODY_CHARS_MAX}, id="the longest body"),
        pytest.param({"body": ""}, id="no body"),
        pytest.param({"body": "座\n\x01"}, id="a body in any characters a database takes"),
    ],
)
def test_the_bounds_of_an_operation_are_inside(changes: dict[str, object]) -> None:
    op = op_from_wire(wire(**changes))
    assert op is not None
    assert op_to_wire(op) == wire(**changes)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="an object"),
        pytest.param([], id="an empty array"),
        pytest.param(wire()[:6], id="six values"),
        pytest.param([*wire(), 1], id="eight values"),
        pytest.param(wire(seq=0), id="number zero"),
        pytest.param(wire(seq=True), id="a truth value for a number"),
        pytest.param(wire(seq=2**53), id="a number JSON readers round"),
        pytest.param(wire(seq=1.0), id="a float"),
        pytest.param(wire(op_id="0" * 31), id="a short id"),
        pytest.param(wire(op_id=None), id="no id"),
        pytest.param(wire(kind=""), id="no kind"),
        pytest.param(wire(kind="k" * 33), id="a kind too long"),
        pytest.param(wire(kind="sale\n1"), id="a kind with a line's end, which moves the fields"),
        pytest.param(wire(kind="Sale"), id="a kind with a capital"),
        pytest.param(wire(kind=7), id="a kind that is a number"),
        pytest.param(wire(version=0), id="version zero"),
        pytest.param(wire(version=65_536), id="a version no column holds"),
        pytest.param(wire(wall_ms=-1), id="a clock before 1970"),
        pytest.param(wire(wall_ms="now"), id="a clock in words"),
        pytest.param(wire(body="x" * (BODY_CHARS_MAX + 1)), id="a body too long"),
        pytest.param(wire(body="a\0b"), id="a body with a NUL"),
        pytest.param(wire(body="\ud83d"), id="a body with half a character"),
        pytest.param(wire(body={}), id="a body that is no text"),
        pytest.param(wire(hash="0" * 63), id="a hash too short"),
        pytest.param(wire(hash="A" * 64), id="a hash in capitals"),
        pytest.param(wire(hash=0), id="a hash that is a number"),
    ],
)
def test_anything_else_is_a_framing_error(raw: object) -> None:
    assert op_from_wire(raw) is None


def test_a_hash_is_64_small_hex_digits() -> None:
    assert is_hash(ROOT_HASH)
    assert not any(map(is_hash, ["", "0" * 65, "g" * 64, "0" * 64 + "\n", None, 0]))
