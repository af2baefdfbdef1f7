"""Readers of a lane: whatever they read, they have one shape and are made from an address."""

from __future__ import annotations

from hardware.reader.registry import make_reader, make_source
from hardware.reader.seen import VALUE_CHARS_MAX, Seen, SeenKind, as_value
from hardware.reader.shape import Reader, ReaderHealth, ReaderState, SeenSource
from hardware.reader.supervised import WAITING_COUNT_MAX, SupervisedReader

__all__ = [
    "VALUE_CHARS_MAX",
    "WAITING_COUNT_MAX",
    "Reader",
    "ReaderHealth",
    "ReaderState",
    "Seen",
    "SeenKind",
    "SeenSource",
    "SupervisedReader",
    "as_value",
    "make_reader",
    "make_source",
]
