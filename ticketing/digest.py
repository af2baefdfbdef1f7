"""Digests: whether a node's copy of a feed is the centre's, told in 256 pairs of numbers.

Every row has a bucket (by what it is about) and a hash (of what it says, and of its revision).
A digest is the number of rows and the sum of their hashes per bucket. Sums are added to and
taken from in any order, and fit 64 bits: 32-bit hashes of fewer than 2**31 rows.

What counts is what a node keeps of a row, not the row's whole text: a member that a later centre
adds changes no digest. `FORM` numbers the rules below; two sides compare only the same form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from zlib import crc32

FORM = 3
BUCKET_COUNT = 256
_ROWS_MAX = 2**31
_SUM_MAX = 2**63 - 1

Content = Sequence[str | int]
"""What a row says, in the order that both sides agree on (`content_of`)."""


def bucket_of(kind: str, key: str) -> int:
    """Where a row counts, from 0 to 255: also words and numbers in sequence spread evenly."""
    return crc32(f"{kind} {key}".encode()) & 0xFF


def row_hash(kind: str, key: str, rev: int, content: Content) -> int:
    """32 bits of what a row says and when: BLAKE2b of its parts as text, U+001F between them."""
    text = "\x1f".join(map(str, (kind, key, rev, *content)))
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


class Digest:
    """Counts and sums. Two are equal when they were made of the same rows."""

    __slots__ = ("counts", "sums")

    def __init__(self) -> None:
        self.counts = [0] * BUCKET_COUNT
        self.sums = [0] * BUCKET_COUNT

    def add(self, kind: str, key: str, rev: int, content: Content) -> None:
        """Count a row in."""
        bucket = bucket_of(kind, key)
        self.counts[bucket] += 1
        self.sums[bucket] += row_hash(kind, key, rev, content)

    def merged(self, other: Digest) -> Digest:
        """The digest of both sets of rows."""
        both = Digest()
        both.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        both.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        return both

    def without(self, other: Digest) -> Digest:
        """The digest of these rows but those."""
        rest = Digest()
        rest.counts = [a - b for a, b in zip(self.counts, other.counts, strict=True)]
        rest.sums = [a - b for a, b in zip(self.sums, other.sums, strict=True)]
        return rest

    def differing(self, other: Digest) -> list[int]:
        """The buckets in which the two were made of different rows."""
        ours, theirs = self.to_wire(), other.to_wire()
        return [bucket for bucket in range(BUCKET_COUNT) if ours[bucket] != theirs[bucket]]

    def to_wire(self) -> list[list[int]]:
        """`[[count, sum], ...]`, one pair for each bucket."""
        return [list(pair) for pair in zip(self.counts, self.sums, strict=True)]

    @staticmethod
    def from_wire(raw: object) -> Digest | None:
        """What `to_wire` gave; None for anything else."""
        if not isinstance(raw, list) or len(raw) != BUCKET_COUNT:
            return None
        found = Digest()
        for bucket, pair in enumerate(raw):
            if not isinstance(pair, list) or len(pair) != 2:
                return None
            count, total = pair
            if type(count) is not int or type(total) is not int:
                return None
            if not (0 <= count < _ROWS_MAX and 0 <= total <= _SUM_MAX):
                return None
            found.counts[bucket], found.sums[bucket] = count, total
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Digest):
            return NotImplemented
        return (self.counts, self.sums) == (other.counts, other.sums)

    __hash__ = None  # type: ignore[assignment]  # it changes


def canonical(document: object) -> str:
    """A document's one text: members in order of their names, no spaces."""
    return _encode_sorted(document)


def key_of(kind: str, body: Mapping[str, Any]) -> str:
    """What a row is about, among the rows of its kind. KeyError for a kind that does not count."""
    return _KEYS[kind](body)


def content_of(kind: str, body: Mapping[str, Any]) -> Content:
    """What counts of a row, in the order in which both sides hash it."""
    return _CONTENT[kind](body)


def counted(rows: Iterable[Sequence[Any]]) -> Digest:
    """The digest of rows of the feed, `[kind, rev, body]`; unknown kinds do not count."""
    digest = Digest()
    for kind, rev, body in rows:
        if kind in _KEYS:
            digest.add(kind, _KEYS[kind](body), rev, _CONTENT[kind](body))
    return digest


def claim_key(performance: int, unit: int) -> str:
    """The key of a claim, which has no id of its own."""
    return f"{performance}.{unit}"


def doc_key(kind: str, doc_id: str) -> str:
    """The key of a document: ids are unique within a kind only."""
    return f"{kind}/{doc_id}"


_encode_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _members(*names: str) -> Callable[[Mapping[str, Any]], Content]:
    return lambda body: [body[name] for name in names]


def _id(body: Mapping[str, Any]) -> str:
    return str(body["id"])


KINDS = (
    "doc",
    "claim",
    "allot",
    "ticket",
    "entry",
    "order",
    "order_no",
    "buyer",
    "handout",
    "credential",
    "case",
    "node",
    "person",
)

_KEYS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "doc": lambda body: doc_key(body["kind"], body["id"]),
    "claim": lambda body: claim_key(body["p"], body["u"]),
    "allot": _id,
    "ticket": _id,
    "entry": lambda body: str(body["op"]),
    "order": _id,
    "order_no": _id,
    "buyer": lambda body: str(body["order"]),
    "handout": lambda body: str(body["order"]),
    "credential": lambda body: str(body["ref"]),
    "case": _id,
    "node": _id,
    "person": _id,
}
_CONTENT: Mapping[str, Callable[[Mapping[str, Any]], Content]] = {
    "doc": lambda body: [canonical(body["body"])],
    "claim": _members("kind", "ref", "node", "v"),
    "allot": lambda body: [
        body["node"],
        body["p"],
        body["state"],
        canonical([unit for unit, _version in body["units"]]),
    ],
    "ticket": _members("p", "u", "v", "state", "blocked"),  # its order never changes
    "entry": _members("ticket", "node", "lane", "phase", "at_ms"),
    "order": _members("node", "no", "state", "total", "refunded", "currency", "by", "at_ms"),
    "order_no": _members("no"),
    "buyer": lambda body: [body["key"], body["sealed"], canonical(body["tokens"]), body["at_ms"]],
    "handout": _members("keeper", "wanted", "turn", "copies"),
    "credential": _members("ticket", "kind", "state", "type", "counter"),
    "case": lambda body: [body["kind"], body["state"], body["at_ms"], canonical(body["body"])],
    "node": _members("name", "role", "key", "key_id", "signature", "state"),
    "person": _members("name", "role", "pin", "state"),
}
