"""Places and rights that the house keeps back: for whom, why and until when.

A block is a hold of the house's own (`heart.stock`): the same row, not of a basket (`firm` is 0),
and ended by a person or by the centre's clock, at a time that may be never. Its units are claims
like any others, `blocked`, so whatever asks whether a unit is free finds that it is not; shares of
counter pools are taken as a hold takes them. What another has is never taken from them: it can be
asked back, and whoever prints on it meanwhile is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from sync_server.heart.lending import find_by_req, no_performance, pools_have
from sync_server.heart.rows import Allot, Claim
from sync_server.heart.units import counts_of, give_back, is_lent, take_share, units_of
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.ids import AllotmentId

BLOCK_UNITS_MAX = 5_000
"""At once; a whole stand is several blocks."""
DUE_MAX = 20
NEVER_MS = 2**53 - 1
OWNER_CHARS_MAX = 80
REASON_CHARS_MAX = 200


class BlockReason(StrEnum):
    """What places are kept back for. Stored, never renamed."""

    HOUSE = "house"  # for guests and emergencies of the house
    TECHNICAL = "technical"  # a camera, a desk, a view that is in the way
    SPONSOR = "sponsor"
    DAMAGED = "damaged"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Keeping:
    """For whom something is kept back, why, until when (NEVER_MS: until somebody releases it)."""

    owner: str
    reason: BlockReason
    note: str
    until_ms: int
    by: str


class NotKept(StrEnum):
    """Why nothing was kept back."""

    QUARANTINE = "quarantine"
    UNKNOWN_PERFORMANCE = "unknown_performance"
    CANCELLED = "cancelled"
    UNKNOWN_UNIT = "unknown_unit"
    NOTHING = "nothing"
    LIMIT = "limit"
    POOL_EMPTY = "pool_empty"
    RELEASED = "released"  # the block to change is over


@dataclass(frozen=True, slots=True)
class Taken:
    """A unit that somebody has, and who: a ClaimKind, and the node's id where one has it."""

    unit: int
    kind: str
    node_id: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """What came of it. `id` is empty where nothing was kept back because of `taken`.

    `asked_back`: the allotments that were asked for what they have of it.
    """

    id: str
    units: tuple[int, ...]
    taken: tuple[Taken, ...] = ()
    asked_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Keep these units back, and rights of pools; once per `req`.

    All of them or none, unless `what_is_free`. `ask_back`: what windows have of them is recalled.
    """

    stream: str
    req: str
    performance: int
    units: tuple[int, ...]
    counts: tuple[tuple[str, int], ...]
    keeping: Keeping
    what_is_free: bool = False
    ask_back: bool = False

    def want(self, work: Work) -> None:
        """Name the units and pools."""
        work.claims.want((self.performance, unit) for unit in self.units)
        work.pools.want(pool for pool, _count in self.counts)

    def apply(self, work: Work) -> Blocked | NotKept:
        """Decide; the claims' revisions have the last word when they are written."""
        earlier = find_by_req(work, "", self.req)
        if earlier is not None:
            return Blocked(earlier.id, tuple(unit for unit, _version in units_of(earlier)))
        refusal = self._refused(work)
        if refusal is not None:
            return refusal
        claims = [work.claim(self.performance, unit) for unit in self.units]
        free = [claim for claim in claims if claim.kind == ClaimKind.FREE]
        others = [claim for claim in claims if claim.kind != ClaimKind.FREE]
        taken = tuple(Taken(claim.unit, claim.kind, claim.node_id) for claim in others)
        asked = _ask_back(work, others) if self.ask_back else ()
        if (taken and not self.what_is_free) or not (free or self.counts):
            return Blocked("", (), taken, asked)
        block = self._keep(work, free)
        return Blocked(block.id, tuple(claim.unit for claim in free), taken, asked)

    def _refused(self, work: Work) -> NotKept | None:
        if work.quarantine:
            return NotKept.QUARANTINE
        obstacle = no_performance(work, self.performance)
        if obstacle is not None:
            return NotKept(obstacle.value)
        if not self.units and not self.counts:
            return NotKept.NOTHING
        pools = dict(self.counts)
        twice = len(set(self.units)) != len(self.units) or len(pools) != len(self.counts)
        if twice or len(self.units) > BLOCK_UNITS_MAX or min(pools.values(), default=1) < 1:
            return NotKept.LIMIT
        if not all(work.plan.has_unit(unit) for unit in self.units):
            return NotKept.UNKNOWN_UNIT
        return None if pools_have(work, self.counts) else NotKept.POOL_EMPTY

    def _keep(self, work: Work, claims: list[Claim]) -> Allot:
        number = str(AllotmentId(work.generation, work.take_rev()))
        for pool, count in self.counts:
            take_share(work, number, pool, count)
        body = {
            "units": [(claim.unit, claim.version) for claim in claims],
            "counts": dict(self.counts),
            "by": f"block:{number}",  # nobody's hold: no web shop extends, sells or drops it
            "keeping": asdict(self.keeping),
        }
        block = Allot(
            event_id=work.stream,
            id=number,
            node_id="",
            inc=0,
            perf_id=self.performance,
            req=self.req,
            firm=0,
            state="held",
            granted_ms=work.now_ms,
            expires_ms=self.keeping.until_ms,
            soft_s=0,
            hard_s=0,
            recall=0,
            body=_body_text(body),
        )
        work.allots.put(number, block)
        for claim in claims:
            claim.kind, claim.ref, claim.node_id = ClaimKind.BLOCKED, number, ""
            work.put_claim(claim)
        return block


@dataclass(frozen=True, slots=True)
class Rekept:
    """A block says something else now of whom it is for, why and until when."""

    before: Keeping
    after: Keeping


@dataclass(frozen=True, slots=True)
class Rekeep:
    """Change for whom a block is, why and until when; its places stay, and so does who made it."""

    stream: str
    performance: int
    block: str
    keeping: Keeping

    def want(self, work: Work) -> None:
        """Name the block."""
        work.allots.want([self.block])

    def apply(self, work: Work) -> Rekept | NotKept:
        """At once, and again it changes nothing."""
        if work.quarantine:
            return NotKept.QUARANTINE
        obstacle = no_performance(work, self.performance)
        if obstacle is not None:
            return NotKept(obstacle.value)
        block = work.allots.get(self.block)
        if block is None or not is_block(block) or block.perf_id != self.performance:
            return NotKept.RELEASED
        before = keeping_of(block.body)
        after = replace(self.keeping, by=before.by)
        if after != before:
            block.expires_ms = after.until_ms
            block.body = _body_text(json.loads(block.body) | {"keeping": asdict(after)})
            work.allots.put(block.id, block)
        return Rekept(before, after)


@dataclass(frozen=True, slots=True)
class Freed:
    """What of a block is free again: `counts` are rights of pools."""

    id: str
    performance: int
    keeping: Keeping
    units: tuple[int, ...]
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unblock:
    """Release a block, or these units of whichever blocks have them. Again, it changes nothing."""

    stream: str
    performance: int
    block: str = ""
    units: tuple[int, ...] = ()

    def want(self, work: Work) -> None:
        """Name the block or the units."""
        work.allots.want([self.block] if self.block else [])
        work.claims.want((self.performance, unit) for unit in self.units)

    def apply(self, work: Work) -> tuple[Freed, ...] | NotKept:
        """What became free by this."""
        if work.quarantine:
            return NotKept.QUARANTINE
        if self.block:
            block = work.allots.get(self.block)
            if block is None or not is_block(block) or block.perf_id != self.performance:
                return ()
            return (_free(work, block),)
        wanted: dict[str, list[int]] = {}
        for unit in self.units[:BLOCK_UNITS_MAX]:
            claim = work.claim(self.performance, unit)
            if claim.kind == ClaimKind.BLOCKED:
                wanted.setdefault(claim.ref, []).append(unit)
        work.allots.want(wanted)
        found = ((work.allots.get(id_), units) for id_, units in wanted.items())
        return tuple(_free(work, block, units) for block, units in found if block is not None)


@dataclass(frozen=True, slots=True)
class UnblockDue:
    """Release the blocks whose time is over by the centre's clock, the oldest first."""

    stream: str

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> tuple[Freed, ...]:
        """At most DUE_MAX in one go; none while the event waits for its nodes' reports."""
        if work.quarantine:
            return ()
        rows = work.sql.rows(
            "SELECT id FROM allot WHERE event_id = ? AND state = 'held' AND firm = 0 "
            "AND expires_ms <= ? ORDER BY expires_ms, id LIMIT ?",
            work.stream,
            work.now_ms,
            DUE_MAX,
        )
        work.allots.want(row[0] for row in rows)
        found = [work.allots.get(row[0]) for row in rows]
        return tuple(_free(work, block) for block in found if block is not None and is_block(block))


def is_block(allot: Allot) -> bool:
    """Whether this is a block that is not released."""
    return allot.state == "held" and not allot.firm


def keeping_of(body: str) -> Keeping:
    """For whom and why, of a block's row."""
    raw = json.loads(body)["keeping"]
    return Keeping(**(raw | {"reason": BlockReason(raw["reason"])}))


def _body_text(body: Mapping[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _free(work: Work, block: Allot, units: Iterable[int] | None = None) -> Freed:
    """Free what is left of a block, or these of its units; one with nothing left is closed."""
    every = [unit for unit, _version in units_of(block)]
    work.claims.want((block.perf_id, unit) for unit in every)
    work.claims.fetch()
    left = {unit for unit in every if is_lent(work.claim(block.perf_id, unit), block)}
    freed = left if units is None else left.intersection(units)
    shares = _shares_left(work, block)
    counts = shares if units is None else {}
    give_back(work, block, block.perf_id, sorted(freed), counts.items())
    if freed == left and counts == shares:
        block.state = "closed"
        work.allots.put(block.id, block)
    told = tuple(sorted(counts.items()))
    return Freed(block.id, block.perf_id, keeping_of(block.body), tuple(sorted(freed)), told)


def _shares_left(work: Work, block: Allot) -> dict[str, int]:
    found = ((pool_id, work.shares.get((block.id, pool_id))) for pool_id in counts_of(block))
    return {pool_id: share.lent for pool_id, share in found if share is not None and share.lent}


def _ask_back(work: Work, claims: list[Claim]) -> tuple[str, ...]:
    """Recall the allotments that have these units, each whole; gives which."""
    ids = {claim.ref for claim in claims if claim.kind == ClaimKind.ALLOT}
    work.allots.want(ids)
    asked = []
    for allot_id in sorted(ids):
        allot = work.allots.get(allot_id)
        if allot is not None and allot.state == "open":
            if not allot.recall:
                allot.recall = 1
                work.allots.put(allot.id, allot)
            asked.append(allot.id)
    return tuple(asked)
