"""What every test does again is measured once in a file, and all else as before."""

from __future__ import annotations

import sys
from types import FrameType

from tests.gui.measuring import measured_once


class CTracer:
    """Takes the place of coverage's own, which goes by this name."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, frame: FrameType, _event: str, _arg: object) -> None:
        self.heard.append(frame.f_code.co_name)


def deed() -> None:
    pass


def the_test_itself() -> None:
    pass


def test_a_deed_is_measured_the_first_time_and_what_follows_it_always() -> None:
    tracer, before = CTracer(), sys.gettrace()
    sys.settrace(tracer)
    try:
        for _time in range(3):
            with measured_once("a deed"):
                deed()
            the_test_itself()
        with measured_once("another deed"):
            deed()
    finally:
        sys.settrace(before)
    assert tracer.heard.count("deed") == 2
    assert tracer.heard.count("the_test_itself") == 3
