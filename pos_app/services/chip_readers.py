"""Readers for chips at the counter: each tells what is held up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from hardware.reader import Reader
from pos_app.services.chips import as_held

WAIT_S: Final = 0.5
JOIN_S: Final = 3.0


class ChipReaders:
    """A thread for each reader. `held` is called on it, and must be brief."""

    def __init__(self, readers: Sequence[Reader], held: Callable[[str], None]) -> None:
        self._readers, self._held = tuple(readers), held
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(each,), name="chip reader", daemon=True)
            for each in self._readers
        ]

    def start(self) -> None:
        """Begin to read."""
        for reader, thread in zip(self._readers, self._threads, strict=True):
            reader.start()
            thread.start()

    def close(self) -> None:
        """End the threads and let go of the devices."""
        self._stopping.set()
        for reader, thread in zip(self._readers, self._threads, strict=True):
            if thread.is_alive():
                thread.join(JOIN_S)
                reader.stop(JOIN_S)

    def _work(self, reader: Reader) -> None:
        while not self._stopping.is_set():
            seen = reader.next_seen(WAIT_S)
            if seen is not None:
                self._held(as_held(seen.kind.value, seen.uid, seen.value))
