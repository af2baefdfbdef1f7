"""Guards an upgrade of PySide6: 6.12.0 on Python 3.11 loses references to None and True.

A call that returns nothing lost one reference to None, an emitted signal one to True, and after
a few hundred the interpreter aborted ("deallocating None"). Python 3.12 made both immortal, which
hides the fault, so there these tests can only pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPainterPath

CALLS = 1000
# Other threads and caches may let go of a few references meanwhile.
SLACK = 50


class _Sender(QObject):
    fired = Signal()


# References that a faulty version may lose without bringing the count to zero and aborting, so
# that the fault is reported as a failed test.
_spare: list[list[object]] = []


def _lost_references(value: object, call: Callable[[], object]) -> int:
    _spare.append([value] * (CALLS * 2))
    before = sys.getrefcount(value)
    for _ in range(CALLS):
        call()
    return before - sys.getrefcount(value)


@pytest.mark.parametrize("value", [pytest.param(None, id="None"), pytest.param(True, id="True")])
@pytest.mark.parametrize("call_name", ["moveTo", "emit"])
def test_calls_into_qt_lose_no_references(value: object, call_name: str) -> None:
    path, sender = QPainterPath(), _Sender()
    calls: dict[str, Callable[[], object]] = {
        "moveTo": lambda: path.moveTo(1.0, 2.0),
        "emit": sender.fired.emit,
    }
    assert _lost_references(value, calls[call_name]) < SLACK
