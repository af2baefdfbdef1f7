"""What is known of a buyer: a name and a phone number, sealed, and found again without being read.

A sealed text opens with the house's key and for its own order only. Beside it stand index tokens:
keyed hashes of the name, of the whole number and of its last four digits, by which an order is
found by who can ask with the same key. The clear text stands nowhere, and an object that holds it
does not show it when it is printed or logged.
"""

from __future__ import annotations

import hmac
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ticketing.keys import KEY_BYTES

NONCE_BYTES = 12
NAME_CHARS_MAX = 64
PHONE_CHARS_MAX = 32
SEALED_CHARS_MAX = 2_048
TOKENS_MAX = 3
KEYS_MAX = 8
"""Keys that may be in use at once: the newest, and those that older texts are sealed with."""
_PHONE_DIGITS = range(5, 16)  # E.164 has 15 at the most
_LAST_DIGITS = 4
_BLOCK_BYTES = 64  # what is sealed is filled up, so that its length tells little
_TOKEN_CHARS = 24  # 96 bits: no two buyers of a house meet by chance
_TOKEN = re.compile(r"[0-9a-f]{24}")
_SEALED = re.compile(r"[0-9a-f]+")
_BETWEEN_DIGITS = re.compile(r"[\s().\-‐-―/·]+")
_MOBILE_CN = re.compile(r"1[3-9][0-9]{9}")


@dataclass(frozen=True, slots=True, repr=False)
class Buyer:
    """Who bought, as far as they said. One of the two may be empty."""

    name: str = ""
    phone: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not self.name and not self.phone

    @property
    def masked(self) -> Buyer:
        """What may be shown to anybody at a counter: 张*, 138****8000."""
        return Buyer(masked_name(self.name), masked_phone(self.phone))


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """One of the house's keys for personal data: its number, and a half for each purpose."""

    number: int
    sealing: bytes
    indexing: bytes


def data_key(root: bytes, number: int) -> DataKey:
    """The house's key of this number. Who has one of them learns nothing of root or the others."""
    return DataKey(number, _derived(root, "seal", number), _derived(root, "index", number))


# --- how people write names and numbers


def normal_name(text: str) -> str:
    """A name as it is kept: one form for each character, single spaces. "" for none."""
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    return name if len(name) <= NAME_CHARS_MAX and name.isprintable() else ""


def normal_phone(text: str, home: str = "86") -> str:
    """A number as it is kept: digits alone, or + with the country's code where it is not `home`'s.

    Blanks, hyphens and brackets don't count; 00 and + are the same; a mobile number that was
    written with the home country's code but without either is taken for what it is. "" for none.
    """
    if len(text) > PHONE_CHARS_MAX:
        return ""
    written = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    digits = written.removeprefix("+").removeprefix("00")
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in _PHONE_DIGITS:
        return ""
    if digits.startswith(home):
        is_abroad = digits != written
        local = digits.removeprefix(home)
        if is_abroad or (home == "86" and _MOBILE_CN.fullmatch(local)):
            return local if len(local) in _PHONE_DIGITS else ""
        return digits
    return "+" + digits if digits != written else digits


def normal_buyer(name: str, phone: str) -> Buyer | None:
    """Both as they are kept; None when one was given and is none."""
    kept = Buyer(normal_name(name), normal_phone(phone))
    lost = (name.strip() and not kept.name) or (phone.strip() and not kept.phone)
    return None if lost else kept


def masked_name(name: str) -> str:
    """The first character; the rest is stars, as many as there are, four at most."""
    return name[:1] + "*" * min(4, len(name) - 1) if len(name) > 1 else "*" * len(name)


def masked_phone(phone: str) -> str:
    """The first three and the last four; of short numbers the last two."""
    digits = len(phone.removeprefix("+"))
    head, tail = (3, 4) if digits >= 10 else (0, 2)
    sign = "+" if phone.startswith("+") else ""
    number = phone.removeprefix("+")
    return (
        sign + number[:head] + "*" * max(0, digits - head - tail) + number[-tail:] if number else ""
    )


# --- sealing


def seal(buyer: Buyer, key: DataKey, event_id: str, order_id: str, nonce: bytes) -> str:
    """The buyer, sealed for this order. A nonce is never used twice with one key."""
    clear = json.dumps([buyer.name, buyer.phone], ensure_ascii=False).encode()
    clear += b" " * (-len(clear) % _BLOCK_BYTES)
    bound = _bound(key.number, event_id, order_id)
    return (nonce + ChaCha20Poly1305(key.sealing).encrypt(nonce, clear, bound)).hex()


def unseal(sealed: str, key: DataKey, event_id: str, order_id: str) -> Buyer | None:
    """The buyer; None for another key's or another order's text, or a damaged one."""
    if not is_sealed(sealed):
        return None
    raw, bound = bytes.fromhex(sealed), _bound(key.number, event_id, order_id)
    try:
        clear = ChaCha20Poly1305(key.sealing).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound)
        name, phone = json.loads(clear)
    except (InvalidTag, ValueError):
        return None
    return Buyer(str(name), str(phone))


def is_sealed(text: object) -> bool:
    """Whether a text has the form of a sealed one."""
    return (
        isinstance(text, str)
        and NONCE_BYTES * 2 < len(text) <= SEALED_CHARS_MAX
        and len(text) % 2 == 0
        and _SEALED.fullmatch(text) is not None
    )


# --- finding


def index_tokens(buyer: Buyer, key: DataKey) -> tuple[str, ...]:
    """By what the buyer's order is found: name, whole number, last four digits."""
    found = []
    if buyer.name:
        found.append(_token(key, "name", _plain(buyer.name)))
    if buyer.phone:
        found.append(_token(key, "phone", buyer.phone))
        found.append(_token(key, "last", buyer.phone[-_LAST_DIGITS:]))
    return tuple(found)


def query_tokens(text: str, keys: Iterable[DataKey]) -> tuple[str, ...]:
    """What to look for when somebody types this: under every key that is in use."""
    digits, name = normal_phone(text), normal_name(text)
    last = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    asked: list[tuple[str, str]] = []
    if len(last) == _LAST_DIGITS and last.isascii() and last.isdigit():
        asked.append(("last", last))
    elif digits:
        asked.append(("phone", digits))
    elif name and not last.isdigit():
        asked.append(("name", _plain(name)))
    return tuple(_token(key, *each) for key in keys for each in asked)


def is_token(text: object) -> bool:
    """Whether a text has the form of an index token."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


# --- handing keys to a node: sealed to a key that it made for this one answer


def exchange_public(private: bytes) -> bytes:
    """The public half (X25519) of what a node made for one answer."""
    key = X25519PrivateKey.from_private_bytes(private)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def ask_message(node_id: str, public: bytes) -> bytes:
    """What the node signs to ask."""
    return b"\0".join([b"boxgate data keys asked 1", node_id.encode(), public])


def answer_message(node_id: str, public: bytes, wrapped: bytes) -> bytes:
    """What the server signs to answer."""
    return b"\0".join([b"boxgate data keys told 1", node_id.encode(), public, wrapped])


def wrap_keys(keys: Sequence[DataKey], to_public: bytes, private: bytes) -> bytes | None:
    """The keys for one node's eyes; `private` is random and used once. None for a weak key."""
    shared = _agreed(private, to_public)
    if shared is None:
        return None
    clear = json.dumps([[k.number, k.sealing.hex(), k.indexing.hex()] for k in keys]).encode()
    sealed = ChaCha20Poly1305(shared).encrypt(bytes(NONCE_BYTES), clear, to_public)
    return exchange_public(private) + sealed


def unwrap_keys(wrapped: bytes, private: bytes) -> tuple[DataKey, ...] | None:
    """The keys, the newest first; None for what is not for this node, or damaged."""
    shared = _agreed(private, wrapped[:KEY_BYTES])
    if shared is None:
        return None
    try:
        clear = ChaCha20Poly1305(shared).decrypt(
            bytes(NONCE_BYTES), wrapped[KEY_BYTES:], exchange_public(private)
        )
        keys = [
            DataKey(int(n), bytes.fromhex(s), bytes.fromhex(i)) for n, s, i in json.loads(clear)
        ]
    except (InvalidTag, ValueError, TypeError):
        return None
    return tuple(sorted(keys, key=lambda key: -key.number))


def _agreed(private: bytes, public: bytes) -> bytes | None:
    if len(public) != KEY_BYTES:
        return None
    ours = X25519PrivateKey.from_private_bytes(private)
    try:
        secret = ours.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:  # a point of small order: everybody knows what comes of it
        return None
    return HKDF(SHA256(), KEY_BYTES, None, b"boxgate data keys 1").derive(secret)


def _derived(root: bytes, purpose: str, number: int) -> bytes:
    info = f"boxgate personal data {purpose} {number}".encode()
    return HKDF(SHA256(), KEY_BYTES, None, info).derive(root)


def _bound(number: int, event_id: str, order_id: str) -> bytes:
    return json.dumps(["boxgate buyer 1", number, event_id, order_id]).encode()


def _token(key: DataKey, kind: str, text: str) -> str:
    said = f"{kind}\0{text}".encode()
    return hmac.digest(key.indexing, said, "sha256").hex()[:_TOKEN_CHARS]


def _plain(name: str) -> str:
    """A name without what people write in different ways: case, and every space."""
    folded = unicodedata.normalize("NFKC", name.casefold())
    return "".join(folded.split())
