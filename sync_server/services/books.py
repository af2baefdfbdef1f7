"""The books: is every unit, every yuan and every entry accounted for?

Each account is counted twice from different tables, and the difference is shown, never hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from ticketing.ledger import tender_of


@dataclass(frozen=True, slots=True)
class UnitAccount:
    """One performance: capacity = free + lent + sold + blocked, and sold = valid tickets.

    `blocked` is what nobody may sell now: blocked, held by the server, or returned and not free yet.
    """

    event_id: str
    performance: int
    starts_ms: int
    capacity: int
    lent: int
    sold: int
    blocked: int
    tickets: int

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


CASES_MAX = 100


def read_books(connection: Connection) -> Books:
    """All accounts as of one snapshot of the database."""
    cases = connection.execute(text("SELECT count(*) FROM case_file WHERE state = 'open'"))
    return Books(
        units=_units(connection),
        money=_money(connection),
        entries=_entries(connection),
        nodes=_nodes(connection),
        cash=_cash(connection),
        tenders=_tenders(connection),
        open_cases=_cases(connection),
        open_case_count=int(cases.scalar_one()),
    )


def _units(connection: Connection) -> tuple[UnitAccount, ...]:
    rows = connection.execute(
        text(
            """
            SELECT p.event_id, p.perf_id, p.starts_ms, p.unit_count,
                   coalesce(c.lent, 0), coalesce(c.sold, 0), coalesce(c.blocked, 0),
                   coalesce(t.tickets, 0)
            FROM performance p
            LEFT JOIN (
                SELECT event_id, perf_id,
                       sum(CASE WHEN kind = 'allot' THEN 1 ELSE 0 END) AS lent,
                       sum(CASE WHEN kind = 'sold' THEN 1 ELSE 0 END) AS sold,
                       sum(CASE WHEN kind IN ('blocked', 'hold', 'returned') THEN 1 ELSE 0 END)
                           AS blocked
                FROM claim GROUP BY event_id, perf_id
            ) c ON c.event_id = p.event_id AND c.perf_id = p.perf_id
            LEFT JOIN (
                SELECT event_id, perf_id, count(*) AS tickets
                FROM ticket WHERE state = 'valid' GROUP BY event_id, perf_id
            ) t ON t.event_id = p.event_id AND t.perf_id = p.perf_id
            ORDER BY p.starts_ms, p.perf_id
            """
        )
    )
    return tuple(UnitAccount(row[0], *(int(n) for n in row[1:])) for row in rows)


def _money(connection: Connection) -> tuple[MoneyAccount, ...]:
    rows = connection.execute(
        text(
            """
            SELECT o.event_id, o.currency, o.total,
                   coalesce(t.total, 0), coalesce(l.taken, 0), coalesce(l.total, 0)
            FROM (SELECT event_id, currency, sum(total_minor - refunded_minor) AS total
                  FROM orders GROUP BY event_id, currency) o
            LEFT JOIN (SELECT k.event_id, s.currency, sum(k.price_minor) AS total
                       FROM ticket k
                       JOIN orders s ON s.event_id = k.event_id AND s.id = k.order_id
                       WHERE k.state <> 'void'
                       GROUP BY k.event_id, s.currency) t
                   ON t.event_id = o.event_id AND t.currency = o.currency
            LEFT JOIN (SELECT event_id, currency, sum(amount_minor) AS total,
                              sum(CASE WHEN account <> 'sales' THEN amount_minor ELSE 0 END)
                                  AS taken
                       FROM ledger GROUP BY event_id, currency) l
                   ON l.event_id = o.event_id AND l.currency = o.currency
            ORDER BY o.event_id, o.currency
            """
        )
    )
    return tuple(MoneyAccount(row[0], row[1], *(int(n) for n in row[2:])) for row in rows)


def _entries(connection: Connection) -> tuple[EntryAccount, ...]:
    rows = connection.execute(
        text(
            """
            SELECT p.event_id, p.perf_id, coalesce(t.tickets, 0), coalesce(e.entries, 0),
                   coalesce(e.tickets, 0), coalesce(e.unknown, 0), coalesce(e.repeats, 0)
            FROM performance p
            LEFT JOIN (SELECT event_id, perf_id, count(*) AS tickets
                       FROM ticket WHERE state = 'valid' GROUP BY event_id, perf_id) t
                   ON t.event_id = p.event_id AND t.perf_id = p.perf_id
            LEFT JOIN (SELECT x.event_id, x.perf_id, count(*) AS entries,
                              count(DISTINCT x.ticket_id) AS tickets,
                              sum(CASE WHEN k.id IS NULL THEN 1 ELSE 0 END) AS unknown,
                              sum(x.again) AS repeats
                       FROM entry x
                       LEFT JOIN ticket k ON k.event_id = x.event_id AND k.id = x.ticket_id
                       WHERE x.phase IN ('granted','passed')
                       GROUP BY x.event_id, x.perf_id) e
                   ON e.event_id = p.event_id AND e.perf_id = p.perf_id
            ORDER BY p.starts_ms, p.perf_id
            """
        )
    )
    return tuple(EntryAccount(row[0], *(int(n) for n in row[1:])) for row in rows)


def _nodes(connection: Connection) -> tuple[NodeLine, ...]:
    rows = connection.execute(
        text(
            """
            SELECT n.id, n.name, n.role, n.state, n.last_seen_ms, n.unsynced_count,
                   n.program_version, n.clock_offset_ms,
                   (SELECT count(*) FROM claim c WHERE c.node_id = n.id AND c.kind = 'allot'),
                   (SELECT count(*) FROM claim c WHERE c.node_id = n.id AND c.kind = 'sold'),
                   (SELECT count(*) FROM entry e WHERE e.node_id = n.id
                        AND e.phase IN ('granted','passed'))
            FROM node n ORDER BY n.name
            """
        )
    )
    return tuple(NodeLine(*row) for row in rows)


def _cash(connection: Connection) -> tuple[CashAccount, ...]:
    rows = connection.execute(
        text(
            """
            SELECT n.id, n.name, l.currency, sum(l.amount_minor)
            FROM ledger l JOIN node n ON l.account = 'cash:' || n.id
            GROUP BY n.id, n.name, l.currency ORDER BY n.name, l.currency
            """
        )
    )
    return tuple(CashAccount(row[0], row[1], row[2], int(row[3])) for row in rows)


def _tenders(connection: Connection) -> tuple[TenderAccount, ...]:
    rows = connection.execute(
        text(
            """
            SELECT account, currency, sum(amount_minor) FROM ledger
            WHERE account LIKE 'tender:%' GROUP BY account, currency ORDER BY account, currency
            """
        )
    ).all()
    names = {row[0]: row[1] for row in connection.execute(text("SELECT id, name FROM node"))}
    found = []
    for account, currency, minor in rows:
        known = tender_of(account)
        if known is not None:
            tender, node_id = known
            name = names.get(node_id, node_id)
            found.append(TenderAccount(tender, node_id, name, currency, int(minor)))
    return tuple(found)


def _cases(connection: Connection) -> tuple[CaseLine, ...]:
    rows = connection.execute(
        text(
            "SELECT event_id, id, kind, opened_ms, body FROM case_file WHERE state = 'open' "
            "ORDER BY opened_ms, id LIMIT :most"
        ),
        {"most": CASES_MAX},
    )
    return tuple(CaseLine(*row) for row in rows)
