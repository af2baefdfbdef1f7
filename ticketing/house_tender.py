"""Means of payment that a manager has named, beside cash: what was taken is recorded by hand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketing.text import Text

TENDERS_MAX = 8
"""Named tenders of a house: three of them have keys, the others stand behind "More"."""


class TenderIcon(StrEnum):
    """What stands on the key. Stored in documents; never renamed."""

    CARD = "card"
    PHONE = "phone"
    BANK = "bank"
    VOUCHER = "voucher"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HouseTender:
    """One of them. The first three are on the keys F10 to F12.

    `asks_reference`: the number on the machine's slip is asked for. `opens_drawer`: its slips lie
    there. `refunds`: money may go back by it; else it goes back in cash.
    """

    id: str
    name: Text
    icon: TenderIcon = TenderIcon.OTHER
    asks_reference: bool = False
    opens_drawer: bool = False
    refunds: bool = True
