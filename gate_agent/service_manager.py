"""What systemd is told of this program, over the datagram socket that it names (sd_notify(3)).

Without such a socket, as when somebody starts the program by hand, nothing is told to anybody.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from program.logs import get_logger

PERIOD_S = 5.0
"""How often it is looked whether all parts live, where no watchdog wants it oftener."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """`address`: the socket's path, or "@" and its abstract name; "" for nobody.

    `watchdog_s`: the program is killed when it has not said for so long that it lives; 0: never.
    """

    address: str = ""
    watchdog_s: float = 0.0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], pid: int) -> ServiceManager:
        """As systemd started the process `pid`. What is meant for another process is not for us."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        is_ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        if not (watchdog_us.isascii() and watchdog_us.isdigit() and is_ours):
            return cls(address)
        return cls(address, int(watchdog_us) / 1_000_000)

    @property
    def period_s(self) -> float:
        """How often to say `alive`: twice in the time that the watchdog waits, and once more."""
        return min(PERIOD_S, self.watchdog_s / 3) if self.watchdog_s else PERIOD_S

    def ready(self) -> None:
        """The lanes are open."""
        self._tell("READY=1")

    def alive(self) -> None:
        """All parts live."""
        if self.watchdog_s:
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The program ends."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        """Never raises and never waits: people pass whether systemd listens or not."""
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.sendto(state.encode(), name)
        except OSError as error:
            _log.warning(
                "service_manager_not_told", state=state, error=os.strerror(error.errno or 0)
            )
