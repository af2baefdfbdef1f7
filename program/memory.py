"""How a program that runs for weeks keeps its memory."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS_MAX = 2


def use_few_arenas() -> None:
    """Have all threads share two arenas of glibc's malloc; to be called before they start.

    With as many as it likes, eight for each processor, what is freed in one is no use to the
    others, and a program of thirty threads grows for hours. Another C library is left as it is.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS_MAX)
    except (OSError, AttributeError, TypeError):  # TypeError: Windows
        return


def give_back() -> None:
    """Give memory that nobody uses back to the system, after work that took much of it for once.

    Takes milliseconds. Another C library is left as it is.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):  # TypeError: Windows
        return


@contextmanager
def modules_left_alone() -> Iterator[None]:
    """Meanwhile the search for garbage passes over everything that is there at the beginning: for
    once all is imported and before work begins.

    Python looks through everything only when what is new has come to a quarter of what is old, and
    modules alone are sixty thousand objects: until then failed calls and their tracebacks, which
    refer to each other, lie about by the ten thousand, and a search stops all threads for long.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()  # or extension modules would find their own left over at the end, and say so
