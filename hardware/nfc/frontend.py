"""nfcpy behind plain errors and bounded reading; nothing else imports nfcpy.

Only commands are nfcpy's: messages are read by `hardware.nfc.chip`, whose loops have limits. nfcpy's
own reading follows lengths that a stranger's chip claims.
"""

from __future__ import annotations

import errno
import logging
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import nfc.clf
import nfc.clf.pn532
import nfc.clf.transport
import nfc.tag
import nfc.tag.tt3
import nfc.tag.tt4
import serial
import usb1

from hardware.errors import DeviceBusy, DeviceError, DeviceGone
from hardware.nfc.chip import ChipLeft, read_type2, read_type3, read_type4
from hardware.serialport import open_port

_TYPE2_TIMEOUT_S: Final = 0.05
_TYPE4_TIMEOUT_S: Final = 0.5
_WRITE_TIMEOUT_S: Final = 1.0
_NDEF_SYSTEM: Final = 0x12FC  # JIS X 6319-4 chips answer by system code
_SENTENCES: Final = {
    errno.ENODEV: "there is no such reader; is it plugged in?",
    errno.ENOENT: "there is no such reader; is it plugged in?",
    errno.EACCES: "no permission to open the reader",
    errno.EIO: "the reader does not answer as it should, or was unplugged",
    errno.ETIMEDOUT: "the reader does not answer",
}

# It logs each fault several times, also those that are mended by asking again; ours is said once.
logging.getLogger("nfc").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Found:
    """A chip in the field; `target` is nfcpy's."""

    uid: bytes
    target: Any


class Frontend:
    """One reader. Each method raises DeviceError; `message_of` ChipLeft too."""

    def __init__(self, kind: str, target: str, device: str) -> None:
        """Open it: `kind` is pn532, usb or udp, `target` what nfcpy wants to know."""
        self._device = device
        self._frontend = nfc.clf.ContactlessFrontend()
        self._transport: _Port | None = None
        try:
            with _plain(device):
                self._open(kind, target)
        except DeviceError:
            self.close()
            raise

    def _open(self, kind: str, target: str) -> None:
        if kind == "pn532":
            self._transport = _Port(target, self._device)
            self._frontend.device = nfc.clf.pn532.init(self._transport)
        elif not self._frontend.open(f"{kind}{target and ':'}{target}"):
            raise DeviceGone("there is no such reader; is it plugged in?", self._device)

    def sense(self, rates: tuple[str, ...]) -> Found | None:
        """The chip in the field; the field is off in between, so that none stays half awake."""
        with _plain(self._device):
            try:
                target = self._frontend.sense(*map(nfc.clf.RemoteTarget, rates))
            except nfc.clf.CommunicationError:  # a chip that talks nonsense
                return None
        if target is None:
            return None
        uid = bytes(target.sdd_res or (target.sensf_res or b"")[1:9])
        return Found(uid, target) if uid else None

    def message_of(self, found: Found) -> bytes | None:
        """The chip's NDEF message, None where it has none."""
        with _plain(self._device):
            try:
                return self._read(found.target)
            except (nfc.clf.CommunicationError, nfc.tag.TagCommandError) as error:
                raise ChipLeft(str(error)) from error

    def close(self) -> None:
        """Let go of the reader, whatever state it is in."""
        device, self._frontend.device = self._frontend.device, None
        transport, self._transport = self._transport, None
        for each in (device, transport):
            if each is not None:
                # A reader that is gone refuses to be put to sleep.
                with suppress(DeviceError), _plain(self._device):
                    each.close()

    def _read(self, target: Any) -> bytes | None:
        if target.sensf_res:
            return self._read_felica(target)
        # ISO/IEC 14443-3 table 9, NXP AN10833: 20 speaks ISO-DEP, 00 is a Type 2 chip; the rest
        # (MIFARE Classic) cannot be read without keys.
        if target.sel_res[0] & 0x20:
            chip = nfc.tag.tt4.activate(self._frontend, target)
            return read_type4(lambda apdu: bytes(chip.transceive(apdu, _TYPE4_TIMEOUT_S)))
        return read_type2(self._read_pages) if target.sel_res[0] == 0 else None

    def _read_pages(self, page: int) -> bytes | None:
        answer = bytes(self._frontend.exchange(bytes((0x30, page)), _TYPE2_TIMEOUT_S))
        return answer if len(answer) == 16 else None

    def _read_felica(self, target: Any) -> bytes | None:
        chip = nfc.tag.tt3.activate(self._frontend, target)
        if chip is None:
            return None
        if chip.sys != _NDEF_SYSTEM:
            try:
                chip.idm, chip.pmm = chip.polling(_NDEF_SYSTEM)
            except nfc.tag.TagCommandError:
                return None
            chip.sys = _NDEF_SYSTEM
        return read_type3(lambda block: bytes(chip.read_from_ndef_service(block)))


class _Port(nfc.clf.transport.TTY):  # type: ignore[misc]  # nfcpy is untyped
    """nfcpy's serial port, opened for this process alone and given up when nfcpy forgets it."""

    tty: serial.Serial | None

    def __init__(self, path: str, device: str) -> None:
        self._device = device
        super().__init__(path)

    def open(self, port: str, baudrate: int = 115_200) -> None:
        """Open the port anew with `baudrate`."""
        self.close()
        self.tty = open_port(port, self._device, baud=baudrate, write_timeout_s=_WRITE_TIMEOUT_S)

    def close(self) -> None:
        """Let go of the port, even where it refuses."""
        tty, self.tty = self.tty, None
        if tty is not None:
            tty.close()


@contextmanager
def _plain(device: str) -> Iterator[None]:
    """Turn what nfcpy raises into DeviceError; what is about a chip passes."""
    try:
        yield
    except (DeviceError, ChipLeft, nfc.clf.CommunicationError, nfc.tag.TagCommandError):
        raise
    except (OSError, termios.error) as error:
        number = getattr(error, "errno", None)
        if number in (errno.EBUSY, errno.EAGAIN):
            raise DeviceBusy("another program holds the reader", device) from error
        sentence = _SENTENCES.get(number or 0, f"the reader failed ({error})")
        raise DeviceGone(sentence, device) from error
    except usb1.USBError as error:
        raise DeviceGone(f"the reader failed at USB ({error})", device) from error
    except (nfc.clf.pn53x.Chipset.Error, IndexError, TypeError, ValueError) as error:
        # nfcpy takes each answer for whole and well-formed.
        raise DeviceGone("the reader answers nonsense", device) from error
