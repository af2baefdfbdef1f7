"""The cash drawer: kicked open after what it is opened for has been recorded, never before."""

from __future__ import annotations

import queue
import subprocess
import threading
from typing import Final, Protocol

from program.logs import get_logger

_WAITING_MAX: Final = 8
_log = get_logger(__name__)


class DrawerError(Exception):
    """The drawer did not open. What was recorded stands; there is a key."""


class Drawer(Protocol):
    """Something that opens a drawer."""

    def kick(self) -> None:
        """Open it now; blocks until the device has taken it. Raises DrawerError."""


class CommandDrawer:
    """Runs a command without a shell, for example one that writes the kick to a printer."""

    def __init__(self, argv: tuple[str, ...], timeout_s: float) -> None:
        self._argv, self._timeout_s = argv, timeout_s

    def kick(self) -> None:
        """Run the command to its end."""
        try:
            done = subprocess.run(  # noqa: S603 - the words are the owner's settings; no shell
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=self._timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DrawerError(f"the drawer's command {self._argv[0]} failed: {error}") from error
        if done.returncode:
            raise DrawerError(
                f"the drawer's command {self._argv[0]} ended with code {done.returncode}"
            )


class DrawerLine:
    """Kicks on a thread of its own: a drawer that hangs holds up no sale.

    Kicks beyond the few that may wait are dropped: a drawer that is open need not open again.
    """

    def __init__(self, drawer: Drawer | None) -> None:
        self._drawer = drawer
        self._waiting: queue.Queue[bool] = queue.Queue(_WAITING_MAX)
        self._thread: threading.Thread | None = None
        if drawer is not None:
            self._thread = threading.Thread(target=self._work, name="till-drawer", daemon=True)
            self._thread.start()

    @property
    def is_there(self) -> bool:
        """Whether there is a drawer to open."""
        return self._drawer is not None

    def kick(self) -> None:
        """Have it opened soon; nothing happens without one."""
        if self._drawer is None:
            return
        try:
            self._waiting.put_nowait(True)
        except queue.Full:
            _log.warning("drawer_kick_dropped", waiting_count=_WAITING_MAX)

    def close(self, deadline_s: float = 3.0) -> None:
        """Open it for what waits, then end the thread; one that hangs is left behind."""
        if self._thread is None or not self._thread.is_alive():
            return
        try:
            self._waiting.put(False, timeout=deadline_s)
        except queue.Full:
            return
        self._thread.join(deadline_s)

    def _work(self) -> None:
        assert self._drawer is not None
        while self._waiting.get():
            try:
                self._drawer.kick()
            except DrawerError as error:
                _log.warning("drawer_not_opened", error=str(error))
