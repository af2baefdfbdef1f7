"""NDEF messages: what chips say, as records. Bytes in, values out, no chip.

Sources: NFC Forum [NDEF] "NFC Data Exchange Format", [RTD-T] "Text Record Type Definition",
[RTD-U] "URI Record Type Definition", [RTD-SP] "Smart Poster Record Type Definition".

Anybody may have written a chip, so reading is total and bounded: a message gives its first text or
link, or None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MESSAGE_BYTES_MAX: Final = 2048
RECORDS_COUNT_MAX: Final = 16

_CHUNKED, _SHORT, _HAS_ID = 0x20, 0x10, 0x08
_WELL_KNOWN: Final = 1
_IS_UTF16, _LANGUAGE_BYTES = 0x80, 0x3F
# [RTD-U] table 3.
_URI_PREFIXES: Final = (
    "", "http://www.", "https://www.", "http://", "https://", "tel:", "mailto:",
    "ftp://anonymous:anonymous@", "ftp://ftp.", "ftps://", "sftp://", "smb://", "nfs://", "ftp://",
    "dav://", "news:", "telnet://", "imap:", "rtsp://", "urn:", "pop:", "sip:", "sips:", "tftp:",
    "btspp://", "btl2cap://", "btgoep://", "tcpobex://", "irdaobex://", "file://", "urn:epc:id:",
    "urn:epc:tag:", "urn:epc:pat:", "urn:epc:raw:", "urn:epc:", "urn:nfc:",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `form` is its type name format, `kind` its type."""

    form: int
    kind: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """The first text or link of a message. A link is as it was written: nothing is decoded."""

    text: str
    is_link: bool


def first_said(message: bytes) -> Said | None:
    """The first text or link of a message, also within a smart poster. Total."""
    records = read_records(message)
    if records is None:
        return None
    for record in records:
        if record.form != _WELL_KNOWN:
            continue
        said = _said(record)
        if said is None and record.kind == b"Sp":
            inner = read_records(record.payload) or ()
            said = next(filter(None, map(_said, inner)), None)
        if said is not None:
            return said
    return None


def read_records(message: bytes) -> tuple[Record, ...] | None:
    """The records of a message, None where it is malformed, chunked or too long. [NDEF] 3.2."""
    if len(message) > MESSAGE_BYTES_MAX:
        return None
    records: list[Record] = []
    at = 0
    while at < len(message):
        found = _read_record(message, at)
        if found is None or len(records) == RECORDS_COUNT_MAX:
            return None
        record, at = found
        records.append(record)
    return tuple(records)


def text_message(text: str, language: str = "en") -> bytes:
    """A message of one text record."""
    return _message(b"T", bytes((len(language),)) + language.encode() + text.encode())


def link_message(link: str) -> bytes:
    """A message of one link record."""
    for code in sorted(range(1, len(_URI_PREFIXES)), key=lambda each: -len(_URI_PREFIXES[each])):
        if link.startswith(_URI_PREFIXES[code]):
            return _message(b"U", bytes((code,)) + link[len(_URI_PREFIXES[code]) :].encode())
    return _message(b"U", b"\0" + link.encode())


def _message(kind: bytes, payload: bytes) -> bytes:
    is_short = len(payload) < 0x100
    length = len(payload).to_bytes(1 if is_short else 4, "big")
    head = 0xC0 | (_SHORT if is_short else 0) | _WELL_KNOWN  # begins and ends the message
    return bytes((head, len(kind))) + length + kind + payload


def _read_record(message: bytes, at: int) -> tuple[Record, int] | None:
    """The record at `at` and where the next one begins."""
    head = message[at]
    length_bytes = 1 if head & _SHORT else 4
    has_id = bool(head & _HAS_ID)
    kind_at = at + 2 + length_bytes + has_id
    if head & _CHUNKED or kind_at > len(message):
        return None
    kind_bytes = message[at + 1]
    payload_bytes = int.from_bytes(message[at + 2 : at + 2 + length_bytes], "big")
    id_bytes = message[kind_at - 1] if has_id else 0
    payload_at = kind_at + kind_bytes + id_bytes
    end = payload_at + payload_bytes
    if end > len(message):
        return None
    kind = message[kind_at : kind_at + kind_bytes]
    return Record(head & 7, kind, message[payload_at:end]), end


def _said(record: Record) -> Said | None:
    """What a text or link record says; None for another one or one that says nothing."""
    if not record.payload:
        return None
    head, rest = record.payload[0], record.payload[1:]
    try:
        if record.kind == b"T":
            text = rest[head & _LANGUAGE_BYTES :].decode("utf-16" if head & _IS_UTF16 else "utf-8")
            return Said(text, is_link=False) if text else None
        if record.kind == b"U" and head < len(_URI_PREFIXES):
            link = _URI_PREFIXES[head] + rest.decode("utf-8")
            return Said(link, is_link=True) if link else None
    except UnicodeDecodeError:
        return None
    return None
