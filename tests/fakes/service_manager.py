"""systemd's end of the notification socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NotifySocket:
    """Hears what a program says of itself. `address` is what NOTIFY_SOCKET has."""

    address: str
    end: socket.socket

    def heard(self) -> str:
        """The next word; fails when none comes."""
        return self.end.recv(4_096).decode()

    def is_silent(self) -> bool:
        """Whether nothing waits to be heard."""
        self.end.setblocking(False)
        try:
            self.end.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.end.settimeout(30)
        return False


@contextmanager
def notify_socket(place: Path | str) -> Iterator[NotifySocket]:
    """One at a path, or under an abstract name ("@...")."""
    address = str(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + address[1:] if address.startswith("@") else address)
        end.settimeout(30)
        yield NotifySocket(address, end)
