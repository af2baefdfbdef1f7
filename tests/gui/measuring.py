"""Coverage's rest: what every test does again is measured for the first of a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_seen: set[tuple[str, str]] = set()


@contextmanager
def measured_once(what: str) -> Iterator[None]:
    """Measure `what` is done in here the first time that a file's tests do it, then no more.

    Measured, Python runs at half its speed, and nearly all that a test of the window runs is the
    window's opening. Threads that begin in here are measured; debuggers stop in here.
    """
    tracer = sys.gettrace()
    deed = (os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0], what)
    if deed not in _seen or type(tracer).__name__ != "CTracer":
        _seen.add(deed)
        yield
        return
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
