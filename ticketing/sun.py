"""Links that a chip authenticates anew at each tap: NTAG 424 DNA's "secure unique NFC" (SUN).

Sources: NXP AN12196 "NTAG 424 DNA features and hints", NXP AN10922 "Symmetric key
diversifications", RFC 4493 (AES-CMAC).

At each tap the chip writes into its link its number and a counter that only rises, encrypted
(`picc_data`), and a check over both (`cmac`). Set the chip up with its check over nothing else
(SDMMACInputOffset = SDMMACOffset). What else the link says is not authenticated: only the number
and the counter are.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

KEY_BYTES = 16
UID_BYTES = 7
COUNTER_MAX = 0xFF_FFFF

_PICC_DATA = re.compile(r"[?&#]picc_data=([0-9A-Fa-f]{32})(?=[&#]|$)")
_CMAC = re.compile(r"[?&#]cmac=([0-9A-Fa-f]{16})(?=[&#]|$)")
# AN12196 table 1: number mirrored, counter mirrored, seven bytes of number.
_PICC_DATA_TAG = 0xC7
# AN12196 section 3.3: what makes the key of one tap's check.
_SESSION_MAC_LABEL = bytes.fromhex("3CC300010080")
# AN10922 section 2.2: the constant that begins a diversification input of AES-128.
_DIVERSIFIED = b"\x01"
_DIVERSIFICATION_BYTES_MIN, _DIVERSIFICATION_BYTES_MAX = 16, 31


class SunFault(StrEnum):
    """Why a link is not a chip's fresh word."""

    NOT_SUN = "not_sun"  # the link has no such parts, or not in this form
    FORGED = "forged_sun"  # not made with these keys: another house's chip, altered, or made up
    REPLAYED = "replayed_sun"  # a tap that was seen before: somebody copied the link


@dataclass(frozen=True, slots=True)
class SunLink:
    """The two parts of a link, not yet checked."""

    picc_data: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class SunTap:
    """One tap of the chip `uid`: genuine. Whether it is fresh says `check_counter`."""

    uid: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class SunKeys:
    """Two AES-128 keys of a house: `meta` opens the chip's number, `file_master` makes each chip's
    own key of its check.

    `application` is what a house tells apart its uses of one master key by; None: `file_master` is
    itself the key of every chip, which is good for trials only.
    """

    meta: bytes
    file_master: bytes
    application: bytes | None = b"boxgate entry"

    def __post_init__(self) -> None:
        if len(self.meta) != KEY_BYTES or len(self.file_master) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self.file_key(bytes(UID_BYTES))  # refuses an application of no use here and not at a tap

    def file_key(self, uid: bytes) -> bytes:
        """The key that is written into the chip `uid` for its check."""
        if self.application is None:
            return self.file_master
        return diversified(self.file_master, uid + self.application)


def parse_sun(link: str) -> SunLink | SunFault:
    """Find a link's two parts. Total."""
    picc_data, mac = _PICC_DATA.findall(link), _CMAC.findall(link)
    if len(picc_data) != 1 or len(mac) != 1:
        return SunFault.NOT_SUN
    return SunLink(bytes.fromhex(picc_data[0]), bytes.fromhex(mac[0]))


def read_sun(link: SunLink, meta: bytes) -> SunTap | SunFault:
    """Decrypt what a link says, AN12196 section 3.4.1. Nobody has checked it: see `open_sun`. Total."""
    # One block with a zero vector, as the chip does it.
    decryptor = Cipher(AES128(meta), CBC(bytes(16))).decryptor()
    plain = decryptor.update(link.picc_data) + decryptor.finalize()
    if plain[0] != _PICC_DATA_TAG:
        return SunFault.FORGED
    uid, counter = plain[1 : 1 + UID_BYTES], plain[1 + UID_BYTES : 4 + UID_BYTES]
    return SunTap(uid, int.from_bytes(counter, "little"))


def open_sun(link: SunLink, keys: SunKeys) -> SunTap | SunFault:
    """Decrypt and check a link, AN12196 section 3.4. Total."""
    tap = read_sun(link, keys.meta)
    if isinstance(tap, SunFault):
        return tap
    uid, counter = tap.uid, tap.counter.to_bytes(3, "little")
    session = _cmac(keys.file_key(uid), _SESSION_MAC_LABEL + uid + counter)
    # AN12196 section 3.3: of the check's 16 bytes the chip says every second one.
    if not hmac.compare_digest(_cmac(session, b"")[1::2], link.mac):
        return SunFault.FORGED
    return tap


def check_counter(tap: SunTap, last_counter: int | None) -> SunFault | None:
    """The fault of a tap that is not later than the last one that was let in; None if it is fresh.

    `last_counter` is None for a chip never seen. A counter may skip: taps elsewhere count too.
    """
    if last_counter is not None and tap.counter <= last_counter:
        return SunFault.REPLAYED
    return None


def make_sun(uid: bytes, counter: int, keys: SunKeys, padding: bytes = bytes(5)) -> SunLink:
    """What the chip `uid` says at its tap number `counter`: for simulated chips and trials."""
    if len(uid) != UID_BYTES or not 0 <= counter <= COUNTER_MAX or len(padding) != 5:
        raise ValueError("a number has 7 bytes, a counter 3, the padding 5")
    said = counter.to_bytes(3, "little")
    encryptor = Cipher(AES128(keys.meta), CBC(bytes(16))).encryptor()
    plain = bytes((_PICC_DATA_TAG,)) + uid + said + padding
    session = _cmac(keys.file_key(uid), _SESSION_MAC_LABEL + uid + said)
    return SunLink(encryptor.update(plain) + encryptor.finalize(), _cmac(session, b"")[1::2])


def diversified(master: bytes, about: bytes) -> bytes:
    """One chip's key of a master key, AN10922 section 2.2: `about` is its number and its use.

    Shorter inputs than 16 bytes are padded in a way of AN10922's own, and refused here.
    """
    if not _DIVERSIFICATION_BYTES_MIN <= len(about) <= _DIVERSIFICATION_BYTES_MAX:
        raise ValueError("a key is diversified by 16 to 31 bytes")
    return _cmac(master, _DIVERSIFIED + about)


def _cmac(key: bytes, message: bytes) -> bytes:
    made = CMAC(AES128(key))
    made.update(message)
    return made.finalize()
