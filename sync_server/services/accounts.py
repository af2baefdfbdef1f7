"""The accounts of the house: each is counted twice from different tables, and says when it differs."""

from __future__ import annotations

from dataclasses import dataclass

DERIVED = ("free", "balanced")
"""What follows from an account's figures and is told to programs beside them."""


@dataclass(frozen=True, slots=True)
class UnitAccount:
    """One performance: capacity = free + lent + sold + blocked, and sold = valid tickets.

    `blocked` is what nobody may sell now: blocked, held by the server, or returned and not free yet.
    `held` and `returned` are those parts of it.
    """

    event_id: str
    performance: int
    starts_ms: int
    capacity: int
    lent: int
    sold: int
    blocked: int
    tickets: int
    held: int = 0
    returned: int = 0

    @property
    def free(self) -> int:
        """What is left of the capacity."""
        return self.capacity - self.lent - self.sold - self.blocked

    @property
    def balanced(self) -> bool:
        """Whether this account agrees with itself."""
        return self.free >= 0 and self.sold == self.tickets


@dataclass(frozen=True, slots=True)
class MoneyAccount:
    """One event and currency, three ways: orders less refunds, tickets not revoked, the ledger.

    `taken_minor` is what the ledger took for the sales, and all its lines sum to nothing.
    """

    event_id: str
    currency: str
    orders_minor: int
    tickets_minor: int
    taken_minor: int
    ledger_sum_minor: int

    @property
    def balanced(self) -> bool:
        """Whether this account agrees with itself."""
        same = self.orders_minor == self.tickets_minor == self.taken_minor
        return same and self.ledger_sum_minor == 0


@dataclass(frozen=True, slots=True)
class EntryAccount:
    """One performance: entries that count, and the tickets they let in; more entries = a double.

    `repeats` are the further entries of tickets whose rule allows them.
    """

    event_id: str
    performance: int
    tickets: int
    entries: int
    tickets_let_in: int
    entries_without_ticket: int  # let in on a sale that has not been synced yet
    repeats: int = 0

    @property
    def balanced(self) -> bool:
        """Whether this account agrees with itself."""
        return not self.doubles and self.entries_without_ticket == 0

    @property
    def doubles(self) -> int:
        """How many entries are more than tickets allow."""
        return self.entries - self.repeats - self.tickets_let_in


@dataclass(frozen=True, slots=True)
class CashAccount:
    """One till's drawer by the ledger: what it counted last, and what moved since."""

    node_id: str
    name: str
    currency: str
    cash_minor: int


@dataclass(frozen=True, slots=True)
class TenderAccount:
    """What one till recorded by hand for one tender, less what went back by it."""

    tender: str
    node_id: str
    name: str
    currency: str
    taken_minor: int


@dataclass(frozen=True, slots=True)
class NodeLine:
    """One node: last contact and what it holds."""

    id: str
    name: str
    role: str
    state: str
    last_seen_ms: int
    unsynced_count: int
    program_version: str
    clock_offset_ms: int
    lent: int
    sold: int
    entries: int
    behind: int = 0  # changes of the feed that a gate has not read
    last_kind: str = ""  # what it told last, "" for nothing yet
    last_ms: int = 0  # and when that was, by its own clock


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One open case."""

    event_id: str
    id: str
    kind: str
    opened_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class Books:
    """All accounts of the house."""

    units: tuple[UnitAccount, ...]
    money: tuple[MoneyAccount, ...]
    entries: tuple[EntryAccount, ...]
    nodes: tuple[NodeLine, ...]
    cash: tuple[CashAccount, ...]
    open_cases: tuple[CaseLine, ...]  # oldest first, at most CASES_MAX
    open_case_count: int
    tenders: tuple[TenderAccount, ...] = ()

    @property
    def balanced(self) -> bool:
        """All accounts agree, nothing waits at a node, no case is open."""
        agree = [
            *(account.balanced for account in self.units),
            *(account.balanced for account in self.money),
            *(account.balanced for account in self.entries),
        ]
        waiting = any(node.unsynced_count for node in self.nodes)
        return all(agree) and not waiting and not self.open_case_count
