"""The bodies of operations: one text for each value, and every rule that a decoder keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ticketing.admission import ByHand, Reason
from ticketing.ids import AllotmentId, KeyId, OpId, OrderId, TicketId
from ticketing.journal import BODY_CHARS_MAX
from ticketing.operations import (
    COUNTS_MAX,
    LINES_MAX,
    MINOR_MAX,
    UNITS_MAX,
    CashLeg,
    EntryGranted,
    EntryPassage,
    Exchange,
    ExchangeAction,
    GateCause,
    GateOpened,
    GateShut,
    HandLeg,
    Interest,
    Passed,
    Print,
    Refund,
    RefundAction,
    Release,
    Sale,
    SaleLine,
    Settle,
    SignedIn,
    TicketBlocked,
    TicketLeft,
    Walked,
    adds_up,
    decode_blocked,
    decode_entry,
    decode_exchange,
    decode_gate_opened,
    decode_gate_shut,
    decode_interest,
    decode_left,
    decode_passage,
    decode_print,
    decode_refund,
    decode_release,
    decode_sale,
    decode_settle,
    decode_signed_in,
    decode_walked,
    encode_blocked,
    encode_entry,
    encode_exchange,
    encode_gate_opened,
    encode_gate_shut,
    encode_interest,
    encode_left,
    encode_passage,
    encode_print,
    encode_refund,
    encode_release,
    encode_sale,
    encode_settle,
    encode_signed_in,
    encode_walked,
    is_name,
    is_seen_list,
    op_ids,
)

ALLOTMENT = AllotmentId("1a2b3c4d", 7)


def line(at: int, price_minor: int = 58_000) -> SaleLine:
    return SaleLine(
        ticket_id=TicketId(f"{at:016x}"),
        performance=1,
        unit=at,
        version=0,
        allotment=ALLOTMENT,
        tier_id="a",
        ticket_type_id="adult",
        price_minor=price_minor,
        rule="list",
        code="BXG1",
    )


def sale(*lines: SaleLine) -> Sale:
    total = sum(one.price_minor for one in lines)
    order, cash = OrderId("00000000000000ff"), CashLeg(total, total + 1_000)
    return Sale(order, "A1-000001", "li.na", "CNY", 7, total, lines, cash)


SALE = sale(line(1), line(2, 29_000))
RELEASE = Release(1, ALLOTMENT, (3, 5, 4))
PRINT = Print(OrderId("00000000000000ff"), 1)
ENTRY = EntryGranted(
    TicketId("0000000000000001"), 1, 9, 0, KeyId("0a0b0c0d"), ALLOTMENT, "1 号门", 1_700, True
)
ENTRY_BY_HAND = replace(
    ENTRY, ticket_type=2, by_hand=ByHand(Reason.ALREADY_USED, "p1", "p2", "found on the floor")
)
PASSAGE = EntryPassage(OpId("0" * 32), TicketId("0000000000000001"), Passed.RETURNED, 1_800)
LEFT = TicketLeft(TicketId("0000000000000001"), 1, 9, 0, 1, "1 号门", 1_900)
OPENED_BY_HAND = GateOpened("1 号门", GateCause.HAND, "p1", "a coach with 50 people", 1_900)
OPENED_BY_FIRE = GateOpened("1 号门", GateCause.FIRE, "", "", 1_900)
GATE_SHUT = GateShut(OpId("0" * 32), "1 号门", 2_000)
WALKED = Walked("1 号门", GateCause.TAILGATE, 3, False, 1_900, 2_000)
BLOCKED = TicketBlocked(TicketId("0000000000000001"), "p1", "reported stolen", False, 1_900)
SIGNED_IN = SignedIn("person-1")
LATE_SALE = replace(
    sale(replace(line(1), pool="first-500"), line(2)), late=True, late_approved_by="wang.fang"
)
PRICED_SALE = sale(
    replace(line(1, 40_000), rule="family", list_minor=58_000, package=1),
    replace(line(2, 38_000), rule="family", list_minor=58_000, package=1),
    replace(
        line(3, 50_000),
        rule="first",
        pool="first-500",
        list_minor=58_000,
        discount="wait",
        off_minor=3_000,
        approved_by="wang.fang",
    ),
)
SHARES = Release(1, ALLOTMENT, (), (("first-500", 12), ("children", 1)))
SETTLE = Settle(1, ALLOTMENT)
RETURNED = (TicketId("0000000000000001"), TicketId("0000000000000002"))
ORDER, NEW_ORDER = OrderId("00000000000000ff"), OrderId("0000000000000100")
REFUND = Refund(
    ORDER, RefundAction.REFUND, RETURNED, 85_000, 2_000, "CNY", "li.na", "performance moved"
)
VOID = replace(REFUND, action=RefundAction.VOID, cash_minor=87_000, fee_minor=0)
EXCHANGE = Exchange(
    RETURNED,
    ORDER,
    ExchangeAction.EXCHANGE,
    NEW_ORDER,
    "A1-000002",
    "li.na",
    "CNY",
    7,
    (line(3), replace(line(4), pool="first-500")),
    87_000,
    1_000,
    30_000,
    50_000,
)
REPLACEMENT = replace(
    EXCHANGE,
    action=ExchangeAction.REPLACEMENT,
    credit_minor=116_000,
    paid_minor=1_000,
    tendered_minor=1_000,
)
INTEREST = Interest(1, 4, "side by side")

Decode = Callable[[str], object]
BODIES: dict[str, tuple[str, Decode, object]] = {
    "sale": (encode_sale(SALE), decode_sale, SALE),
    "release": (encode_release(RELEASE), decode_release, RELEASE),
    "print": (encode_print(PRINT), decode_print, PRINT),
    "entry": (encode_entry(ENTRY), decode_entry, ENTRY),
    "entry by hand": (encode_entry(ENTRY_BY_HAND), decode_entry, ENTRY_BY_HAND),
    "passage": (encode_passage(PASSAGE), decode_passage, PASSAGE),
    "gate opened": (encode_gate_opened(OPENED_BY_HAND), decode_gate_opened, OPENED_BY_HAND),
    "fire": (encode_gate_opened(OPENED_BY_FIRE), decode_gate_opened, OPENED_BY_FIRE),
    "gate shut": (encode_gate_shut(GATE_SHUT), decode_gate_shut, GATE_SHUT),
    "block": (encode_blocked(BLOCKED), decode_blocked, BLOCKED),
    "walked": (encode_walked(WALKED), decode_walked, WALKED),
    "exit": (encode_left(LEFT), decode_left, LEFT),
    "signed in": (encode_signed_in(SIGNED_IN), decode_signed_in, SIGNED_IN),
    "late sale": (encode_sale(LATE_SALE), decode_sale, LATE_SALE),
    "priced sale": (encode_sale(PRICED_SALE), decode_sale, PRICED_SALE),
    "shares": (encode_release(SHARES), decode_release, SHARES),
    "settle": (encode_settle(SETTLE), decode_settle, SETTLE),
    "refund": (encode_refund(REFUND), decode_refund, REFUND),
    "void": (encode_refund(VOID), decode_refund, VOID),
    "exchange": (encode_exchange(EXCHANGE), decode_exchange, EXCHANGE),
    "replacement": (encode_exchange(REPLACEMENT), decode_exchange, REPLACEMENT),
    "interest": (encode_interest(INTEREST), decode_interest, INTEREST),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_was_written_is_read(name: str) -> None:
    body, decode, value = BODIES[name]
    assert decode(body) == value


@pytest.mark.parametrize("name", BODIES)
def test_one_value_has_one_text(name: str) -> None:
    body, _decode, _value = BODIES[name]
    raw = json.loads(body)
    assert body == json.dumps(raw, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@pytest.mark.parametrize("name", BODIES)
def test_keys_of_a_later_version_are_passed_over(name: str) -> None:
    body, decode, value = BODIES[name]
    assert decode(json.dumps(json.loads(body) | {"mood": "sunny"})) == value


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="half an object"),
        pytest.param("[]", id="an array"),
        pytest.param("null", id="null"),
        pytest.param("{}", id="an empty object"),
        pytest.param("[" * 100_000, id="arrays within arrays"),
        pytest.param('{"units":' * 60_000, id="objects within objects"),
        pytest.param("9" * 5_000, id="a number too long"),
    ],
)
def test_a_text_that_is_no_body_is_none(name: str, body: str) -> None:
    assert BODIES[name][1](body) is None


def spoiled(name: str, path: str, value: object) -> tuple[str, Decode]:
    """The body with the value at `path` ("lines.0.unit") replaced."""
    body, decode, _value = BODIES[name]
    raw: Any = json.loads(body)
    place = raw
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for step in way:
        place = place[step]
    assert last in place if isinstance(last, str) else last < len(place)
    place[last] = value
    return json.dumps(raw), decode


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        pytest.param("sale", "order", "00000000000000FF", id="order id in capitals"),
        pytest.param("sale", "receipt", "", id="receipt empty"),
        pytest.param("sale", "receipt", "x" * 65, id="receipt too long"),
        pytest.param("sale", "receipt", "A1\u0000", id="receipt with a NUL"),
        pytest.param("sale", "receipt", "A1\n", id="receipt of two lines"),
        pytest.param("sale", "receipt", "\ud83d", id="receipt with half a character"),
        pytest.param("sale", "sold_by", None, id="nobody sold it"),
        pytest.param("sale", "currency", "cny", id="currency in small letters"),
        pytest.param("sale", "currency", "C1Y", id="currency with a digit"),
        pytest.param("sale", "price_list", -1, id="price list below zero"),
        pytest.param("sale", "price_list", 2**31, id="price list too high"),
        pytest.param("sale", "total", 87_001, id="total is not the sum"),
        pytest.param("sale", "total", True, id="total is a truth value"),
        pytest.param("sale", "total", 87_000.0, id="total is a float"),
        pytest.param("sale", "cash", None, id="no cash"),
        pytest.param("sale", "cash.amount", 86_999, id="cash leg is not the total"),
        pytest.param("sale", "cash.tendered", 86_999, id="cash does not cover its leg"),
        pytest.param("sale", "cash.tendered", MINOR_MAX + 1, id="cash beyond all bounds"),
        pytest.param("sale", "lines", [], id="no lines"),
        pytest.param("sale", "lines", {}, id="lines are no list"),
        pytest.param("sale", "lines.0", None, id="a line is nothing"),
        pytest.param("sale", "lines.0.ticket", "1", id="a ticket id too short"),
        pytest.param("sale", "lines.1.ticket", f"{1:016x}", id="one ticket twice"),
        pytest.param("sale", "lines.1.unit", 1, id="one unit twice"),
        pytest.param("sale", "lines.0.unit", 0, id="unit zero"),
        pytest.param("sale", "lines.0.performance", 2**32, id="performance too high"),
        pytest.param("sale", "lines.0.version", 256, id="version too high"),
        pytest.param("sale", "lines.0.allotment", "7", id="an allotment that is none"),
        pytest.param("sale", "lines.0.price", -1, id="a price below zero"),
        pytest.param("sale", "lines.0.tier", "", id="no tier"),
        pytest.param("sale", "lines.0.type", 1, id="a type by number"),
        pytest.param("sale", "lines.0.rule", None, id="no rule"),
        pytest.param("sale", "lines.0.code", None, id="no code"),
        pytest.param("sale", "lines.0.code", "x" * 1_025, id="a code too long"),
        pytest.param("release", "performance", 0, id="release of no performance"),
        pytest.param("release", "allotment", None, id="release of no allotment"),
        pytest.param("release", "units", [], id="release of nothing"),
        pytest.param("release", "units", [3, 3], id="a unit released twice"),
        pytest.param("release", "units", [1, True], id="a truth value among the units"),
        pytest.param("release", "units", "345", id="units in a text"),
        pytest.param("release", "units", list(range(1, UNITS_MAX + 2)), id="too many units"),
        pytest.param("print", "order", None, id="print of no order"),
        pytest.param("print", "copy", 0, id="copy zero"),
        pytest.param("entry", "phase", "passed", id="a phase that is not granted"),
        pytest.param("entry by hand", "type", 256, id="a ticket type of two bytes"),
        pytest.param("entry by hand", "type", True, id="a ticket type that is none"),
        pytest.param("entry by hand", "by_hand", {}, id="by nobody's hand"),
        pytest.param(
            "entry by hand",
            "by_hand",
            {"against": "already_used", "by": ["p1"], "note": "x"},
            id="by one person's hand",
        ),
        pytest.param(
            "entry by hand",
            "by_hand",
            {"against": "dislike", "by": ["p1", "p2"], "note": "x"},
            id="against no reason",
        ),
        pytest.param("gate opened", "cause", "tailgate", id="opened by nothing that opens"),
        pytest.param("gate opened", "by", "", id="opened by nobody"),
        pytest.param("gate opened", "lane", "", id="opened nowhere"),
        pytest.param("gate opened", "note", "a\nb", id="a reason of two lines"),
        pytest.param("fire", "by", 1, id="a fire by a number"),
        pytest.param("gate shut", "opened", "0", id="shut and never opened"),
        pytest.param("walked", "count", 0, id="nobody walked"),
        pytest.param("walked", "from_ms", 3_000, id="walked backwards in time"),
        pytest.param("walked", "out", 1, id="neither in nor out"),
        pytest.param("block", "ticket", "1", id="block of no ticket"),
        pytest.param("block", "by", "", id="blocked by nobody"),
        pytest.param("block", "reason", "", id="blocked for nothing"),
        pytest.param("block", "reason", "x" * 121, id="a reason too long for gates"),
        pytest.param("block", "reason", "stolen ", id="a reason with an end that nobody sees"),
        pytest.param("block", "reason", "a\nb", id="a block's reason of two lines"),
        pytest.param("block", "lifted", 1, id="neither blocked nor lifted"),
        pytest.param("block", "at_ms", None, id="blocked at no time"),
        pytest.param("passage", "phase", "granted", id="an end that is none"),
        pytest.param("passage", "entry", "0", id="the end of no entry"),
        pytest.param("passage", "ticket", 1, id="the end of no ticket's entry"),
        pytest.param("passage", "at_ms", -1, id="an end before all time"),
        pytest.param("exit", "ticket", "", id="exit of no ticket"),
        pytest.param("exit", "performance", -1, id="exit from no performance"),
        pytest.param("exit", "unit", 2**32, id="exit of no unit"),
        pytest.param("exit", "version", 256, id="exit with no version"),
        pytest.param("exit", "type", None, id="exit of no ticket type"),
        pytest.param("exit", "lane", "", id="exit at no lane"),
        pytest.param("exit", "at_ms", 1.5, id="exit at half a millisecond"),
        pytest.param("entry", "ticket", None, id="entry of no ticket"),
        pytest.param("entry", "performance", "1", id="performance in a text"),
        pytest.param("entry", "unit", -1, id="unit below zero"),
        pytest.param("entry", "version", -1, id="version below zero"),
        pytest.param("entry", "key", "xyz", id="a key id that is none"),
        pytest.param("entry", "allotment", "x-1", id="entry on no allotment"),
        pytest.param("entry", "lane", "", id="no lane"),
        pytest.param("entry", "at_ms", 2**53, id="an instant out of bounds"),
        pytest.param("entry", "offline", 1, id="offline as a number"),
        pytest.param("signed in", "person", "", id="nobody signed in"),
        pytest.param("late sale", "late", 1, id="late as a number"),
        pytest.param("late sale", "lines.0.pool", "", id="a pool without a name"),
        pytest.param("late sale", "lines.0.pool", None, id="a pool that is nothing"),
        pytest.param("priced sale", "lines.0.list", -1, id="a list price below zero"),
        pytest.param("priced sale", "lines.0.list", True, id="a list price that is true"),
        pytest.param("priced sale", "lines.0.package", -1, id="a package below zero"),
        pytest.param("priced sale", "lines.0.package", "1", id="a package in a text"),
        pytest.param("priced sale", "lines.2.discount", "", id="a discount without a reason"),
        pytest.param("priced sale", "lines.2.discount", None, id="a discount that is nothing"),
        pytest.param("priced sale", "lines.2.off", -1, id="less than nothing taken off"),
        pytest.param("priced sale", "lines.2.approved_by", "", id="approved by no name"),
        pytest.param("priced sale", "lines.2.approved_by", 7, id="approved by a number"),
        pytest.param("shares", "counts", [], id="release of nothing at all"),
        pytest.param("shares", "counts", {"first-500": 12}, id="shares in an object"),
        pytest.param("shares", "counts.0", ["first-500"], id="a share of no size"),
        pytest.param("shares", "counts.0", ["", 1], id="a share of no pool"),
        pytest.param("shares", "counts.0", ["first-500", 0], id="a share of nothing"),
        pytest.param("shares", "counts.0", ["children", 2], id="one pool twice"),
        pytest.param(
            "shares", "counts", [[f"p{n}", 1] for n in range(COUNTS_MAX + 1)], id="too many pools"
        ),
        pytest.param("settle", "performance", 0, id="settling no performance"),
        pytest.param("settle", "allotment", "1a2b3c4d", id="settling no allotment"),
        pytest.param("refund", "order", None, id="refund of no order"),
        pytest.param("refund", "action", "exchange", id="a refund by another name"),
        pytest.param("refund", "action", [], id="a refund by no name"),
        pytest.param("refund", "action", "void", id="a void that keeps a fee"),
        pytest.param("refund", "tickets", [], id="refund of no tickets"),
        pytest.param("refund", "tickets", [RETURNED[0]] * 2, id="refund of one ticket twice"),
        pytest.param("refund", "tickets.0", 1, id="refund of a numbered ticket"),
        pytest.param(
            "refund", "tickets", [f"{n:016x}" for n in range(LINES_MAX + 1)], id="too many tickets"
        ),
        pytest.param("refund", "cash", -1, id="a refund that takes money"),
        pytest.param("refund", "fee", -1, id="a fee below zero"),
        pytest.param("refund", "fee", True, id="a fee that is a truth value"),
        pytest.param("refund", "currency", "", id="refund in no money"),
        pytest.param("refund", "by", "", id="nobody refunded it"),
        pytest.param("refund", "reason", "", id="refund for no reason"),
        pytest.param("exchange", "returned", [], id="exchange of nothing"),
        pytest.param("exchange", "returned", [RETURNED[0]] * 2, id="one ticket returned twice"),
        pytest.param("exchange", "returned.0", f"{3:016x}", id="a ticket for itself"),
        pytest.param("exchange", "of_order", NEW_ORDER, id="an order exchanged for itself"),
        pytest.param("exchange", "order", "", id="exchange for no order"),
        pytest.param("exchange", "action", "refund", id="an exchange by another name"),
        pytest.param("exchange", "lines", [], id="exchange for nothing"),
        pytest.param("exchange", "lines.0.unit", 4, id="exchange for one unit twice"),
        pytest.param("exchange", "lines.0.price", 58_001, id="exchange does not add up"),
        pytest.param("exchange", "credit", -1, id="a credit below zero"),
        pytest.param("exchange", "paid", 30_000.0, id="paid in floats"),
        pytest.param("exchange", "paid", 29_999, id="paid too little"),
        pytest.param("exchange", "tendered", 29_999, id="cash does not cover the exchange"),
        pytest.param("exchange", "receipt", None, id="exchange without a receipt"),
        pytest.param("exchange", "price_list", "7", id="exchange by no price list"),
        pytest.param("replacement", "credit", 115_999, id="a replacement of other worth"),
        pytest.param("replacement", "returned", [RETURNED[0]], id="two replace one"),
        pytest.param("interest", "performance", None, id="interest in nothing"),
        pytest.param("interest", "count", 0, id="interest in no places"),
        pytest.param("interest", "count", UNITS_MAX + 1, id="interest in every place"),
        pytest.param("interest", "note", "x" * 65, id="a note too long"),
        pytest.param("interest", "note", "", id="a note without words"),
    ],
)
def test_a_broken_rule_makes_it_none(name: str, path: str, value: object) -> None:
    body, decode = spoiled(name, path, value)
    assert decode(body) is None


def test_the_largest_sale_is_read() -> None:
    largest = sale(*(line(at, MINOR_MAX // LINES_MAX) for at in range(1, LINES_MAX + 1)))
    largest = replace(largest, cash=CashLeg(largest.total_minor, MINOR_MAX))
    assert decode_sale(encode_sale(largest)) == largest
    one_more = sale(*(line(at, 1) for at in range(1, LINES_MAX + 2)))
    assert decode_sale(encode_sale(one_more)) is None


def test_a_free_ticket_is_a_sale() -> None:
    free = sale(line(1, 0))
    free = replace(free, cash=CashLeg(0, 0))
    assert decode_sale(encode_sale(free)) == free


def test_the_largest_release_is_read() -> None:
    largest = Release(1, ALLOTMENT, tuple(range(1, UNITS_MAX + 1)))
    assert decode_release(encode_release(largest)) == largest


def test_the_same_unit_of_two_performances_is_two_units() -> None:
    assert adds_up(sale(line(1), replace(line(2), unit=1, performance=2)))
    assert not adds_up(sale(line(1), replace(line(2), unit=1)))


def test_a_name_is_one_line_of_at_most_64_characters() -> None:
    assert all(map(is_name, ["a", "1 号门 · 2", "座" * 64, "\u3000"]))
    assert not any(map(is_name, ["", "a" * 65, "a\tb", "\x7f", "\udc00", 7, None]))


def test_a_list_of_seen_entries_is_bounded() -> None:
    seen = [f"{at:032x}" for at in range(3)]
    assert is_seen_list(seen, 3)
    assert is_seen_list([], 0)
    assert not is_seen_list(seen, 2)
    assert not is_seen_list([*seen, 7], 9)
    assert not is_seen_list(tuple(seen), 3)
    assert op_ids(seen) == tuple(map(OpId, seen))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            encode_sale(sale(line(1, 500))),
            '{"cash":{"amount":500,"tendered":1500},"currency":"CNY","lines":[{"allotment":'
            '"1a2b3c4d-7","code":"BXG1","performance":1,"price":500,"rule":"list","ticket":'
            '"0000000000000001","tier":"a","type":"adult","unit":1,"version":0}],'
            '"order":"00000000000000ff","price_list":7,"receipt":"A1-000001","sold_by":"li.na",'
            '"total":500}',
            id="a sale",
        ),
        pytest.param(
            encode_release(RELEASE),
            '{"allotment":"1a2b3c4d-7","performance":1,"units":[3,5,4]}',
            id="a release",
        ),
        pytest.param(
            encode_interest(Interest(1, 4)), '{"count":4,"performance":1}', id="an interest"
        ),
    ],
)
def test_a_body_that_says_nothing_new_reads_as_it_always_did(body: str, text: str) -> None:
    assert body == text


def test_an_exchange_for_less_pays_out() -> None:
    down = replace(EXCHANGE, lines=(line(3, 50_000),), paid_minor=-36_000, tendered_minor=0)
    assert decode_exchange(encode_exchange(down)) == down
    assert decode_exchange(encode_exchange(replace(down, tendered_minor=1))) is None
    assert decode_exchange(encode_exchange(replace(down, paid_minor=36_000))) is None


def test_a_replacement_is_worth_what_was_lost() -> None:
    """Also where the fee makes up for it."""
    dearer = replace(REPLACEMENT, credit_minor=115_000, paid_minor=2_000, tendered_minor=2_000)
    assert decode_exchange(encode_exchange(dearer)) is None
    exchanged = replace(dearer, action=ExchangeAction.EXCHANGE)
    assert decode_exchange(encode_exchange(exchanged)) == exchanged


def test_an_even_exchange_takes_no_cash() -> None:
    even = replace(EXCHANGE, credit_minor=117_000, paid_minor=0, tendered_minor=0)
    assert decode_exchange(encode_exchange(even)) == even
    assert decode_exchange(encode_exchange(replace(even, tendered_minor=5))) is None


def test_the_largest_exchange_is_read_and_fits_an_operation() -> None:
    """With codes as long as the longest that a till makes."""
    lines = tuple(replace(line(at), code="B" * 220) for at in range(1, LINES_MAX + 1))
    returned = tuple(TicketId(f"{at:016x}") for at in range(1_001, 1_001 + LINES_MAX))
    credit = 58_000 * LINES_MAX
    largest = replace(REPLACEMENT, returned=returned, lines=lines, credit_minor=credit)
    body = encode_exchange(largest)
    assert decode_exchange(body) == largest
    assert len(body) <= BODY_CHARS_MAX


CARD_SALE = replace(
    SALE, cash=CashLeg(0, 0), legs=(HandLeg("card", 50_000, "004211"), HandLeg("phone", 37_000))
)


def test_a_sale_paid_by_other_tenders_is_read_back() -> None:
    split = replace(SALE, cash=CashLeg(40_000, 50_000), legs=(HandLeg("card", 47_000),))
    for one in (CARD_SALE, split):
        assert decode_sale(encode_sale(one)) == one


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"legs": (HandLeg("card", 86_999),)}, id="less than the total"),
        pytest.param({"legs": (HandLeg("card", 87_001),)}, id="more than the total"),
        pytest.param({"legs": (HandLeg("cash", 87_000),)}, id="cash by hand"),
        pytest.param(
            {"legs": (HandLeg("card", 87_000), HandLeg("card", 0))}, id="a leg of nothing"
        ),
        pytest.param({"legs": (HandLeg("card", 10_000),) * 9}, id="too many"),
        pytest.param({"legs": (HandLeg("card", 87_000, "a\nb"),)}, id="a number of two lines"),
        pytest.param({"rounding_minor": 5}, id="rounded without any cash"),
        pytest.param(
            {"cash": CashLeg(1, 1), "rounding_minor": 1}, id="rounded where nothing is due"
        ),
        pytest.param(
            {"cash": CashLeg(93_000, 93_000), "legs": (), "rounding_minor": 6_000},
            id="no coin is as large",
        ),
    ],
)
def test_legs_that_do_not_add_up_are_refused(broken: dict[str, Any]) -> None:
    assert decode_sale(encode_sale(replace(CARD_SALE, **broken))) is None


def test_what_coins_do_not_make_is_its_own_figure() -> None:
    odd = sale(line(1, 1_004))
    odd = replace(odd, cash=CashLeg(1_000, 1_000), rounding_minor=-4)
    assert decode_sale(encode_sale(odd)) == odd
    assert decode_sale(encode_sale(replace(odd, rounding_minor=0))) is None


def test_money_back_by_other_tenders_is_read_back() -> None:
    back = replace(REFUND, cash_minor=5_000, legs=(HandLeg("card", 79_996),), rounding_minor=4)
    assert decode_refund(encode_refund(back)) == back
    assert (back.back_minor, back.worth_minor) == (85_000, 87_000)
    assert decode_refund(encode_refund(replace(back, rounding_minor=-5_001))) is None


def test_an_exchange_takes_or_pays_its_difference_by_any_tender() -> None:
    up = replace(EXCHANGE, legs=(HandLeg("card", 30_000),), tendered_minor=0)
    assert decode_exchange(encode_exchange(up)) == up
    assert up.cash_minor == 0
    assert decode_exchange(encode_exchange(replace(up, tendered_minor=1))) is None
    down = replace(
        EXCHANGE,
        lines=(line(3, 50_000),),
        paid_minor=-36_000,
        tendered_minor=0,
        legs=(HandLeg("card", 30_000),),
    )
    assert decode_exchange(encode_exchange(down)) == down
    assert down.cash_minor == -6_000
    too_much = replace(down, legs=(HandLeg("card", 36_001),))
    assert decode_exchange(encode_exchange(too_much)) is None
    even = replace(EXCHANGE, credit_minor=117_000, paid_minor=0, tendered_minor=0)
    assert decode_exchange(encode_exchange(replace(even, legs=(HandLeg("card", 1),)))) is None


OLD_BODY = (
    '{"cash":{"amount":500,"tendered":1500},"currency":"CNY","lines":[{"allotment":'
    '"1a2b3c4d-7","code":"BXG1","performance":1,"price":500,"rule":"list","ticket":'
    '"0000000000000001","tier":"a","type":"adult","unit":1,"version":0}],'
    '"order":"00000000000000ff","price_list":7,"receipt":"A1-000001","sold_by":"li.na",'
    '"total":500}'
)


def test_a_body_from_before_there_were_other_tenders_is_read() -> None:
    assert decode_sale(OLD_BODY) == sale(line(1, 500))
