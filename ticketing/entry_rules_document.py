"""An event's entry rules in its document: reading them, and writing them. The section is optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ticketing.admission.rules import (
    Calendar,
    CutOff,
    EntryRule,
    EntryRules,
    Passback,
    RuleFor,
    Unlisted,
    Unrecorded,
)
from ticketing.document_reader import Node, shown
from ticketing.faults import N_, Fault

if TYPE_CHECKING:
    from ticketing.event import Venue
    from ticketing.pricing.document import Scope

RULES_MAX = 64
GATES_MAX = 32
ENTRIES_MAX = 10_000
MINUTES_MAX = 10_080  # a week
UNLIMITED, ANY, OWN = "unlimited", "any", "own"

_FOR_KEYS = ("ticket_types", "performances")
_RULE_KEYS = (
    "entries",
    "each_day",
    "early_minutes",
    "late_minutes",
    "gates",
    "reentry_minutes",
    "passback",
    "passback_minutes",
)
_POLICY_KEYS = ("when_cut_off", "unlisted", "unrecorded")


def read_entry_rules(node: Node, scope: Scope, venue: Venue) -> EntryRules:
    """Read them; the usual ones when the document has none, or a fault that is recorded."""
    usual = EntryRules(calendar=Calendar(venue.timezone, venue.day_starts))
    if not node.present:
        return usual
    mark = node.problems.count
    members = node.members((), ("rules", *_POLICY_KEYS))
    listed = members["rules"]
    nodes = listed.items(0, RULES_MAX, N_("rules")) if listed.present else []
    rules = tuple(_read_rule(inner, scope) for inner in nodes)
    cut_off, unlisted, unrecorded = (
        _word(members[key], words, usual)
        for key, words, usual in (
            ("when_cut_off", CutOff, usual.when_cut_off),
            ("unlisted", Unlisted, usual.unlisted),
            ("unrecorded", Unrecorded, usual.unrecorded),
        )
    )
    if node.problems.since(mark):
        return usual
    return EntryRules(
        rules, CutOff(cut_off), Unlisted(unlisted), Unrecorded(unrecorded), usual.calendar
    )


def entry_rules_members(rules: EntryRules) -> dict[str, Any]:
    """Them as they stand in a document; nothing for the usual ones."""
    usual = EntryRules()
    policies = {
        key: getattr(rules, key).value
        for key in _POLICY_KEYS
        if getattr(rules, key) is not getattr(usual, key)
    }
    listed = [_rule_members(each) for each in rules.rules]
    return {**({"rules": listed} if listed else {}), **policies}


def _read_rule(node: Node, scope: Scope) -> RuleFor:
    mark = node.problems.count
    members = node.members((), (*_FOR_KEYS, *_RULE_KEYS))
    types = _read_list(members["ticket_types"], N_("ticket types"))
    numbers = _read_list(members["performances"], N_("performance numbers"))
    said = _read_said(members)
    if said.get("passback") is Passback.TIMED and not said.get("passback_minutes"):
        node.refuse(Fault.TIMED_WITHOUT)
    rule_for = RuleFor(
        EntryRule(**said) if not node.problems.since(mark) else EntryRule(),
        frozenset(said),
        tuple(
            inner.one_of(scope.ticket_type_ids, N_("the id of a ticket type")) for inner in types
        ),
        tuple(_read_number(inner, scope) for inner in numbers),
    )
    if not said:
        node.refuse(Fault.SAYS_NOTHING)
    return rule_for


def _read_list(node: Node, what: str) -> list[Node]:
    return node.items(1, 5_000, what) if node.present else []


def _read_number(node: Node, scope: Scope) -> int:
    if node.value not in scope.performances or type(node.value) is not int:
        node.refuse(Fault.NO_PERFORMANCE)
        return 0
    return node.value


def _read_said(members: Mapping[str, Node]) -> dict[str, Any]:
    """The fields of the rule that the document gives."""
    said: dict[str, Any] = {}
    for key in ("early_minutes", "late_minutes", "passback_minutes"):
        if members[key].present:
            said[key] = members[key].integer(0, MINUTES_MAX)
    if members["entries"].present:
        said["entries"] = _number_or_unlimited(members["entries"], 1, ENTRIES_MAX)
    if members["reentry_minutes"].present:
        said["reentry_minutes"] = _number_or_unlimited(members["reentry_minutes"], 0, MINUTES_MAX)
    if members["each_day"].present:
        said["each_day"] = members["each_day"].flag(default=False)
    if members["passback"].present:
        said["passback"] = Passback(_word(members["passback"], Passback, Passback.NONE))
    if members["gates"].present:
        said |= _read_gates(members["gates"])
    return said


def _read_gates(node: Node) -> dict[str, Any]:
    if isinstance(node.value, str):
        node.one_of([ANY], N_('"any", or a list of gates, in which "own" is the place\'s own'))
        return {"own_gate": False, "gates": ()}
    names = [inner.string(N_("a gate's name")) for inner in node.items(1, GATES_MAX, N_("gates"))]
    return {"own_gate": OWN in names, "gates": tuple(name for name in names if name != OWN)}


def _number_or_unlimited(node: Node, low: int, high: int) -> int | None:
    if isinstance(node.value, str):
        if node.value != UNLIMITED:
            node.refuse(
                Fault.NUMBER_OR_WORD, low=low, high=high, word=UNLIMITED, value=shown(node.value)
            )
        return None
    return node.integer(low, high)


def _word(node: Node, words: type[CutOff | Unlisted | Unrecorded | Passback], usual: str) -> str:
    if not node.present:
        return usual
    return node.one_of([str(word) for word in words], N_("one of the words")) or usual


def _rule_members(each: RuleFor) -> dict[str, Any]:
    rule, given = each.rule, each.given
    members: dict[str, Any] = {}
    if each.ticket_types:
        members["ticket_types"] = list(each.ticket_types)
    if each.performances:
        members["performances"] = list(each.performances)
    for key in _RULE_KEYS:
        if key in given:
            value = getattr(rule, key)
            members[key] = UNLIMITED if value is None else value
    if "own_gate" in given:
        names = [*([OWN] if rule.own_gate else []), *rule.gates]
        members["gates"] = names or ANY
    return members
