"""What the shift page shows: one immutable value, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pos_app.services.shift_model import APPROVAL_REASONS, DRAWER_REASONS, MOVE_REASONS
from ticketing.operations import CashAction, CashCount, cash_count, count_minor

if TYPE_CHECKING:
    from pos_app.services.model import Person
    from pos_app.services.shift_model import (
        NeedsApproval,
        OpenShift,
        Reason,
        ShiftRefused,
        XReport,
        ZReport,
    )
    from pos_app.services.shift_rows import Names


class Page(StrEnum):
    """What is being done on the shift page."""

    HOME = "home"
    FLOAT = "float"  # counting the float that a shift begins with
    PAY_IN = "pay_in"
    PAY_OUT = "pay_out"
    SAFE_DROP = "safe_drop"
    DRAWER = "drawer"  # opening it without a sale
    X = "x"
    COUNT = "count"  # the blind count at the end
    RECOUNT = "recount"
    APPROVE = "approve"
    Z = "z"


class Paper(StrEnum):
    """What became of the report's print."""

    NONE = "none"
    PRINTING = "printing"
    PRINTED = "printed"
    FAILED = "failed"
    WAITING = "waiting"  # it comes out by itself
    IN_DOUBT = "in_doubt"  # it may be out: the device page asks about it


ACTIONS = {
    Page.PAY_IN: CashAction.PAY_IN,
    Page.PAY_OUT: CashAction.PAY_OUT,
    Page.SAFE_DROP: CashAction.SAFE_DROP,
}
COUNTING = frozenset({Page.FLOAT, Page.COUNT, Page.RECOUNT})


@dataclass(frozen=True, slots=True)
class ShiftState:
    """The shift page. `pieces` are counted by place in `denominations`, `chosen` is being typed.

    `amount_minor` is typed in minor units, `digit_count` dots stand for the manager's PIN.
    `done` is the page whose work was just recorded, until the cashier does the next thing.
    """

    page: Page = Page.HOME
    known: bool = False  # whether it has been read if a shift is open
    current: OpenShift | None = None
    currency: str = "CNY"
    denominations: tuple[int, ...] = ()
    pieces: tuple[int, ...] = ()
    chosen: int = 0
    amount_minor: int = 0
    reason: Reason | None = None
    names: Names | None = None
    x: XReport | None = None
    z: ZReport | None = None
    past: tuple[ZReport, ...] = ()
    wanted: NeedsApproval | None = None
    approvers: tuple[Person, ...] = ()
    approver_id: str = ""
    digit_count: int = 0
    busy: bool = False
    paper: Paper = Paper.NONE
    refused: ShiftRefused | None = None
    failed: bool = False
    done: Page | None = None

    @property
    def count(self) -> CashCount:
        """What was counted so far."""
        return cash_count(zip(self.denominations, self.pieces, strict=True))

    @property
    def counted_minor(self) -> int:
        """Its sum."""
        return count_minor(self.count)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What may be given as a reason on this page."""
        if self.page is Page.DRAWER:
            return DRAWER_REASONS
        if self.page is Page.APPROVE:
            return APPROVAL_REASONS
        return MOVE_REASONS[ACTIONS[self.page]] if self.page in ACTIONS else ()

    @property
    def can_submit(self) -> bool:
        """Whether everything that the page asks for is there."""
        if self.busy or (self.reasons and self.reason is None):
            return False
        if self.page in ACTIONS:
            return self.amount_minor > 0
        if self.page is Page.APPROVE:
            return bool(self.approver_id and self.digit_count)
        return self.page in COUNTING or self.page is Page.DRAWER
