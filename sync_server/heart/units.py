"""What can happen to lent units: given back, revoked after a sale, freed for others, and shares."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.rows import Allot, Claim, Pool, Share, TicketRow
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.operations import SaleLine
from ticketing.ticket import TicketState

if TYPE_CHECKING:
    from sync_server.heart.source import Source

UNITS_LOOKED_AT_MAX = 100
"""A release closes its allotment at once only when that has no more units than this to look at."""


def units_of(allot: Allot) -> tuple[tuple[int, int], ...]:
    """The units of an allotment as they were lent: (unit, version)."""
    return tuple((unit, version) for unit, version in json.loads(allot.body)["units"])


def was_lent(allot: Allot, unit: int, version: int) -> bool:
    """Whether the allotment was lent with this unit at this version."""
    return (unit, version) in _units_in(allot.body)


@lru_cache(maxsize=64)
def _units_in(body: str) -> frozenset[tuple[int, int]]:
    """Late sales come by hundreds out of one allotment: its text is read once."""
    return frozenset((unit, version) for unit, version in json.loads(body)["units"])


def counts_of(allot: Allot) -> dict[str, int]:
    """The shares of counter pools as they were lent."""
    return dict(json.loads(allot.body).get("counts", {}))


def is_lent(claim: Claim, allot: Allot) -> bool:
    """Whether the unit is still out under this allotment, unsold as far as the centre knows.

    Of a hold: whether it still keeps the unit; of a block too.
    """
    kinds = (ClaimKind.ALLOT, ClaimKind.HOLD, ClaimKind.BLOCKED)
    return claim.kind in kinds and claim.ref == allot.id and claim.node_id == allot.node_id


def free_unit(work: Work, claim: Claim) -> None:
    """Nobody has the unit any more; its version stays, since no ticket of it was sold."""
    claim.kind, claim.ref, claim.node_id = ClaimKind.FREE, "", ""
    work.put_claim(claim)


def give_back(
    work: Work,
    allot: Allot,
    performance: int,
    units: Iterable[int],
    counts: Iterable[tuple[str, int]] | None,
) -> bool:
    """Free units and shares of an allotment; True when every one of them was still lent.

    `counts` None: whatever is left of the shares.
    """
    whole = True
    units = tuple(units)
    work.claims.want((performance, unit) for unit in units)
    work.claims.fetch()
    for unit in units:
        claim = work.claim(performance, unit)
        if is_lent(claim, allot):
            free_unit(work, claim)
        else:
            whole = False
    shares = counts_of(allot) if counts is None else dict(counts)
    for pool_id, count in shares.items():
        whole = _return_share(work, allot, pool_id, None if counts is None else count) and whole
    return whole


def close_if_spent(work: Work, allot: Allot, most: int = UNITS_LOOKED_AT_MAX) -> None:
    """An allotment with nothing left in it is closed; a large one is left to the sweep."""
    if allot.state != "open":
        return
    units = units_of(allot)
    if len(units) > most:
        return
    work.claims.want((allot.perf_id, unit) for unit, _version in units)
    work.claims.fetch()
    if any(is_lent(work.claim(allot.perf_id, unit), allot) for unit, _version in units):
        return
    for pool_id in counts_of(allot):
        share = work.shares.get((allot.id, pool_id))
        if share is not None and share.lent:
            return
    allot.state = "closed"
    work.allots.put(allot.id, allot)


def settle_all(work: Work, allot: Allot) -> None:
    """Its holder is done with it: what was not sold is free, and it is closed for good.

    One that was written off stays so, but the shares that were kept for late sales go back.
    """
    if allot.state in ("open", "written_off"):
        give_back(work, allot, allot.perf_id, [unit for unit, _version in units_of(allot)], None)
    if allot.state == "open":
        allot.state = "closed"
        work.allots.put(allot.id, allot)


def revoke_ticket(work: Work, ticket: TicketRow) -> bool:
    """The ticket lets nobody in any more. False when it did not before.

    Its unit is `returned`: nobody sells it until the centre frees it under a new version.
    """
    if ticket.state not in (TicketState.VALID, TicketState.DISPUTED):
        return False
    claim = work.claim(ticket.perf_id, ticket.unit)
    if claim.kind == ClaimKind.SOLD and claim.ref == ticket.id:
        claim.kind = ClaimKind.RETURNED
        work.put_claim(claim)
    ticket.state = TicketState.VOID
    work.tickets.put(ticket.id, ticket)
    return True


def free_returned(work: Work, claim: Claim) -> None:
    """A returned unit may be sold again; old tickets of it are told by their lower version."""
    assert claim.kind == ClaimKind.RETURNED, claim.kind
    claim.version += 1
    free_unit(work, claim)


def take_share(work: Work, allot_id: str, pool_id: str, count: int) -> bool:
    """Lend some of a pool with an allotment; False when less is left."""
    pool = work.pools.get(pool_id)
    if pool is None or pool.free < count:
        return False
    pool.free, pool.lent = pool.free - count, pool.lent + count
    work.pools.put(pool_id, pool)
    work.shares.put((allot_id, pool_id), Share(work.stream, allot_id, pool_id, count, 0))
    return True


def spend_share(work: Work, source: Source, order_id: str, line: SaleLine) -> None:
    """A line spent one of a lent share; more than was lent is a case, the sale stands."""
    key = (str(line.allotment), line.pool)
    share, pool = work.shares.get(key), work.pools.get(line.pool)
    if share is None or pool is None or share.lent < 1:
        body = {"node": source.node_id, "order": order_id, "pool": line.pool}
        open_case(work, CaseKind.POOL, f"{order_id}:{line.pool}", body)
        return
    _move(work, pool, share, spent=1)


def _return_share(work: Work, allot: Allot, pool_id: str, count: int | None) -> bool:
    share, pool = work.shares.get((allot.id, pool_id)), work.pools.get(pool_id)
    if share is None or pool is None:
        return False
    wanted = share.lent if count is None else count
    given = min(wanted, share.lent)
    share.lent -= given
    pool.lent, pool.free = pool.lent - given, pool.free + given
    work.shares.put((allot.id, pool_id), share)
    work.pools.put(pool_id, pool)
    return given == wanted


def _move(work: Work, pool: Pool, share: Share, *, spent: int) -> None:
    share.lent, share.spent = share.lent - spent, share.spent + spent
    pool.lent, pool.spent = pool.lent - spent, pool.spent + spent
    work.shares.put((share.allot_id, share.pool_id), share)
    work.pools.put(pool.id, pool)
