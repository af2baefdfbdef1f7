"""The way to a printer, chosen by address. A line carries bytes and knows nothing of their meaning.

- `tcp:192.168.1.50:9100` a printer in the network; the port may be left out, and `//` be put before
- `serial:/dev/ttyUSB0?baud=19200&flow=rtscts` flow is `none`, `rtscts`, `dsrdtr` or `xonxoff`
- `usb:/dev/usb/lp0` the system's printer device; answers come back by it
- `file:/path` bytes are added to a file, or written to a device without a way back
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import stat
import sys
import termios
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

import serial

from hardware.errors import BadDeviceAddress, DeviceBusy, DeviceGone, DeviceRefused
from hardware.serialport import plain_errors

if TYPE_CHECKING:
    from hardware.address import DeviceAddress

NETWORK_PORT: Final = 9100  # "raw" printing, as JetDirect brought it
CONNECT_TIMEOUT_S: Final = 3.0
READ_BYTES: Final = 4096
_SEND_BUFFER_BYTES: Final = 16_384
_POLL_S: Final = 0.05
_FLUSH_POLL_S: Final = 0.002
_TCP_CLOSE = 7  # the first byte of TCP_INFO, as the kernel numbers its states
_FLOWS: Final = ("none", "rtscts", "dsrdtr", "xonxoff")
_WITHOUT_WAY_BACK_ERRORS: Final = frozenset({errno.EINVAL, errno.EBADF})


class PrinterLine(Protocol):
    """One open or closed way to a printer. One thread owns it; all calls may raise DeviceError."""

    @property
    def address(self) -> str:
        """The address it was made from, for messages."""
        ...

    @property
    def has_way_back(self) -> bool:
        """Whether answers can come."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other machines print by it, too."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it is open as far as we know."""
        ...

    def open(self) -> None:
        """Open it; nothing to do when it is open."""
        ...

    def send(self, data: bytes, timeout_s: float) -> int:
        """Hand over as much of `data` as is taken within `timeout_s`; 0 when nothing is."""
        ...

    def receive(self, timeout_s: float) -> bytes:
        """What came, at most READ_BYTES; nothing when nothing comes in time."""
        ...

    def flush(self, timeout_s: float) -> bool:
        """Wait until what was handed over is out of this machine; False when it is not in time.

        True at once where that cannot be known.
        """
        ...

    def close(self) -> None:
        """Let go. Harmless when not open."""
        ...


def make_line(address: DeviceAddress) -> PrinterLine:
    """The line of an address whose options were looked at; raise BadDeviceAddress."""
    if not address.target:
        raise BadDeviceAddress("it says no place", address.text)
    match address.scheme:
        case "tcp":
            return TcpLine(address.text, *_host_and_port(address))
        case "serial":
            flow = address.options.get("flow", "none")
            if flow not in _FLOWS:
                raise BadDeviceAddress(f"flow is one of {', '.join(_FLOWS)}", address.text)
            baud = address.whole("baud", 9600, low=1200, high=921_600)
            return SerialLine(address.text, address.target, baud=baud, flow=flow)
        case "usb":
            return DeviceFileLine(address.text, address.target, has_way_back=True)
        case "file":
            return DeviceFileLine(address.text, address.target, has_way_back=False)
        case _:
            raise BadDeviceAddress(
                "a printer is reached by tcp:, serial:, usb: or file:", address.text
            )


LINE_OPTIONS: Final = {
    "tcp": frozenset[str](),
    "serial": frozenset({"baud", "flow"}),
    "usb": frozenset[str](),
    "file": frozenset[str](),
}


class TcpLine:
    """Port 9100. Implements PrinterLine."""

    has_way_back: Final = True
    is_shared: Final = True

    def __init__(
        self, address: str, host: str, port: int, connect_timeout_s: float = CONNECT_TIMEOUT_S
    ) -> None:
        self.address: Final = address
        self._place = (host, port)
        self._connect_timeout_s = connect_timeout_s
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is connected as far as we know."""
        return self._socket is not None

    def open(self) -> None:
        """Connect."""
        if self._socket is not None:
            return
        try:
            connection = socket.create_connection(self._place, self._connect_timeout_s)
        except OSError as error:  # also no such name (gaierror)
            raise DeviceGone(_network_sentence(error), self.address) from error
        connection.setblocking(False)
        # A question of three bytes must not wait for the answer to the one before.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Small, so that a printer that takes nothing is noticed, and little is under way when the
        # line breaks.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._socket = connection

    def send(self, data: bytes, timeout_s: float) -> int:
        """Into the system's buffer; the network may still lose it."""
        connection = self._connected()
        try:
            if not select.select([], [connection], [], timeout_s)[1]:
                return 0
            return connection.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise DeviceGone(_network_sentence(error), self.address) from error

    def receive(self, timeout_s: float) -> bytes:
        """What came; a printer that hangs up is gone."""
        connection = self._connected()
        try:
            if not select.select([connection], [], [], timeout_s)[0]:
                return b""
            data = connection.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceGone(_network_sentence(error), self.address) from error
        if not data:
            raise DeviceGone("the printer closed the connection", self.address)
        return data

    def flush(self, timeout_s: float) -> bool:
        """Until the printer's network card has acknowledged every byte (tcp(7), SIOCOUTQ)."""
        connection = self._connected()
        deadline = time.monotonic() + timeout_s
        try:
            while _unacknowledged_bytes(connection):
                if _is_over(connection):  # then nobody will ever acknowledge them
                    raise DeviceGone("the printer broke the connection off", self.address)
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_FLUSH_POLL_S)
        except OSError as error:
            raise DeviceGone(_network_sentence(error), self.address) from error
        return True

    def close(self) -> None:
        """Hang up."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise DeviceGone("not connected", self.address)
        return self._socket


class SerialLine:
    """A serial port, for this process alone. Implements PrinterLine."""

    has_way_back: Final = True
    is_shared: Final = False

    def __init__(self, address: str, path: str, *, baud: int, flow: str) -> None:
        self.address: Final = address
        self._path = path
        self._baud = baud
        self._flow = flow
        self._port: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    def open(self) -> None:
        """Open it, 8N1."""
        if self._port is not None:
            return
        with plain_errors(self.address):
            try:
                self._port = serial.Serial(
                    self._path,
                    self._baud,
                    timeout=0,
                    rtscts=self._flow == "rtscts",
                    dsrdtr=self._flow == "dsrdtr",
                    xonxoff=self._flow == "xonxoff",
                    exclusive=True,
                )
            except ValueError as error:  # a speed that the port's driver does not have
                raise DeviceRefused(
                    f"the port does not take these settings ({error})", self.address
                ) from error

    def send(self, data: bytes, timeout_s: float) -> int:
        """Into the port's buffer, which flow control may keep full."""
        port = self._opened()
        with plain_errors(self.address):
            return _write_ready(port.fileno(), data, timeout_s)

    def receive(self, timeout_s: float) -> bytes:
        """What came."""
        port = self._opened()
        with plain_errors(self.address):
            port.timeout = timeout_s
            first = port.read(1)
            return first + port.read(min(port.in_waiting, READ_BYTES - 1)) if first else b""

    def flush(self, timeout_s: float) -> bool:
        """Until the port's buffer is empty; never tcdrain, which waits for ever on a stopped line."""
        port = self._opened()
        deadline = time.monotonic() + timeout_s
        with plain_errors(self.address):
            while port.out_waiting:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_POLL_S)
        return True

    def close(self) -> None:
        """Close the port; what a printer did not take is dropped."""
        port, self._port = self._port, None
        if port is not None:
            # A port whose device is gone refuses even this.
            with suppress(OSError, termios.error):
                port.reset_output_buffer()
            with suppress(OSError, termios.error):
                port.close()

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise DeviceGone("the port is not open", self.address)
        return self._port


class DeviceFileLine:
    """A device file such as /dev/usb/lp0, or a plain file that grows. Implements PrinterLine."""

    is_shared: Final = False

    def __init__(self, address: str, path: str, *, has_way_back: bool) -> None:
        self.address: Final = address
        self._path = path
        self._answers = has_way_back
        self._descriptor: int | None = None
        self._is_plain = False

    @property
    def has_way_back(self) -> bool:
        """Whether answers can come."""
        return self._answers

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._descriptor is not None

    def open(self) -> None:
        """Open it; a plain file is made, for its owner alone, when it is missing."""
        if self._descriptor is not None:
            return
        if self._answers:
            flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY
        else:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
        try:
            descriptor = os.open(self._path, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise DeviceBusy("another program holds the printer", self.address) from error
            raise DeviceGone(
                f"it cannot be opened: {error.strerror}; is the printer plugged in and switched on?",
                self.address,
            ) from error
        self._is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._descriptor = descriptor

    def send(self, data: bytes, timeout_s: float) -> int:
        """Into the driver's buffer."""
        descriptor = self._opened()
        try:
            return _write_ready(descriptor, data, timeout_s)
        except OSError as error:
            raise DeviceGone(f"writing failed: {error.strerror}", self.address) from error

    def receive(self, timeout_s: float) -> bytes:
        """What came; the printer class driver answers nothing with an end of file."""
        descriptor = self._opened()
        deadline = time.monotonic() + timeout_s
        while True:
            data = self._read_once(descriptor, max(0.0, deadline - time.monotonic()))
            if data or time.monotonic() >= deadline:
                return data
            time.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002 - the protocol's name for it
        """To the disk, for a plain file; a device's driver does not tell."""
        if self._is_plain:
            try:
                os.fsync(self._opened())
            except OSError as error:
                raise DeviceGone(f"writing failed: {error.strerror}", self.address) from error
        return True

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def _read_once(self, descriptor: int, timeout_s: float) -> bytes:
        try:
            if not select.select([descriptor], [], [], timeout_s)[0]:
                return b""
            return os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno in _WITHOUT_WAY_BACK_ERRORS:
                return b""
            raise DeviceGone(f"reading failed: {error.strerror}", self.address) from error

    def _opened(self) -> int:
        if self._descriptor is None:
            raise DeviceGone("the file is not open", self.address)
        return self._descriptor


def _write_ready(descriptor: int, data: bytes, timeout_s: float) -> int:
    if not select.select([], [descriptor], [], timeout_s)[1]:
        return 0
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0


def _host_and_port(address: DeviceAddress) -> tuple[str, int]:
    target = address.target.removeprefix("//")
    host, colon, port = target.rpartition(":")
    if target and (not colon or target.endswith("]")):
        return target.strip("[]"), NETWORK_PORT
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65_535) or not host:
        raise BadDeviceAddress("a network printer is tcp:HOST or tcp:HOST:PORT", address.text)
    return host.strip("[]"), int(port)


def _unacknowledged_bytes(connection: socket.socket) -> int:
    return int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def _is_over(connection: socket.socket) -> bool:
    """Whether the connection was reset (tcp(7), TCP_INFO), also if that was told to another."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE


def _network_sentence(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer; is it switched on and in the network?"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses the connection; another window may be printing on it"
    if isinstance(error, socket.gaierror):
        return "nobody has this name in the network"
    return f"the connection failed: {error.strerror or error}"
