"""The feed's other calls: snapshot files, a node's own part beside them, and digests."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import hdrs, web
from sqlalchemy import Connection

from program.logs import get_logger
from sync_server.centre import Centre
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import Media, route
from sync_server.handlers.shapes import feed
from sync_server.handlers.state import CENTRE, NODE, SETTINGS
from sync_server.services.digest import (
    BucketRows,
    Compared,
    DigestBook,
    NotCompared,
    Reader,
    ReportDivergence,
    compare,
    rows_of_buckets,
)
from sync_server.services.feed import ROWS_PER_PULL_MAX, Heads, Page, pull_own, read_heads, scope_of
from sync_server.services.permissions import Permission
from sync_server.services.snapshot import FOLDER_NAME, Shelf, Snapshot, TooSmall, Which
from ticketing.digest import BUCKET_COUNT, FORM, Digest
from ticketing.ids import is_stream_id

WAITING_MAX = 64
"""So many may wait for a file or a digest that is being made; others come again."""
GENERATION_HEADER = "Boxgate-Generation"
REVISION_HEADER = "Boxgate-Revision"
_log = get_logger(__name__)


@dataclass(slots=True)
class Turns:
    """One long piece of reading at a time, whoever asks; a bounded number waits."""

    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0

    async def __aenter__(self) -> None:
        if self._waiting >= WAITING_MAX:
            raise Problem(503, "busy", "the server is busy; try again", retry_after_s=10)
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


@dataclass(slots=True)
class Desk:
    """What these calls share: the files, the digests, and whose turn it is."""

    shelf: Shelf
    book: DigestBook = field(default_factory=DigestBook)
    building: Turns = field(default_factory=Turns)
    comparing: Turns = field(default_factory=Turns)

    def follow(self, generation: str) -> None:
        """Forget what is kept by revisions of another history."""
        if generation != self.shelf.generation:
            self.shelf.follow(generation)
            self.book = DigestBook()


DESK = web.AppKey("desk", Desk)


def set_up_desk(app: web.Application) -> None:
    """Call once, when the centre and the settings are in the application."""
    folder = app[SETTINGS].data_dir / FOLDER_NAME
    app[DESK] = Desk(Shelf(folder, app[CENTRE].generation.short))


@route(
    "GET",
    "/v1/e/{stream}/snapshot/{scope}",
    permission=Permission.NODE_PULL,
    gives=Media(("application/gzip",), (200, 206)),
)
async def snapshot(request: web.Request) -> web.StreamResponse:
    """The shared part of the caller's scope as a file; by ranges, so that it can be resumed.

    `409 just_pull` when there is so little that a pull does it.
    """
    stream, scope = _stream(request), request.match_info["scope"]
    if scope != request[NODE].role:
        raise Problem(403, "forbidden", "a node gets its own scope, and no other")
    if request[NODE].agency:  # nearly all that it sees is its own: there is no file for others too
        raise Problem(409, "just_pull", "an agency's window pulls")
    which, shelf = Which(stream, scope), _desk(request.app).shelf
    wanted = request.headers.get(hdrs.IF_RANGE, "").strip('"')
    kept = shelf.tagged(which, wanted) if wanted else None
    found = kept or await _current(request.app, which)
    headers = {
        GENERATION_HEADER: found.generation,
        REVISION_HEADER: str(found.rev),
        hdrs.CONTENT_TYPE: "application/gzip",
    }
    if wanted and kept is None:  # RFC 9110, 13.1.5: another file now, so the range does not count
        content = await asyncio.to_thread(found.path.read_bytes)
        headers[hdrs.ETAG] = f'"{found.tag}"'
        return web.Response(body=content, headers=headers)
    return web.FileResponse(found.path, headers=headers)


@route(
    "GET",
    "/v1/e/{stream}/own",
    permission=Permission.NODE_PULL,
    asks=feed.OwnQuery,
    gives=feed.OwnPart,
)
async def own_part(request: web.Request) -> web.Response:
    """What a snapshot file lacks: rows that only this node sees, of revisions up to `rev`."""
    centre, node, stream = request.app[CENTRE], request[NODE], _stream(request)
    _same_generation(centre, request.query.get("gen"))
    after, read_to = (_revision(request.query.get(name, "")) for name in ("after", "rev"))
    scope = scope_of(node.view, centre.venue_id, stream)

    def read(connection: Connection) -> Page | None:
        heads = read_heads(connection, stream)
        if heads is None or read_to > heads.head:
            return None
        return pull_own(connection, scope, node.id, after, read_to, ROWS_PER_PULL_MAX)

    page = await centre.read(read)
    if page is None:
        raise _refusal(NotCompared.UNKNOWN_STREAM)
    return _reply(
        {
            "gen": centre.generation.short,
            **centre.told_time(),
            "rows": page.rows,
            "next": page.next,
            "more": page.more,
        }
    )


@route(
    "POST",
    "/v1/e/{stream}/digest",
    permission=Permission.NODE_PULL,
    takes=feed.NodeDigest,
    gives=feed.Differences,
)
async def digest(request: web.Request) -> web.Response:
    """Compare a node's digest at its cursor: which buckets to look at, and what has changed."""
    reader, body = await _asking(request)
    told = Digest.from_wire(body.get("buckets"))
    if told is None:
        raise _malformed("buckets")
    desk = _desk(request.app)
    async with desk.comparing:
        found = await request.app[CENTRE].read(
            lambda connection: compare(connection, desk.book, reader, told)
        )
    if not isinstance(found, Compared):
        raise _refusal(found)
    return _reply(
        {
            "gen": request.app[CENTRE].generation.short,
            "rev": reader.rev,
            "changed": found.changed,
            "buckets": [[bucket, *sums] for bucket, sums in found.buckets.items()],
        }
    )


@route(
    "POST",
    "/v1/e/{stream}/digest/rows",
    permission=Permission.NODE_PULL,
    takes=feed.BucketsWanted,
    gives=feed.RowsOfBuckets,
)
async def digest_rows(request: web.Request) -> web.Response:
    """All rows of buckets in which the node's copy differs. Opens a case: that must not happen."""
    reader, body = await _asking(request)
    centre = request.app[CENTRE]
    wanted = _buckets(body.get("buckets"))
    async with request.app[DESK].comparing:
        found = await centre.read(lambda connection: rows_of_buckets(connection, reader, wanted))
    if not isinstance(found, BucketRows):
        raise _refusal(found)
    _log.warning(
        "mirror_diverged",
        node_id=reader.node_id,
        stream=reader.stream,
        rev=reader.rev,
        buckets=len(wanted),
    )
    await centre.take(ReportDivergence(reader.stream, reader.node_id, reader.rev, tuple(wanted)))
    return _reply(
        {
            "gen": centre.generation.short,
            **centre.told_time(),
            "buckets": found.buckets,
            "rows": found.rows,
            "head": found.head,
        }
    )


def _desk(app: web.Application) -> Desk:
    """The desk in the present history."""
    desk = app[DESK]
    desk.follow(app[CENTRE].generation.short)
    return desk


async def _current(app: web.Application, which: Which) -> Snapshot:
    """A file that is recent enough, built if need be: one at a time in the whole server."""
    centre, desk = app[CENTRE], _desk(app)
    found = await _usable(centre, desk, which)
    if found is not None:
        return found
    async with desk.building:
        found = await _usable(centre, desk, which)  # somebody built it while we waited
        if found is not None:
            return found
        try:
            built = await centre.read(
                lambda connection: desk.shelf.build(
                    connection, centre.venue_id, which, time.monotonic()
                )
            )
        except OSError as error:
            _log.error("snapshot_not_written", error=type(error).__name__, errno=error.errno)
            raise Problem(
                503, "no_snapshot", "no file could be written", retry_after_s=60
            ) from error
        if built is None:
            raise _refusal(NotCompared.UNKNOWN_STREAM)
        if isinstance(built, TooSmall):
            raise Problem(409, "just_pull", "no file for so few rows", rows=built.rows)
        desk.shelf.put(which, built)
        return built


async def _usable(centre: Centre, desk: Desk, which: Which) -> Snapshot | None:
    heads: Heads | None = await centre.read(lambda connection: read_heads(connection, which.stream))
    if heads is None:
        raise _refusal(NotCompared.UNKNOWN_STREAM)
    return desk.shelf.usable(which, heads.head, heads.min_rev, time.monotonic())


async def _asking(request: web.Request) -> tuple[Reader, dict[str, Any]]:
    centre, node, stream = request.app[CENTRE], request[NODE], _stream(request)
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise _malformed("JSON body") from None
    if not isinstance(body, dict):
        raise _malformed("JSON body")
    _same_generation(centre, body.get("gen"))
    if body.get("form") != FORM:
        raise Problem(409, "digest_form", "this server counts otherwise", form=FORM)
    rev = body.get("rev")
    if type(rev) is not int or not 0 <= rev < 2**53:
        raise _malformed("rev")
    return Reader(node.view, node.id, centre.venue_id, stream, rev), body


def _buckets(raw: object) -> list[int]:
    sound = isinstance(raw, list) and all(
        type(bucket) is int and 0 <= bucket < BUCKET_COUNT for bucket in raw
    )
    if not sound or not raw:
        raise _malformed("buckets")
    assert isinstance(raw, list)
    return sorted(set(raw))


def _refusal(reason: NotCompared) -> Problem:
    status, detail = {
        NotCompared.UNKNOWN_STREAM: (404, "there is no such event here"),
        NotCompared.GENERATION_CHANGED: (409, "this server's history ends before yours"),
        NotCompared.REFETCH: (410, "fetch this stream again from the beginning"),
        NotCompared.PULL_FIRST: (409, "pull first: too much has changed since"),
    }[reason]
    return Problem(status, reason, detail)


def _same_generation(centre: Centre, told: object) -> None:
    if told != centre.generation.short:
        raise Problem(
            409, "generation_changed", "fetch everything again", gen=centre.generation.short
        )


def _stream(request: web.Request) -> str:
    stream = request.match_info["stream"]
    if not is_stream_id(stream):
        raise _refusal(NotCompared.UNKNOWN_STREAM)
    return stream


def _revision(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise _malformed("after and rev")
    return int(text)


def _malformed(name: str) -> Problem:
    return Problem(400, "malformed", f"the request's {name} cannot be read")


def _reply(body: dict[str, object]) -> web.Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return web.Response(body=text.encode(), content_type="application/json")
