"""Whether the books are right after a run: what was acknowledged is stored, and adds up."""

from __future__ import annotations

from sqlalchemy import Engine, text

from sync_server.store.database import read_only

_MUST_BE_NOTHING = {
    "operations that were not accepted": "SELECT count(*) FROM op WHERE verdict <> 'ok'",
    "cases": "SELECT count(*) FROM case_file",
    "orders whose ledger lines do not add up to nothing": (
        "SELECT count(*) FROM (SELECT order_id FROM ledger GROUP BY event_id, order_id "
        "HAVING sum(amount_minor) <> 0) AS uneven"
    ),
    "units sold twice": (
        "SELECT count(*) FROM (SELECT unit FROM ticket GROUP BY event_id, perf_id, unit "
        "HAVING count(*) > 1) AS twice"
    ),
    "tickets without the unit's claim": (
        "SELECT count(*) FROM ticket WHERE NOT EXISTS (SELECT 1 FROM claim "
        "WHERE claim.event_id = ticket.event_id AND claim.perf_id = ticket.perf_id "
        "AND claim.unit = ticket.unit AND claim.kind = 'sold' AND claim.ref = ticket.id)"
    ),
    "journals that do not reach to their last operation": (
        "SELECT count(*) FROM journal WHERE seq <> (SELECT count(*) FROM op WHERE "
        "op.event_id = journal.event_id AND op.node_id = journal.node_id AND op.inc = journal.inc)"
    ),
}
_SALES = "SELECT count(*) FROM op WHERE kind = 'sale'"


def check_books(engine: Engine, *, acknowledged: int, in_flight_max: int) -> int:
    """How many operations are stored. Raises AssertionError when anything is wrong.

    What was on its way when the generator stopped may be stored too.
    """
    with read_only(engine).connect() as connection:

        def count(sql: str) -> int:
            return int(connection.execute(text(sql)).scalar_one())

        wrong = {name: found for name, sql in _MUST_BE_NOTHING.items() if (found := count(sql))}
        if wrong:
            raise AssertionError(f"the books are wrong: {wrong}")
        sales, tickets = count(_SALES), count("SELECT count(*) FROM ticket")
        orders = count("SELECT count(*) FROM orders")
        cash = count(
            "SELECT coalesce(sum(amount_minor), 0) FROM ledger WHERE account LIKE 'cash:%'"
        )
        paid = count("SELECT coalesce(sum(price_minor), 0) FROM ticket")
        stored = count("SELECT count(*) FROM op")
    assert tickets == 2 * sales, f"{tickets} tickets of {sales} sales"
    assert orders == sales, f"{orders} orders of {sales} sales"
    assert cash == paid, f"{cash} in the ledger, {paid} on the tickets"
    assert acknowledged <= stored <= acknowledged + in_flight_max, (
        f"{acknowledged} acknowledged, {stored} stored"
    )
    return stored
