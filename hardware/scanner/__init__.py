"""Code scanners: those at a serial port, and those that type as a keyboard does."""

from __future__ import annotations

from hardware.scanner.driver import SerialScanner, make_scanner
from hardware.scanner.protocol import FrameReader, Framing, Scan
from hardware.scanner.wedge import Burst, Key, KeyKind, Recogniser, WedgeRules

__all__ = [
    "Burst",
    "FrameReader",
    "Framing",
    "Key",
    "KeyKind",
    "Recogniser",
    "Scan",
    "SerialScanner",
    "WedgeRules",
    "make_scanner",
]
