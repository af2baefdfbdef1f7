"""How much windows of an event are lent ahead: what a manager says, for all windows or for one.

Policy, never correctness: a rule decides which free units are lent and on what terms. It is a
document of the event; where there is none, `ticketing.sizing` decides alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sync_server.heart.policy import Policy
from sync_server.heart.work import Work
from ticketing.sizing import GRANT_UNITS_MAX

LENDING_DOC = "lending"
EVERY_WINDOW = ""
RULES_MAX = 500
AREAS_MAX = 50
TERM_MIN_MIN, TERM_MIN_MAX = 10, 7 * 24 * 60
"""The shortest and the longest term, in minutes: long enough to sell, short enough to write off."""


class LendMode(StrEnum):
    """What a window is lent. Stored, never renamed."""

    AHEAD = "ahead"  # some to sell from, also without the network
    ASKED = "asked"  # only what a basket asks for: it sells online only
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LendingRule:
    """`ahead`: so many unsold units it should have, 0 as its pace says; `most`: never more are lent
    ahead, 0 for no limit. Terms in minutes, 0 for the house's. `first`: areas it is lent of first.
    """

    mode: LendMode = LendMode.AHEAD
    ahead: int = 0
    most: int = 0
    soft_min: int = 0
    hard_min: int = 0
    first: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a rule outside of the bounds."""
        if not (0 <= self.ahead <= GRANT_UNITS_MAX and 0 <= self.most <= GRANT_UNITS_MAX):
            raise ValueError("counts")
        if self.most and self.ahead > self.most:
            raise ValueError("counts")
        terms = (self.soft_min, self.hard_min)
        if any(terms) and not TERM_MIN_MIN <= terms[0] <= terms[1] <= TERM_MIN_MAX:
            raise ValueError("terms")
        if len(self.first) > AREAS_MAX or len(set(self.first)) != len(self.first):
            raise ValueError("areas")

    def wanted(self, asked: int, unsold: int, target: int) -> int:
        """How many units to lend to a window that asks for so many and has `unsold`."""
        if self.mode is not LendMode.AHEAD:
            return 0
        goal = self.ahead or max(target, asked)
        if self.most:
            goal = min(goal, self.most)
        if (self.ahead or self.most) and 2 * unsold >= goal:
            return 0  # half of it is left: not one by one
        return goal - unsold if self.ahead else min(asked, goal - unsold)

    def terms_of(self, policy: Policy) -> Policy:
        """The policy with the rule's terms."""
        if not self.hard_min:
            return policy
        return replace(policy, soft_s=self.soft_min * 60, hard_s=self.hard_min * 60)


AS_EVER = LendingRule()


def lending_document(text: str | None) -> dict[str, Any]:
    """All that an event's document says of lending; `heart.agency_limits` has a part of it, too."""
    return dict(json.loads(text)) if text else {}


def rules_of(text: str | None) -> dict[str, LendingRule]:
    """The rules of an event's document, by window; EVERY_WINDOW is for those without their own."""
    raw: Mapping[str, Mapping[str, Any]] = lending_document(text).get("rules", {})
    return {node_id: rule_of(each) for node_id, each in raw.items()}


def rule_of(raw: Mapping[str, Any]) -> LendingRule:
    """A rule as a document has it."""
    made = dict(raw) | {"mode": LendMode(raw["mode"]), "first": tuple(raw["first"])}
    return LendingRule(**made)


def rule_for(work: Work, node_id: str) -> LendingRule:
    """What is said of a window of this event."""
    rules = rules_of(work.doc(LENDING_DOC))
    return rules.get(node_id) or rules.get(EVERY_WINDOW) or AS_EVER


class NoRule(StrEnum):
    """Why a rule was not set."""

    AREA = "area"  # there is no such area in the event's plan
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rule was set; what it was before, and None where there is none (any more)."""

    before: LendingRule | None
    after: LendingRule | None


@dataclass(frozen=True, slots=True)
class SetLendingRule:
    """Say how much a window is lent, or all of them; None takes the rule away."""

    stream: str
    node_id: str
    rule: LendingRule | None

    def want(self, work: Work) -> None:
        """Nothing: a document is read when it is asked for."""

    def apply(self, work: Work) -> RuleSet | NoRule:
        """From the next request of a window on; what is lent already keeps its terms."""
        rules = rules_of(work.doc(LENDING_DOC))
        before = rules.pop(self.node_id, None)
        if self.rule is not None:
            if any(work.plan.area(area_id) is None for area_id in self.rule.first):
                return NoRule.AREA
            rules[self.node_id] = self.rule
        if len(rules) > RULES_MAX:
            return NoRule.LIMIT
        if before != self.rule:
            raw = {node_id: asdict(rule) for node_id, rule in sorted(rules.items())}
            document = lending_document(work.doc(LENDING_DOC)) | {"rules": raw}
            work.put_doc(LENDING_DOC, json.dumps(document, separators=(",", ":")))
        return RuleSet(before, self.rule)
