"""How the C library keeps memory for a program that runs for weeks."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS_MAX = 2


def use_few_arenas() -> None:
    """Have all threads share two arenas of glibc's malloc; to be called before they start.

    With as many as it likes, eight for each processor, what is freed in one is no use to the
    others, and a program of thirty threads grows for hours. Another C library is left as it is.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS_MAX)
    except (OSError, AttributeError):
        return
