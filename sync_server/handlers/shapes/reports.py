"""What reports tell programs."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from sync_server.handlers.shapes.terms import That
from sync_server.services.sales_report import ReportBy

Day = Annotated[str, That(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]


class SalesQuery(TypedDict):
    """Of which event, performance and business days (both included); all that is not named."""

    event: NotRequired[str]
    performance: NotRequired[Annotated[str, That(pattern="^([0-9]{1,10})?$")]]
    first: NotRequired[Day]
    last: NotRequired[Day]


class SalesRow(TypedDict):
    """Tickets, and money in minor units; `of` is an id, a day, an hour ("09") or a channel.

    `event` where what it is of belongs to one, else "".
    """

    by: ReportBy
    event: str
    of: str
    currency: str
    sold_count: int
    sold_minor: int
    back_count: int
    back_minor: int


class Sales(TypedDict):
    """The report. `counted_ms`: when the event that waits longest was counted last; -1: none
    waits, 0: one was never counted.
    """

    counted_ms: int
    lines: list[SalesRow]
