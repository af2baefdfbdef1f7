"""Serial ports with errors that say what happened in plain words."""

from __future__ import annotations

import errno
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import serial

from hardware.errors import DeviceBusy, DeviceError, DeviceGone, DeviceRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

# Short, so that whoever reads in a loop can look at its own deadline.
READ_TIMEOUT_S: Final = 0.01

_BUSY: Final = frozenset({errno.EAGAIN, errno.EBUSY})
_SENTENCES: Final = {
    errno.ENOENT: "there is no such port; is the cable plugged in?",
    errno.EACCES: "no permission to open the port; is this user in the group dialout?",
    errno.EPERM: "no permission to open the port; is this user in the group dialout?",
    errno.ENOTTY: "this is no serial port",
    errno.ENODEV: "the port is there but its device is not",
    errno.ENXIO: "the port is there but its device is not",
    errno.EIO: "the device was unplugged",
}


def open_port(path: str, device: str, *, baud: int, write_timeout_s: float) -> serial.Serial:
    """Open `path` with 8N1 for this process alone; raise DeviceError with a plain sentence.

    A read waits at most READ_TIMEOUT_S and then gives what there is.
    """
    with plain_errors(device):
        try:
            return serial.Serial(
                path, baud, timeout=READ_TIMEOUT_S, write_timeout=write_timeout_s, exclusive=True
            )
        except ValueError as error:  # a speed that the port's driver does not have
            raise DeviceRefused(
                f"the port does not take these settings ({error})", device
            ) from error


@contextmanager
def plain_errors(device: str) -> Iterator[None]:
    """Turn what pyserial and the terminal layer raise into a DeviceError about `device`."""
    try:
        yield
    except (OSError, termios.error) as error:  # SerialException is an OSError; termios.error is not
        raise _plain(error, device) from error


def _plain(error: Exception, device: str) -> DeviceError:
    number = _errno_of(error)
    if number in _BUSY:
        return DeviceBusy("another program holds the port", device)
    return DeviceGone(_SENTENCES.get(number, f"the port failed ({error})"), device)


def _errno_of(error: Exception) -> int:
    """The system's error number, 0 where there is none.

    termios.error keeps it in its arguments; pyserial's own errors often have it only in their cause.
    """
    for each in (error, error.__cause__, error.__context__):
        number = getattr(each, "errno", None)
        if number is None and isinstance(each, termios.error) and each.args:
            number = each.args[0]
        if isinstance(number, int):
            return number
    return 0
