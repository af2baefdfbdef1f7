"""Credentials: chips that stand for a ticket because the house bound them to it.

A chip's number is what whoever copies the chip wants. So no row, operation or log names it: they
name the chip by a keyed hash (`credential_ref`), and the key is on tills and gates, never in the
feed. A copied database, backup or mirror file gives no number away; nor can numbers be tried out
against it, of which a 125 kHz chip has few enough to try them all.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ticketing.ids import TicketId
from ticketing.keys import KEY_BYTES
from ticketing.personal import DataKey
from ticketing.sun import KEY_BYTES as SUN_KEY_BYTES
from ticketing.sun import SunKeys

CredentialRef = NewType("CredentialRef", str)
"""A chip as the house names it: 32 lower-case hex digits, the same for every event."""
NUMBER_BYTES_MAX = 32
NO_COUNTER = -1
"""No tap of the chip has been let in, or it does not count any."""

_REF = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(f"(?:[0-9A-F]{{2}}){{3,{NUMBER_BYTES_MAX}}}")
_CONTEXT = b"boxgate chip 1\0"
_NO_MASTER = bytes(SUN_KEY_BYTES)
_KEYS_NUMBER = 1


class CredentialKind(StrEnum):
    """What a chip must do to stand for its ticket. Stored and sent, never renamed."""

    UID = "uid"  # say its number: whoever knows the number can copy it
    TAG = "tag"  # say its number, and the text of its ticket
    SUN = "sun"  # prove its number, and count its taps: `ticketing.sun`


class CredentialState(StrEnum):
    """Whether a chip stands for its ticket. Stored and sent, never renamed."""

    BOUND = "bound"
    UNBOUND = "unbound"  # it may be bound anew
    BLOCKED = "blocked"  # lost or stolen, said somebody of the house; also free to be bound anew


class Medium(StrEnum):
    """What kind of chip a number is of: one number may exist once in each. Never renamed."""

    LF = "lf"  # 125 kHz
    UHF = "uhf"
    NFC = "nfc"


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known of a chip. `counter` is the highest tap that was let in; `ticket_type` is the
    number of the ticket's type as a code would say it.
    """

    ref: CredentialRef
    ticket_id: TicketId
    kind: CredentialKind
    state: CredentialState
    ticket_type: int = 0
    counter: int = NO_COUNTER


@dataclass(frozen=True, slots=True, repr=False)
class ChipKeys:
    """A house's keys for chips. `naming` makes references; `meta` opens what NTAG 424 chips say of
    their number; `file_master`, None where a node is not to have it, makes the key of each chip's
    check: who has it can make any such chip of the house.
    """

    naming: bytes
    meta: bytes
    file_master: bytes | None

    @property
    def sun(self) -> SunKeys | None:
        """What checks a tap here; None where only the server can."""
        return SunKeys(self.meta, self.file_master) if self.file_master is not None else None

    def to_data_key(self) -> DataKey:
        """As it goes out, sealed for one node."""
        return DataKey(_KEYS_NUMBER, self.meta + (self.file_master or _NO_MASTER), self.naming)


def chip_keys(root: bytes) -> ChipKeys:
    """The house's keys for chips. Who has them learns nothing of root."""
    naming, meta, master = (_derived(root, purpose) for purpose in ("name", "meta", "file"))
    return ChipKeys(naming, meta[:SUN_KEY_BYTES], master[:SUN_KEY_BYTES])


def chip_keys_of(key: DataKey) -> ChipKeys | None:
    """What `to_data_key` gave; None for anything else."""
    sealed_right = len(key.sealing) == 2 * SUN_KEY_BYTES and len(key.indexing) == KEY_BYTES
    if key.number != _KEYS_NUMBER or not sealed_right:
        return None
    meta, master = key.sealing[:SUN_KEY_BYTES], key.sealing[SUN_KEY_BYTES:]
    return ChipKeys(key.indexing, meta, None if master == _NO_MASTER else master)


def credential_ref(keys: ChipKeys, medium: Medium, number: str) -> CredentialRef:
    """The name of the chip with this number, in upper-case hex. ValueError: see `is_number`."""
    if not is_number(number):
        raise ValueError("a chip's number is 3 to 32 bytes in hexadecimal")
    message = _CONTEXT + medium.encode() + b"\0" + number.encode()
    return CredentialRef(hmac.digest(keys.naming, message, "sha256").hex()[:32])


def is_number(text: str) -> bool:
    """Whether a text is a chip's number in upper-case hex."""
    return _NUMBER.fullmatch(text) is not None


def is_credential_ref(text: object) -> bool:
    """Whether a text has the form of a reference."""
    return isinstance(text, str) and _REF.fullmatch(text) is not None


def _derived(root: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, None, f"boxgate chips {purpose} 1".encode()).derive(root)
