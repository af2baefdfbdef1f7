"""Entry rules in an event's document: read, written back alike, and refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.till import sample_catalogue
from ticketing.admission import (
    USUAL_RULE,
    CutOff,
    EntryRule,
    EntryRules,
    Passback,
    Unlisted,
    Unrecorded,
)
from ticketing.catalogue import CatalogueError, event_documents, parse_event_document
from ticketing.event import Event


def stored(rules: Any = None) -> dict[str, Any]:
    _id, document = event_documents(sample_catalogue())[0]
    copy: dict[str, Any] = json.loads(json.dumps(document))
    if rules is not None:
        copy["event"]["entry_rules"] = rules
    return copy


def read(rules: Any) -> Event:
    return parse_event_document(stored(rules))[2]


EVENT = sample_catalogue().events[0]
TYPES = [kind.id for kind in EVENT.ticket_types]
FIRST, SECOND = (one.number for one in EVENT.performances[:2])


def test_a_document_without_rules_lets_each_ticket_in_once() -> None:
    event = parse_event_document(stored())[2]
    assert event.entry_rules.rule(TYPES[0], FIRST) == USUAL_RULE == EntryRule()
    assert event.entry_rules.when_cut_off is CutOff.ALLOW
    assert (event.entry_rules.unlisted, event.entry_rules.unrecorded) == (
        Unlisted.ALLOW,
        Unrecorded.DENY,
    )


def test_the_days_are_the_venues() -> None:
    event = read({})
    venue = sample_catalogue().venue
    calendar = event.entry_rules.calendar
    assert (calendar.timezone, calendar.day_starts) == (venue.timezone, venue.day_starts)


FULL = {
    "rules": [
        {"entries": 3, "reentry_minutes": 30, "gates": ["own", "VIP"], "early_minutes": 15},
        {
            "ticket_types": [TYPES[0]],
            "performances": [SECOND],
            "entries": "unlimited",
            "reentry_minutes": "unlimited",
            "gates": "any",
            "each_day": True,
            "passback": "timed",
            "passback_minutes": 10,
            "late_minutes": 5,
        },
    ],
    "when_cut_off": "home_gate_only",
    "unlisted": "desk",
    "unrecorded": "allow",
}


def test_later_rules_are_laid_over_earlier_ones() -> None:
    rules = read(FULL).entry_rules
    usual = EntryRule(
        entries=3, reentry_minutes=30, own_gate=True, gates=("VIP",), early_minutes=15
    )
    assert rules.rule(TYPES[1], SECOND) == rules.rule(TYPES[0], FIRST) == usual
    assert rules.rule("", SECOND) == usual, "an unknown ticket type has what holds for all"
    assert rules.rule(TYPES[0], SECOND) == EntryRule(
        entries=None,
        each_day=True,
        early_minutes=15,
        late_minutes=5,
        reentry_minutes=None,
        passback=Passback.TIMED,
        passback_minutes=10,
    )
    assert (rules.when_cut_off, rules.unlisted, rules.unrecorded) == (
        CutOff.HOME_GATE_ONLY,
        Unlisted.DESK,
        Unrecorded.ALLOW,
    )


def test_the_widest_times_are_those_of_any_rule_of_the_performance() -> None:
    rules = read(FULL).entry_rules
    assert [round(each.total_seconds() / 60) for each in rules.widest(FIRST)] == [15, 0]
    assert [round(each.total_seconds() / 60) for each in rules.widest(SECOND)] == [15, 5]


@pytest.mark.parametrize("rules", [{}, FULL, {"rules": [{"gates": ["own"]}, {"gates": "any"}]}])
def test_what_was_written_is_read_back_alike(rules: dict[str, Any]) -> None:
    venue, plan, event = parse_event_document(stored(rules))
    again = event_documents(type(sample_catalogue())(venue, (plan,), (event,)))[0][1]
    assert parse_event_document(json.loads(json.dumps(again)))[2] == event
    assert again["event"].get("entry_rules", {}) == rules


def test_usual_rules_leave_the_document_as_it_was() -> None:
    assert "entry_rules" not in stored()["event"]
    assert EntryRules().rule("adult", 1) == USUAL_RULE


@pytest.mark.parametrize(
    ("rules", "path", "sentence"),
    [
        pytest.param([], "entry_rules", "must be an object", id="a list"),
        pytest.param({"rule": []}, "entry_rules.rule", 'did you mean "rules"', id="a slip"),
        pytest.param({"rules": [{}]}, "rules[0]", "says nothing", id="an empty rule"),
        pytest.param(
            {"rules": [{"ticket_types": [TYPES[0]]}]}, "rules[0]", "says nothing", id="no rule"
        ),
        pytest.param(
            {"rules": [{"entries": 0}]}, "rules[0].entries", "1 to 10000", id="no entry at all"
        ),
        pytest.param({"rules": [{"entries": "many"}]}, "rules[0].entries", "unlimited", id="many"),
        pytest.param(
            {"rules": [{"entries": 2, "ticket_types": ["x"]}]},
            "ticket_types[0]",
            "ticket type",
            id="no such type",
        ),
        pytest.param(
            {"rules": [{"entries": 2, "performances": [999_999]}]},
            "performances[0]",
            "number of a performance",
            id="no such performance",
        ),
        pytest.param(
            {"rules": [{"passback": "timed"}]}, "rules[0]", "passback_minutes", id="how long"
        ),
        pytest.param({"rules": [{"gates": "own"}]}, "gates", "any", id="a word for a list"),
        pytest.param({"rules": [{"gates": []}]}, "gates", "1 to 32", id="no gate"),
        pytest.param({"when_cut_off": "maybe"}, "when_cut_off", "home_gate_only", id="a policy"),
        pytest.param(
            {"rules": [{"each_day": "yes"}]}, "each_day", "true or false", id="a flag as a word"
        ),
    ],
)
def test_a_fault_is_named_with_its_place(rules: Any, path: str, sentence: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(rules)
    [problem] = caught.value.problems
    assert path in problem.path
    assert sentence in problem.rule
