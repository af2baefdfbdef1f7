"""The settings of the gate's pages: `[screen]` of the gate's TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from program.settings import OutOfRange

KEY_CHARS_MIN, KEY_CHARS_MAX = 16, 200


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """Where the pages are served: "host:port", "[address]:port" for IPv6, "" for nowhere.

    Beyond this machine itself only with a `key`, which each browser is asked for once.
    """

    address: str = "127.0.0.1:8971"
    key: str = ""

    def check(self) -> None:
        """Refuse pages that anybody on the network could open."""
        if not self.address:
            return
        host, port = self.host_and_port()
        if not host or not 0 <= port <= 65_535:
            raise OutOfRange("address", 'must be like "127.0.0.1:8971", or "" for no pages')
        if self.key and not KEY_CHARS_MIN <= len(self.key) <= KEY_CHARS_MAX:
            raise OutOfRange("key", f"must have {KEY_CHARS_MIN} to {KEY_CHARS_MAX} characters")
        if not self.key and not is_loopback(host):
            raise OutOfRange("address", "needs a 'key' beside it where others can reach it")

    def host_and_port(self) -> tuple[str, int]:
        """The address in two; ("", -1) when it is none."""
        host, colon, port = self.address.rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()):
            return "", -1
        if host.startswith("[") and host.endswith("]"):
            return host[1:-1], int(port)
        return ("", -1) if ":" in host else (host, int(port))


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
