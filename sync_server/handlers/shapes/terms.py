"""The words of the shapes: ids, hashes, numbers, names."""

from __future__ import annotations

from typing import Annotated


class That:
    """Narrows a type by keywords of JSON Schema: `Annotated[str, That(pattern="^[0-9]+$")]`."""

    __slots__ = ("keywords",)

    def __init__(self, **keywords: object) -> None:
        self.keywords = keywords


_LINE = r"^[^\u0000-\u001f\u007f]*$"

StreamId = Annotated[str, That(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
NodeId = Annotated[str, That(pattern="^[0-9a-f]{16}$")]
TicketId = Annotated[str, That(pattern="^[0-9a-f]{16}$")]
OrderId = Annotated[str, That(pattern="^[0-9a-f]{16}$")]
OpId = Annotated[str, That(pattern="^[0-9a-f]{32}$")]
AllotmentId = Annotated[str, That(pattern="^[0-9a-f]{8}-[1-9][0-9]{0,9}$")]
Hash = Annotated[str, That(pattern="^[0-9a-f]{64}$")]
Generation = Annotated[str, That(pattern="^[0-9a-f]{8}$")]
NoGeneration = Annotated[str, That(pattern="^([0-9a-f]{8})?$")]
Name = Annotated[str, That(minLength=1, maxLength=64, pattern=_LINE)]
NoName = Annotated[str, That(maxLength=64, pattern=_LINE)]
Key = Annotated[str, That(pattern="^[0-9a-fA-F]{64}$")]
Signature = Annotated[str, That(pattern="^[0-9a-fA-F]{128}$")]
Hex = Annotated[str, That(pattern="^([0-9a-f]{2})*$")]

U8 = Annotated[int, That(minimum=0, maximum=0xFF)]
U16 = Annotated[int, That(minimum=1, maximum=0xFFFF)]
U32 = Annotated[int, That(minimum=1, maximum=0xFFFF_FFFF)]
"""Numbers of performances and units, and shares of a pool."""
Count = Annotated[int, That(minimum=0, maximum=2**31 - 1)]
CountFrom1 = Annotated[int, That(minimum=1, maximum=2**31 - 1)]
Seq = Annotated[int, That(minimum=1, maximum=2**53 - 1)]
Exact = Annotated[int, That(minimum=0, maximum=2**53 - 1)]
"""A whole number that every JSON reader takes as it is: revisions, epochs."""
Ms = Annotated[int, That(minimum=0, maximum=2**53 - 1)]
"""An instant in Unix milliseconds."""
Minor = Annotated[int, That(minimum=-(10**12), maximum=10**12)]
"""Money in minor units."""
Proto = Annotated[list[object], That(contains={"const": 1})]
"""Versions of the protocol that the caller speaks; this server speaks 1."""
UnitVersion = tuple[U32, U8]
"""A unit, and which ticket of it this is: a replacement counts on."""
Cursors = Annotated[dict[StreamId, Exact], That(maxProperties=5_000)]
"""Up to which revision of each stream something has been read."""
Row = tuple[str, Exact, object]
"""A row of the feed: kind, revision, body."""
