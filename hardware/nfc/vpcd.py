"""A chip on the virtual reader vpcd (Debian's vsmartcard-vpcd), which pcscd takes for a real one.

Source: the protocol of vsmartcard's vpcd: two bytes of length and so many bytes; one byte is a
command (0 power off, 1 power on, 2 reset, 4 give the answer to reset), more are an APDU.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final, Self

from hardware.nfc.simchips import NtagChip, Type4Chip

PORT: Final = 0x8C7B
_POWER_ON, _RESET, _GIVE_ATR = 1, 2, 4
_COMMANDS: Final = frozenset({0, _POWER_ON, _RESET, _GIVE_ATR})
_ATR_STORAGE: Final = bytes.fromhex("3B8F8001804F0CA0000003060300030000000068")
_ATR_ISO_DEP: Final = bytes.fromhex("3B8180018080")


class VirtualChip:
    """Lies on the virtual reader as long as it is entered; a thread of its own plays it."""

    def __init__(self, chip: NtagChip | Type4Chip, port: int = PORT) -> None:
        self._chip = chip
        self._port = port
        # A fault: after so many APDUs the chip is gone (None: it stays).
        self.apdus_until_gone: int | None = None
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._play, args=(self._socket,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None and self._thread is not None:
            with suppress(OSError):  # it left by itself
                self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._socket.close()

    def answer(self, said: bytes) -> bytes | None:
        """What goes back; None for nothing."""
        if len(said) > 1:
            return self._apdu(said)
        if said[:1] in (bytes((_POWER_ON,)), bytes((_RESET,))):
            self._chip.wake()
        if said == bytes((_GIVE_ATR,)):
            return _ATR_STORAGE if isinstance(self._chip, NtagChip) else _ATR_ISO_DEP
        return None

    def _apdu(self, apdu: bytes) -> bytes:
        """As a reader answers for the chip, or the chip itself."""
        if apdu[:2] == b"\xff\xca":
            return self._chip.uid + b"\x90\x00"
        if isinstance(self._chip, Type4Chip):
            return self._chip.command(apdu)
        if apdu[:2] == b"\xff\xb0":
            pages = self._chip.answer(bytes((0x30, apdu[3])))
            return b"\x69\x81" if pages is None else pages[: apdu[4]] + b"\x90\x00"
        return b"\x6d\x00"  # no such instruction

    def _play(self, wire: socket.socket) -> None:
        with suppress(OSError), wire.makefile("rb") as said:
            while length := said.read(2):
                data = said.read(int.from_bytes(length, "big"))
                if len(data) > 1 and self._leaves():
                    wire.shutdown(socket.SHUT_RDWR)
                    return
                answer = self.answer(data)
                if answer is not None:
                    wire.sendall(len(answer).to_bytes(2, "big") + answer)

    def _leaves(self) -> bool:
        if self.apdus_until_gone is None:
            return False
        self.apdus_until_gone -= 1
        return self.apdus_until_gone < 0
