"""A receipt printer without the printer: the bytes of a real one, and the faults of real ones.

As a process: `python -m hardware.escpos.simulator --tcp 127.0.0.1:9100 --paper folder` prints each
sheet into the folder as `0001.txt` and `0001.png`; `--pty /tmp/printer` is a serial one. It ends at
SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import threading
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

from hardware.escpos.interpreter import PrinterModel
from hardware.escpos.page import to_image, to_text
from hardware.escpos.painter import LinePainter, load_painter
from hardware.escpos.profile import WIDTH_80_MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardware.escpos.interpreter import Sheet

_READ_BYTES: Final = 4096
_TICK_S: Final = 0.01
_WINDOW_BYTES: Final = 8192  # network cards of printers have little memory


class _Wire(Protocol):
    """How bytes get in and out; `None` from `read` says that the other side hung up."""

    def fileno(self) -> int: ...
    def read(self, bytes_max: int) -> bytes | None: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class PrinterSimulator:
    """One printer on a thread of its own, in the network or at a serial port.

    The model and the faults here may be changed at any time under `lock`; call `wake` after it.
    """

    def __init__(
        self,
        model: PrinterModel | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        link: Path | None = None,
        on_sheet: Callable[[Sheet], None] = lambda _sheet: None,
    ) -> None:
        """With `link` it is a serial port of that name, else it listens; port 0 is any free one."""
        self.model: Final = model or PrinterModel()
        self.lock: Final = threading.Lock()
        # Faults of the wire. `dies_after_bytes` counts down and switches the printer off in the
        # middle of what it gets; `hangs_up_after_bytes` breaks the line alone.
        self.dies_after_bytes: int | None = None
        self.hangs_up_after_bytes: int | None = None
        self.forgets_half_commands = True
        self.is_silent = False
        self.garbage: bytes | None = None  # what it answers instead
        self.bytes_per_tick: int | None = None  # how slowly it works; a tick is 10 ms
        self.is_reading = True
        self._link = link
        self._on_sheet = on_sheet
        self._sheets_told = 0
        self._stopping = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._wire: _Wire | None = None
        self._listener: socket.socket | None = None
        self._place = (host, port)
        self._is_on = False
        self._thread = threading.Thread(target=self._play, name="printer simulator", daemon=True)

    @property
    def address(self) -> str:
        """The address a driver reaches it by."""
        if self._link is not None:
            return f"serial:{self._link}?baud=115200"
        return f"tcp:{self._place[0]}:{self._place[1]}"

    @property
    def paper(self) -> list[Sheet]:
        """What it has printed so far; the last sheet may not be cut off."""
        with self.lock:
            return list(self.model.paper)

    def start(self) -> None:
        """Switch it on."""
        self.switch_on()
        self._thread.start()

    def stop(self) -> None:
        """Switch it off for good."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join()
        self.switch_off()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def switch_off(self) -> None:
        """Pull the plug: what was not printed is lost, and nobody can connect."""
        with self.lock:
            self._die()
        self.wake()

    def switch_on(self) -> None:
        """Put the plug back."""
        with self.lock:
            if self._is_on:
                return
            self._is_on = True
            if self._link is None:
                self._listener = _listen(self._place)
                self._place = self._listener.getsockname()[:2]
            else:
                self._wire = _Pty(self._link)
        self.wake()

    def hang_up(self) -> None:
        """Break the connection that is there; the printer stays on."""
        with self.lock:
            self._drop_wire()
        self.wake()

    def change(self, work: Callable[[PrinterModel], object]) -> None:
        """Do something to the model, and let it go on from there."""
        with self.lock:
            work(self.model)
        self.wake()

    def wake(self) -> None:
        """Let the printer look at what was changed."""
        with suppress(OSError):  # already stopped
            os.write(self._wake_write, b"!")

    def _play(self) -> None:
        while not self._stopping.is_set():
            readable = self._wait()
            with self.lock:
                if self._wake_read in readable:
                    os.read(self._wake_read, _READ_BYTES)
                self._accept(readable)
                self._serve(readable)
                self._work()

    def _wait(self) -> set[int]:
        with self.lock:
            files = [self._wake_read]
            if self._wire is None and self._listener is not None:
                files.append(self._listener.fileno())
            if self._wire is not None and self.is_reading and self.model.room_bytes:
                files.append(self._wire.fileno())
            is_busy = self.bytes_per_tick is not None and self.model.waiting_bytes > 0
        try:
            return set(select.select(files, [], [], _TICK_S if is_busy else 1.0)[0])
        except (OSError, ValueError):  # switched off just now
            return set()

    def _accept(self, readable: set[int]) -> None:
        if self._listener is not None and self._listener.fileno() in readable:
            with suppress(OSError):
                self._wire = _Connection(self._listener.accept()[0])

    def _serve(self, readable: set[int]) -> None:
        wire = self._wire
        if wire is None or wire.fileno() not in readable:
            return
        data = wire.read(self._takes_bytes())
        if data is None:
            self._drop_wire()
            return
        self._answer(self.model.receive(data))
        self._count_down(len(data))

    def _takes_bytes(self) -> int:
        """How much to read: not past the byte at which a fault is due."""
        limits = [self.dies_after_bytes, self.hangs_up_after_bytes, _READ_BYTES]
        return max(1, min(limit for limit in limits if limit is not None))

    def _count_down(self, count: int) -> None:
        if self.dies_after_bytes is not None:
            self.dies_after_bytes -= count
            if self.dies_after_bytes <= 0:
                self.dies_after_bytes = None
                self._work()
                self._die()
        if self.hangs_up_after_bytes is not None:
            self.hangs_up_after_bytes -= count
            if self.hangs_up_after_bytes <= 0:
                self.hangs_up_after_bytes = None
                self._work()
                self._drop_wire()

    def _work(self) -> None:
        self._answer(self.model.work(self.bytes_per_tick))
        fresh_count = self.model.cut_count - self._sheets_told
        self._sheets_told = self.model.cut_count
        for sheet in self.model.sheets[-1 - fresh_count : -1]:
            self._on_sheet(sheet)

    def _answer(self, answers: bytes) -> None:
        if not answers or self.is_silent or self._wire is None:
            return
        self._wire.write(answers if self.garbage is None else self.garbage)

    def _drop_wire(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
            self.model.hang_up(forgets_half=self.forgets_half_commands)

    def _die(self) -> None:
        self._is_on = False
        self._drop_wire()
        self.model.power_off()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()


class _Connection:
    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, bytes_max: int) -> bytes | None:
        try:
            return self._socket.recv(bytes_max) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def write(self, data: bytes) -> None:
        with suppress(OSError):  # nobody listens any more
            self._socket.send(data)

    def close(self) -> None:
        self._socket.close()


class _Pty:
    """A pseudo-terminal pair. Holding the far end open keeps ours alive between two users."""

    def __init__(self, link: Path) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link = link
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._slave))

    def fileno(self) -> int:
        return self._master

    def read(self, bytes_max: int) -> bytes | None:
        try:
            return os.read(self._master, bytes_max)
        except OSError:  # nothing there after all
            return b""

    def write(self, data: bytes) -> None:
        with suppress(OSError):  # nobody has read for long: lost, as on a wire
            os.write(self._master, data)

    def close(self) -> None:
        self._link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)


def _listen(place: tuple[str, int]) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW_BYTES)
    listener.bind(place)
    listener.listen(4)
    listener.setblocking(False)
    return listener


class PaperFolder:
    """Puts each sheet into a folder, as text and as a picture."""

    def __init__(self, folder: Path, width_dots: int, painter: LinePainter) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._width_dots = width_dots
        self._painter = painter
        self._count = 0

    def __call__(self, sheet: Sheet) -> None:
        """Write the next two files."""
        self._count += 1
        file = self._folder / f"{self._count:04d}.txt"
        picture = file.with_suffix(".png")
        to_image(sheet, self._width_dots, self._painter).save(picture)
        # The words last and whole: whoever finds them finds the picture, too.
        part = file.with_suffix(".part")
        part.write_text(to_text(sheet), encoding="utf-8")
        part.replace(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a simulated printer until SIGTERM or SIGINT; 0 at a clean end."""
    options = _parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    host, _, port = options.tcp.rpartition(":")
    model = PrinterModel(width_dots=options.width)
    with PrinterSimulator(
        model,
        host=host,
        port=int(port),
        link=options.pty,
        on_sheet=PaperFolder(options.paper, options.width, load_painter()),
    ) as printer:
        sys.stdout.write(f"{printer.address}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hardware.escpos.simulator",
        description="A receipt printer that prints into a folder, for trials without hardware.",
    )
    add = parser.add_argument
    add("--tcp", default="127.0.0.1:9100", help="where it listens (127.0.0.1:9100)")
    add("--pty", type=Path, help="be a serial port of this name instead")
    add("--paper", type=Path, required=True, help="folder for its sheets")
    add("--width", type=int, default=WIDTH_80_MM, help="dots in a line: 576 or 384")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
