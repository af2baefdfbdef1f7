"""A 125 kHz reader on a pseudo-terminal: chips are held up to it, it is pulled out and put back."""

from __future__ import annotations

from pathlib import Path

from hardware.ptydevice import PtyDevice
from hardware.rfid.protocol import RDM6300, FrameShape, encode


class TagSimulator(PtyDevice):
    """One reader of the family `shape`."""

    def __init__(self, link: Path, shape: FrameShape = RDM6300) -> None:
        super().__init__(link)
        self._shape = shape

    def hold_up(self, number: str, frames_count: int = 3) -> None:
        """Read the chip with these ten digits so many times."""
        self.send(encode(bytes.fromhex(number), self._shape) * frames_count)
