"""A relay board on a pseudo-terminal: the same bytes as a real one, and the faults of real ones.

As a process: `python -m hardware.relay.simulator --link /tmp/relay --log openings.jsonl` serves the
port under the name given by --link until it is stopped by SIGTERM or SIGINT, and writes one JSON
line for each opening of the barrier when it ends.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import threading
import time
import tty
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TextIO

from hardware.relay import lcus
from hardware.relay.board import Opening, RelayBoard
from hardware.relay.protocol import encode, request_parser, switch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType


_READ_BYTES: Final = 256


class RelaySimulator:
    """One relay board that can be plugged in and out; a thread of its own plays it.

    While it is plugged in, `link` is a symbolic link to its serial port. The faults may be set at
    any time and hold for the replies to come.
    """

    def __init__(
        self,
        link: Path,
        *,
        unit: int = 1,
        channels_count: int = 8,
        on_end: Callable[[Opening], None] = lambda _opening: None,
    ) -> None:
        """`on_end` is called for each opening that ends; it must be brief and not call back."""
        self.link: Final = link
        # Faults: how many of the next replies get lost or damaged, and noise before each reply as
        # RS-485 drivers make it when they turn round.
        self.replies_to_drop_count = 0
        self.replies_to_garble_count = 0
        self.noise_before_reply = b""
        # How many of the next replies lack their third byte, and whether bytes come one by one.
        self.replies_to_cut_count = 0
        self.comes_in_pieces = False
        self._board = RelayBoard(unit, channels_count, on_end)
        self._requests = request_parser(unit)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._port: _Pty | None = None
        self._thread = threading.Thread(target=self._play, name="relay simulator", daemon=True)

    @property
    def openings(self) -> tuple[Opening, ...]:
        """Every opening of the barrier so far, the one that lasts included."""
        with self._lock:
            self._board.advance(time.monotonic())
            return self._board.openings

    def set_input(self, number: int, *, on: bool) -> None:
        """Have an input with current, or without."""
        with self._lock:
            self._board.inputs[number] = on

    @property
    def is_plugged_in(self) -> bool:
        """Whether its port is there."""
        return self._port is not None

    def start(self) -> None:
        """Plug it in and begin to answer."""
        self.plug_in()
        self._thread.start()

    def stop(self) -> None:
        """Unplug it and end its thread; openings that last are ended as a power cut would."""
        self._stopping.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self.unplug()
        with self._lock:
            self._board.power_off(time.monotonic())
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def unplug(self) -> None:
        """Pull the cable: the port vanishes. The board keeps its power and times on."""
        with self._lock:
            port, self._port = self._port, None
            if port is not None:
                self.link.unlink(missing_ok=True)
                port.close()
        self._wake()

    def plug_in(self) -> None:
        """Put the cable back: a new port under the same name."""
        with self._lock:
            if self._port is None:
                self._requests.reset()
                self._port = _Pty()
                self._point_link_at(self._port.name)
        self._wake()

    def _point_link_at(self, name: str) -> None:
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        fresh.replace(self.link)

    def _wake(self) -> None:
        with suppress(OSError):  # already stopped
            os.write(self._wake_write, b"!")

    def _play(self) -> None:
        while not self._stopping.is_set():
            readable, port = self._wait()
            if self._wake_read in readable:
                os.read(self._wake_read, _READ_BYTES)
            if port is not None and port.master in readable:
                self._serve(port)
            with self._lock:
                self._board.advance(time.monotonic())

    def _wait(self) -> tuple[list[int], _Pty | None]:
        """Wait for bytes, for a wake-up, or for the end of a flash."""
        with self._lock:
            port, end_at = self._port, self._board.next_end_monotonic()
        files = [self._wake_read] if port is None else [self._wake_read, port.master]
        timeout_s = None if end_at is None else max(0.0, end_at - time.monotonic())
        try:
            return select.select(files, [], [], timeout_s)[0], port
        except (OSError, ValueError):  # unplugged just now
            return [], None

    def _serve(self, port: _Pty) -> None:
        with self._lock:
            if port is not self._port:
                return
            for reply in self._obey(port.read()):
                for piece in self._in_pieces(self._spoil(reply)):
                    port.write(piece)

    def _obey(self, data: bytes) -> list[bytes]:
        """Do what the bytes say; the replies."""
        now = time.monotonic()
        return [encode(self._board.answer(each, now)) for each in self._requests.feed(data)]

    def _in_pieces(self, reply: bytes) -> list[bytes]:
        return [bytes((byte,)) for byte in reply] if self.comes_in_pieces else [reply]

    def _spoil(self, reply: bytes) -> bytes:
        """`reply` as it leaves the board, after the faults that are set."""
        if self.replies_to_drop_count > 0:
            self.replies_to_drop_count -= 1
            return b""
        if self.replies_to_garble_count > 0:
            self.replies_to_garble_count -= 1
            return reply[:-1] + bytes((reply[-1] ^ 0x10,))
        if self.replies_to_cut_count > 0:
            self.replies_to_cut_count -= 1
            return reply[:2] + reply[3:]
        return self.noise_before_reply + reply


class LcusSimulator(RelaySimulator):
    """An LCUS board: it obeys, and never answers."""

    def __init__(self, link: Path, *, channels_count: int = 1) -> None:
        super().__init__(link, channels_count=channels_count)
        self._commands = lcus.CommandParser()

    def _obey(self, data: bytes) -> list[bytes]:
        for channel, on in self._commands.feed(data):
            self._board.answer(switch(self._board.unit, channel, on=on), time.monotonic())
        return []


class _Pty:
    """A pseudo-terminal pair. Holding the far end open keeps ours alive between two users."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self.master)
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.name: Final = os.ttyname(self._slave)

    def read(self) -> bytes:
        """What has come; nothing when nothing has."""
        with suppress(BlockingIOError):
            return os.read(self.master, _READ_BYTES)
        return b""

    def write(self, data: bytes) -> None:
        """Send `data`, or lose it where nobody has read for long, as a wire does."""
        with suppress(BlockingIOError):
            os.write(self.master, data)

    def close(self) -> None:
        """Close both ends: who has the port open sees the device go."""
        os.close(self.master)
        os.close(self._slave)


def write_line(opening: Opening, out: TextIO) -> None:
    """Write `opening` as one JSON line; times are seconds of this machine's monotonic clock."""
    record = asdict(opening) | {"duration_s": opening.duration_s}
    print(json.dumps(record), file=out, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a simulated board until SIGTERM or SIGINT; 0 at a clean end."""
    options = _parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        log: Path | None = options.log
        out = sys.stdout if log is None else stack.enter_context(log.open("a", encoding="utf-8"))
        board = RelaySimulator(
            options.link,
            unit=options.unit,
            channels_count=options.channels,
            on_end=lambda opening: write_line(opening, out),
        )
        stack.enter_context(board)
        stop.wait()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hardware.relay.simulator",
        description="A Modbus RTU relay board on a pseudo-terminal, for trials without hardware.",
    )
    add = parser.add_argument
    add("--link", type=Path, required=True, help="name under which the serial port appears")
    add("--log", type=Path, help="file for one JSON line per opening (standard output without it)")
    add("--unit", type=int, default=1, help="Modbus address of the board (1)")
    add("--channels", type=int, default=8, help="how many relays it has (8)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
