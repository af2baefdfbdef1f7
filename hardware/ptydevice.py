"""A serial device played on a pseudo-terminal: can be pulled out and put back."""

from __future__ import annotations

import os
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

_READ_BYTES: Final = 256
_LOOK_S: Final = 0.02


class PtyDevice:
    """The far end of a serial cable. While it is plugged in, `link` is a symbolic link to its port.

    A subclass that answers overrides `received`; then a thread of its own listens while the device
    is plugged in.
    """

    def __init__(self, link: Path) -> None:
        self.link: Final = link
        self._ends: tuple[int, int] | None = None
        self._listening: threading.Thread | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def plug_in(self) -> None:
        """Put the cable in: a new port under the same name."""
        if self._ends is not None:
            return
        master, slave = os.openpty()
        tty.setraw(master)
        tty.setraw(slave)
        self._ends = (master, slave)
        if type(self).received is not PtyDevice.received:
            self._listening = threading.Thread(
                target=self._listen, args=(master,), name=f"simulator {self.link}", daemon=True
            )
            self._listening.start()
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))

    def unplug(self) -> None:
        """Pull the cable out."""
        with self._lock:
            ends, self._ends = self._ends, None
        thread, self._listening = self._listening, None
        if thread is not None:
            thread.join()
        if ends is not None:
            self.link.unlink(missing_ok=True)
            for end in ends:
                with suppress(OSError):
                    os.close(end)

    def send(self, data: bytes) -> None:
        """Send bytes as they are: half a frame, noise."""
        with self._lock:
            if self._ends is None:
                raise ValueError("it is not plugged in")
            os.write(self._ends[0], data)

    def received(self, data: bytes) -> bytes:
        """Take what came over the cable; what goes back. Called on the device's own thread."""
        raise NotImplementedError(f"{len(data)} bytes came to a device that only talks")

    def _listen(self, master: int) -> None:
        while self._ends is not None:
            if not select.select([master], [], [], _LOOK_S)[0]:
                continue
            reply = self.received(os.read(master, _READ_BYTES))
            with suppress(ValueError):  # pulled out in between
                self.send(reply)
