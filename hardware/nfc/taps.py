"""What a chip held up has said, as a lane sees it."""

from __future__ import annotations

from hardware.nfc.ndef import first_said
from hardware.reader.seen import Seen, SeenKind, as_value


def seen_of(uid: bytes, message: bytes | None, reader: str, at_s: float) -> Seen:
    """A chip's first text or link; its number alone where it says neither."""
    number = uid.hex().upper()
    said = None if message is None else first_said(message)
    if said is None:
        detail = "" if message is None else "NDEF without text or link"
        return Seen(SeenKind.NFC_UID, number, reader, at_s, uid=number, detail=detail)
    is_sun = said.is_link and "picc_data=" in said.text and "cmac=" in said.text
    kind = SeenKind.NFC_SUN if is_sun else SeenKind.NFC_NDEF
    return Seen(kind, as_value(said.text), reader, at_s, uid=number)


def repeats_key(uid: bytes) -> str:
    """By what a chip that stays in the field is known.

    ISO/IEC 14443-3: four bytes that begin with 08 are made up anew whenever the field comes back,
    so all telephones count as one.
    """
    is_made_up = len(uid) == 4 and uid[0] == 0x08
    return "made up" if is_made_up else uid.hex()
