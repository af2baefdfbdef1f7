"""The ledger's lines for one sale, one refund and one exchange, in figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.ticketing.test_operations import EXCHANGE, REFUND, REPLACEMENT, SALE, VOID
from ticketing.ledger import Posting, postings
from ticketing.operations import Exchange, Refund, Sale

NODE = "00000000000000aa"
DRAWER = f"cash:{NODE}"


@pytest.mark.parametrize(
    ("operation", "lines"),
    [
        pytest.param(SALE, ((DRAWER, 87_000), ("sales", -87_000)), id="a sale"),
        pytest.param(
            REFUND,
            ((DRAWER, -85_000), ("sales", 87_000), ("fees", -2_000)),
            id="a refund that keeps a fee",
        ),
        pytest.param(VOID, ((DRAWER, -87_000), ("sales", 87_000)), id="a void"),
        pytest.param(
            EXCHANGE,
            ((DRAWER, 30_000), ("sales", 87_000), ("sales", -116_000), ("fees", -1_000)),
            id="an exchange for dearer places",
        ),
        pytest.param(
            REPLACEMENT,
            ((DRAWER, 1_000), ("sales", 116_000), ("sales", -116_000), ("fees", -1_000)),
            id="a lost ticket replaced",
        ),
    ],
)
def test_every_line_is_written(
    operation: Sale | Refund | Exchange, lines: tuple[Posting, ...]
) -> None:
    assert postings(operation, NODE) == lines


def test_what_does_not_add_up_is_a_bug_and_not_booked() -> None:
    with pytest.raises(AssertionError, match="adds up"):
        postings(replace(SALE, total_minor=1), NODE)
