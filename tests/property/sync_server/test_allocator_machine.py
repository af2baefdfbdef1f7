"""Whatever is asked of the stock in whatever order: units and rights add up, and none has two owners.

The machine does to the database what nodes, managers and the clock do, and to a dictionary what
should come of it. After every step the two are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from sync_server.heart.lending import Acquire, Grant, Lend, NoGrant
from sync_server.heart.policy import Policy
from sync_server.heart.reclaim import (
    CloseSpent,
    NoResolution,
    NoWriteOff,
    Recall,
    Resolved,
    ResolveOversold,
    WriteOff,
    WrittenOff,
)
from sync_server.heart.returns import NoRevocation, Revoke, Revoked, SweepReturned
from sync_server.heart.source import NodeRole
from sync_server.heart.stock import (
    SERVER,
    Drop,
    ExpireHolds,
    Extend,
    Firm,
    Held,
    Hold,
    HoldWish,
    NoPool,
    NoSale,
    SellHeld,
    SetPool,
    SoldHeld,
)
from tests.fakes.examples import examples
from tests.integration.sync_server.stage import (
    CAPACITY,
    EVENT,
    GENERATION,
    PERFORMANCE,
    UNITS,
    Stage,
    Till,
    open_stage,
)
from ticketing.ids import NodeId, OpId
from ticketing.journal import OpKind
from ticketing.operations import (
    ExchangeAction,
    RefundAction,
    Release,
    SaleLine,
    Settle,
    encode_release,
    encode_settle,
)
from ticketing.returns import ResellPolicy

POOL = "first"
AT_ONCE = Policy(resell_seats=ResellPolicy.NOW)
SOME_UNITS = st.lists(st.sampled_from(UNITS), min_size=1, max_size=4, unique=True)
ANY = st.integers(0, 10_000)
_TAKEN = (Grant, Held, SoldHeld, Revoked, WrittenOff, Resolved)
BOTH = st.booleans()


@dataclass
class Unit:
    """Who has it: nobody, a hold or an allotment by its id, or a ticket."""

    kind: str = "free"
    ref: str = ""
    version: int = 0


@dataclass
class Lent:
    """An allotment, as the centre should have it; `hand`: what its till believes it can sell."""

    till: Till
    grant: Grant
    granted_ms: int
    hand: dict[int, int]
    state: str = "open"
    lent_shares: int = 0
    hand_shares: int = 0


@dataclass
class Sold:
    """A sale as it was printed, and what became of its tickets."""

    by: str
    order_id: str
    tickets: dict[str, str] = field(default_factory=dict)


class Allocator(RuleBasedStateMachine):
    """The stock of one performance."""

    happened: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.stage: Stage = self.stack.enter_context(open_stage(folder))
        self.units = {unit: Unit() for unit in UNITS}
        self.pool = Counter({"free": 0, "lent": 0, "spent": 0})
        self.holds: dict[str, tuple[Held, str, int]] = {}
        self.lent: dict[str, Lent] = {}
        self.sales: list[Sold] = []
        self.said: list[tuple[Till, Callable[[], str]]] = []
        self.again: list[Any] = []

    @initialize()
    def enrol(self) -> None:
        self.tills = [self.stage.till("Window 1"), self.stage.till("Window 2")]
        self.stage.gate()
        self.stage.take(SetPool(EVENT, POOL, 6))
        self.pool["free"] = 6

    def teardown(self) -> None:
        account = self.stage.units()
        assert account.balanced
        assert account.capacity == CAPACITY == len(self.units)
        self.stack.close()

    def note(self, what: str) -> None:
        self.happened[what] += 1

    def take(self, step: Any) -> Any:
        answer = self.stage.take(step)
        if isinstance(answer, _TAKEN):
            self.again.append(step)
        return answer

    def free(self) -> set[int]:
        return {number for number, unit in self.units.items() if unit.kind == "free"}

    def put(self, numbers: list[int], kind: str, ref: str = "") -> None:
        for number in numbers:
            self.units[number].kind, self.units[number].ref = kind, ref

    def move_shares(self, count: int, start: str, end: str) -> None:
        self.pool[start] -= count
        self.pool[end] += count

    # --- lending and holding

    def _can(self, units: list[int], shares: int) -> bool:
        return set(units) <= self.free() and shares <= self.pool["free"]

    @rule(who=BOTH, units=SOME_UNITS, shares=st.integers(0, 2), firm=BOTH)
    def lend(self, who: bool, units: list[int], shares: int, firm: bool) -> None:
        till = self.tills[who]
        counts = ((POOL, shares),) if shares else ()
        req = f"{self.stage.mint():032x}"
        wish = Acquire(req, PERFORMANCE, tuple(units), firm=firm, counts=counts)
        self._lent(till, units, shares, self.take(Lend(till.source, wish)))

    def _lent(self, till: Till, units: list[int], shares: int, answer: Any) -> None:
        if not self._can(units, shares):
            assert isinstance(answer, NoGrant)
            self.note("refused")
            return
        assert isinstance(answer, Grant), answer
        self.move_shares(shares, "free", "lent")
        self._keep(till, answer, shares)
        self.note("lent")

    def _keep(self, till: Till, grant: Grant, shares: int) -> None:
        hand = dict(grant.units)
        assert hand == {number: self.units[number].version for number in hand}
        self.put(list(hand), "allot", str(grant.id))
        lent = Lent(till, grant, self.stage.now_ms, hand, "open", shares, shares)
        self.lent[str(grant.id)] = lent

    @rule(who=BOTH, count=st.integers(1, 2))
    def refill(self, who: bool, count: int) -> None:
        till, free = self.tills[who], self.free()
        answer = self.take(Lend(till.source, Acquire(f"{self.stage.mint():032x}", 1, (), count)))
        if isinstance(answer, Grant):
            assert {number for number, _version in answer.units} <= free
            self._keep(till, answer, 0)
            self.note("refilled")

    @rule(who=BOTH, units=SOME_UNITS, shares=st.integers(0, 2), ttl_s=st.integers(60, 3600))
    def hold(self, who: bool, units: list[int], shares: int, ttl_s: int) -> None:
        by = self.tills[0].node_id if who else ""
        counts = ((POOL, shares),) if shares else ()
        req = f"{self.stage.mint():032x}"
        wish = HoldWish(req, PERFORMANCE, ttl_s, tuple(units), counts=counts)
        answer = self.take(Hold(EVENT, by, wish))
        if not self._can(units, shares):
            assert isinstance(answer, NoGrant)
            return
        assert isinstance(answer, Held), answer
        self.move_shares(shares, "free", "lent")
        self.put(units, "hold", str(answer.id))
        self.holds[str(answer.id)] = (answer, by, shares)
        self.note("held")

    def _end_hold(self, held: Held, shares: int) -> None:
        for number, _version in held.units:
            if self.units[number].ref == str(held.id):
                self.put([number], "free")
        self.move_shares(shares, "lent", "free")
        del self.holds[str(held.id)]

    def _some_hold(self, at: int) -> tuple[Held, str, int]:
        return list(self.holds.values())[at % len(self.holds)]

    @precondition(lambda self: self.holds)
    @rule(at=ANY, ttl_s=st.integers(1, 3600))
    def extend(self, at: int, ttl_s: int) -> None:
        held, by, shares = self._some_hold(at)
        kept = self.stage.take(Extend(EVENT, by, str(held.id), ttl_s))
        assert isinstance(kept, Held)
        self.holds[str(held.id)] = (kept, by, shares)
        self.note("extended")

    @precondition(lambda self: self.holds)
    @rule(at=ANY)
    def drop(self, at: int) -> None:
        held, by, shares = self._some_hold(at)
        assert isinstance(self.take(Drop(EVENT, by, str(held.id))), Held)
        self._end_hold(held, shares)
        self.note("dropped")

    @rule(later=BOTH)
    def expire(self, later: bool) -> None:
        self.stage.now += timedelta(hours=later)
        over = [one for one in self.holds.values() if one[0].expires_ms <= self.stage.now_ms]
        assert self.stage.take(ExpireHolds(EVENT)) == len(over)
        for held, _by, shares in over:
            self._end_hold(held, shares)
            self.note("expired")

    @precondition(lambda self: self.holds)
    @rule(at=ANY, who=BOTH)
    def firm(self, at: int, who: bool) -> None:
        held, by, shares = self._some_hold(at)
        till = self.tills[0] if by else self.tills[who]
        grant = self.take(Firm(till.source, by, str(held.id)))
        assert isinstance(grant, Grant), grant
        assert grant.units == held.units
        self._keep(till, grant, shares)
        del self.holds[str(held.id)]
        self.note("firmed")

    @precondition(lambda self: self.holds)
    @rule(at=ANY, count=st.integers(1, 4), spend=st.integers(0, 2))
    def sell_held(self, at: int, count: int, spend: int) -> None:
        held, by, shares = self._some_hold(at)
        clerk = Till(self.stage, NodeId(SERVER), NodeRole.TILL, bytes(32))
        chosen = held.units[:count]
        lines = [
            clerk.line(number, held.id, version=version, pool=POOL if n < spend else "")
            for n, (number, version) in enumerate(chosen)
        ]
        sale = clerk.sale(*lines)
        op_id = OpId(f"{self.stage.mint():032x}")
        answer = self.take(SellHeld(EVENT, by, str(held.id), op_id, sale))
        spent = min(spend, len(lines))
        if spent > shares:
            assert answer is NoSale.POOL_EMPTY
            return
        assert answer == SoldHeld(sale.order_id)
        for line in lines:
            self.put([line.unit], "sold", line.ticket_id)
        self.sales.append(Sold(SERVER, sale.order_id, {x.ticket_id: "valid" for x in lines}))
        self.move_shares(spent, "lent", "spent")
        self._end_hold(held, shares - spent)
        self.note("sold by the centre")

    # --- what tills do, and the centre hears of later

    def _some_lent(self, at: int, state: str = "") -> Lent | None:
        having = [
            one for one in self.lent.values() if one.hand and one.state in (state or one.state)
        ]
        return having[at % len(having)] if having else None

    @precondition(lambda self: any(lent.hand for lent in self.lent.values()))
    @rule(at=ANY, count=st.integers(1, 3), spend=st.integers(0, 2), lost=BOTH, told=BOTH)
    def sell(self, at: int, count: int, spend: int, lost: bool, told: bool) -> None:
        lent = self._some_lent(at, "written_off" if lost else "open") or self._some_lent(at)
        assert lent is not None
        spend = min(spend, lent.hand_shares, count, len(lent.hand))
        lines = []
        for n, (number, version) in enumerate(list(lent.hand.items())[:count]):
            del lent.hand[number]
            pool = POOL if n < spend else ""
            lines.append(lent.till.line(number, lent.grant.id, version=version, pool=pool))
        lent.hand_shares -= spend
        sale = lent.till.say_sale(lent.till.sale(*lines))
        self.said.append((lent.till, lambda: self._heard_sale(lent, sale.order_id, lines)))
        if told:
            self._push(lent.till)

    def _heard_sale(self, lent: Lent, order_id: str, lines: list[SaleLine]) -> str:
        verdicts = []
        sold = Sold(lent.till.node_id, order_id)
        for line in lines:
            verdict, number = self._rung(lent, line, {other.unit for other in lines})
            if number is not None:
                self.put([number], "sold", line.ticket_id)
            sold.tickets[line.ticket_id] = "disputed" if number is None else "valid"
            verdicts.append(verdict)
            if line.pool:
                assert lent.lent_shares > 0, "a share that may have been spent was lent again"
                lent.lent_shares -= 1
                self.move_shares(1, "lent", "spent")
        self.sales.append(sold)
        late = [verdict for verdict in verdicts if verdict != "ok"]
        told = "disputed" if "disputed" in late else late[0] if late else "ok"
        self.note(f"sale {told}")
        return f"{told} not_held" if late else "ok"

    def _rung(self, lent: Lent, line: SaleLine, sold: set[int]) -> tuple[str, int | None]:
        unit = self.units[line.unit]
        if (unit.kind, unit.ref) == ("allot", str(lent.grant.id)):
            return "ok", line.unit
        if (unit.kind, unit.version) == ("free", line.version):
            return "ok_late", line.unit
        places = sorted(number for number in self.free() - sold if number > 100)
        if line.unit > 100 and unit.kind == "free":
            places = sorted({*places, line.unit})
        if line.unit > 100 and places:
            return "ok_moved", places[0]
        return "disputed", None

    @precondition(lambda self: self.lent)
    @rule(at=ANY, count=st.integers(1, 4), shares=st.integers(0, 2), told=BOTH)
    def release(self, at: int, count: int, shares: int, told: bool) -> None:
        lent = self._some_lent(at)
        if lent is None:
            return
        chosen = list(lent.hand)[:count]
        shares = min(shares, lent.hand_shares)
        for number in chosen:
            del lent.hand[number]
        lent.hand_shares -= shares
        counts = ((POOL, shares),) if shares else ()
        body = encode_release(Release(PERFORMANCE, lent.grant.id, tuple(chosen), counts))
        lent.till.say(OpKind.RELEASE, body)
        self.said.append((lent.till, lambda: self._heard_release(lent, chosen, shares)))
        if told:
            self._push(lent.till)

    def _heard_release(self, lent: Lent, chosen: list[int], shares: int) -> str:
        self._take_units_back(lent, chosen)
        given = min(shares, lent.lent_shares)
        lent.lent_shares -= given
        self.move_shares(given, "lent", "free")
        self._close_if_spent(lent)
        self.note("released")
        return "ok"

    @rule(at=ANY)
    def settle(self, at: int) -> None:
        lent = self._some_lent(at)
        if lent is None:
            return
        lent.hand.clear()
        lent.hand_shares = 0
        lent.till.say(OpKind.SETTLE, encode_settle(Settle(PERFORMANCE, lent.grant.id)))
        self.said.append((lent.till, lambda: self._heard_settle(lent)))

    def _heard_settle(self, lent: Lent) -> str:
        self._take_units_back(lent, [number for number, _version in lent.grant.units])
        self.move_shares(lent.lent_shares, "lent", "free")
        lent.lent_shares = 0
        lent.state = "closed" if lent.state == "open" else lent.state
        self.note("settled")
        return "ok"

    def _still_lent(self, lent: Lent) -> list[int]:
        ref = str(lent.grant.id)
        return [number for number, unit in self.units.items() if unit.ref == ref]

    def _take_units_back(self, lent: Lent, numbers: list[int]) -> None:
        self.put([number for number in self._still_lent(lent) if number in numbers], "free")

    def _close_if_spent(self, lent: Lent) -> None:
        if lent.state == "open" and not self._still_lent(lent) and not lent.lent_shares:
            lent.state = "closed"

    @rule(who=BOTH)
    def push(self, who: bool) -> None:
        self._push(self.tills[who])

    def _push(self, till: Till) -> None:
        expected = [effect() for owner, effect in self.said if owner is till]
        self.said = [pair for pair in self.said if pair[0] is not till]
        if expected:
            assert till.push() == expected

    # --- taking back

    @precondition(lambda self: self.lent)
    @rule(at=ANY)
    def recall(self, at: int) -> None:
        lent = list(self.lent.values())[at % len(self.lent)]
        found = self.stage.take(Recall(EVENT, str(lent.grant.id)))
        assert bool(found) == (lent.state == "open")
        self.note("recalled")

    @precondition(lambda self: any(lent.hand for lent in self.lent.values()))
    @rule(at=ANY, patient=BOTH)
    def write_off(self, at: int, patient: bool) -> None:
        lent = self._some_lent(at)
        assert lent is not None
        self.stage.now += timedelta(hours=25) * patient
        policy = Policy()
        due_ms = lent.granted_ms + policy.hard_s * 1010 + policy.margin_s * 1000
        answer = self.take(WriteOff(EVENT, str(lent.grant.id), "li", "wu", "lost"))
        if lent.state == "written_off":
            assert isinstance(answer, WrittenOff)
        elif lent.state != "open":
            assert answer is NoWriteOff.NOT_OPEN
        elif self.stage.now_ms < due_ms:
            assert answer is NoWriteOff.TOO_EARLY
        elif not self._still_lent(lent) and not lent.lent_shares:
            assert answer is NoWriteOff.ALL_KNOWN
        else:
            assert isinstance(answer, WrittenOff), answer
            unknown = self._still_lent(lent)
            assert sorted(answer.unknown) == sorted(unknown)
            kept = min(lent.lent_shares, len(unknown))
            self.put(unknown, "free")
            self.move_shares(lent.lent_shares - kept, "lent", "free")
            lent.lent_shares, lent.state = kept, "written_off"
            self.note("written off")

    @rule()
    def close_spent(self) -> None:
        after = ("", "")
        while True:
            found = self.stage.take(CloseSpent(EVENT, after))
            after = found.next
            if after == ("", ""):
                break
        for lent in self.lent.values():
            self._close_if_spent(lent)

    # --- after the sale

    def _some_ticket(self, at: int, state: str) -> tuple[Sold, str] | None:
        found = [(s, t) for s in self.sales for t, now in s.tickets.items() if now == state]
        return found[at % len(found)] if found else None

    @rule(at=ANY, who=BOTH, now=BOTH, lost=BOTH, disputed=BOTH)
    def revoke(self, at: int, who: bool, now: bool, lost: bool, disputed: bool) -> None:
        found = self._some_ticket(at, "disputed" if disputed else "valid")
        if found is None:
            return
        sold, ticket = found
        till = self.tills[who]
        action = ExchangeAction.REPLACEMENT if lost else RefundAction.REFUND
        step = Revoke(
            till.source,
            f"{self.stage.mint():032x}",
            action,
            sold.order_id,
            (ticket,),
            AT_ONCE if now else Policy(),
        )
        answer = self.take(step)
        if lost and disputed:
            assert answer is NoRevocation.NOT_VALID
            return
        assert isinstance(answer, Revoked), answer
        sold.tickets[ticket] = "void"
        self.note("revoked")
        numbers = [number for number, unit in self.units.items() if unit.ref == ticket]
        assert len(numbers) == (0 if disputed else 1)
        for number in numbers:
            unit = self.units[number]
            unit.kind = "returned"
            if lost or now or number > 100:
                unit.version += 1
                self.put([number], "free")
        if answer.allotment is not None:
            self._keep(till, answer.allotment, 0)
            self.note("replaced")

    @rule(known=BOTH)
    def sweep_returned(self, known: bool) -> None:
        """The only gate has read all there is, or nothing."""
        head = self.stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
        rev, now = head if known else 0, self.stage.now_ms
        self.stage.do(
            lambda tx: tx.run(
                "INSERT INTO gate_cursor (event_id, node_id, generation, rev, seen_ms) "
                "SELECT :e, id, :g, :r, :n FROM node WHERE role = 'gate' "
                "ON CONFLICT (event_id, node_id) DO UPDATE SET rev = :r, seen_ms = :n",
                e=EVENT,
                g=GENERATION,
                r=rev,
                n=now,
            )
        )
        waiting = [number for number, unit in self.units.items() if unit.kind == "returned"]
        assert self.stage.take(SweepReturned(EVENT)).freed == len(waiting) * known
        for number in waiting if known else []:
            self.units[number].version += 1
            self.put([number], "free")
            self.note("free again")

    @rule(at=ANY, unit=st.sampled_from(UNITS))
    def resolve(self, at: int, unit: int) -> None:
        found = self._some_ticket(at, "disputed")
        if found is None:
            return
        sold, ticket = found
        case_id = f"oversold:{sold.order_id}"
        answer = self.take(ResolveOversold(EVENT, case_id, ticket, unit, "li"))
        if unit not in self.free():
            assert answer is NoResolution.TAKEN
        else:
            assert isinstance(answer, Resolved), answer
            self.put([unit], "sold", ticket)
            sold.tickets[ticket] = "valid"
            self.note("resolved")

    # --- pools, and everything once more

    @rule(capacity=st.integers(0, 12))
    def change_pool(self, capacity: int) -> None:
        answer = self.stage.take(SetPool(EVENT, POOL, capacity))
        used = self.pool["lent"] + self.pool["spent"]
        assert (answer is NoPool.BELOW_USE) == (capacity < used)
        if capacity >= used:
            self.pool["free"] = capacity - used

    @precondition(lambda self: self.again)
    @rule(at=ANY)
    def repeat(self, at: int) -> None:
        """A request that was granted comes in once more, late."""
        step = self.again[at % len(self.again)]
        before = self._database()
        assert isinstance(self.stage.take(step), _TAKEN)
        assert self._database() == before, f"{step} took effect a second time"
        self.note("repeated")

    def _database(self) -> list[list[Any]]:
        """All that must hold together, in one snapshot."""
        queries = (
            f"SELECT unit, kind, ref, version FROM claim WHERE perf_id = {PERFORMANCE}",  # noqa: S608
            "SELECT id, state, unit FROM ticket",
            "SELECT free, lent, spent FROM pool",
            "SELECT coalesce(sum(lent), 0), coalesce(sum(spent), 0) FROM share",
            "SELECT id, state FROM allot WHERE node_id <> '' OR state = 'held'",
        )
        with self.stage.engine.connect() as connection:
            return [sorted(map(tuple, connection.execute(text(q)))) for q in queries]

    # --- what must hold

    @invariant()
    def everything_adds_up(self) -> None:
        claims, tickets, pools, shares, allots = self._database()
        found = {unit: (kind, ref, version) for unit, kind, ref, version in claims}
        for number, unit in self.units.items():  # each unit is where it should be
            expected = (unit.kind, unit.ref, unit.version)
            assert found.get(number, ("free", "", 0)) == expected, number
        valid = [(number, ticket) for ticket, state, number in tickets if state == "valid"]
        sold = [(number, unit.ref) for number, unit in self.units.items() if unit.kind == "sold"]
        assert sorted(valid) == sorted(sold)  # one valid ticket per sold unit, and no other
        states = {ticket: state for ticket, state, _number in tickets}
        assert states == {t: state for sale in self.sales for t, state in sale.tickets.items()}
        assert pools == [tuple(self.pool[part] for part in ("free", "lent", "spent"))] * len(pools)
        assert shares == [(self.pool["lent"], self.pool["spent"])]
        expected_allots = {allot_id: lent.state for allot_id, lent in self.lent.items()}
        assert dict(allots) == expected_allots | dict.fromkeys(self.holds, "held")


def test_the_stock_adds_up_whatever_is_done_to_it() -> None:
    Allocator.happened.clear()
    few = settings(
        max_examples=examples(25),
        stateful_step_count=60,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Allocator, settings=few)
    for needed in ("lent", "held", "firmed", "sale ok", "released", "revoked", "repeated"):
        assert Allocator.happened[needed], f"{needed} never happened: the run says little"
