"""A FeliCa chip played by nfcpy itself in its UDP air, as a process of its own.

`python -m tests.fakes.nfcpy_card PORT TEXT` prints a line when it listens, and plays until killed.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import ndef
import nfc.clf
import nfc.clf.udp
import nfc.tag

IDM = bytes.fromhex("02FE010203040506")


def _bind_here(device: Any, _time_to_return: float) -> bool:
    """As nfcpy binds, but not to every address of the machine."""
    device.socket.bind(("127.0.0.1", device.addr[1]))
    return True


def main(port: int, text: str) -> None:
    """Play the chip."""
    nfc.clf.udp.Device._bind_socket = _bind_here
    message = b"".join(ndef.message_encoder([ndef.TextRecord(text)]))
    about = bytes.fromhex("100401002000000000000F") + len(message).to_bytes(3, "big")
    memory = about + sum(about).to_bytes(2, "big") + message + bytes(-len(message) % 16)

    def read(number: int, _begins: bool, _ends: bool) -> bytes | None:
        return memory[16 * number : 16 * number + 16] or None

    def connected(chip: Any) -> bool:
        chip.add_service(0x000B, read, lambda *_: False)
        return True

    target = nfc.clf.LocalTarget("212F")
    target.sensf_res = b"\x01" + IDM + b"\xff" * 8 + b"\x12\xfc"
    with nfc.clf.ContactlessFrontend(f"udp:127.0.0.1:{port}") as frontend:
        print("listening", flush=True)  # noqa: T201 - whoever started us waits for it
        until = time.monotonic() + 60
        while time.monotonic() < until:
            frontend.connect(card={"on-startup": lambda _: target, "on-connect": connected})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
