"""A UHF module on a pseudo-terminal: answers questions, with the chips that are in its field."""

from __future__ import annotations

from pathlib import Path

from hardware.ptydevice import PtyDevice
from hardware.uhf.protocol import (
    NO_CHIP,
    Command,
    Frame,
    FrameParser,
    FrameType,
    encode,
    notice_of,
)


class UhfSimulator(PtyDevice):
    """One module. The faults may be set at any time and hold for the answers to come."""

    def __init__(self, link: Path) -> None:
        super().__init__(link)
        self.field: dict[str, int] = {}  # EPC in hexadecimal -> dBm
        self.power_dbm = 0.0
        self.is_silent = False
        self.answers_to_garble_count = 0
        self.noise_before_answer = b""
        self._questions = FrameParser()

    def received(self, data: bytes) -> bytes:
        """Answer what was asked."""
        frames = self._questions.feed(data, 0.0)
        return b"".join(self._spoil(self._answer(frame)) for frame in frames)

    def _answer(self, frame: Frame) -> bytes:
        match frame.command:
            case Command.POLL_ONCE:
                chips = [notice_of(bytes.fromhex(e), rssi) for e, rssi in self.field.items()]
                return b"".join(encode(each) for each in chips or [NO_CHIP])
            case Command.SET_POWER:
                self.power_dbm = int.from_bytes(frame.parameters, "big") / 100
        return encode(Frame(FrameType.REPLY, frame.command, b"\0"))

    def _spoil(self, answer: bytes) -> bytes:
        """`answer` as it leaves the module, after the faults that are set."""
        if self.is_silent:
            return b""
        if self.answers_to_garble_count > 0:
            self.answers_to_garble_count -= 1
            return answer[:-3] + bytes((answer[-3] ^ 0x10,)) + answer[-2:]
        return self.noise_before_answer + answer
