"""Ids of tickets and orders, made in runs.

Forty random bits for each run of the program, then a counter of twenty-four: ids that are made one
after the other lie next to each other in an index, where wholly random ones each cost a page.
"""

from __future__ import annotations

from edge.env import Env

_PREFIX_BYTES = 5
_COUNT_MAX = 0xFF_FFFF


class IdMint:
    """Makes ids of 16 hex digits. Not thread-safe: use it inside the journal's transactions."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._prefix = ""
        self._count = 0

    def next(self) -> str:
        """An id that this mint has never made, and no other but by a chance of forty bits."""
        if not self._prefix or self._count == _COUNT_MAX:
            self._prefix = self._env.random_bytes(_PREFIX_BYTES).hex()
            self._count = 0
        self._count += 1
        return f"{self._prefix}{self._count:06x}"
