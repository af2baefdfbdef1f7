"""An event's refund rules in its document: reading them, and writing them. The section is optional."""

from __future__ import annotations

from typing import Any

from ticketing.document_reader import Node
from ticketing.faults import N_, Fault
from ticketing.operations.fields import MINOR_MAX
from ticketing.refund_rules import (
    DEFAULT_RULES,
    WHOLE,
    PackageRefund,
    RefundRules,
    RefundStep,
)

STEPS_MAX = 16
MINUTES_MAX = 525_600
_PERCENT_DIGITS = 100
_KEYS = (
    "minimum_fee",
    "package",
    "void_minutes",
    "later_by_manager",
    "exchange_fee",
    "replacement_fee",
    "cashier_cap",
    "supervisor_cap",
)


def read_refund_rules(node: Node) -> RefundRules:
    """Read them; DEFAULT_RULES when the document has none, or a fault that is recorded."""
    if not node.present:
        return DEFAULT_RULES
    mark = node.problems.count
    members = node.members(("steps",), _KEYS)
    steps = [_read_step(each) for each in members["steps"].items(0, STEPS_MAX, N_("steps"))]
    before = [step.minutes_before for step in steps]
    if before != sorted(set(before), reverse=True):
        members["steps"].refuse(Fault.STEPS_ORDER)
    package, manager = members["package"], members["later_by_manager"]
    chosen = package.one_of(PackageRefund, N_("a package rule")) if package.present else ""
    minimum, exchange, replacement, cashier, supervisor = (
        _amount(members[key]) for key in ("minimum_fee", *_KEYS[4:])
    )
    if cashier and supervisor and supervisor < cashier:
        members["supervisor_cap"].refuse(Fault.CAP_BELOW)
    void = members["void_minutes"]
    void_minutes = void.integer(0, MINUTES_MAX) if void.present else 0
    by_manager = manager.present and manager.flag(default=False)
    if node.problems.since(mark):
        return DEFAULT_RULES
    rule = PackageRefund(chosen) if chosen else PackageRefund.SHARE
    return RefundRules(
        tuple(steps),
        minimum,
        rule,
        void_minutes,
        by_manager,
        exchange,
        replacement,
        cashier,
        supervisor,
    )


def refund_rules_members(rules: RefundRules) -> dict[str, Any]:
    """Them as they stand in a document; nothing for the default."""
    if rules == DEFAULT_RULES:
        return {}
    return {
        "steps": [_step_members(step) for step in rules.steps],
        "minimum_fee": rules.minimum_fee_minor,
        "package": rules.package.value,
        "void_minutes": rules.void_minutes,
        "later_by_manager": rules.later_by_manager,
        "exchange_fee": rules.exchange_fee_minor,
        "replacement_fee": rules.replacement_fee_minor,
        **({"cashier_cap": rules.cashier_cap_minor} if rules.cashier_cap_minor else {}),
        **({"supervisor_cap": rules.supervisor_cap_minor} if rules.supervisor_cap_minor else {}),
    }


def _read_step(node: Node) -> RefundStep:
    members = node.members(("minutes_before",), ("fee_percent", "fee"))
    minutes = members["minutes_before"].integer(0, MINUTES_MAX)
    percent, fee = members["fee_percent"], members["fee"]
    if percent.present and fee.present:
        node.refuse(Fault.FEE_TWICE)
        return RefundStep(minutes)
    hundredths = 0
    if percent.present:
        hundredths = round(percent.number(0, 100) * _PERCENT_DIGITS)
    return RefundStep(minutes, min(hundredths, WHOLE), _amount(fee))


def _step_members(step: RefundStep) -> dict[str, Any]:
    members: dict[str, Any] = {"minutes_before": step.minutes_before}
    if step.fee_hundredths:
        members["fee_percent"] = step.fee_hundredths / _PERCENT_DIGITS
    if step.fee_minor:
        members["fee"] = step.fee_minor
    return members


def _amount(node: Node) -> int:
    return node.integer(0, MINOR_MAX) if node.present else 0
