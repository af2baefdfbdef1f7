"""A journal comes in: stored once, applied once, never out of order, never contradicted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sync_server.heart.entries import record_entry
from sync_server.heart.intake import BrokenChain, Forked, Gap, Taken
from sync_server.heart.lending import NoGrant
from sync_server.heart.rows import Claim
from sync_server.heart.work import UnknownStream, Work
from tests.integration.sync_server.stage import (
    EVENT,
    PERFORMANCE,
    UNITS,
    VENUE,
    Gate,
    Journal,
    Stage,
    Till,
)
from ticketing.ids import AllotmentId
from ticketing.journal import ROOT_HASH, OpKind, chain_op
from ticketing.operations import Print, SignedIn, encode_print, encode_sale, encode_signed_in

NOWHERE = AllotmentId("ffffffff", 1)


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


@pytest.fixture
def gate(stage: Stage) -> Gate:
    return stage.gate()


def say_print(journal: Journal) -> None:
    order = f"{journal.stage.mint():016x}"
    journal.say(OpKind.PRINT, encode_print(Print(order, 1)))  # type: ignore[arg-type]


def counts(stage: Stage) -> dict[str, int]:
    tables = ("op", "orders", "ticket", "ledger", "entry", "case_file")
    return {table: stage.one(f"SELECT count(*) FROM {table}") for table in tables}  # noqa: S608


# --- exactly once


def test_a_sale_is_booked_with_its_tickets_and_its_money(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2, 31)
    sale = till.sell(grant, 1, 31)
    assert till.push() == ["ok"]
    claims = stage.claims()
    assert claims[1] == ("sold", sale.lines[0].ticket_id, till.node_id)
    assert claims[31] == ("sold", sale.lines[1].ticket_id, till.node_id)
    assert claims[2] == ("allot", str(grant.id), till.node_id)
    states = stage.rows("SELECT state, allot_id FROM ticket")
    assert {tuple(row) for row in states} == {("valid", str(grant.id))}
    assert stage.one("SELECT total_minor FROM orders") == sale.total_minor == 50_000 + 38_000
    ledger = stage.rows("SELECT account, amount_minor FROM ledger ORDER BY line")
    assert [tuple(row) for row in ledger] == [
        (f"cash:{till.node_id}", 88_000),
        ("sales", -88_000),
    ]
    assert stage.cases() == []
    assert stage.books().balanced


def test_pushing_again_gives_the_same_verdicts_and_no_second_effect(
    stage: Stage, till: Till
) -> None:
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    till.say(OpKind.SALE, "not even JSON")
    till.release(grant.id, 2)
    first = till.send(till.batch(1, 3))
    assert isinstance(first, Taken)
    assert [op.verdict for op in first.ops] == ["ok", "rejected", "ok"]
    before, head = counts(stage), stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    for _ in range(3):
        assert till.send(till.batch(1, 3)) == first
    assert counts(stage) == before
    assert stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT) == head


def test_a_push_may_overlap_what_is_there(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2, 3)
    for unit in (1, 2, 3):
        till.sell(grant, unit)
    early = till.send(till.batch(1, 2))
    both = till.send(till.batch(2, 3))
    assert isinstance(early, Taken)
    assert isinstance(both, Taken)
    assert both.ops[0] == early.ops[1]
    assert both.acked == 3
    part = till.send(till.batch(1, 1))  # late, out of order: answered from the books
    assert isinstance(part, Taken)
    assert (part.acked, part.hash, part.ops) == (3, till.head_hash, early.ops[:1])
    assert counts(stage)["orders"] == 3


def test_a_batch_of_nothing_tells_the_head(till: Till) -> None:
    say_print(till)
    assert till.push() == ["ok"]
    assert till.send(till.batch(2, 1)) == Taken(1, till.head_hash, ())


def test_journals_of_nodes_streams_and_incarnations_do_not_touch(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    house = replace(till, stream=VENUE, ops=[])
    reborn = replace(till, incarnation=2, ops=[])
    house.say(OpKind.SIGN_IN, encode_signed_in(SignedIn("li.na")))
    for journal in (till, other, reborn):
        say_print(journal)
    assert [journal.push() for journal in (till, other, house, reborn)] == [["ok"]] * 4
    assert stage.one("SELECT count(*) FROM journal WHERE seq = 1 AND state = 'open'") == 4


# --- order


def test_a_gap_is_told_and_nothing_is_stored(stage: Stage, till: Till) -> None:
    for _ in range(4):
        say_print(till)
    assert till.send(till.batch(2, 4)) == Gap(0, ROOT_HASH)
    till.send(till.batch(1, 2))
    assert till.send(till.batch(4, 4)) == Gap(2, till.ops[1].hash)
    assert counts(stage)["op"] == 2


def test_a_batch_that_does_not_hang_together_is_refused_whole(stage: Stage, till: Till) -> None:
    for _ in range(3):
        say_print(till)
    batch = till.batch(1, 3)
    spoiled = replace(batch.ops[1], body='{"copy":2}')
    assert till.send(replace(batch, ops=(batch.ops[0], spoiled, batch.ops[2]))) == BrokenChain(2)
    assert counts(stage)["op"] == 0
    assert till.push() == ["ok"] * 3  # the journal was not fenced for it


def test_another_nodes_operations_do_not_pass_for_ours(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    say_print(other)
    assert till.send(other.batch(1, 1)) == BrokenChain(1)


# --- contradiction


def test_another_past_is_a_fork(stage: Stage, till: Till) -> None:
    say_print(till)
    twin = till.twin()
    say_print(till)
    say_print(twin)
    assert till.push() == ["ok", "ok"]
    assert twin.send(twin.batch(1, 2)) == Forked(2)
    assert stage.cases() == [("fork", f"{till.node_id}:1")]
    assert counts(stage)["op"] == 2


def test_a_future_on_another_past_is_a_fork(stage: Stage, till: Till) -> None:
    """The new operation hangs on one that we have otherwise: only `prev` gives it away."""
    say_print(till)
    twin = till.twin()
    say_print(till)
    say_print(twin)
    say_print(twin)
    till.push()
    assert twin.send(twin.batch(3, 3)) == Forked(2)
    assert stage.case_kinds() == ["fork"]


def test_a_journal_that_begins_elsewhere_is_a_fork(till: Till) -> None:
    say_print(till)
    batch = replace(till.batch(1, 1), prev="f" * 64)
    op = batch.ops[0]
    moved = chain_op(
        batch.prev, EVENT, till.node_id, 1, 1, op.op_id, op.kind, op.version, op.wall_ms, op.body
    )
    assert till.send(replace(batch, ops=(moved,))) == Forked(0)


def test_a_fenced_journal_takes_nothing_more(stage: Stage, till: Till) -> None:
    grant = till.borrow(1)
    say_print(till)
    twin = till.twin()
    say_print(till)
    say_print(twin)
    till.push()
    twin.send(twin.batch(1, 2))
    assert till.ask([2]) is NoGrant.FENCED
    till.sell(grant, 1)
    assert till.send(till.batch(3, 3)) == Forked(2)
    assert till.send(till.batch(1, 2)) == Forked(2)
    assert till.compare(3, till.head_hash) == Forked(2)
    assert counts(stage)["orders"] == 0
    assert stage.case_kinds() == ["fork"]


def test_a_twin_that_says_the_very_same_is_no_fork(till: Till) -> None:
    say_print(till)
    twin = till.twin()
    till.push()
    assert isinstance(twin.send(twin.batch(1, 1)), Taken)


# --- heads


def head_told(journal: Journal, seq: int, digest: str) -> Taken | Forked:
    return journal.compare(seq, digest)


def test_heads_that_agree_or_are_ahead_are_fine(stage: Stage, till: Till) -> None:
    for _ in range(3):
        say_print(till)
    assert head_told(till, 3, till.head_hash) == Taken(0, ROOT_HASH, ())
    till.send(till.batch(1, 2))
    acked = Taken(2, till.ops[1].hash, ())
    assert head_told(till, 2, till.ops[1].hash) == acked
    assert head_told(till, 3, till.head_hash) == acked
    assert stage.cases() == []


def test_a_head_behind_ours_is_a_fork(stage: Stage, till: Till) -> None:
    """A restored backup: it lost what it had told, and would number new facts like old ones."""
    for _ in range(2):
        say_print(till)
    till.push()
    assert head_told(till, 1, till.ops[0].hash) == Forked(2)
    assert stage.cases() == [("fork", f"{till.node_id}:1")]


def test_a_head_with_another_hash_is_a_fork(stage: Stage, till: Till) -> None:
    say_print(till)
    till.push()
    assert head_told(till, 1, "f" * 64) == Forked(1)
    assert stage.case_kinds() == ["fork"]


def test_comparing_heads_makes_no_journal(stage: Stage, till: Till) -> None:
    """A head is a question."""
    with pytest.raises(UnknownStream):
        head_told(replace(till, stream="no-such-event"), 0, "f" * 64)
    assert head_told(till, 7, "f" * 64) == Taken(0, ROOT_HASH, ())
    assert stage.one("SELECT count(*) FROM journal") == 0


# --- poison


@pytest.mark.parametrize(
    ("kind", "body", "version", "code"),
    [
        pytest.param("sale", "{", 1, "malformed", id="a body that is no JSON"),
        pytest.param("sale", "{}", 1, "malformed", id="a sale of nothing"),
        pytest.param("release", '{"units":[]}', 1, "malformed", id="a release of nothing"),
        pytest.param("print", '{"order":"x"}', 1, "malformed", id="a print of no order"),
        pytest.param("sign_in", "[]", 1, "malformed", id="nobody signed in"),
        pytest.param("juggle", "{}", 1, "unknown_kind", id="a kind of a later version"),
        pytest.param("print", '{"order":"x"}', 2, "unknown_version", id="a later kind of body"),
        pytest.param("entry", "{}", 1, "forbidden_kind", id="a till that lets people in"),
    ],
)
def test_a_poison_operation_is_kept_and_does_not_block(
    stage: Stage, till: Till, kind: str, body: str, version: int, code: str
) -> None:
    grant = till.borrow(1)
    poison = till.say(kind, body, version=version)
    sale = till.sell(grant, 1)
    assert till.push() == [f"rejected {code}", "ok"]
    kept = stage.rows("SELECT body, verdict, verdict_code FROM op WHERE seq = 1")
    assert [tuple(row) for row in kept] == [(body, "rejected", code)]
    assert stage.cases() == [("poison", poison.op_id)]
    assert stage.one("SELECT id FROM ticket") == sale.lines[0].ticket_id


@pytest.mark.parametrize("kind", [OpKind.SALE, OpKind.RELEASE, OpKind.PRINT, OpKind.SIGN_IN])
def test_a_gate_does_nothing_but_let_people_in(stage: Stage, gate: Gate, kind: OpKind) -> None:
    till = stage.till()
    bodies = {
        OpKind.SALE: encode_sale(till.sale(till.line(1, NOWHERE))),
        OpKind.PRINT: encode_print(Print(till.sale().order_id, 1)),
        OpKind.SIGN_IN: encode_signed_in(SignedIn("li.na")),
    }
    gate.say(kind, bodies.get(kind, "{}"))
    assert gate.push() == ["rejected forbidden_kind"]
    assert counts(stage)["orders"] == 0


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        pytest.param(OpKind.SIGN_IN, "ok", id="signing in"),
        pytest.param(OpKind.SIGN_OUT, "ok", id="signing out"),
        pytest.param(OpKind.PRINT, "rejected unknown_kind", id="printing"),
        pytest.param(OpKind.SALE, "rejected unknown_kind", id="selling"),
    ],
)
def test_the_house_journal_knows_people_only(till: Till, kind: OpKind, verdict: str) -> None:
    house = replace(till, stream=VENUE, ops=[])
    house.say(kind, encode_signed_in(SignedIn("li.na")))
    assert house.push() == [verdict]


def test_a_receipt_number_used_twice_is_poison_and_not_a_crash(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2, 3)
    first = till.sell(grant, 1)
    clash = till.say_sale(till.sale(till.line(2, grant.id), receipt_no=first.receipt_no))
    till.sell(grant, 3)
    assert till.push() == ["ok", "rejected contradiction", "ok"]
    assert stage.cases() == [("poison", till.ops[1].op_id)]
    assert stage.claims()[2][0] == "allot"  # nothing of it stays half done
    assert stage.rows("SELECT 1 FROM ticket WHERE id = :t", t=clash.lines[0].ticket_id) == []
    assert stage.one("SELECT sum(amount_minor) FROM ledger") == 0
    assert till.send(till.batch(1, 3)).ops[1].verdict_code == "contradiction"  # type: ignore[union-attr]


@pytest.mark.parametrize("again", ["order_id", "ticket_id"])
def test_an_id_used_twice_is_poison(stage: Stage, till: Till, again: str) -> None:
    grant = till.borrow(1, 2)
    first = till.sell(grant, 1)
    if again == "order_id":
        second = till.say_sale(till.sale(till.line(2, grant.id), order_id=first.order_id))
    else:
        line = till.line(2, grant.id, ticket_id=first.lines[0].ticket_id)
        second = till.say_sale(till.sale(line))
    assert till.push() == ["ok", "rejected contradiction"]
    assert stage.case_kinds() == ["poison"]
    (money,) = stage.books().money
    assert money.orders_minor == money.tickets_minor == first.total_minor
    assert money.taken_minor == first.total_minor + second.total_minor, "it is in the drawer"
    assert money.ledger_sum_minor == 0
    assert not money.balanced, "and the books show it until a person settles the case"


def test_the_same_receipt_at_another_window_is_another_receipt(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    first = till.sell(till.borrow(1), 1)
    grant = other.borrow(2)
    other.say_sale(other.sale(other.line(2, grant.id), receipt_no=first.receipt_no))
    assert till.push() == other.push() == ["ok"]


# --- sales that should not have been


def test_a_unit_that_was_never_lent_is_sold_in_dispute(stage: Stage, till: Till) -> None:
    sale = till.say_sale(till.sale(till.line(1, NOWHERE)))
    assert till.push() == ["disputed not_held"]
    assert stage.one("SELECT state FROM ticket") == "disputed"
    assert stage.cases() == [("oversold", sale.order_id)]
    assert stage.one("SELECT amount_minor FROM ledger WHERE line = 0") == sale.total_minor
    assert stage.claims() == {}


def test_only_the_lines_not_held_are_disputed(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 3)
    sale = till.say_sale(till.sale(*(till.line(unit, grant.id) for unit in (1, 2, 3))))
    assert till.push() == ["disputed not_held"]
    states = {row.unit: row.state for row in stage.rows("SELECT unit, state FROM ticket")}
    assert states == {1: "valid", 2: "disputed", 3: "valid"}
    body = stage.one("SELECT body FROM case_file")
    assert sale.lines[1].ticket_id in body
    assert sale.lines[0].ticket_id not in body
    account = stage.books().money[0]
    assert account.balanced
    assert account.taken_minor == sale.total_minor


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("another's", id="lent to another till"),
        pytest.param("sold", id="sold already by another till"),
        pytest.param("sold by us", id="sold already by the same till"),
        pytest.param("released", id="given back"),
        pytest.param("lent again", id="given back and lent to another"),
        pytest.param("wrong allotment", id="of another allotment of ours"),
        pytest.param("wrong version", id="of another version"),
        pytest.param("other performance", id="of another performance"),
        pytest.param("no such unit", id="not in the plan"),
        pytest.param("no such performance", id="of no performance"),
    ],
)
def test_a_till_sells_only_what_it_holds(stage: Stage, till: Till, how: str) -> None:
    other = stage.till("Window 2")
    unit, changes = 1, {}
    allotment = NOWHERE
    if how in ("another's", "sold"):
        grant = other.borrow(1)
        allotment = grant.id
        if how == "sold":
            other.sell(grant, 1)
            assert other.push() == ["ok"]
    elif how in ("released", "lent again"):
        allotment = till.borrow(1).id
        till.release(allotment, 1)
        assert till.push() == ["ok"]
        if how == "lent again":
            other.borrow(1)
    else:
        grant = till.borrow(1)
        allotment = till.borrow(2).id if how == "wrong allotment" else grant.id
        if how == "sold by us":
            till.sell(grant, 1)
            assert till.push() == ["ok"]
        changes = {"wrong version": {"version": 1}, "other performance": {"performance": 2}}.get(
            how, {}
        )
        unit = 999 if how == "no such unit" else 1
        if how == "no such performance":
            changes = {"performance": 77}
    before = stage.claims()
    sale = till.say_sale(till.sale(till.line(unit, allotment, **changes)))
    if how == "released":  # late, and nobody has it: what is printed is honoured
        assert till.push() == ["ok_late not_held"]
        assert stage.claims()[1] == ("sold", sale.lines[0].ticket_id, till.node_id)
        return
    assert till.push() == ["disputed not_held"]
    assert stage.claims() == before
    assert stage.one("SELECT state FROM ticket WHERE id = :t", t=sale.lines[0].ticket_id) == (
        "disputed"
    )
    assert ("oversold", sale.order_id) in stage.cases()
    assert stage.books().money[0].balanced


# --- prices


def test_the_lists_price_opens_no_case(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 13, 31, 101)
    till.sell(grant, 1, 13, 31, 101)
    second = till.borrow(1, performance=2)
    till.sell(second, 1)
    assert till.push() == ["ok", "ok"]
    assert stage.cases() == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"price_minor": 49_999}, id="a fen less"),
        pytest.param({"price_minor": 50_001}, id="a fen more"),
        pytest.param({"ticket_type_id": "child"}, id="a type not sold at this performance"),
        pytest.param({"ticket_type_id": "dog"}, id="a type there is not"),
        pytest.param({"tier_id": "vip"}, id="a tier there is not"),
        pytest.param({"tier_id": "b", "price_minor": 38_000}, id="a dear seat at a cheap tier"),
    ],
)
def test_another_price_is_booked_as_paid_and_becomes_a_case(
    stage: Stage, till: Till, changes: dict[str, object]
) -> None:
    grant = till.borrow(1)
    sale = till.say_sale(till.sale(till.line(1, grant.id, **changes)))
    assert till.push() == ["ok"]
    assert stage.cases() == [("price", sale.order_id)]
    assert stage.one("SELECT total_minor FROM orders") == sale.total_minor
    assert stage.one("SELECT state FROM ticket") == "valid"


def test_another_currency_is_a_case(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    sale = till.say_sale(till.sale(till.line(2, grant.id), currency="HKD"))
    assert till.push() == ["ok", "ok"]
    assert stage.cases() == [("price", sale.order_id)]
    assert [account.balanced for account in stage.books().money] == [True, True]


# --- releases


def test_a_release_frees_and_closes_what_is_empty(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2, 3)
    till.release(grant.id, 1)
    assert till.push() == ["ok"]
    assert stage.claims()[1] == ("free", "", "")
    assert stage.one("SELECT state FROM allot") == "open"
    till.sell(grant, 2)
    till.release(grant.id, 3)
    assert till.push() == ["ok", "ok"]
    assert stage.one("SELECT state FROM allot") == "closed"
    other = stage.till("Window 2")
    again = other.borrow(1, 3)
    assert again.units == ((1, 0), (3, 0))


@pytest.mark.parametrize("whose", ["sold", "another's", "released before", "never lent"])
def test_a_release_of_what_is_not_held_frees_nothing(stage: Stage, till: Till, whose: str) -> None:
    other = stage.till("Window 2")
    grant = till.borrow(1, 2)
    allotment, unit = grant.id, 1
    if whose == "sold":
        till.sell(grant, 1)
    elif whose == "another's":
        allotment = other.borrow(3).id
        unit = 3
    elif whose == "released before":
        till.release(grant.id, 1)
        till.push()
        other.borrow(1)
    else:
        unit = 5
    if till.acked < len(till.ops):
        till.push()
    before = stage.claims()
    till.release(allotment, unit)
    assert till.push() == ["rejected not_held"]
    assert stage.claims() == before
    assert stage.case_kinds() == ["poison"]


# --- entries


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_two_entries_are_a_case_that_names_them_all_whatever_the_order(
    stage: Stage, till: Till, order: tuple[int, ...]
) -> None:
    sale = till.sell(till.borrow(1), 1)
    gates = [stage.gate(f"Gate {at}") for at in range(3)]
    ops = [g.let_in(sale.lines[0], minute=at) for at, g in enumerate(gates)]
    for count, at in enumerate(order, 1):
        assert gates[at].push() == ["ok"]
        assert stage.case_kinds() == ["double_entry"] * (count > 1)
    till.push()  # the sale itself comes last
    assert stage.cases() == [("double_entry", sale.lines[0].ticket_id)]
    body = stage.one("SELECT body FROM case_file")
    places = [body.index(op.op_id) for op in ops]
    assert places == sorted(places)  # by their time, not by their arrival
    account = stage.entries()
    assert (account.entries, account.tickets_let_in, account.balanced) == (3, 1, False)


def test_one_entry_is_no_case(stage: Stage, till: Till, gate: Gate) -> None:
    sale = till.sell(till.borrow(1, 2), 1, 2)
    for line in sale.lines:
        gate.let_in(line)
    assert gate.push() == ["ok", "ok"]
    assert stage.entries().entries_without_ticket == 2
    assert till.push() == ["ok"]
    assert stage.cases() == []
    account = stage.entries()
    assert (account.entries, account.entries_without_ticket, account.balanced) == (2, 0, True)


def test_the_same_entry_told_twice_is_one(stage: Stage, till: Till, gate: Gate) -> None:
    """By the arbiter's call and by the journal, in either order."""
    line = till.sell(till.borrow(1), 1).lines[0]
    entry = gate.entry(line)
    op = gate.let_in(line)

    def by_arbiter() -> None:
        stage.work(
            lambda work: record_entry(
                work, gate.node_id, entry, op.op_id, entry.at_ms, journalled=False
            )
        )

    by_arbiter()
    assert stage.one("SELECT journalled FROM entry") == 0
    assert gate.push() == ["ok"]
    assert stage.one("SELECT journalled FROM entry") == 1
    by_arbiter()
    assert stage.one("SELECT journalled FROM entry") == 1
    assert stage.cases() == []


def test_an_entry_under_anothers_id_is_refused(stage: Stage, till: Till, gate: Gate) -> None:
    """Or it would vanish behind the first one, and a double entry with it."""
    sale = till.sell(till.borrow(1, 2), 1, 2)
    other = stage.gate("Gate 2")
    op = gate.let_in(sale.lines[0])
    gate.let_in(sale.lines[1], op_id=op.op_id)
    other.let_in(sale.lines[0], op_id=op.op_id)
    assert gate.push() == ["ok", "rejected contradiction"]
    assert other.push() == ["rejected contradiction"]
    assert counts(stage)["entry"] == 1
    assert stage.case_kinds() == ["poison"]


def test_the_units_of_the_stage_are_those_of_the_plan(stage: Stage) -> None:
    assert sorted(n for area in stage.plan.areas for n in area.units) == list(UNITS)


# --- late sales of one batch


def test_free_places_are_counted_once_for_a_batch_and_kept_right_while_it_goes_on(
    stage: Stage, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    real = Work.claims_of

    def count(work: Work, performance: int) -> dict[int, Claim]:
        counted.append(performance)
        return real(work, performance)

    monkeypatch.setattr(Work, "claims_of", count)
    grant, other = till.borrow(101, 102, 103), till.borrow(104)
    stage.do(lambda tx: tx.run("UPDATE claim SET ref = 'x' WHERE unit <= 103"))  # somebody else's
    first = till.sell(grant, 101)
    till.release(other.id, 104)
    second = till.sell(grant, 102)
    third = till.sell(grant, 103)
    verdicts = till.push()
    assert verdicts == ["ok_moved not_held", "ok", "ok_moved not_held", "disputed not_held"]
    claims = stage.claims()
    assert claims[105] == ("sold", first.lines[0].ticket_id, till.node_id)
    assert claims[104] == ("sold", second.lines[0].ticket_id, till.node_id), "free since"
    assert third.lines[0].ticket_id not in {ref for _kind, ref, _node in claims.values()}
    assert counted == [PERFORMANCE]


def test_an_allotment_is_read_once_for_all_late_sales_of_it(
    stage: Stage, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two thousand units each, that was most of the time that a late sale took."""
    grant = till.borrow(*range(1, 9))
    stage.do(lambda tx: tx.run("UPDATE claim SET ref = 'x'"))
    for unit in range(1, 9):
        till.sell(grant, unit)
    read: list[str] = []
    real = json.loads

    def note(text: str) -> object:
        read.append(text)
        return real(text)

    monkeypatch.setattr("sync_server.heart.units.json.loads", note)
    till.push()
    assert sum('"units"' in text and '"lines"' not in text for text in read) <= 1
