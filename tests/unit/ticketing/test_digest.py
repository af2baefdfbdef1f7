"""Digests: the same rows give the same numbers on both sides, other rows give others."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.digest import (
    BUCKET_COUNT,
    FORM,
    KINDS,
    Digest,
    bucket_of,
    canonical,
    content_of,
    counted,
    key_of,
    row_hash,
)

CLAIM = {"p": 1, "u": 5, "kind": "sold", "ref": "x", "node": "n", "v": 0}
ROWS: list[list[Any]] = [
    ["claim", 7, CLAIM],
    ["claim", 8, CLAIM | {"u": 6}],
    ["ticket", 9, {"id": "t", "p": 1, "u": 5, "v": 0, "state": "valid", "blocked": ""}],
    ["doc", 3, {"kind": "plan", "id": "hall", "body": {"b": 1, "a": [2]}}],
]


def test_the_numbers_of_this_form_never_change() -> None:
    """Another result here is another `FORM`: nodes of both ages compare only the same one."""
    assert FORM == 3
    assert (bucket_of("claim", "1.5"), row_hash("claim", "1.5", 7, ["sold", "x", "n", 0])) == (
        146,
        3562454352,
    )


def test_order_and_grouping_do_not_matter() -> None:
    whole = counted(ROWS)
    assert counted(reversed(ROWS)) == whole
    assert counted(ROWS[:2]).merged(counted(ROWS[2:])) == whole
    assert whole.without(counted(ROWS[2:])) == counted(ROWS[:2])
    assert sum(whole.counts) == len(ROWS)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(["claim", 8, CLAIM], id="another revision"),
        pytest.param(["claim", 7, CLAIM | {"kind": "free"}], id="another kind"),
        pytest.param(["claim", 7, CLAIM | {"v": 1}], id="another version"),
        pytest.param(["claim", 7, CLAIM | {"node": "m"}], id="another node"),
    ],
)
def test_a_row_that_says_something_else_shows_in_its_bucket_alone(row: list[Any]) -> None:
    found = counted([row, *ROWS[1:]]).differing(counted(ROWS))
    assert found == [bucket_of("claim", "1.5")]


def test_a_missing_row_and_one_too_many_show() -> None:
    assert counted(ROWS[1:]).differing(counted(ROWS)) == [bucket_of("claim", "1.5")]
    assert counted([*ROWS, ROWS[0]]).differing(counted(ROWS)) == [bucket_of("claim", "1.5")]
    assert counted(ROWS).differing(counted(ROWS)) == []


def test_what_a_later_centre_adds_does_not_count() -> None:
    assert counted([["claim", 7, CLAIM | {"colour": "red"}]]) == counted(ROWS[:1])
    assert counted([["hologram", 7, {"id": 1}]]) == Digest()


def test_members_of_a_document_have_no_order() -> None:
    assert canonical({"b": 1, "a": "票"}) == canonical({"a": "票", "b": 1}) == '{"a":"票","b":1}'


def test_every_kind_has_a_key_and_content() -> None:
    body: dict[str, Any] = dict.fromkeys(
        "id kind op p u v node ref state ticket lane phase at_ms no total refunded currency by "
        "name role key key_id signature pin order sealed tokens keeper wanted turn copies "
        "blocked type counter".split(),
        1,
    )
    body |= {"body": {}, "units": [[1, 0]]}
    for kind in KINDS:
        assert key_of(kind, body)
        assert len(content_of(kind, body)) > 0


def test_a_digest_survives_the_wire_and_nothing_else_is_one() -> None:
    wire = counted(ROWS).to_wire()
    assert Digest.from_wire(wire) == counted(ROWS)
    for wrong in (
        None,
        wire[1:],
        [*wire, [0, 0]],
        [[0, 0, 0], *wire[1:]],
        [[-1, 0], *wire[1:]],
        [[0, -1], *wire[1:]],
        [[True, 0], *wire[1:]],
        [[0, 1.5], *wire[1:]],
        [[2**31, 0], *wire[1:]],
        [[0, 2**63], *wire[1:]],
    ):
        assert Digest.from_wire(wrong) is None


def test_neighbours_spread_over_the_buckets() -> None:
    found = {bucket_of("claim", f"1.{unit}") for unit in range(4_000)}
    assert len(found) == BUCKET_COUNT
