"""Whether the prices of a sale are explained: by the list, by a rule, by who let it be.

What was paid is booked whatever comes out; a price that nothing explains becomes a case.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.work import Work
from ticketing.event import Event
from ticketing.journal import Op
from ticketing.operations import Exchange, Sale, SaleLine
from ticketing.pricing import (
    LIST_RULE,
    SoldLine,
    approver_role,
    check_prices,
    within_tolerance,
)

CLOCK_SLACK = timedelta(minutes=5)
"""How far a till's clock may be off where a rule begins or ends."""
TOLERANCE_HUNDREDTHS = 1_000
"""How far (10 %) a price of another version of the list may be from this one's."""
_WALL_MS_MAX = 4_102_444_800_000  # the year 2100: a clock beyond is broken, and no date may be


class PriceDoubt(StrEnum):
    """What a case says besides the codes of `Unlawful`. Stored and sent, never renamed."""

    OTHER_TIER = "other_tier"  # the place is of another price tier than the line says
    NOT_APPROVED = "not_approved"  # somebody had to let it be, and the sale names nobody


def check_sale_prices(work: Work, op: Op, sale: Sale | Exchange) -> None:
    """Open a case for prices that are not explained. Most sales are at the list, and cheap."""
    event = work.event
    for line in sale.lines:  # a plain loop: every sale comes by here
        if not _is_plain(event, line):
            break
    else:
        if sale.currency == event.currency:
            return
    wrong = [
        {"ticket": line.ticket_id, "paid": line.price_minor, "list": listed, "why": why}
        for line, listed, why in _doubtful(event, op, sale)
    ]
    if wrong or sale.currency != event.currency:
        body = {"order": sale.order_id, "price_list": sale.price_list_version, "lines": wrong}
        open_case(work, CaseKind.PRICE, sale.order_id, body)


def _is_plain(event: Event, line: SaleLine) -> bool:
    """Whether the line is at the list price of its place and claims nothing else."""
    if line.rule != LIST_RULE or line.package or line.discount or line.off_minor:
        return False
    try:
        if event.tier_of(line.unit) != line.tier_id:
            return False
    except KeyError:
        return False
    listed = event.price(line.tier_id, line.ticket_type_id, line.performance)
    return listed == line.price_minor


def _doubtful(
    event: Event, op: Op, sale: Sale | Exchange
) -> Iterator[tuple[SaleLine, int | None, str]]:
    """The lines that nothing explains: with the list's price, and why."""
    price_list = event.price_list
    sold = {line.ticket_id: _sold(line) for line in sale.lines}
    sold_at = datetime.fromtimestamp(min(op.wall_ms, _WALL_MS_MAX) / 1000, UTC)
    found = check_prices(price_list, list(sold.values()), sold_at=sold_at, slack=CLOCK_SLACK)
    if sale.price_list_version != event.price_list_version:
        found = tuple(one for one in found if not within_tolerance(one, TOLERANCE_HUNDREDTHS))
    unexplained: dict[str, str] = {one.key: one.reason for one in found}
    for line in sale.lines:
        needs_approval = approver_role(price_list, sold[line.ticket_id]) is not None
        if not _is_of_its_tier(event, line):
            yield line, None, PriceDoubt.OTHER_TIER
        elif line.ticket_id in unexplained:
            yield line, _listed_minor(event, line), unexplained[line.ticket_id]
        elif needs_approval and not line.approved_by:
            yield line, _listed_minor(event, line), PriceDoubt.NOT_APPROVED


def _sold(line: SaleLine) -> SoldLine:
    return SoldLine(
        line.ticket_id,
        line.performance,
        line.tier_id,
        line.ticket_type_id,
        line.price_minor,
        line.rule,
        line.pool if line.rule != LIST_RULE else "",  # the list asks for none, and forbids none
        line.package,
        line.discount,
        line.off_minor,
    )


def _is_of_its_tier(event: Event, line: SaleLine) -> bool:
    try:
        return event.tier_of(line.unit) == line.tier_id
    except KeyError:
        return False


def _listed_minor(event: Event, line: SaleLine) -> int | None:
    """The list's price of this very place; None when it has none, or is of another price tier."""
    if not _is_of_its_tier(event, line):
        return None
    return event.price(line.tier_id, line.ticket_type_id, line.performance)
