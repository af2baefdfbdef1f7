"""What the server tells: news, snapshot files, digests."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from sync_server.handlers.shapes.terms import Exact, Generation, Ms, NoGeneration, Row, That
from ticketing.digest import BUCKET_COUNT, FORM

_Text = Annotated[str, That(pattern="^[0-9]{1,15}$")]
Bucket = Annotated[int, That(minimum=0, maximum=BUCKET_COUNT - 1)]
RowCount = Annotated[int, That(minimum=0, maximum=2**31 - 1)]
Sum = Annotated[int, That(minimum=0, maximum=2**63 - 1)]
Form = Annotated[int, That(const=FORM)]


class PullQuery(TypedDict):
    """`after` is `stream:revision,stream:revision`, at most 200; `wait_s` at most 30."""

    after: str
    gen: NotRequired[NoGeneration]
    limit: NotRequired[float]
    wait_s: NotRequired[float]
    proto: NotRequired[Annotated[str, That(pattern="^[1-9][0-9]{0,4}$")]]


class StreamPage(TypedDict):
    """Rows of a stream, and up to where they go."""

    rows: list[Row]
    next: Exact
    head: Exact
    more: bool


class News(TypedDict):
    """Of each stream that was asked for; `behind_ms`: so long a hub has not heard the centre.

    `lent_now_ms`: at a hub, the time by the clock of the centre, 0 when nobody knows it.
    """

    gen: Generation
    now_ms: Ms
    streams: dict[str, StreamPage]
    behind_ms: NotRequired[Ms]
    lent_now_ms: NotRequired[Ms]


class OwnQuery(TypedDict):
    """What a snapshot file of the revision `rev` lacks, from `after` on."""

    gen: Generation
    after: _Text
    rev: _Text


class OwnPart(TypedDict):
    """Rows that only this node sees."""

    gen: Generation
    now_ms: Ms
    lent_now_ms: NotRequired[Ms]
    rows: list[Row]
    next: Exact
    more: bool


class NodeDigest(TypedDict):
    """Count and sum of each bucket at the revision."""

    gen: Generation
    form: Form
    rev: Exact
    buckets: Annotated[
        list[tuple[RowCount, Sum]], That(minItems=BUCKET_COUNT, maxItems=BUCKET_COUNT)
    ]


class Differences(TypedDict):
    """Rows that changed since, and the buckets that differ without them."""

    gen: Generation
    rev: Exact
    changed: list[tuple[str, str]]
    buckets: list[tuple[Bucket, RowCount, Sum]]


class BucketsWanted(TypedDict):
    """Whole buckets are asked for again."""

    gen: Generation
    form: Form
    rev: Exact
    buckets: Annotated[list[Bucket], That(minItems=1)]


class RowsOfBuckets(TypedDict):
    """All rows of them."""

    gen: Generation
    now_ms: Ms
    lent_now_ms: NotRequired[Ms]
    buckets: list[Bucket]
    rows: list[Row]
    head: Exact
