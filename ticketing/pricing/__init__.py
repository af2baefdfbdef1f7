"""What a basket costs, and why: the price engine that till, server and tests share.

`quote` prices a basket by a `PriceList`; `check_prices` asks of prices that were paid whether the
rules explain them. The rules themselves are read by `ticketing.pricing.document`.
"""

from __future__ import annotations

from ticketing.pricing.check import (
    SoldLine,
    Unexplained,
    Unlawful,
    approver_role,
    check_prices,
    within_tolerance,
)
from ticketing.pricing.engine import quote
from ticketing.pricing.price_list import PriceList
from ticketing.pricing.quoted import (
    ApprovalNeeded,
    FoundPackage,
    PricedLine,
    Quote,
    Refusal,
    Refused,
    Step,
    StepKind,
)
from ticketing.pricing.rules import (
    LIST_RULE,
    NO_RULES,
    AmountOff,
    DiscountReason,
    FixedPrice,
    HouseRate,
    Over,
    Package,
    PackageTickets,
    PercentOff,
    Period,
    PoolSize,
    PriceRules,
    Rate,
    Reduction,
    Role,
    Rounding,
    RoundingMode,
    Where,
)
from ticketing.pricing.wanted import (
    EXACT_LINES_MAX,
    LINES_MAX,
    Approval,
    AsHouse,
    Context,
    Discounted,
    Wanted,
)

__all__ = [
    "EXACT_LINES_MAX",
    "LINES_MAX",
    "LIST_RULE",
    "NO_RULES",
    "AmountOff",
    "Approval",
    "ApprovalNeeded",
    "AsHouse",
    "Context",
    "DiscountReason",
    "Discounted",
    "FixedPrice",
    "FoundPackage",
    "HouseRate",
    "Over",
    "Package",
    "PackageTickets",
    "PercentOff",
    "Period",
    "PoolSize",
    "PriceList",
    "PriceRules",
    "PricedLine",
    "Quote",
    "Rate",
    "Reduction",
    "Refusal",
    "Refused",
    "Role",
    "Rounding",
    "RoundingMode",
    "SoldLine",
    "Step",
    "StepKind",
    "Unexplained",
    "Unlawful",
    "Wanted",
    "Where",
    "approver_role",
    "check_prices",
    "quote",
    "within_tolerance",
]
