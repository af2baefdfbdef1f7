"""The centre's own stock: holds that end by its clock, what it sells from them, counter pools.

A hold frees itself; an allotment never does. `Firm` turns the one into the other, under a new
number: a number that a node sells on was never anything else, so that whatever a failover loses
of it, the node's word brings back whole. A hold that a failover leaves behind is ended.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from sync_server.heart.agency_limits import room_of
from sync_server.heart.intake import Batch, Push, Taken
from sync_server.heart.lending import (
    Grant,
    Lender,
    NoGrant,
    allot_body,
    find_by_req,
    grant_of,
    no_performance,
    obstacle_of,
    pools_have,
)
from sync_server.heart.policy import Policy
from sync_server.heart.rows import Allot, Claim, Order, Pool, Share
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.units import counts_of, give_back, is_lent, take_share, units_of
from sync_server.heart.work import Work
from ticketing.best_seats import best_seats
from ticketing.claim import ClaimKind
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import OpKind, Verdict, chain_op
from ticketing.ledger import cash_account
from ticketing.operations import LINES_MAX, Sale, SaleLine, encode_sale, is_name
from ticketing.seating import AreaKind

SERVER = "server"
"""The node id under which the centre's own sales are booked."""
ONLINE = "online"
"""The account that money paid to the centre itself comes into."""
HOLD_UNITS_MAX = LINES_MAX
HOLD_TTL_MAX_S = 3_600
SWEEP_HOLDS_MAX = 200


@dataclass(frozen=True, slots=True)
class HoldWish:
    """These very units, or the best `count` side by side (of a price tier, when one is named)."""

    req: str
    performance: int
    ttl_s: int
    units: tuple[int, ...] = ()
    count: int = 0
    tier_id: str | None = None
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as of now. `is_held`: not ended, firmed or sold; then it is at least until `expires_ms`."""

    id: AllotmentId
    performance: int
    units: tuple[tuple[int, int], ...]
    counts: tuple[tuple[str, int], ...]
    is_held: bool
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Reserve units for a while of the centre's clock, all of them or none. Once per `req`.

    `by` is the node that asks, or nobody for the centre itself.
    """

    stream: str
    by: str
    wish: HoldWish

    def want(self, work: Work) -> None:
        """Name the units, when they are known."""
        work.claims.want((self.wish.performance, unit) for unit in self.wish.units)
        work.pools.want(pool for pool, _count in self.wish.counts)

    def apply(self, work: Work) -> Held | NoGrant:
        """Decide; the claims' revisions have the last word when they are written."""
        wish = self.wish
        earlier = find_by_req(work, "", wish.req)
        if earlier is not None:
            return _held(earlier) if _by(earlier) == self.by else NoGrant.NOT_HELD
        refusal = self._refused(work)
        if refusal is not None:
            return refusal
        units = wish.units or _best(work, wish)
        claims = [work.claim(wish.performance, unit) for unit in units]
        obstacle = obstacle_of(claims, work.plan, self.by)
        if obstacle is None and not pools_have(work, wish.counts):
            obstacle = NoGrant.POOL_EMPTY
        if obstacle is not None:
            return obstacle
        return _held(self._hold(work, claims))

    def _refused(self, work: Work) -> NoGrant | None:
        wish = self.wish
        if work.quarantine:
            return NoGrant.QUARANTINE
        obstacle = no_performance(work, wish.performance)
        if obstacle is not None:
            return obstacle
        units, pools = wish.units, dict(wish.counts)
        twice = len(set(units)) != len(units) or len(pools) != len(wish.counts)
        if twice or max(len(units), wish.count) > HOLD_UNITS_MAX or not _is_ttl(wish.ttl_s):
            return NoGrant.LIMIT
        return None

    def _hold(self, work: Work, claims: list[Claim]) -> Allot:
        wish = self.wish
        number = str(AllotmentId(work.generation, work.take_rev()))
        for pool, count in wish.counts:
            take_share(work, number, pool, count)
        body = json.loads(allot_body([(c.unit, c.version) for c in claims], dict(wish.counts)))
        text = json.dumps(body | {"by": self.by}, separators=(",", ":"))
        expires_ms = work.now_ms + wish.ttl_s * 1000
        hold = Allot(
            work.stream,
            number,
            "",
            0,
            wish.performance,
            wish.req,
            1,
            "held",
            work.now_ms,
            expires_ms,
            0,
            0,
            0,
            text,
        )
        work.allots.put(number, hold)
        for claim in claims:
            claim.kind, claim.ref, claim.node_id = ClaimKind.HOLD, number, ""
            work.put_claim(claim)
        return hold


@dataclass(frozen=True, slots=True)
class Extend:
    """Keep a hold for `ttl_s` from now. One that nobody has ended yet may be kept, even late."""

    stream: str
    by: str
    hold: str
    ttl_s: int

    def want(self, work: Work) -> None:
        """Name the hold."""
        work.allots.want([self.hold])

    def apply(self, work: Work) -> Held | NoGrant:
        """The hold with its new end."""
        if work.quarantine:
            return NoGrant.QUARANTINE
        hold = _find(work, self.hold, self.by)
        if hold is None:
            return NoGrant.NOT_HELD
        if not _is_ttl(self.ttl_s):
            return NoGrant.LIMIT
        hold.expires_ms = work.now_ms + self.ttl_s * 1000
        work.allots.put(hold.id, hold)
        return _held(hold)


@dataclass(frozen=True, slots=True)
class Drop:
    """End a hold of the asker's; its units are free. Ending it again changes nothing."""

    stream: str
    by: str
    hold: str

    def want(self, work: Work) -> None:
        """Name the hold."""
        work.allots.want([self.hold])

    def apply(self, work: Work) -> Held | NoGrant:
        """The hold as it is then; also one that was firmed or sold, which stays so."""
        hold = work.allots.get(self.hold)
        if hold is None or hold.node_id or _by(hold) != self.by:
            return NoGrant.NOT_HELD
        if hold.state == "held":
            end_hold(work, hold)
        return _held(hold)


@dataclass(frozen=True, slots=True)
class ExpireHolds:
    """End holds that are over by the centre's clock, the oldest first; how many there were.

    What the house keeps back is no basket's: `heart.kept_back` ends it.
    """

    stream: str

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> int:
        """At most SWEEP_HOLDS_MAX in one go."""
        rows = work.sql.rows(
            "SELECT id FROM allot WHERE event_id = ? AND state = 'held' AND firm = 1 "
            "AND expires_ms <= ? ORDER BY expires_ms, id LIMIT ?",
            work.stream,
            work.now_ms,
            SWEEP_HOLDS_MAX,
        )
        return _end_holds(work, [row[0] for row in rows], by_ms=work.now_ms)


def end_all_holds(work: Work) -> int:
    """Another history has begun: nobody's word can bring a hold back, so none is kept.

    What the house keeps back stays so, as this history knows it.
    """
    rows = work.sql.rows(
        "SELECT id FROM allot WHERE event_id = ? AND state = 'held' AND firm = 1 ORDER BY id",
        work.stream,
    )
    return _end_holds(work, [row[0] for row in rows], by_ms=None)


def end_hold(work: Work, hold: Allot) -> None:
    """Free what is left of a hold."""
    give_back(work, hold, hold.perf_id, [unit for unit, _version in units_of(hold)], None)
    hold.state = "closed"
    work.allots.put(hold.id, hold)


@dataclass(frozen=True, slots=True)
class Firm:
    """Make a hold an allotment of a node, once. `by` is whose hold it was: its own, or nobody's."""

    source: Source
    by: str
    hold: str
    policy: Policy = field(default_factory=Policy)

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the hold."""
        work.allots.want([self.hold])
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> Grant | NoGrant:
        """The allotment, with all units and shares of the hold."""
        source, req = self.source, f"firm:{self.hold}"
        earlier = find_by_req(work, source.node_id, req)
        if earlier is not None:
            return grant_of(earlier)
        if work.quarantine:
            return NoGrant.QUARANTINE
        if work.journal(source.node_id, source.incarnation).state != "open":
            return NoGrant.FENCED
        hold = _find(work, self.hold, self.by)
        if hold is None:
            return NoGrant.NOT_HELD
        claims = _claims(work, hold)
        if not all(is_lent(claim, hold) for claim in claims):
            return NoGrant.NOT_HELD
        room = room_of(work, source.node_id, hold.perf_id)
        if room is not None and len(claims) > room:
            return NoGrant.LIMIT
        lender = Lender(source, self.policy)
        allot = lender.lend(work, req, hold.perf_id, claims, firm=True)
        counts = counts_of(hold)
        for pool_id in counts:
            _hand_over_share(work, hold, allot, pool_id)
        allot.body = allot_body(list(units_of(allot)), counts)
        hold.state = "closed"
        work.allots.put(hold.id, hold)
        return grant_of(allot)


class NoSale(StrEnum):
    """Why the centre sold nothing."""

    QUARANTINE = "quarantine"
    NOT_HELD = "not_held"  # the hold is over, or a line has something else than it
    POOL_EMPTY = "pool_empty"  # more of a counter pool is spent than the hold has
    CONTRADICTION = "contradiction"  # the order's id belongs to another order


@dataclass(frozen=True, slots=True)
class SoldHeld:
    """Sold and booked: final once this is committed."""

    order_id: str


@dataclass(frozen=True, slots=True)
class SellHeld:
    """Sell units of a hold, once per order id; what is left of the hold is free again.

    The lines cite the hold's id in place of an allotment's, and their codes are signed already:
    the sale becomes an operation of the centre's own journal, stored like any till's.
    """

    stream: str
    by: str
    hold: str
    op_id: OpId
    sale: Sale

    def want(self, work: Work) -> None:
        """Name the hold, the order and the units."""
        work.allots.want([self.hold])
        work.orders.want([self.sale.order_id])
        work.claims.want((line.performance, line.unit) for line in self.sale.lines)
        work.journals.want([(SERVER, 1)])

    def apply(self, work: Work) -> SoldHeld | NoSale:
        """All lines or none."""
        known = work.orders.get(self.sale.order_id)
        if known is not None:
            return SoldHeld(known.id) if self._is_same(known) else NoSale.CONTRADICTION
        if work.quarantine:
            return NoSale.QUARANTINE
        hold = _find(work, self.hold, self.by)
        lines = self.sale.lines
        if hold is None or not all(_has_line(work, hold, line) for line in lines):
            return NoSale.NOT_HELD
        if not _has_shares(work, hold, lines):
            return NoSale.POOL_EMPTY
        for line in lines:  # lent to the centre itself for the moment of the sale
            claim = work.claim(line.performance, line.unit)
            claim.kind, claim.node_id = ClaimKind.ALLOT, SERVER
            work.put_claim(claim)
        self._record(work)
        end_hold(work, hold)
        return SoldHeld(self.sale.order_id)

    def _is_same(self, order: Order) -> bool:
        return (order.node_id, order.receipt_no) == (SERVER, self.sale.receipt_no)

    def _record(self, work: Work) -> None:
        journal, booked = work.journal(SERVER, 1), len(work.ledger)
        seq, body = journal.seq + 1, encode_sale(self.sale)
        op = chain_op(
            journal.hash,
            work.stream,
            SERVER,
            1,
            seq,
            self.op_id,
            OpKind.SALE,
            1,
            work.now_ms,
            body,
        )
        source = Source(SERVER, NodeRole.TILL, 1, work.stream)
        push = Push(source, Batch(seq, journal.hash, (op,)))
        push.want(work)
        work.fetch()
        taken = push.apply(work)
        assert isinstance(taken, Taken), taken
        assert [one.verdict for one in taken.ops] == [Verdict.OK], taken
        for line in work.ledger[booked:]:
            if line.account == cash_account(SERVER):
                line.account = ONLINE


class NoPool(StrEnum):
    """Why a pool was not changed."""

    QUARANTINE = "quarantine"
    HOUSE = "house"  # pools belong to events
    MALFORMED = "malformed"
    BELOW_USE = "below_use"  # more is lent and spent already


@dataclass(frozen=True, slots=True)
class SetPool:
    """Make a counter pool, or change how many rights it has."""

    stream: str
    pool_id: str
    capacity: int

    def want(self, work: Work) -> None:
        """Name the pool."""
        work.pools.want([self.pool_id])

    def apply(self, work: Work) -> Pool | NoPool:
        """The pool as it is then."""
        if work.quarantine:
            return NoPool.QUARANTINE
        if work.is_house:
            return NoPool.HOUSE
        if not is_name(self.pool_id) or not 0 <= self.capacity < 2**31:
            return NoPool.MALFORMED
        pool = work.pools.get(self.pool_id) or Pool(work.stream, self.pool_id, 0, 0, 0, 0)
        free = self.capacity - pool.lent - pool.spent
        if free < 0:
            return NoPool.BELOW_USE
        if (pool.capacity, pool.free) != (self.capacity, free) or not pool.rev:
            pool.capacity, pool.free = self.capacity, free
            work.pools.put(pool.id, pool)
        return pool


def _is_ttl(ttl_s: int) -> bool:
    return 1 <= ttl_s <= HOLD_TTL_MAX_S


def _by(hold: Allot) -> str:
    return str(json.loads(hold.body).get("by", ""))


def _held(hold: Allot) -> Held:
    number = AllotmentId.parse(hold.id)
    assert number is not None, hold.id
    counts = tuple(counts_of(hold).items())
    return Held(number, hold.perf_id, units_of(hold), counts, hold.state == "held", hold.expires_ms)


def _find(work: Work, hold_id: str, by: str) -> Allot | None:
    """A hold of theirs that nobody has ended."""
    hold = work.allots.get(hold_id)
    if hold is None or hold.state != "held" or _by(hold) != by:
        return None
    return hold


def _claims(work: Work, hold: Allot) -> list[Claim]:
    units = [unit for unit, _version in units_of(hold)]
    work.claims.want((hold.perf_id, unit) for unit in units)
    work.claims.fetch()
    return [work.claim(hold.perf_id, unit) for unit in units]


def _end_holds(work: Work, ids: list[str], by_ms: int | None) -> int:
    work.allots.want(ids)
    work.allots.fetch()
    ended = 0
    for hold_id in ids:
        hold = work.allots.get(hold_id)
        assert hold is not None, hold_id
        if hold.state == "held" and (by_ms is None or hold.expires_ms <= by_ms):
            end_hold(work, hold)
            ended += 1
    return ended


def _hand_over_share(work: Work, hold: Allot, allot: Allot, pool_id: str) -> None:
    share = work.shares.get((hold.id, pool_id))
    assert share is not None, (hold.id, pool_id)
    work.shares.put((allot.id, pool_id), Share(work.stream, allot.id, pool_id, share.lent, 0))
    share.lent = 0
    work.shares.put((hold.id, pool_id), share)


def _has_line(work: Work, hold: Allot, line: SaleLine) -> bool:
    claim = work.claim(line.performance, line.unit)
    return (
        str(line.allotment) == hold.id
        and line.performance == hold.perf_id
        and is_lent(claim, hold)
        and claim.version == line.version
    )


def _has_shares(work: Work, hold: Allot, lines: tuple[SaleLine, ...]) -> bool:
    spent = Counter(line.pool for line in lines if line.pool)
    shares = {pool_id: work.shares.get((hold.id, pool_id)) for pool_id in spent}
    return all(
        (share := shares[pool_id]) is not None and share.lent >= count
        for pool_id, count in spent.items()
    )


def _best(work: Work, wish: HoldWish) -> tuple[int, ...]:
    """The best free seats side by side; else places without a number, if enough of a tier are."""
    if not wish.count:
        return ()
    known = work.claims_of(wish.performance)
    taken = {unit for unit, claim in known.items() if claim.kind != ClaimKind.FREE}
    free = {unit for area in work.plan.areas for unit in area.units if unit not in taken}
    seats = best_seats(work.plan, work.event, free, wish.count, tier_id=wish.tier_id)
    if seats is not None:
        return seats
    event = work.event
    tiers = [tier.id for tier in event.tiers_dearest_first()]
    for tier_id in tiers if wish.tier_id is None else [wish.tier_id]:
        for area in work.plan.areas:
            if area.kind is AreaKind.STANDING:
                places = [u for u in area.units if u in free and event.tier_of(u) == tier_id]
                if len(places) >= wish.count:
                    return tuple(places[: wish.count])
    return ()
