"""pyscard behind plain errors; nothing else imports it.

Sources: [PCSC3] "Interoperability specification for ICCs and PCs, part 3" with its supplement for
contactless chips, the manual of pcsc-lite's API.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from smartcard import scard

from hardware.errors import DeviceGone
from hardware.nfc.chip import READ_BYTES, ChipLeft, read_type2, read_type4

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWER_BYTES_MAX: Final = 258
_DONE: Final = b"\x90\x00"
_GET_UID: Final = bytes.fromhex("FFCA000000")  # [PCSC3] 3.2.2.1.3
# [PCSC3] 3.1.3.2.3: what stands in the answer to reset of a chip that only stores; the byte
# behind it is its technology and the next two its name.
_STORAGE: Final = bytes.fromhex("804F0CA000000306")
_ULTRALIGHT: Final = bytes.fromhex("030003")  # ISO/IEC 14443 A part 3; NTAG21x call themselves so
_SENTENCES: Final = {
    scard.SCARD_E_NO_SERVICE: "the service pcscd does not run",
    scard.SCARD_E_SERVICE_STOPPED: "the service pcscd was stopped",
    scard.SCARD_E_NO_READERS_AVAILABLE: "no reader is plugged in",
    scard.SCARD_E_READER_UNAVAILABLE: "the reader was unplugged",
    scard.SCARD_E_UNKNOWN_READER: "the reader was unplugged",
}
_CHIP_LEFT: Final = frozenset(
    {
        scard.SCARD_W_REMOVED_CARD,
        scard.SCARD_W_RESET_CARD,
        scard.SCARD_W_UNPOWERED_CARD,
        scard.SCARD_W_UNRESPONSIVE_CARD,
        scard.SCARD_E_NO_SMARTCARD,
        scard.SCARD_E_NOT_TRANSACTED,
        scard.SCARD_E_PROTO_MISMATCH,
        scard.SCARD_F_COMM_ERROR,
    }
)


class Slot:
    """One reader by pcscd. Each method raises DeviceGone."""

    def __init__(self, name_part: str, device: str) -> None:
        """Find the first reader whose name holds `name_part`."""
        self._device = device
        (self._context,) = self._checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM))
        try:
            self._name = self._find(name_part)
        except DeviceGone:
            self.close()
            raise
        self._state = scard.SCARD_STATE_UNAWARE

    def wait(self, timeout_s: float) -> bool | None:
        """Whether a chip lies there now, when that has changed; None when nothing has in time."""
        watched = [(self._name, self._state)]
        result, states = scard.SCardGetStatusChange(
            self._context, max(1, round(timeout_s * 1000)), watched
        )
        if result == scard.SCARD_E_TIMEOUT:
            return None
        self._checked((result,))
        state = states[0][1]
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise DeviceGone("the reader was unplugged", self._device)
        self._state = state & ~scard.SCARD_STATE_CHANGED
        return bool(state & scard.SCARD_STATE_PRESENT) and not state & scard.SCARD_STATE_MUTE

    def read_chip(self) -> tuple[bytes, bytes | None]:
        """The number and the message of the chip that lies there; raises ChipLeft too."""
        with self._connection() as (card, protocol):

            def send(apdu: bytes) -> bytes:
                transmitted = scard.SCardTransmit(card, protocol, list(apdu))
                (answer,) = self._checked(transmitted, about_chip=True)
                return bytes(answer[:_ANSWER_BYTES_MAX])

            def read_pages(page: int) -> bytes | None:
                answer = send(bytes((0xFF, 0xB0, 0x00, page, READ_BYTES)))  # [PCSC3] 3.2.2.1.8
                return answer[:-2] if answer[-2:] == _DONE else None

            uid = send(_GET_UID)
            if uid[-2:] != _DONE or len(uid) == len(_DONE):
                raise ChipLeft("it has no number")
            status = self._checked(scard.SCardStatus(card), about_chip=True)
            atr = bytes(status[-1])
            if _STORAGE not in atr:
                return uid[:-2], read_type4(send)
            about = atr.partition(_STORAGE)[2]
            message = read_type2(read_pages) if about.startswith(_ULTRALIGHT) else None
            return uid[:-2], message

    def close(self) -> None:
        """Let go of pcscd."""
        scard.SCardReleaseContext(self._context)

    def _find(self, name_part: str) -> str:
        (names,) = self._checked(scard.SCardListReaders(self._context, []))
        for name in names:
            if name_part in name:
                return str(name)
        raise DeviceGone(f"of the readers here none is called {name_part}", self._device)

    @contextmanager
    def _connection(self) -> Iterator[tuple[Any, Any]]:
        """A connection to the chip, and its protocol."""
        card, protocol = self._checked(
            scard.SCardConnect(
                self._context,
                self._name,
                scard.SCARD_SHARE_SHARED,
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            ),
            about_chip=True,
        )
        try:
            yield card, protocol
        finally:
            scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)

    def _checked(self, answer: Any, *, about_chip: bool = False) -> list[Any]:
        """What pyscard gives besides the result, which must be success."""
        result, *given = answer if isinstance(answer, (list, tuple)) else (answer,)
        if result == scard.SCARD_S_SUCCESS:
            return given
        if about_chip and result in _CHIP_LEFT:
            raise ChipLeft(scard.SCardGetErrorMessage(result))
        words = scard.SCardGetErrorMessage(result).strip().rstrip(".")
        raise DeviceGone(_SENTENCES.get(result, f"pcscd says: {words}"), self._device)
