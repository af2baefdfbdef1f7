"""The end of a quarantine: operations that were deferred and allotments that nodes declared.

First every deferred operation is applied that the known rows bear out, again and again until none
is left that can be (a fixpoint). Then the allotments that this history does not know are put in,
in the order in which they were granted, each followed by the same. What is left then goes up the
ladder for late sales, or becomes a case.

Why the order is safe. A history lends a unit to a second allotment only after the journal of the
first one's node gave it back, or, with a higher version, after its sale was taken back; and those
journals have been pushed. So among the allotments that honest nodes declare, at most one still has
a given unit. An allotment that came before has an operation in its node's journal that ends its
hold: put in first, that operation frees the unit again at once; put in later, the unit is not
claimed for it any more and nobody misses it. A unit of an allotment that this history knows, and
one that is sold in it, is never given to a declared one. The order only decides what is tried
first, and a lie about a grant can win nothing but units that nobody else shows a right to.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sync_server.heart.asked import AskedRevocations
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.effect import Effect
from sync_server.heart.effects import Kind, apply_op, comes_twice, holds, read_op, want_rows
from sync_server.heart.intake import open_poison
from sync_server.heart.rows import Allot, Claim, OpRow, Revocation, Share
from sync_server.heart.salvage import on_branch
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.stock import end_all_holds
from sync_server.heart.units import give_back, is_lent, revoke_ticket, units_of
from sync_server.heart.waiting import is_free_for
from sync_server.heart.work import Work
from sync_server.store import schema
from sync_server.store.sql import Sql, columns_of
from ticketing.claim import ClaimKind
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import Op, Verdict
from ticketing.operations import (
    CredentialBound,
    CredentialUnbound,
    Exchange,
    Refund,
    Release,
    Sale,
    SaleLine,
    Settle,
)
from ticketing.ticket import TicketState

_PASSES_MAX = 8  # honest declarations need one or two
_LAST = 2**63
THINKING_MS = 300_000


@dataclass(eq=False, slots=True)
class _Item:
    """A deferred operation, and how many of its own journal's must come before it.

    `holder`: who declares what it was sold from, its node or the hub that this is below.
    """

    row: OpRow
    source: Source
    op: Op
    kind: Kind | str
    holder: str
    blockers: int = 0
    behind: list[_Item] = field(default_factory=list)
    is_done: bool = False


@dataclass(eq=False, slots=True)
class _Grant:
    """A declared allotment that waits to be put in."""

    id: AllotmentId
    node_id: str
    incarnation: int
    performance: int
    firm: bool
    units: list[tuple[int, int]]
    counts: dict[str, int]
    req: str
    granted_ms: int
    soft_s: int
    hard_s: int
    over: bool


def recover(work: Work) -> None:
    """Join what nodes have pushed and declared. The caller ends the quarantine."""
    end_all_holds(work)  # whoever held them has to ask again
    _take_time(work.sql)
    work.flush()  # what came in this very batch is deferred too
    _Recovery(work).run()


def _take_time(sql: Sql) -> None:
    """PostgreSQL is not to take us for frozen, in this transaction, while we think.

    A hundred thousand operations are thought about for many seconds without a statement. Were the
    transaction ended for that, so would be every further try, and the event would wait for ever.
    """
    if not sql.is_sqlite:
        sql.run(f"SET LOCAL idle_in_transaction_session_timeout = {THINKING_MS}")


class _Recovery:
    """One event's recovery."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.items = _deferred_items(work)
        self.grants = _pending_grants(work)
        self._over_at_node = _over_at_nodes(work)
        self._asked = AskedRevocations(work)
        self._starts = _starts(work.sql, self.grants)
        self._ready: deque[_Item] = deque()
        self._waiting: dict[str, list[_Item]] = {}
        self._ended: set[tuple[str, str, int]] = set()  # node, allotment, unit: given back
        self._settled: set[tuple[str, str]] = set()
        self._sold: set[tuple[str, str, int]] = set()  # node, allotment, unit
        self._over: set[tuple[str, int]] = set()  # allotment, unit: over before it was put in
        self._put: set[tuple[str, str]] = set()  # node, allotment
        self._receipts = _taken_receipts(work, self.items)
        self._judged: list[OpRow] = []

    def run(self) -> None:
        """Everything, and the verdicts written."""
        for item in self.items:
            want_rows(self.work, item.op, item.kind)
            self._note(item)
        cited = {(i.holder, cites) for i in self.items for cites in _allotments(i.kind)}
        # Declared by two, an allotment is whose journal speaks of it.
        self.grants.sort(
            key=lambda g: (self._rank(g), (g.node_id, str(g.id)) not in cited, g.node_id)
        )
        for grant in self.grants:
            self.work.claims.want((grant.performance, unit) for unit, _version in grant.units)
            self.work.allots.want([str(grant.id)])
        self.work.allots.want(allot_id for allot_id, _node_id in self._over_at_node)
        _want_new_ids(self.work, self.items)
        self.work.fetch()
        _chain(self.items)
        self._ready.extend(self.items)
        self._drain()
        self._give_back_over()
        self._put_in_all()
        for item in sorted(self.items, key=_turn):  # after the sales: they cite them
            if not item.is_done:
                self._judge(item, self._last_word(item))
        self._give_back_over()
        self.work.flush()
        _write_verdicts(self.work.sql, self._judged, self.work.head)

    def _rank(self, grant: _Grant) -> tuple[int, int]:
        """The order in which they were granted, as far as anybody knows."""
        return self._starts[grant.id.generation], grant.id.number

    def _note(self, item: _Item) -> None:
        """What the operation waits for, and what it ends."""
        kind, node_id = item.kind, item.holder
        for key in _keys_waited_for(kind):
            self._waiting.setdefault(key, []).append(item)
        if isinstance(kind, Release):
            self._ended.update((node_id, str(kind.allotment), unit) for unit in kind.units)
        elif isinstance(kind, Settle):
            self._settled.add((node_id, str(kind.allotment)))
        elif isinstance(kind, Sale | Exchange):
            self._sold.update((node_id, str(line.allotment), line.unit) for line in kind.lines)

    # --- the fixpoint

    def _drain(self) -> None:
        """Apply whatever can be, and look again at what that makes possible."""
        while self._ready:
            item = self._ready.popleft()
            if item.is_done or item.blockers or not self._is_borne_out(item):
                continue
            self._judge(item, self._apply(item, item.kind))
            if isinstance(item.kind, Sale | Exchange):
                self._wake(item.kind.order_id)

    def _apply(self, item: _Item, kind: Kind | str) -> Effect:
        effect = apply_op(self.work, item.source, item.op, kind, final=False)
        if (
            effect.verdict is Verdict.REJECTED
            and isinstance(kind, Release | Settle)
            and (item.holder, str(kind.allotment)) in self._put
        ):  # what was over before the allotment was put in is no fault of the node's
            return Effect(Verdict.OK, shows=effect.shows)
        return effect

    def _judge(self, item: _Item, effect: Effect) -> None:
        row = item.row
        row.verdict, row.verdict_code, row.rev = effect.verdict, effect.code, int(effect.shows)
        item.is_done = True
        self._judged.append(row)
        if effect.verdict is Verdict.REJECTED:
            open_poison(self.work, row)
        for later in item.behind:
            later.blockers -= 1
            self._ready.append(later)

    def _wake(self, key: str) -> None:
        self._ready.extend(item for item in self._waiting.get(key, ()) if not item.is_done)

    def _is_borne_out(self, item: _Item) -> bool:
        """Whether the rows as they are now show that the operation was right."""
        work, kind, node_id = self.work, item.kind, item.source.node_id
        match kind:
            case Sale():
                return not self._comes_twice(item) and _all_held(work, node_id, kind.lines)
            case Exchange():
                if self._comes_twice(item) or not self._take_back_first(item, kind):
                    return False
                return _all_held(work, node_id, kind.lines)
            case Refund():
                return _are_there(work, item.op.op_id, kind.order_id, kind.ticket_ids)
            case Release():
                allot = _own(work, node_id, kind.allotment)
                return allot is not None and self._all_lent(allot, kind)
            case Settle():
                return _own(work, node_id, kind.allotment) is not None
            case CredentialBound():
                return work.tickets.get(kind.ticket_id) is not None
            case CredentialUnbound():
                return work.credentials.get(kind.ref) is not None
            case _:
                return True

    def _take_back_first(self, item: _Item, exchange: Exchange) -> bool:
        """Redo the revocation that the centre made for an exchange, and lost.

        The units that it lent for it, with a higher version, are free only after that.
        """
        work = self.work
        asked = work.revocations.get(item.op.op_id)
        if asked is not None:
            return asked.node_id == item.source.node_id
        if not _are_there(work, item.op.op_id, exchange.of_order, exchange.returned):
            return False
        for ticket_id in exchange.returned:
            ticket = work.tickets.get(ticket_id)
            assert ticket is not None, "it is there"
            revoke_ticket(work, ticket)
        redone = Revocation(
            work.stream,
            item.op.op_id,
            item.source.node_id,
            exchange.action,
            work.now_ms,
            0,
            json.dumps({"tickets": list(exchange.returned), "allotment": ""}),
        )
        work.revocations.put(item.op.op_id, redone)
        return True

    def _all_lent(self, allot: Allot, release: Release) -> bool:
        work = self.work
        return all(
            is_lent(work.claim(release.performance, unit), allot) or (allot.id, unit) in self._over
            for unit in release.units
        )

    def _comes_twice(self, item: _Item) -> bool:
        """Whether its order, a ticket or the receipt's number belongs to another already."""
        work, kind = self.work, item.kind
        assert isinstance(kind, Sale | Exchange)
        return comes_twice(work, kind) or not self._receipts.is_first(item, kind.receipt_no)

    # --- declared allotments

    def _put_in_all(self) -> None:
        """Whole ones first, as often as that makes others whole; then what can be had of the rest.

        No pass starts over: a grant is looked at _PASSES_MAX + 1 times at most.
        """
        left: Sequence[_Grant] = self.grants
        for _ in range(_PASSES_MAX):
            still = [grant for grant in left if not self._put_in(grant, only_whole=True)]
            if len(still) == len(left):
                break
            left = still
        for grant in left:
            self._put_in(grant, only_whole=False)

    def _put_in(self, grant: _Grant, *, only_whole: bool) -> bool:
        """Give the allotment its units, as far as they are to be had; False when that waits."""
        work = self.work
        known = work.allots.get(str(grant.id))
        if known is not None and known.state != "held":
            _refuse(work, grant, [unit for unit, _version in grant.units])
            _conclude(work, grant, "refused")
            return True
        had, missing = self._divide(grant)
        short = {p: n for p, n in grant.counts.items() if not _pool_has(work, p, n)}
        if only_whole and (missing or short):
            return False
        allot = _allot_of(work, grant, known, had)
        for unit, version in had:
            claim = work.claim(grant.performance, unit)
            claim.kind, claim.ref, claim.node_id = ClaimKind.ALLOT, allot.id, grant.node_id
            claim.version = version
            work.put_claim(claim)
        lent = _lend_shares(work, allot, grant)
        if missing or short:
            allot.recall = 1  # the till gives back what it has not sold, also what it can't have
            _refuse(work, grant, missing, short)
        allot.state = "open" if had or lent else "closed"
        work.allots.put(allot.id, allot)
        _conclude(work, grant, "installed" if had or lent or not missing else "refused")
        self._put.add((grant.node_id, allot.id))
        held = {unit for unit, _version in had}
        self._over.update((allot.id, unit) for unit, _v in grant.units if unit not in held)
        self._wake(allot.id)
        self._drain()
        if grant.over:
            self._over_at_node.append((allot.id, grant.node_id))
            self._give_back_over()
        return True

    def _give_back_over(self) -> None:
        """Free what this history believes lent to a node for which it is over.

        What closed the allotment there, two people's write-off say, was in the part that is lost.
        Sales from it come first.
        """
        work, waited_for = self.work, []
        for allot_id, node_id in self._over_at_node:
            allot = work.allots.get(allot_id)
            if allot is None or (allot.node_id, allot.state) != (node_id, "open"):
                continue
            waiting = (i for i in self._waiting.get(allot_id, ()) if i.holder == node_id)
            if not all(item.is_done for item in waiting):
                waited_for.append((allot_id, node_id))
                continue
            units = [unit for unit, _version in units_of(allot)]
            give_back(work, allot, allot.perf_id, units, None)
            allot.state = "closed"
            work.allots.put(allot_id, allot)
        self._over_at_node = waited_for

    def _divide(self, grant: _Grant) -> tuple[list[tuple[int, int]], list[int]]:
        """The units that it can be given, and those that somebody else has a right to."""
        work = self.work
        had, missing = [], []
        exists = work.event.performance(grant.performance) is not None
        for unit, version in grant.units:
            if grant.over and (grant.node_id, str(grant.id), unit) not in self._sold:
                continue
            claim = work.claim(grant.performance, unit)
            self._asked.make_again(claim, version, str(grant.id), grant.req)
            if exists and work.plan.has_unit(unit) and _is_to_be_had(claim, version):
                had.append((unit, version))
            elif not self._is_ended(grant, unit):
                missing.append(unit)
        return had, missing

    def _is_ended(self, grant: _Grant, unit: int) -> bool:
        key = (grant.node_id, str(grant.id))
        return key in self._settled or (*key, unit) in self._ended

    # --- what is left

    def _last_word(self, item: _Item) -> Effect:
        """Up the ladder, or why not."""
        kind = item.kind
        if isinstance(kind, Sale | Exchange) and self._comes_twice(item):
            kind = "contradiction"
        return self._apply(item, kind)


# --- what is read


def _deferred_items(work: Work) -> list[_Item]:
    roles = {row[0]: NodeRole(row[1]) for row in work.sql.rows("SELECT id, role FROM node")}
    rows = work.sql.rows(
        f"SELECT {columns_of(schema.op)} FROM op "  # noqa: S608 - our own names
        "WHERE event_id = ? AND verdict = 'deferred' ORDER BY node_id, inc, branch, seq",
        work.stream,
    )
    items = []
    for row in (OpRow(*each) for each in rows):
        source = Source(row.node_id, roles[row.node_id], row.inc, work.stream, row.branch)
        op = Op(row.seq, OpId(row.op_id), row.kind, row.version, row.wall_ms, row.body, row.hash)
        kind = on_branch(read_op(work, source, op), row.branch)
        items.append(_Item(row, source, op, kind, work.hub_of(row.node_id) or row.node_id))
    return items


def _pending_grants(work: Work) -> list[_Grant]:
    """What nodes have declared and this history does not know."""
    rows = work.sql.rows(
        "SELECT id, node_id, inc, body FROM declared WHERE event_id = ? AND state = 'pending'",
        work.stream,
    )
    grants = []
    for allot_id, node_id, incarnation, text in rows:
        number, body = AllotmentId.parse(allot_id), json.loads(text)
        assert number is not None, allot_id
        grants.append(
            _Grant(
                number,
                node_id,
                incarnation,
                body["p"],
                body["firm"],
                [(unit, version) for unit, version in body["units"]],
                body["counts"],
                body["req"],
                body["granted_ms"],
                body["soft_s"],
                body["hard_s"],
                body.get("over", False),  # a report from before there was such a word
            )
        )
    return grants


def _over_at_nodes(work: Work) -> list[tuple[str, str]]:
    """Allotments that this history has open and whose node sells nothing more from them."""
    rows = work.sql.rows(
        "SELECT id, node_id FROM declared WHERE event_id = ? AND state = 'over' ORDER BY id",
        work.stream,
    )
    return [(row[0], row[1]) for row in rows]


def _starts(sql: Sql, grants: Iterable[_Grant]) -> dict[str, int]:
    """When each generation began; one that was lost whole: when its first known grant was made."""
    starts: dict[str, int] = {}
    for grant in grants:
        said = grant.granted_ms or _LAST
        starts[grant.id.generation] = min(starts.get(grant.id.generation, _LAST), said)
    known = sql.rows("SELECT short, started_ms FROM generation WHERE reason <> 'lost'")
    starts.update((row[0], row[1]) for row in known)
    return starts


def _want_new_ids(work: Work, items: Iterable[_Item]) -> None:
    for item in items:
        if isinstance(item.kind, Sale | Exchange):
            work.orders.want([item.kind.order_id])
            work.tickets.want(line.ticket_id for line in item.kind.lines)
            work.allots.want(str(line.allotment) for line in item.kind.lines)


class _Receipts:
    """Who has a receipt's number: nobody prints one twice, but a copied machine does."""

    def __init__(self, taken: Iterable[tuple[str, int, str]]) -> None:
        self._taken = frozenset(taken)
        self._first: dict[tuple[str, int, str], _Item] = {}

    def is_first(self, item: _Item, receipt_no: str) -> bool:
        """Whether no order has it, and no other operation here."""
        key = (item.source.node_id, item.source.incarnation, receipt_no)
        return key not in self._taken and self._first.setdefault(key, item) is item


def _taken_receipts(work: Work, items: Iterable[_Item]) -> _Receipts:
    numbers = {item.kind.receipt_no for item in items if isinstance(item.kind, Sale | Exchange)}
    if not numbers:
        return _Receipts(())
    condition, bound = work.sql.among("receipt_no", numbers)
    rows = work.sql.rows(
        f"SELECT node_id, inc, receipt_no FROM orders WHERE event_id = ? AND {condition}",  # noqa: S608
        work.stream,
        bound,
    )
    return _Receipts((row[0], row[1], row[2]) for row in rows)


# --- within a journal


def _turn(item: _Item) -> int:
    """What cites others comes after them."""
    if isinstance(item.kind, CredentialUnbound):
        return 2
    return int(isinstance(item.kind, Refund | Exchange | CredentialBound))


def _chain(items: Sequence[_Item]) -> None:
    """Operations of one journal on the same unit, order or ticket go in their order."""
    last: dict[tuple[object, ...], _Item] = {}
    citing: dict[tuple[object, ...], list[_Item]] = {}
    for item in items:
        journal = (item.row.node_id, item.row.inc, item.row.branch)
        before = {last[key]: None for key in _keys_touched(item.kind, journal) if key in last}
        for allot_id in _allotments(item.kind):
            cited = citing.setdefault((*journal, allot_id), [])
            if isinstance(item.kind, Settle):
                before.update(dict.fromkeys(cited))
                cited.clear()  # what comes behind waits for this one
            cited.append(item)
        for earlier in before:
            earlier.behind.append(item)
        item.blockers = len(before)
        last.update((key, item) for key in _keys_touched(item.kind, journal))


def _keys_touched(kind: Kind | str, journal: tuple[object, ...]) -> Iterable[tuple[object, ...]]:
    match kind:
        case Sale():
            keys = [*_line_keys(kind.lines), ("order", kind.order_id)]
        case Exchange():
            keys = [
                *_line_keys(kind.lines),
                *(("ticket", ticket_id) for ticket_id in kind.returned),
                ("order", kind.order_id),
                ("order", kind.of_order),
            ]
        case Refund():
            keys = [
                *(("ticket", ticket_id) for ticket_id in kind.ticket_ids),
                ("order", kind.order_id),
            ]
        case Release():
            keys = [("unit", kind.performance, unit) for unit in kind.units]
        case CredentialBound() | CredentialUnbound():
            keys = [("ticket", kind.ticket_id), ("chip", kind.ref)]
        case _:
            keys = []
    return [(*journal, *key) for key in keys]


def _line_keys(lines: Iterable[SaleLine]) -> Iterable[tuple[object, ...]]:
    for line in lines:
        yield "unit", line.performance, line.unit
        yield "ticket", line.ticket_id


def _allotments(kind: Kind | str) -> set[str]:
    match kind:
        case Sale() | Exchange():
            return {str(line.allotment) for line in kind.lines}
        case Release() | Settle():
            return {str(kind.allotment)}
        case _:
            return set()


def _keys_waited_for(kind: Kind | str) -> set[str]:
    """What may come that bears the operation out: an allotment put in, an order sold."""
    keys = _allotments(kind)
    if isinstance(kind, Refund):
        keys.add(kind.order_id)
    elif isinstance(kind, Exchange):
        keys.add(kind.of_order)
    return keys


# --- what the rows say


def _all_held(work: Work, node_id: str, lines: Iterable[SaleLine]) -> bool:
    return all(
        holds(work, work.claim(line.performance, line.unit), node_id, line) for line in lines
    )


def _own(work: Work, node_id: str, allotment: AllotmentId) -> Allot | None:
    allot = work.allots.get(str(allotment))
    if allot is None or not work.may_sell_for(node_id, allot.node_id):
        return None
    return allot


def _are_there(work: Work, op_id: str, order_id: str, ticket_ids: Iterable[str]) -> bool:
    """Whether the order and its tickets are known, and not void by something else."""
    if work.orders.get(order_id) is None:
        return False
    revoked = work.revocations.get(op_id) is not None
    tickets = [work.tickets.get(ticket_id) for ticket_id in ticket_ids]
    return all(
        ticket is not None
        and ticket.order_id == order_id
        and (revoked or ticket.state != TicketState.VOID)
        for ticket in tickets
    )


def _is_to_be_had(claim: Claim, version: int) -> bool:
    """Whether nobody shows a right to the unit.

    What the centre itself holds or keeps back gives way: nothing was ever printed on it.
    """
    if claim.kind in (ClaimKind.HOLD, ClaimKind.BLOCKED):
        return claim.version <= version
    return is_free_for(claim, version)


def _pool_has(work: Work, pool_id: str, count: int) -> bool:
    pool = work.pools.get(pool_id)
    return pool is not None and pool.free >= count


# --- what is written


def _allot_of(
    work: Work, grant: _Grant, known: Allot | None, units: Sequence[tuple[int, int]]
) -> Allot:
    """The row, with the units it really got: what it vouches for at the gates."""
    counts = {p: min(n, _free(work, p)) for p, n in grant.counts.items() if _free(work, p)}
    body: dict[str, object] = {"units": list(units)}
    if counts:
        body["counts"] = counts
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if known is not None:
        known.node_id, known.inc, known.body = grant.node_id, grant.incarnation, text
        known.expires_ms = 0
        return known
    return Allot(
        work.stream,
        str(grant.id),
        grant.node_id,
        grant.incarnation,
        grant.performance,
        grant.req if grant.req and not _is_asked(work, grant) else f"declared:{grant.id}",
        int(grant.firm),
        "open",
        grant.granted_ms or work.now_ms,
        0,
        grant.soft_s,
        grant.hard_s,
        0,
        text,
    )


def _is_asked(work: Work, grant: _Grant) -> bool:
    """Whether another allotment came of this request: the unique index would refuse a second."""
    if any(a.node_id == grant.node_id and a.req == grant.req for a in work.allots.changed.values()):
        return True
    asked = "SELECT 1 FROM allot WHERE event_id = ? AND node_id = ? AND req = ?"
    return work.sql.row(asked, work.stream, grant.node_id, grant.req) is not None


def _free(work: Work, pool_id: str) -> int:
    pool = work.pools.get(pool_id)
    return pool.free if pool is not None else 0


def _lend_shares(work: Work, allot: Allot, grant: _Grant) -> bool:
    """Lend what the pools still have of the shares; whether anything was lent."""
    lent = False
    for pool_id, count in grant.counts.items():
        pool = work.pools.get(pool_id)
        given = min(count, _free(work, pool_id))
        if pool is None or not given:
            continue
        pool.free, pool.lent = pool.free - given, pool.lent + given
        work.pools.put(pool_id, pool)
        work.shares.put((allot.id, pool_id), Share(work.stream, allot.id, pool_id, given, 0))
        lent = True
    return lent


def _refuse(
    work: Work, grant: _Grant, units: list[int], short: dict[str, int] | None = None
) -> None:
    body = {
        "node": grant.node_id,
        "allotment": str(grant.id),
        "p": grant.performance,
        "units": units,
        "pools": short or {},
        "code": "not_to_be_had",
    }
    open_case(work, CaseKind.GRANT, f"{grant.id}:{grant.node_id}", body)


def _conclude(work: Work, grant: _Grant, state: str) -> None:
    work.sql.run(
        "UPDATE declared SET state = ? WHERE event_id = ? AND id = ? AND node_id = ?",
        state,
        work.stream,
        str(grant.id),
        grant.node_id,
    )


def _write_verdicts(sql: Sql, rows: Sequence[OpRow], head: int) -> None:
    """The verdicts of operations that had been put off."""
    values = [
        (
            row.verdict,
            row.verdict_code,
            head if row.rev else 0,
            row.event_id,
            row.node_id,
            row.inc,
            row.seq,
            row.branch,
        )
        for row in rows
    ]
    if sql.is_sqlite:
        for each in values:
            sql.run(
                "UPDATE op SET verdict = ?, verdict_code = ?, rev = ? WHERE event_id = ? "
                "AND node_id = ? AND inc = ? AND seq = ? AND branch = ?",
                *each,
            )
    elif values:
        sql.run(
            "UPDATE op SET verdict = x.verdict, verdict_code = x.code, rev = x.rev FROM unnest("
            "?::text[], ?::text[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], "
            "?::text[]) AS x(verdict, code, rev, event_id, node_id, inc, seq, branch) "
            "WHERE op.event_id = x.event_id AND op.node_id = x.node_id AND op.inc = x.inc "
            "AND op.seq = x.seq AND op.branch = x.branch",
            *(list(column) for column in zip(*values, strict=True)),
        )
