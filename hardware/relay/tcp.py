"""A Modbus TCP board, or one behind a converter, by pymodbus (docs/adr/0004-relay-frames.md).

Over TCP nothing can come in between: frames have a length, and a transaction number that tells a
late reply from the one that is waited for.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, Final

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from hardware.errors import DeviceGone
from hardware.relay.protocol import (
    CoilStates,
    InputStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    WriteCoil,
    function_of,
    pack_coils,
)

if TYPE_CHECKING:
    from hardware.relay.protocol import Reply, Request

CONNECT_TIMEOUT_S: Final = 1.0
# What goes wrong is said by us, once, and in plain words; pymodbus says each lost reply as an error.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class _CoilWrite(ModbusPDU):
    """Function 5 with any value: pymodbus' own knows only on and off, and a flash has a time."""

    function_code = 5

    def __init__(self, request: WriteCoil) -> None:
        super().__init__(dev_id=request.unit, address=request.address)
        self._value = request.value

    def encode(self) -> bytes:
        """Address and value."""
        return struct.pack(">HH", self.address, self._value)


class TcpLine:
    """Modbus TCP to `host`. The connection is kept; one that broke is opened by `open`."""

    def __init__(self, address: str, host: str, port: int) -> None:
        self._address: Final = address
        self._client = ModbusTcpClient(host, port=port, timeout=CONNECT_TIMEOUT_S, retries=0)

    def open(self) -> None:
        """Connect."""
        self._client.comm_params.timeout_connect = CONNECT_TIMEOUT_S
        if not self._client.connect():  # type: ignore[no-untyped-call]  # as below
            raise DeviceGone("nothing answers at this address of the network", self._address)

    def close(self) -> None:
        """Hang up."""
        self._client.close()  # type: ignore[no-untyped-call]  # pymodbus left both untyped

    def ask(self, request: Request, timeout_s: float) -> Reply | None:
        """Send once. pymodbus waits so long for connections and replies alike."""
        if not self._client.connected:
            raise DeviceGone("the board hung up", self._address)
        self._client.comm_params.timeout_connect = timeout_s
        try:
            reply = self._client.execute(False, _as_theirs(request))
        except ModbusException:  # no reply in time, or one that makes no sense
            return None
        except OSError as error:
            raise DeviceGone(f"the connection broke ({error.strerror})", self._address) from error
        return _as_ours(reply, request)


def _as_theirs(request: Request) -> ModbusPDU:
    match request:
        case WriteCoil():
            return _CoilWrite(request)
        case ReadCoils(unit, address, count):
            return _Read(1, unit, address, count)
        case ReadInputs(unit, address, count):
            return _Read(2, unit, address, count)


class _Read(ModbusPDU):
    """Functions 1 and 2."""

    def __init__(self, function: int, unit: int, address: int, count: int) -> None:
        super().__init__(dev_id=unit, address=address, count=count)
        self.function_code = function

    def encode(self) -> bytes:
        """From where, and how many."""
        return struct.pack(">HH", self.address, self.count)


def _as_ours(reply: ModbusPDU, request: Request) -> Reply | None:
    """The transaction number has told that it is to this request."""
    if isinstance(reply, ExceptionResponse):
        return Refusal(request.unit, function_of(request), reply.exception_code)
    match request:
        case WriteCoil(unit, address, value):
            return WriteCoil(unit, address, value) if reply.address == address else None
        case ReadCoils(unit, _, count):
            return (
                CoilStates(unit, pack_coils(list(reply.bits))) if len(reply.bits) >= count else None
            )
        case ReadInputs(unit, _, count):
            return (
                InputStates(unit, pack_coils(list(reply.bits)))
                if len(reply.bits) >= count
                else None
            )
