"""Cases: what a person must settle. Opening one twice leaves one; facts that join reopen it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from sync_server.heart.rows import Case
from sync_server.heart.work import Work


class CaseKind(StrEnum):
    """What happened. Stored and sent, never renamed."""

    DOUBLE_ENTRY = "double_entry"
    OVERSOLD = "oversold"  # a sale of units that its till did not hold
    PRICE = "price"  # sold at another price than the list's
    POISON = "poison"  # an operation that could not be understood or applied
    FORK = "fork"  # a node's journal contradicts what it sent before
    DIVERGENCE = "divergence"  # a node's copy differed from the centre's rows
    WRITTEN_OFF = "written_off"  # units of a lost node taken back: late sales may follow
    ENTERED_REVOKED = "entered_revoked"  # somebody went in on a ticket that was revoked
    RESOLD = "resold"  # returned units sold again before a silent gate knew: who decided that
    POOL = "pool"  # more of a counted right was spent than was lent
    REFUND = "refund"  # money paid out for a ticket that was not there to be revoked
    PAID_BACK = "paid_back"  # more money went back by a tender than had come in by it
    REENROLLED = "reenrolled"  # a node began a new life; what the old one was lent is reserved
    CASH_DIFFERENCE = "cash_difference"  # a drawer held more or less than a shift accounts for
    Z_NUMBER = "z_number"  # a till's Z reports repeat a number, or leave one out
    BLOCKED = "blocked"  # somebody let nobody in with a ticket for now, and why
    CREDENTIAL = "credential"  # a chip was bound that stands for another ticket, or to none
    GRANT = "grant"  # a node declares an allotment that this history cannot honour


def open_case(work: Work, kind: CaseKind, key: str, body: Mapping[str, object]) -> None:
    """Open the case `kind:key`, or bring it up to date; a settled one is open again."""
    case_id = f"{kind}:{key}"
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    known = work.cases.get(case_id)
    if known is None:
        case = Case(work.stream, case_id, kind, "open", work.now_ms, 0, "", text)
        work.cases.put(case_id, case)
    elif known.body != text:
        known.body, known.state, known.closed_ms = text, "open", 0
        work.cases.put(case_id, known)


def close_case(work: Work, case_id: str, resolution: Mapping[str, object]) -> bool:
    """Settle a case: who, what and why. False when there is no open case of this id."""
    known = work.cases.get(case_id)
    if known is None or known.state != "open":
        return False
    known.state, known.closed_ms = "closed", work.now_ms
    known.resolution = json.dumps(resolution, ensure_ascii=False, sort_keys=True)
    work.cases.put(case_id, known)
    return True
