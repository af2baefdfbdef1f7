"""NFC readers and chips without any: a chip in nfcpy's air made of UDP, a PN532 on a pty.

As a process: `python -m hardware.nfc.simulator --uid 04E10CDA993C80 --text BXG1...` holds a chip
up in UDP's air and prints the port of 127.0.0.1 that it listens at, until it is stopped.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from hardware.nfc.ndef import link_message, text_message
from hardware.nfc.pn532 import Pn532
from hardware.nfc.simchips import Chip, NtagChip, Type4Chip
from hardware.ptydevice import PtyDevice

_DATAGRAM_BYTES: Final = 1024
_SELECTS: Final = (0x93, 0x95, 0x97)  # ISO/IEC 14443-3: one level of selection for each


class UdpChip:
    """Chips in nfcpy's UDP air on 127.0.0.1: a datagram is `106A` and a frame in hexadecimal.

    `chip` may be changed at any time; None: nothing is in the field. A thread of its own plays it.
    """

    def __init__(self, chip: Chip | None = None) -> None:
        self.chip = chip
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._play, name="UDP chip", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def _play(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram, sender = self._socket.recvfrom(_DATAGRAM_BYTES)
            except TimeoutError:
                continue
            answer = self.answer(datagram)
            if answer is not None:
                self._socket.sendto(answer, sender)

    def answer(self, datagram: bytes) -> bytes | None:
        """The answer to a datagram; None for silence."""
        rate, _, digits = datagram.partition(b" ")
        chip = self.chip
        if rate != b"106A" or chip is None:
            return None
        answer = _air(chip, bytes.fromhex(digits.decode()))
        return None if answer is None else rate + b" " + answer.hex().encode()


def _air(chip: Chip, frame: bytes) -> bytes | None:
    """Waking and selecting (ISO/IEC 14443-3), then the chip's own."""
    if frame == b"\x26":
        chip.wake()
        return chip.sens_res
    if len(frame) >= 2 and frame[0] in _SELECTS and frame[1] in (0x20, 0x70):
        level = _SELECTS.index(frame[0])
        parts = _cascade(chip.uid)
        if level >= len(parts):  # another chip was taken away in between
            return None
        if frame[1] == 0x20:
            return parts[level] + bytes((_xor(parts[level]),))
        is_last = level == len(parts) - 1
        return bytes((chip.sel_res if is_last else chip.sel_res | 0x04,))
    return chip.answer(frame)


def _cascade(uid: bytes) -> list[bytes]:
    """A number of 4, 7 or 10 bytes in parts of four; 88 says that more follows."""
    parts = []
    while len(uid) > 4:
        parts.append(b"\x88" + uid[:3])
        uid = uid[3:]
    return [*parts, uid]


def _xor(data: bytes) -> int:
    check = 0
    for byte in data:
        check ^= byte
    return check


class Pn532Simulator(PtyDevice):
    """A PN532 on a pseudo-terminal. The faults hold for the answers to come."""

    def __init__(self, link: Path, chip: Chip | None = None) -> None:
        super().__init__(link)
        self.module = Pn532(chip)

    def received(self, data: bytes) -> bytes:
        """Answer the host's frames."""
        return self.module.feed(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold a chip up until SIGTERM or SIGINT; 0 at a clean end."""
    parser = argparse.ArgumentParser(prog="python -m hardware.nfc.simulator")
    parser.add_argument("--uid", type=bytes.fromhex, required=True, help="the chip's number")
    parser.add_argument("--text", help="a text record")
    parser.add_argument("--link", help="a link record")
    parser.add_argument("--type4", action="store_true", help="a Type 4 chip (NTAG215 without it)")
    options = parser.parse_args(arguments)
    message = None
    if options.text is not None or options.link is not None:
        said = options.text is not None
        message = text_message(options.text) if said else link_message(options.link)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    chip: Chip = NtagChip(options.uid, message)
    if options.type4:
        chip = Type4Chip(options.uid, lambda _tap: message)
    with UdpChip(chip) as air:
        print(air.port, flush=True)  # noqa: T201 - what this program is asked for
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
