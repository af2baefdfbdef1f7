"""A package at the counter: sold for less than its parts, and one ticket of it brought back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton

from tests.fakes.hall import ROW
from tests.gui.after_sale_stage import Desk, desk
from tests.gui.robot import click, find, settle, tap_unit, text_of
from ticketing.journal import OpKind
from ticketing.operations import Sale, decode_sale
from ticketing.operations.after_sale import decode_refund

WHOLE_MINOR = 211_200
"""Two adults and two children in the dearest tier, a fifth off: 0.8 of 880, 880, 440 and 440 yuan."""


def sell_a_family(till: Desk) -> Sale:
    """Pick four seats on the map, make two of them children's, take the cash."""
    for unit in ROW[:4]:
        tap_unit(till.window, unit)
    for line in (2, 3):
        click(till.window, f"line_{line}_type")
        click(till.window, "ticket_type_child")
    settle(till.window)
    assert text_of(till.window, "package_0_name") == "Family, 20 % off · 4 tickets"
    click(till.window, "pay_cash")
    (op,) = till.till.ops(OpKind.SALE)
    sale = decode_sale(op.body)
    assert sale is not None
    return sale


def refunded_minor(till: Desk) -> list[int]:
    """What each refund gave back."""
    refunds = [decode_refund(op.body) for op in till.till.ops(OpKind.REFUND)]
    return [one.cash_minor for one in refunds if one]


def open_order(till: Desk) -> None:
    till.till.acknowledge_all()
    till.open_orders()
    click(till.window, "order_0")


def choose(till: Desk, *chosen: int) -> None:
    """Have these tickets of the four marked and no others."""
    for at in range(4):
        button = find(till.window, f"ticket_{at}")
        assert isinstance(button, QAbstractButton)
        if button.isEnabled() and button.isChecked() != (at in chosen):
            click(till.window, f"ticket_{at}")


def refund(till: Desk, *chosen: int) -> None:
    """Bring these tickets back, to the end."""
    choose(till, *chosen)
    click(till.window, "deed_refund")
    click(till.window, "confirm_deed")
    till.server_says()
    click(till.window, "next_order")


def test_the_shares_add_up_and_one_ticket_goes_back_for_its_share(tmp_path: Path) -> None:
    with desk(tmp_path) as till:
        sale = sell_a_family(till)
        shares = [line.price_minor for line in sale.lines]
        assert sum(shares) == sale.total_minor == WHOLE_MINOR
        assert sorted(shares) == [35_200, 35_200, 70_400, 70_400]
        open_order(till)
        choose(till, 0)
        click(till.window, "deed_refund")
        assert text_of(till.window, "refund_total") == "¥704.00"
        assert refunded_minor(till) == [], "shown before it is done"
        click(till.window, "confirm_deed")
        till.server_says()
        assert text_of(till.window, "done_amount") == "¥704.00"
        click(till.window, "next_order")
        choose(till, 1, 2, 3)
        click(till.window, "deed_refund")
        assert text_of(till.window, "refund_total") == "¥1,408.00"
        click(till.window, "confirm_deed")
        till.server_says()
        assert sum(refunded_minor(till)) == WHOLE_MINOR, "all of it and not a fen more"


def test_who_leaves_the_others_at_the_list_price_gets_the_rest(tmp_path: Path) -> None:
    with desk(
        tmp_path, refund_rules={"steps": [{"minutes_before": 0}], "package": "relist"}
    ) as till:
        sell_a_family(till)
        open_order(till)
        choose(till, 0)
        click(till.window, "deed_refund")
        # The other three cost 880 + 440 + 440 by the list, of the 2,112 that were paid.
        assert text_of(till.window, "refund_total") == "¥352.00"
        click(till.window, "confirm_deed")
        till.server_says()
        assert refunded_minor(till) == [35_200]


def test_a_house_may_take_packages_back_whole_only(tmp_path: Path) -> None:
    with desk(
        tmp_path, refund_rules={"steps": [{"minutes_before": 0}], "package": "whole_only"}
    ) as till:
        sell_a_family(till)
        open_order(till)
        choose(till, 0)
        assert not find(till.window, "deed_refund").isEnabled()
        assert "The package goes back whole" in text_of(till.window, "deed_refund_why")
        choose(till, 0, 1, 2, 3)
        click(till.window, "deed_refund")
        assert text_of(till.window, "refund_total") == "¥2,112.00"


@pytest.mark.parametrize("chosen", [1, 2, 3])
def test_some_of_a_package_never_give_more_than_was_paid(tmp_path: Path, chosen: int) -> None:
    with desk(
        tmp_path, refund_rules={"steps": [{"minutes_before": 0}], "package": "relist"}
    ) as till:
        sell_a_family(till)
        open_order(till)
        refund(till, *range(chosen))
        refund(till, *range(chosen, 4))
        assert len(refunded_minor(till)) == 2
        assert sum(refunded_minor(till)) <= WHOLE_MINOR
