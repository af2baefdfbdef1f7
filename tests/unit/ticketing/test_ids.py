"""Ids: what they look like, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ticketing.ids import (
    U32_MAX,
    AllotmentId,
    is_currency,
    is_key_id,
    is_node_id,
    is_op_id,
    is_order_id,
    is_stream_id,
    is_ticket_id,
    is_u32,
)

Check = Callable[[object], bool]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        pytest.param(is_stream_id, "a", id="a stream of one letter"),
        pytest.param(is_stream_id, "swan-lake-2", id="a stream with dashes"),
        pytest.param(is_stream_id, "7" * 32, id="the longest stream"),
        pytest.param(is_ticket_id, "0123456789abcdef", id="a ticket"),
        pytest.param(is_order_id, "f" * 16, id="an order"),
        pytest.param(is_node_id, "0" * 16, id="a node"),
        pytest.param(is_op_id, "0123456789abcdef" * 2, id="an operation"),
        pytest.param(is_key_id, "1a2b3c4d", id="a key"),
        pytest.param(is_currency, "CNY", id="a currency"),
        pytest.param(is_u32, 1, id="the smallest number"),
        pytest.param(is_u32, U32_MAX, id="the largest number"),
    ],
)
def test_an_id_of_its_form_is_taken(check: Check, value: object) -> None:
    assert check(value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        pytest.param(is_stream_id, "", id="an empty stream"),
        pytest.param(is_stream_id, "-a", id="a stream with a dash first"),
        pytest.param(is_stream_id, "a" * 33, id="a stream too long"),
        pytest.param(is_stream_id, "Swan", id="a stream with a capital"),
        pytest.param(is_stream_id, "a\n", id="a stream with a line's end"),
        pytest.param(is_stream_id, 7, id="a stream that is a number"),
        pytest.param(is_ticket_id, "0123456789ABCDEF", id="a ticket in capitals"),
        pytest.param(is_ticket_id, "0" * 15, id="a ticket too short"),
        pytest.param(is_ticket_id, "0" * 17, id="a ticket too long"),
        pytest.param(is_ticket_id, None, id="no ticket"),
        pytest.param(is_op_id, "0" * 31, id="an operation too short"),
        pytest.param(is_op_id, "g" * 32, id="an operation that is not hex"),
        pytest.param(is_op_id, b"0" * 32, id="an operation in bytes"),
        pytest.param(is_key_id, "1a2b3c4", id="a key too short"),
        pytest.param(is_key_id, ["1a2b3c4d"], id="a key in a list"),
        pytest.param(is_currency, "CN1", id="a currency with a digit"),
        pytest.param(is_currency, "cny", id="a currency in small letters"),
        pytest.param(is_currency, "CNY\n", id="a currency with a line's end"),
        pytest.param(is_currency, "ÄÖÜ", id="a currency beyond ASCII"),
        pytest.param(is_currency, None, id="no currency"),
        pytest.param(is_u32, 0, id="number zero"),
        pytest.param(is_u32, U32_MAX + 1, id="a number of five bytes"),
        pytest.param(is_u32, True, id="a truth value"),
        pytest.param(is_u32, 1.0, id="a float"),
        pytest.param(is_u32, "1", id="a number in a text"),
    ],
)
def test_anything_else_is_refused(check: Check, value: object) -> None:
    assert not check(value)


@pytest.mark.parametrize("number", [1, 7, 10, U32_MAX])
def test_an_allotment_id_reads_back(number: int) -> None:
    allotment = AllotmentId("1a2b3c4d", number)
    assert str(allotment) == f"1a2b3c4d-{number}"
    assert AllotmentId.parse(str(allotment)) == allotment


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1a2b3c4d-0", id="number zero"),
        pytest.param("1a2b3c4d-07", id="a leading zero"),
        pytest.param("1a2b3c4d-4294967296", id="a number of five bytes"),
        pytest.param("1a2b3c4d-99999999999", id="a number far too long"),
        pytest.param("1a2b3c4-7", id="a short generation"),
        pytest.param("1A2B3C4D-7", id="capitals"),
        pytest.param("1a2b3c4d7", id="no dash"),
        pytest.param("1a2b3c4d-7 ", id="a space after it"),
        pytest.param("1a2b3c4d-７", id="a digit beyond ASCII"),
        pytest.param(7, id="a number"),
        pytest.param(None, id="nothing"),
    ],
)
def test_no_other_text_is_an_allotment_id(text: object) -> None:
    assert AllotmentId.parse(text) is None


def test_allotment_ids_sort_by_generation_then_number() -> None:
    early, late = AllotmentId("00000000", 10), AllotmentId("00000001", 2)
    assert sorted([late, AllotmentId("00000000", 9), early]) == [
        AllotmentId("00000000", 9),
        early,
        late,
    ]
