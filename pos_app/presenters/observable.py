"""An immutable state that can be watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

State = TypeVar("State")


class Observable(Generic[State]):
    """Holds one state; tells its watchers after every change. One thread only."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._watchers: list[Callable[[State], None]] = []

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    def watch(self, watcher: Callable[[State], None]) -> None:
        """Call `watcher` with the state now and after every change."""
        self._watchers.append(watcher)
        watcher(self._state)

    def _become(self, state: State) -> None:
        """Tell everybody; where a watcher changes it again, all are told of that and not of this."""
        if state == self._state:
            return
        self._state = state
        for watcher in self._watchers:
            if self._state is not state:
                return
            watcher(state)
