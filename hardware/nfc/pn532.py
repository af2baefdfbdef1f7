"""A simulated PN532 on its serial line: the host's bytes in, the module's bytes out.

Source: NXP UM0701-02 "PN532 user manual": frames in 6.2.1, commands in 7. What nfcpy asks of a
module is answered; its registers are remembered, nothing more.
"""

from __future__ import annotations

from typing import Final

from hardware.nfc.simchips import Chip, crc_a

ACK: Final = bytes.fromhex("0000FF00FF00")
_START: Final = b"\x00\x00\xff"
_FRAME_BYTES_MAX: Final = 300
# UM0701-02 8.6: addresses of the contactless unit's registers.
_FIFO_DATA: Final = 0x6339
_SENS_REQ: Final = 0x26


class Pn532:
    """The module. `chip` may be changed at any time; None: nothing is in the field."""

    def __init__(self, chip: Chip | None = None) -> None:
        self.chip = chip
        # Faults: no answer at all; answers whose check is wrong; answers cut off in the middle;
        # conversations after so many frames of which the chip is gone (None: it stays).
        self.is_silent = False
        self.answers_to_garble_count = 0
        self.answers_to_cut_count = 0
        self.frames_until_gone: int | None = None
        self._buffer = b""
        self._registers: dict[int, int] = {}
        self._selected: Chip | None = None

    def feed(self, data: bytes) -> bytes:
        """Take the host's bytes; what the module sends back."""
        self._buffer = (self._buffer + data)[-_FRAME_BYTES_MAX:]
        sent = b""
        while (body := self._next_body()) is not None:
            if body and not self.is_silent:
                sent += ACK + self._spoil(_frame(self._command(body[1], body[2:])))
        return sent

    def _next_body(self) -> bytes | None:
        """The next frame's bytes between its lengths and its check; empty for an ACK."""
        at = self._buffer.find(_START)
        if at < 0:
            return None
        rest = self._buffer[at + 3 :]
        if rest[:2] == b"\x00\xff":
            self._buffer = rest[2:]
            return b""
        is_extended = rest[:2] == b"\xff\xff"
        head = 5 if is_extended else 2
        if len(rest) < head:
            return None
        length = int.from_bytes(rest[2:4], "big") if is_extended else rest[0]
        if len(rest) < head + length + 1:
            return None
        self._buffer = rest[head + length + 1 :]
        return rest[head : head + length]

    def _spoil(self, frame: bytes) -> bytes:
        """`frame` as it leaves the module, after the faults that are set."""
        if self.answers_to_garble_count > 0:
            self.answers_to_garble_count -= 1
            return frame[:-2] + bytes((frame[-2] ^ 0x01,)) + frame[-1:]
        if self.answers_to_cut_count > 0:
            self.answers_to_cut_count -= 1
            return frame[:3]
        return frame

    def _command(self, command: int, data: bytes) -> bytes:
        """The answer's code and content, UM0701-02 chapter 7."""
        return bytes((command + 1,)) + self._content(command, data)

    def _content(self, command: int, data: bytes) -> bytes:
        match command:
            case 0x00:  # Diagnose: the line test gives back what it was given
                return data
            case 0x02:  # GetFirmwareVersion: PN532 1.6
                return bytes.fromhex("32010607")
            case 0x06:  # ReadRegister
                addresses = [
                    int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)
                ]
                return bytes(self._registers.get(each, 0) for each in addresses)
            case 0x08:  # WriteRegister
                for at in range(0, len(data), 3):
                    address = int.from_bytes(data[at : at + 2], "big")
                    self._registers[address] = data[at + 2]
                return b""
            case 0x16:  # PowerDown
                return b"\x00"
            case 0x4A:  # InListPassiveTarget
                return self._list_target(data[1])
            case 0x42:  # InCommunicateThru
                return self._communicate(data)
        return b""  # SAMConfiguration, SetParameters, RFConfiguration, SetSerialBaudRate

    def _list_target(self, rate: int) -> bytes:
        chip = self.chip if rate == 0 else None
        self._selected = chip
        # Nobody answered: the question is still in the unit's buffer.
        self._registers[_FIFO_DATA] = _SENS_REQ if chip is None else 0
        if chip is None:
            return b"\x00"
        chip.wake()
        said = bytes(reversed(chip.sens_res)) + bytes((chip.sel_res, len(chip.uid))) + chip.uid
        return b"\x01\x01" + said

    def _communicate(self, frame: bytes) -> bytes:
        chip = self._selected
        if chip is None or chip is not self.chip or self._leaves():
            return b"\x01"  # time out, table 8 of UM0701-02
        answer = chip.answer(frame)
        if answer is None:
            return b"\x01"
        # nfcpy checks Type 2 answers itself.
        return b"\x00" + answer + (b"" if chip.sel_res & 0x60 else crc_a(answer))

    def _leaves(self) -> bool:
        if self.frames_until_gone is None:
            return False
        self.frames_until_gone -= 1
        if self.frames_until_gone >= 0:
            return False
        self.chip, self.frames_until_gone = None, None
        return True


def _frame(body: bytes) -> bytes:
    body = b"\xd5" + body
    if len(body) < 0x100:
        lengths = bytes((len(body), -len(body) & 0xFF))
    else:
        extended = len(body).to_bytes(2, "big")
        lengths = b"\xff\xff" + extended + bytes((-sum(extended) & 0xFF,))
    return _START + lengths + body + bytes((-sum(body) & 0xFF, 0))
