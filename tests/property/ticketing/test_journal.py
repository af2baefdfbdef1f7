"""No change of any operation goes unnoticed, and no JSON breaks the reader."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ticketing.ids import OpId
from ticketing.journal import (
    ROOT_HASH,
    Op,
    chain_op,
    first_break,
    op_from_wire,
    op_to_wire,
)

STREAM, NODE = "swan-lake", "00000000000000aa"
KINDS = st.from_regex(r"[a-z][a-z_]{0,31}", fullmatch=True)
BODIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
OP_IDS = st.integers(0, 2**128 - 1).map(lambda n: OpId(f"{n:032x}"))
NUMBERS = st.integers(1, 65_535)
INSTANTS = st.integers(0, 2**53 - 1)
HASHES = st.integers(0, 2**256 - 1).map(lambda n: f"{n:064x}")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


@st.composite
def chains(draw: st.DrawFn) -> list[Op]:
    prev, ops = ROOT_HASH, list[Op]()
    said = st.tuples(OP_IDS, KINDS, NUMBERS, INSTANTS, BODIES)
    for seq, (op_id, kind, version, wall_ms, body) in enumerate(
        draw(st.lists(said, min_size=1, max_size=6)), 1
    ):
        op = chain_op(prev, STREAM, NODE, 1, seq, op_id, kind, version, wall_ms, body)
        prev = op.hash
        ops.append(op)
    return ops


@given(ops=chains())
def test_a_chain_comes_whole_through_json(ops: list[Op]) -> None:
    raw = json.loads(json.dumps([op_to_wire(op) for op in ops]))
    read = [op_from_wire(item) for item in raw]
    assert read == ops
    assert first_break(ops, ROOT_HASH, 1, STREAM, NODE, 1) is None


CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "seq": st.integers(1, 2**53 - 1),
    "op_id": OP_IDS,
    "kind": KINDS,
    "version": NUMBERS,
    "wall_ms": INSTANTS,
    "body": BODIES,
    "hash": HASHES,
}


@given(ops=chains(), changes=st.data())
def test_whatever_is_changed_breaks_the_chain_there(ops: list[Op], changes: st.DataObject) -> None:
    """Any number of fields of one operation at once, as long as the operation stays readable."""
    at = changes.draw(st.integers(0, len(ops) - 1))
    names = changes.draw(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, unique=True))
    spoiled = replace(ops[at], **{name: changes.draw(CHANGES[name]) for name in names})
    assume(spoiled != ops[at])
    assert op_from_wire(op_to_wire(spoiled)) == spoiled
    changed = [*ops[:at], spoiled, *ops[at + 1 :]]
    found = first_break(changed, ROOT_HASH, 1, STREAM, NODE, 1)
    assert found == at


@given(ops=chains(), words=st.lists(st.text(max_size=6), min_size=1, max_size=4))
def test_no_operation_reads_as_another_with_its_fields_moved(
    ops: list[Op], words: list[str]
) -> None:
    """The hash joins fields by line ends; a kind that had one could lend it to its neighbours."""
    moved = replace(ops[0], kind="\n".join([ops[0].kind, str(ops[0].version), *words]))
    assert op_from_wire(op_to_wire(moved)) is None


@given(raw=ANY_JSON)
def test_the_reader_answers_any_json(raw: object) -> None:
    op = op_from_wire(raw)
    assert op is None or op_to_wire(op) == raw


@given(changes=st.data(), op=chains().map(lambda ops: ops[0]))
def test_the_reader_answers_an_operation_with_anything_in_it(
    changes: st.DataObject, op: Op
) -> None:
    raw = op_to_wire(op)
    raw[changes.draw(st.integers(0, 6))] = changes.draw(ANY_JSON)
    read = op_from_wire(raw)
    if read is None:
        return
    assert op_to_wire(read) == raw
    json.dumps(raw, ensure_ascii=False).encode()  # what is read can be stored and sent
    first_break([read], ROOT_HASH, 1, STREAM, NODE, 1)
