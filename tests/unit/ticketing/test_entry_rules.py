"""Entry rules at work: how often, coming back, anti-passback, gates, times, and being cut off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.unit.ticketing.admissions import DOORS, ENTRY, sound
from ticketing.admission import (
    UNLISTED_MAX,
    Admit,
    Calendar,
    CutOff,
    Entry,
    EntryRule,
    EntryRules,
    LaneFacts,
    Miss,
    MissKind,
    Note,
    Passback,
    Reason,
    Refuse,
    Step,
    Unlisted,
    Window,
    decide_alone,
    is_more_than_allowed,
)
from ticketing.ids import OpId

HOME = Calendar("Asia/Shanghai", time(4))


def fact(number: int, minute: int, lane: str = "lane 1") -> Entry:
    at = DOORS + timedelta(minutes=minute)
    return Entry(OpId(f"{number:032x}"), ENTRY.node_id, lane, at)


def decide(
    minute: int, rule: EntryRule, ins: tuple[int, ...], outs: tuple[int, ...] = (), **more: Any
) -> Admit | Refuse:
    """Decide at a minute after doors, with entries and exits at these minutes."""
    scan = sound(row=True)
    facts = replace(
        scan.facts,
        rule=replace(rule, late_minutes=10_000),
        calendar=HOME,
        entries=tuple(fact(at, minute_) for at, minute_ in enumerate(ins)),
        exits=tuple(fact(100 + at, minute_) for at, minute_ in enumerate(outs)),
        **more,
    )
    return replace(scan, facts=facts, at=DOORS + timedelta(minutes=minute)).decide()


def reason(answer: Admit | Refuse) -> Reason | None:
    return answer.reason if isinstance(answer, Refuse) else None


REENTRY = EntryRule(reentry_minutes=30)
DAY = 24 * 60


@pytest.mark.parametrize(
    ("rule", "minute", "ins", "outs", "expected"),
    [
        pytest.param(EntryRule(), 9, (1,), (5,), Reason.ALREADY_USED, id="out, and none back"),
        pytest.param(EntryRule(entries=2), 9, (1,), (), None, id="the second of two"),
        pytest.param(EntryRule(entries=2), 9, (1, 2), (), Reason.ALREADY_USED, id="a third of two"),
        pytest.param(EntryRule(entries=None), 9, (1, 2, 3), (), None, id="any number"),
        pytest.param(REENTRY, 35, (1,), (5,), None, id="back in the last moment"),
        pytest.param(REENTRY, 36, (1,), (5,), Reason.REENTRY_TOO_LATE, id="back too late"),
        pytest.param(REENTRY, 9, (1,), (), Reason.ALREADY_USED, id="never went out"),
        pytest.param(REENTRY, 9, (1, 6), (5,), Reason.ALREADY_USED, id="came back already"),
        pytest.param(REENTRY, 20, (1, 6), (5, 15), None, id="out again, back again"),
        pytest.param(REENTRY, 9, (5,), (1,), Reason.ALREADY_USED, id="an exit before any entry"),
        pytest.param(
            EntryRule(reentry_minutes=None), 2 * DAY, (1,), (5,), None, id="back whenever it likes"
        ),
        pytest.param(
            EntryRule(entries=2, reentry_minutes=30),
            50,
            (1, 40),
            (5,),
            Reason.REENTRY_TOO_LATE,
            id="late once, which was counted",
        ),
    ],
)
def test_how_often_a_ticket_is_let_in(
    rule: EntryRule,
    minute: int,
    ins: tuple[int, ...],
    outs: tuple[int, ...],
    expected: Reason | None,
) -> None:
    assert reason(decide(minute, rule, ins, outs)) is expected


def test_once_a_day_is_once_in_each_of_the_houses_business_days() -> None:
    rule = EntryRule(each_day=True)
    until_4 = round((datetime(2026, 11, 28, 20, tzinfo=UTC) - DOORS) / timedelta(minutes=1))
    assert reason(decide(until_4 - 1, rule, (1,))) is Reason.ALREADY_USED
    assert isinstance(decide(until_4, rule, (1,)), Admit)
    assert reason(decide(until_4 + 9, rule, (1, until_4))) is Reason.ALREADY_USED
    refused = decide(until_4 - 1, rule, (1,))
    assert isinstance(refused, Refuse)
    assert refused.miss == Miss(MissKind.AGAIN_AT, DOORS + timedelta(minutes=until_4))
    assert refused.step is Step.WAIT


def test_coming_back_is_noted_and_not_counted() -> None:
    answer = decide(20, REENTRY, (1,), (5,))
    assert answer == Admit(unconfirmed=False, notes=frozenset({Note.REENTRY}))


@pytest.mark.parametrize(
    ("passback", "outs", "expected"),
    [
        (Passback.NONE, (), None),
        (Passback.SOFT, (), None),
        (Passback.HARD, (), Reason.STILL_INSIDE),
        (Passback.HARD, (5,), None),
        (Passback.TIMED, (), Reason.TOO_SOON),
        (Passback.TIMED, (5,), None),
    ],
)
def test_anti_passback(passback: Passback, outs: tuple[int, ...], expected: Reason | None) -> None:
    rule = EntryRule(entries=5, passback=passback, passback_minutes=10)
    answer = decide(10, rule, (1,), outs)
    assert reason(answer) is expected
    if passback is Passback.SOFT:
        assert answer == Admit(unconfirmed=False, notes=frozenset({Note.STILL_INSIDE}))
    if passback is Passback.TIMED:
        assert reason(decide(11, rule, (1,))) is None, "ten minutes after the entry"


@pytest.mark.parametrize("passback", [Passback.SOFT, Passback.HARD])
def test_nobody_stays_over_night(passback: Passback) -> None:
    rule = EntryRule(entries=5, passback=passback)
    assert decide(DAY, rule, (1,)) == Admit(unconfirmed=False)


@pytest.mark.parametrize(
    ("rule", "lane_gate", "expected"),
    [
        (EntryRule(), "Gate B", None),
        (EntryRule(own_gate=True), "Gate A", None),
        (EntryRule(own_gate=True), "甲门", None),
        (EntryRule(own_gate=True), "", None),
        (EntryRule(own_gate=True), "Gate B", Reason.WRONG_GATE),
        (EntryRule(own_gate=True, gates=("Gate B",)), "Gate B", None),
        (EntryRule(gates=("Gate B",)), "Gate A", Reason.WRONG_GATE),
    ],
)
def test_at_which_gates(rule: EntryRule, lane_gate: str, expected: Reason | None) -> None:
    assert reason(decide(1, rule, (), lane_gate=lane_gate)) is expected


def test_a_place_without_a_gate_goes_in_everywhere() -> None:
    answer = decide(1, EntryRule(own_gate=True), (), lane_gate="Gate B", home_gate=None)
    assert isinstance(answer, Admit)


def test_minutes_before_and_after() -> None:
    scan = sound(row=True)
    rule = EntryRule(early_minutes=15, late_minutes=5)
    facts = replace(scan.facts, rule=rule)
    end = DOORS + timedelta(minutes=195)
    for at, expected in (
        (DOORS - timedelta(minutes=15, microseconds=1), Reason.TOO_EARLY),
        (DOORS - timedelta(minutes=15), None),
        (end + timedelta(minutes=5, microseconds=-1), None),
        (end + timedelta(minutes=5), Reason.TOO_LATE),
    ):
        assert reason(replace(scan, facts=facts, at=at).decide()) is expected


def test_a_performance_that_was_moved_takes_its_tickets_along() -> None:
    """Without the row both times count: nobody can tell which of the two is the newer one."""
    week = timedelta(days=7)
    moved, printed = Window(DOORS + week, DOORS + week + timedelta(hours=3)), timedelta(minutes=195)
    table = [
        (DOORS - timedelta(microseconds=1), Reason.TOO_EARLY, Reason.TOO_EARLY),
        (DOORS, Reason.TOO_EARLY, None),
        (DOORS + printed, Reason.TOO_EARLY, Reason.TOO_EARLY),
        (moved.valid_from - timedelta(microseconds=1), Reason.TOO_EARLY, Reason.TOO_EARLY),
        (moved.valid_from, None, None),
        (moved.valid_to, Reason.TOO_LATE, Reason.TOO_LATE),
    ]
    for at, with_row, without in table:
        for row, expected in ((True, with_row), (False, without)):
            scan = sound(row=row)
            facts = replace(scan.facts, window=moved)
            assert reason(replace(scan, facts=facts, at=at).decide()) is expected


def test_the_other_performance_says_how_far_off_it_was() -> None:
    scan = sound(row=True)
    opens = DOORS + timedelta(minutes=35)

    def asked(window: Window | None) -> Miss | None:
        facts = replace(scan.facts, performances=frozenset({5}), window=window)
        answer = replace(scan, facts=facts).decide()
        assert isinstance(answer, Refuse)
        assert answer.reason is Reason.WRONG_PERFORMANCE
        return answer.miss

    assert asked(None) is None
    assert asked(Window(opens, opens + timedelta(hours=1))) == Miss(MissKind.OPENS_AT, opens)
    assert asked(Window(DOORS, DOORS)) == Miss(MissKind.CLOSED_AT, DOORS)
    here = asked(Window(DOORS, opens))
    assert here is not None
    assert here.kind is MissKind.OTHER_LANE


# --- cut off


def alone(facts: LaneFacts, rules: EntryRules, *, unlisted: int = 0) -> Reason | None:
    return reason(decide_alone(Admit(unconfirmed=False), facts, rules, unlisted_count=unlisted))


@pytest.mark.parametrize(
    ("policy", "lane_gate", "expected"),
    [
        (CutOff.ALLOW, "Gate B", None),
        (CutOff.HOME_GATE_ONLY, "甲门", None),
        (CutOff.HOME_GATE_ONLY, "Gate B", Reason.CUT_OFF),
        (CutOff.HOME_GATE_ONLY, "", Reason.CUT_OFF),
        (CutOff.DENY, "甲门", Reason.CUT_OFF),
    ],
)
def test_what_the_house_wants_of_a_gate_that_is_cut_off(
    policy: CutOff, lane_gate: str, expected: Reason | None
) -> None:
    facts = replace(sound(row=True).facts, lane_gate=lane_gate)
    assert alone(facts, EntryRules(when_cut_off=policy)) is expected


def test_a_sale_that_nobody_heard_of_counts_only_without_its_allotment() -> None:
    listed = sound(row=False).facts
    unlisted = replace(listed, allotment=None)
    rules = EntryRules()
    assert alone(listed, rules, unlisted=UNLISTED_MAX) is None
    assert alone(unlisted, rules, unlisted=UNLISTED_MAX - 1) is None
    assert alone(unlisted, rules, unlisted=UNLISTED_MAX) is Reason.NOT_IN_ALLOTMENT
    desk = EntryRules(unlisted=Unlisted.DESK)
    assert alone(unlisted, desk) is Reason.NOT_IN_ALLOTMENT
    assert alone(listed, desk) is None


# --- found out afterwards


@pytest.mark.parametrize(
    ("rule", "ins", "outs", "expected"),
    [
        (EntryRule(), (), (), False),
        (EntryRule(), (1,), (), False),
        (EntryRule(), (1, 2), (), True),
        (EntryRule(entries=2), (1, 2), (), False),
        (EntryRule(entries=2), (1, 2, 3), (), True),
        (EntryRule(entries=None), (1, 2, 3), (), False),
        (EntryRule(each_day=True), (1, DAY), (), False),
        (EntryRule(each_day=True), (1, DAY, DAY + 1), (), True),
        (REENTRY, (1, 9), (5,), False),
        (REENTRY, (1, 9, 10), (5,), True),
        (REENTRY, (1, 99), (5,), True),
    ],
)
def test_what_is_more_than_allowed(
    rule: EntryRule, ins: tuple[int, ...], outs: tuple[int, ...], expected: bool
) -> None:
    entries = [fact(at, minute) for at, minute in enumerate(ins)]
    exits = [fact(100 + at, minute) for at, minute in enumerate(outs)]
    assert is_more_than_allowed(entries, exits, rule, HOME) is expected
