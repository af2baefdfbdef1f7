"""The tender leg: one movement of money by one means of payment, as a state machine.

A leg is written down before anything leaves the process, and what it went through is told by its
state alone. Money taken begins as NEW and rests as CAPTURED; an order is paid when all of its
legs are. Money paid back is a leg of its own, which begins as REFUND_REQUESTED, so that a part can
go back, and later another one.

Cash, and what a person records by hand, is taken on this side of the counter: nobody has to be
asked what became of it. A payment code or a card terminal answers from elsewhere, late or never;
those legs are asked about until they are final, and never sent twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class TenderKind(StrEnum):
    """How a means of payment answers. Stored, never renamed."""

    CASH = "cash"
    HAND = "hand"  # recorded by hand, for example what a stand-alone card reader took
    CODE = "code"  # a payment code of the buyer's phone, asked about at a payment service
    TERMINAL = "terminal"  # a card terminal that this program talks to


class LegState(StrEnum):
    """How far a leg is. Stored, never renamed."""

    NEW = "new"
    TENDERED = "tendered"  # cash is on the counter, or a person said that it was taken elsewhere
    SENT = "sent"
    PENDING_USER = "pending_user"  # the buyer is asked for a password
    UNKNOWN = "unknown"  # perhaps it was paid: ask, and never pay again
    CAPTURED = "captured"
    DECLINED = "declined"
    ABANDONED = "abandoned"  # the program ended before the sale: nothing was sold for it
    REVERSING = "reversing"
    REVERSE_UNKNOWN = "reverse_unknown"
    REVERSED_CLOSED = "reversed_closed"  # it was never paid, and never will be
    REVERSED_REFUNDED = "reversed_refunded"  # it was paid, and is paid back
    MANUAL = "manual"  # nobody answers: a person has to find out
    REFUND_REQUESTED = "refund_requested"
    REFUND_PROCESSING = "refund_processing"
    REFUND_UNKNOWN = "refund_unknown"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class LegAction(StrEnum):
    """What happens to a leg."""

    TENDER = "tender"
    SEND = "send"
    WAIT = "wait"  # the other side works on it
    CAPTURE = "capture"
    DECLINE = "decline"
    LOSE = "lose"  # no answer
    STOP = "stop"  # the cashier wants it no more: that does not mean that it is not paid
    CLOSE = "close"  # known for certain as never paid
    PAY_BACK = "pay_back"
    FAIL = "fail"  # it could not be paid back this way
    GIVE_UP = "give_up"
    ABANDON = "abandon"


_S, _A = LegState, LegAction
_Table = Mapping[LegState, Mapping[LegAction, LegState]]

_AT_THE_COUNTER: Final[_Table] = {
    _S.NEW: {_A.TENDER: _S.TENDERED, _A.ABANDON: _S.ABANDONED},
    _S.TENDERED: {
        _A.CAPTURE: _S.CAPTURED,
        _A.CLOSE: _S.REVERSED_CLOSED,
        _A.ABANDON: _S.ABANDONED,
    },
    _S.REFUND_REQUESTED: {_A.PAY_BACK: _S.REFUNDED, _A.FAIL: _S.REFUND_FAILED},
}
_ELSEWHERE: Final[_Table] = {
    _S.NEW: {_A.SEND: _S.SENT, _A.LOSE: _S.UNKNOWN},
    _S.SENT: {
        _A.CAPTURE: _S.CAPTURED,
        _A.DECLINE: _S.DECLINED,
        _A.WAIT: _S.PENDING_USER,
        _A.LOSE: _S.UNKNOWN,
        _A.STOP: _S.REVERSING,
    },
    _S.PENDING_USER: {
        _A.CAPTURE: _S.CAPTURED,
        _A.DECLINE: _S.DECLINED,
        _A.LOSE: _S.UNKNOWN,
        _A.STOP: _S.REVERSING,
    },
    _S.UNKNOWN: {
        _A.CAPTURE: _S.CAPTURED,
        _A.DECLINE: _S.DECLINED,
        _A.STOP: _S.REVERSING,
    },
    _S.REVERSING: {
        _A.CLOSE: _S.REVERSED_CLOSED,
        _A.PAY_BACK: _S.REVERSED_REFUNDED,
        _A.LOSE: _S.REVERSE_UNKNOWN,
    },
    _S.REVERSE_UNKNOWN: {
        _A.CLOSE: _S.REVERSED_CLOSED,
        _A.PAY_BACK: _S.REVERSED_REFUNDED,
        _A.GIVE_UP: _S.MANUAL,
    },
    _S.MANUAL: {_A.CLOSE: _S.REVERSED_CLOSED, _A.PAY_BACK: _S.REVERSED_REFUNDED},
    _S.REFUND_REQUESTED: {
        _A.PAY_BACK: _S.REFUNDED,
        _A.FAIL: _S.REFUND_FAILED,
        _A.WAIT: _S.REFUND_PROCESSING,
        _A.LOSE: _S.REFUND_UNKNOWN,
    },
    _S.REFUND_PROCESSING: {
        _A.PAY_BACK: _S.REFUNDED,
        _A.FAIL: _S.REFUND_FAILED,
        _A.LOSE: _S.REFUND_UNKNOWN,
    },
    _S.REFUND_UNKNOWN: {
        _A.PAY_BACK: _S.REFUNDED,
        _A.FAIL: _S.REFUND_FAILED,
        _A.WAIT: _S.REFUND_PROCESSING,
    },
}
_TABLES: Final[Mapping[TenderKind, _Table]] = {
    TenderKind.CASH: _AT_THE_COUNTER,
    TenderKind.HAND: _AT_THE_COUNTER,
    TenderKind.CODE: _ELSEWHERE,
    TenderKind.TERMINAL: _ELSEWHERE,
}

FINAL: Final = frozenset(
    {
        _S.CAPTURED,
        _S.DECLINED,
        _S.ABANDONED,
        _S.REVERSED_CLOSED,
        _S.REVERSED_REFUNDED,
        _S.REFUNDED,
        _S.REFUND_FAILED,
    }
)
"""States in which nothing has to be found out any more. A refund that failed is a new leg."""


def next_state(kind: TenderKind, state: LegState, action: LegAction) -> LegState | None:
    """The state after `action`; None when it is not lawful for such a leg in this state."""
    return _TABLES[kind].get(state, {}).get(action)


def after_restart(kind: TenderKind, state: LegState) -> LegState:
    """What a leg is once the program that drove it has ended; final ones stay as they are.

    What was taken at the counter for a sale that was never recorded is abandoned. What left the
    process, or may have, is unknown, and asked about.
    """
    table = _TABLES[kind].get(state, {})
    return table.get(_A.ABANDON) or table.get(_A.LOSE) or state
