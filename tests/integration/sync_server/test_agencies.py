"""Windows of agencies: each has its own agency's orders, buyers and people, and nobody else's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from sync_server.heart.agency_limits import LimitSet, NoLimit, SetAgencyLimit
from sync_server.heart.buyers import PutBuyers, ToldBuyer
from sync_server.heart.handing import AskHandout, HandoutState, NoHandout
from sync_server.heart.lending import Acquire, Grant, Lend, NoGrant
from sync_server.heart.lending_rules import EVERY_WINDOW, LendingRule, RuleSet, SetLendingRule
from sync_server.heart.returns import NoRevocation, Revoke
from sync_server.heart.source import Context, run_steps
from sync_server.heart.stock import Firm, Hold, HoldWish
from sync_server.services.agencies import NotChanged, add_agency, retire_agency
from sync_server.services.audit import UNKNOWN
from sync_server.services.enrolment import (
    Applicant,
    CodeRefusal,
    Enrolled,
    add_code,
    add_code_for_node,
    begin_anew,
    enrol,
)
from sync_server.services.feed import pull, view_of
from sync_server.services.orders import read_order
from sync_server.services.people import Person, add_person, works_by_pin
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.scopes import WHOLE_VENUE, Scope, ScopeKind
from sync_server.services.staff import change_person
from sync_server.store.database import read_only
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from tests.integration.sync_server.stage import EVENT, SERVER_KEY, VENUE, Stage, Till
from ticketing.credential import CredentialKind, CredentialRef
from ticketing.journal import OpKind
from ticketing.keys import public_of
from ticketing.operations import (
    CredentialBound,
    CredentialUnbound,
    HandOver,
    Refund,
    RefundAction,
    Sale,
    encode_credential_bound,
    encode_credential_unbound,
    encode_hand_over,
    encode_refund,
)
from ticketing.personal import Buyer, data_key, index_tokens, seal

KEY = data_key(bytes(range(32)), 1)
NOBODY = "00000000000000f1"


@dataclass(frozen=True)
class House:
    """A window of the house, two of one agency and one of another; each of the first has sold."""

    stage: Stage
    own: Till
    north: Till
    north_too: Till
    south: Till
    sold: dict[str, Sale]


@pytest.fixture
def house(stage: Stage) -> House:
    agencies = {name: made(stage, name) for name in ("north", "south")}
    north, too, south = (
        window(stage, name, agencies[name.split()[0]]) for name in ("north 1", "north 2", "south 1")
    )
    own = stage.till("Window 1")
    sold: dict[str, Sale] = {}
    for unit, till in enumerate((own, north, south), 1):
        sold[till.node_id] = till.sell(till.borrow(unit), unit)
        assert till.push() == ["ok"]
        assert tell_buyer(till, sold[till.node_id].order_id) == 1
    return House(stage, own, north, too, south, sold)


def made(stage: Stage, name: str) -> str:
    agency_id = stage.do(lambda tx: add_agency(tx, name, UNKNOWN))
    assert not isinstance(agency_id, NotChanged)
    return agency_id


def window(stage: Stage, name: str, agency_id: str) -> Till:
    """Enrolled as a machine is, by a code that says whose it will be."""
    secret = f"{stage.mint():A>16}"
    private = bytes([stage.mint()]) * 32
    applicant = Applicant(public_of(private), "machine", "0.1.0")
    stage.do(lambda tx: add_code(tx, secret, NodeRole.TILL, name, 60, agency_id))
    joined = stage.do(lambda tx: enrol(tx, VENUE, SERVER_KEY, secret, applicant))
    assert isinstance(joined, Enrolled)
    return Till(stage, joined.node_id, NodeRole.TILL, private)


def tell_buyer(till: Till, order_id: str, at_ms: int = 1) -> int:
    buyer = Buyer("张三", "13800138000")
    sealed = seal(buyer, KEY, EVENT, order_id, bytes(12))
    told = ToldBuyer(order_id, KEY.number, sealed, index_tokens(buyer, KEY), at_ms)
    return till.stage.take(PutBuyers(till.source, (told,)))


def told(till: Till, agency: str, stream: str = EVENT) -> dict[str, list[dict[str, Any]]]:
    """All that the window is told of a stream, by kind."""
    with read_only(till.stage.engine).connect() as connection:
        view = view_of(till.role, agency)
        page = pull(connection, view, till.node_id, VENUE, stream, 0, 5_000)
    assert page is not None
    found: dict[str, list[Any]] = {}
    for kind, _rev, body in page.rows:
        found.setdefault(str(kind), []).append(body)
    return found


def agency_of(till: Till) -> str:
    return str(till.stage.one("SELECT agency FROM node WHERE id = :id", id=till.node_id))


def test_a_window_is_told_its_agencys_orders_and_of_others_places_that_they_are_taken(
    house: House,
) -> None:
    sale, others = house.sold[house.north.node_id], (house.own, house.south)
    for till in (house.north, house.north_too):
        rows = told(till, agency_of(till))
        assert [each["id"] for each in rows["order"]] == [sale.order_id]
        assert [each["order"] for each in rows["buyer"]] == [sale.order_id]
        assert {each["u"]: each["kind"] for each in rows["claim"]} == {
            1: "sold",
            2: "sold",
            3: "sold",
        }
        everything = json.dumps(rows)
        for other in others:
            foreign = house.sold[other.node_id]
            secrets = (
                other.node_id,
                foreign.order_id,
                foreign.receipt_no,
                foreign.lines[0].ticket_id,
            )
            assert [each for each in secrets if each in everything] == []
    assert len(told(house.own, "")["order"]) == 3, "the house sees every order"
    assert len(told(house.own, "")["buyer"]) == 3


def test_a_window_is_told_of_no_other_agencys_cases_chips_or_hand_outs(house: House) -> None:
    for till in (house.north, house.south):
        unit = house.sold[till.node_id].lines[0].unit
        line = house.sold[till.node_id].lines[0]
        till.say_sale(till.sale(till.line(unit + 8, line.allotment)))  # was never lent it
        bound = CredentialBound(
            CredentialRef(f"{unit:032x}"), line.ticket_id, CredentialKind.UID, 1, "li.na", 1
        )
        till.say(OpKind.CREDENTIAL_BOUND, encode_credential_bound(bound))
        till.push()
    assert house.stage.take(AskHandout(house.own.source, house.sold[house.south.node_id].order_id))
    rows = told(house.north, agency_of(house.north))
    ours = [each["body"]["node"] for each in rows.get("case", []) if "node" in each["body"]]
    assert set(ours) <= {house.north.node_id}
    assert sorted(each["ticket"] for each in rows["credential"]) == [
        "",
        house.sold[house.north.node_id].lines[0].ticket_id,
    ]
    assert "handout" not in rows
    assert house.south.node_id not in json.dumps(rows)


def test_another_agencys_order_is_answered_like_one_that_does_not_exist(house: House) -> None:
    stage, mine = house.stage, house.sold[house.north.node_id]

    def answers(till: Till, order_id: str, ticket_id: str) -> list[object]:
        agency = agency_of(till)
        op_id = f"{stage.mint():032x}"
        revoke = Revoke(till.source, op_id, RefundAction.REFUND, order_id, (ticket_id,))
        return [
            stage.do(lambda tx: read_order(tx.connection, EVENT, order_id, "", agency)),
            stage.do(lambda tx: read_order(tx.connection, EVENT, "", ticket_id, agency)),
            stage.take(AskHandout(till.source, order_id)),
            stage.take(revoke),
            tell_buyer(till, order_id, at_ms=9),
        ]

    unknown = answers(house.north_too, NOBODY, NOBODY)
    assert unknown == [None, None, NoHandout.UNKNOWN_ORDER, NoRevocation.UNKNOWN_ORDER, 1]
    for other in (house.own, house.south):
        foreign = house.sold[other.node_id]
        assert answers(house.north_too, foreign.order_id, foreign.lines[0].ticket_id) == unknown
        row = stage.rows("SELECT node_id FROM buyer WHERE order_id = :o", o=foreign.order_id)
        assert [each.node_id for each in row] == [other.node_id], "nobody wrote over it"
    states = stage.rows("SELECT state FROM ticket")
    assert {each.state for each in states} == {"valid"}
    found = answers(house.north_too, mine.order_id, mine.lines[0].ticket_id)
    assert None not in found, "but the agency's other window is served"
    assert found[2] is HandoutState.ASKED
    foreign = house.sold[house.south.node_id]
    at_house = answers(house.own, foreign.order_id, foreign.lines[0].ticket_id)
    assert not any(isinstance(each, NoRevocation | NoHandout) for each in at_house)


def test_what_a_window_writes_of_anothers_order_moves_money_and_nothing_else(house: House) -> None:
    """A journal cannot be refused; it is booked, disputed, and touches no ticket or right."""
    stage, foreign = house.stage, house.sold[house.south.node_id]
    line = foreign.lines[0]
    ref = CredentialRef(f"{1:032x}")
    refund = Refund(
        foreign.order_id,
        RefundAction.REFUND,
        (line.ticket_id,),
        line.price_minor,
        0,
        "CNY",
        "x",
        "y",
    )
    house.north.say(OpKind.REFUND, encode_refund(refund))
    bound = CredentialBound(ref, line.ticket_id, CredentialKind.UID, 1, "x", 1)
    house.north.say(OpKind.CREDENTIAL_BOUND, encode_credential_bound(bound))
    unbound = CredentialUnbound(ref, line.ticket_id, "x", 1, blocked=True)
    house.north.say(OpKind.CREDENTIAL_UNBOUND, encode_credential_unbound(unbound))
    over = HandOver(foreign.order_id, house.north.node_id, 5, 1)
    house.north.say(OpKind.HAND_OVER, encode_hand_over(over))
    assert house.north.push() == [
        "disputed unknown_order",
        "disputed unknown_ticket",
        "ok not_bound",
        "ok",
    ]
    assert stage.one("SELECT state FROM ticket WHERE id = :t", t=line.ticket_id) == "valid"
    assert stage.one("SELECT refunded_minor FROM orders WHERE id = :o", o=foreign.order_id) == 0
    assert stage.rows("SELECT 1 FROM handout") == stage.rows("SELECT 1 FROM credential") == []
    assert sorted(stage.case_kinds()) == ["credential", "refund"]


def test_a_pin_is_told_to_the_windows_of_the_agency_and_to_no_others(house: House) -> None:
    stage = house.stage
    scopes = {
        "an.north": Scope(ScopeKind.AGENCY, frozenset({agency_of(house.north)})),
        "an.south": Scope(ScopeKind.AGENCY, frozenset({agency_of(house.south)})),
    }
    people = [Person(each, each, each, PersonRole.AGENT, scope=scopes[each]) for each in scopes]
    people.append(Person("li.na", "li.na", "Li Na", PersonRole.CASHIER))

    def add(tx: Transaction) -> None:
        for each in people:
            add_person(tx, VENUE, each, pin_hash="a pin")

    stage.do(add)

    def known(till: Till) -> set[tuple[str, str]]:
        people = told(till, agency_of(till), VENUE)["person"]
        return {(each["id"], each["name"]) for each in people if each["pin"]}

    assert known(house.north) == known(house.north_too) == {("an.north", "an.north")}
    assert known(house.south) == {("an.south", "an.south")}
    assert known(house.own) == {("li.na", "Li Na")}
    names = [each["name"] for each in told(house.north, agency_of(house.north), VENUE)["person"]]
    assert sorted(names) == ["", "", "an.north"]
    nodes = told(house.north, agency_of(house.north), VENUE)["node"]
    assert {each["name"] for each in nodes} == {"", "north 1", "north 2"}
    moved = stage.do(
        lambda tx: change_person(
            tx,
            VENUE,
            "an.north",
            UNKNOWN,
            name="an.north",
            role=PersonRole.AGENT,
            scope=scopes["an.south"],
        )
    )
    assert moved is None
    assert known(house.south) == {("an.south", "an.south")}, "the old PIN is known elsewhere"
    assert known(house.north) == set()


def test_an_agent_of_no_agency_has_no_pin() -> None:
    assert works_by_pin(PersonRole.AGENT, Scope(ScopeKind.AGENCY, frozenset({"north"})))
    assert not works_by_pin(PersonRole.AGENT, Scope(ScopeKind.AGENCY))
    assert not works_by_pin(PersonRole.AGENT, WHOLE_VENUE)
    assert not works_by_pin(PersonRole.CASHIER, Scope(ScopeKind.AGENCY, frozenset({"north"})))


def test_a_window_keeps_its_agency_and_an_agency_is_retired_after_its_windows(house: House) -> None:
    stage, agency_id = house.stage, agency_of(house.south)
    again = Applicant(public_of(b"n" * 32), "new machine", "0.1.0")
    stage.do(lambda tx: begin_anew(tx, VENUE, SERVER_KEY, house.south.node_id, again))
    assert stage.rows("SELECT 1 FROM node WHERE agency = :a AND state = 'revoked'", a=agency_id)
    assert agency_of(house.south) == agency_id

    def retire() -> NotChanged | None:
        return stage.do(lambda tx: retire_agency(tx, agency_id, UNKNOWN))

    def code(role: NodeRole = NodeRole.TILL) -> CodeRefusal | None:
        secret = f"{stage.mint():B>16}"
        return stage.do(lambda tx: add_code(tx, secret, role, f"new {secret}", 60, agency_id))

    assert retire() is NotChanged.HAS_WINDOWS
    stage.do(lambda tx: tx.run("UPDATE node SET state = 'revoked' WHERE agency = :a", a=agency_id))
    assert code(NodeRole.GATE) is CodeRefusal.UNKNOWN_AGENCY
    assert code() is None
    assert retire() is NotChanged.HAS_WINDOWS, "a code waits for another one"
    stage.do(lambda tx: tx.run("UPDATE enrolment SET used_ms = 1"))
    assert retire() is None
    assert retire() is NotChanged.UNKNOWN
    assert code() is CodeRefusal.UNKNOWN_AGENCY
    again_code = stage.do(lambda tx: add_code_for_node(tx, "C" * 16, "south 1", 60))
    assert again_code is CodeRefusal.UNKNOWN_AGENCY


def limit(stage: Stage, agency_id: str, most: int | None) -> LimitSet | NoLimit:
    return stage.take(SetAgencyLimit(EVENT, agency_id, most))


def had(house: House, *tills: Till) -> int:
    rows = house.stage.rows("SELECT node_id, kind FROM claim WHERE perf_id = 1")
    ids = {till.node_id for till in tills}
    return sum(row.node_id in ids and row.kind in ("allot", "sold") for row in rows)


def test_an_agencys_windows_together_are_lent_no_more_than_its_limit(house: House) -> None:
    stage, north = house.stage, (house.north, house.north_too)
    assert limit(stage, agency_of(house.north), 4) == LimitSet(None, 4)
    house.north.borrow(8, 9)  # beside the one that it sold
    assert house.north_too.ask([11, 12]) is NoGrant.LIMIT, "all that is asked for, or nothing"
    grant = house.north_too.ask(count=8)
    assert isinstance(grant, Grant)
    assert len(grant.units) == 1, "of a round number, what there is room for"
    assert had(house, *north) == 4
    for till in north:
        assert till.ask(count=1) is till.ask([13]) is NoGrant.LIMIT
    house.south.borrow(14)
    house.own.borrow(15)
    hold = stage.take(Hold(EVENT, house.north.node_id, HoldWish("a" * 32, 1, 60, (16,))))
    assert not isinstance(hold, NoGrant)
    firm = Firm(house.north.source, house.north.node_id, str(hold.id))
    assert stage.take(firm) is NoGrant.LIMIT
    assert limit(stage, agency_of(house.north), 5) == LimitSet(4, 5)
    assert isinstance(stage.take(firm), Grant)
    assert limit(stage, agency_of(house.north), 0) == LimitSet(5, 0)
    assert had(house, *north) == 5, "what it has stays"
    assert limit(stage, agency_of(house.north), None) == LimitSet(0, None)
    assert isinstance(house.north.ask([17]), Grant)


def test_two_windows_that_ask_at_once_do_not_pass_the_limit_together(house: House) -> None:
    """In one unit of work, before anything of it is in the database."""
    stage, agency_id = house.stage, agency_of(house.north)
    limit(stage, agency_id, 3)
    wishes = [
        Lend(till.source, Acquire(f"{stage.mint():032x}", 1, units))
        for till, units in ((house.north, (8, 9)), (house.north_too, (11,)), (house.south, (12,)))
    ]

    def ask(tx: Transaction) -> list[Any]:
        answers, _news = run_steps(
            Sql.of(tx.connection), wishes, Context(stage.now_ms, stage.plans)
        )
        return answers

    answers = stage.do(ask)
    assert [isinstance(each, Grant) for each in answers] == [True, False, True]
    assert answers[1] is NoGrant.LIMIT
    house.north.release(answers[0].id, 8, 9)
    assert house.north.push() == ["ok"]
    assert isinstance(house.north_too.ask([11]), Grant), "what comes back leaves room"


def test_a_limit_and_the_rules_of_lending_leave_each_other_alone(house: House) -> None:
    stage, agency_id = house.stage, agency_of(house.north)
    rule = LendingRule(ahead=8)
    stage.take(SetLendingRule(EVENT, EVERY_WINDOW, rule))
    limit(stage, agency_id, 2)
    stage.take(SetLendingRule(EVENT, house.own.node_id, rule))
    assert limit(stage, agency_id, 2) == LimitSet(2, 2)
    grant = house.north.ask(count=1)
    assert isinstance(grant, Grant)
    assert len(grant.units) == 1, "also where the rule says eight"
    assert stage.take(SetLendingRule(EVENT, EVERY_WINDOW, None)) == RuleSet(rule, None)
    for till, says in ((house.south, False), (house.own, True)):
        docs = told(till, agency_of(till))["doc"]
        assert (agency_id in json.dumps(docs)) is says, "no other agency reads of it"
    assert limit(stage, "0" * 16, 2) is NoLimit.AGENCY
    assert limit(stage, agency_id, -1) is NoLimit.COUNT
