"""A database that loses the last part of its history, and what nodes do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select

from sync_server.heart.history import (
    Declare,
    Declared,
    GivenUp,
    ListLost,
    NewGeneration,
    Reported,
    begin_generation,
)
from sync_server.heart.lending import Grant
from sync_server.store.schema import metadata
from sync_server.store.sql import Sql
from tests.integration.sync_server.stage import EVENT, GENERATION, Stage, Till

Saved = dict[str, list[dict[str, Any]]]


def found(stage: Stage) -> None:
    """The history that the stage's grants are of, begun as the server begins one."""
    stage.do(lambda tx: tx.run("DELETE FROM generation"))
    made = NewGeneration("00000000-0000-7000-8000-000000000000", GENERATION, 1, "init")
    stage.do(lambda tx: begin_generation(Sql.of(tx.connection), made))


def save(stage: Stage) -> Saved:
    """Everything in the database as it is now."""
    with stage.engine.connect() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


def lose(stage: Stage, saved: Saved, short: str = "0000000b") -> None:
    """What has happened since is lost, and a new history begins."""
    restore(stage, saved)
    begin(stage, short)


def restore(stage: Stage, saved: Saved) -> None:
    """What has happened since is lost, and nobody has noticed."""
    with stage.engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
            if saved[table.name]:
                connection.execute(insert(table), saved[table.name])


def begin(stage: Stage, short: str, *, lost: tuple[str, ...] = ()) -> None:
    """A new history, as from now."""
    made = NewGeneration(f"id-{short}", short, stage.now_ms, "test", lost=lost)
    stage.do(lambda tx: begin_generation(Sql.of(tx.connection), made))


def push_again(till: Till) -> list[str]:
    """What a till does first: push from where the server's copy of its journal ends."""
    till.acked = journal_seq(till)
    return till.push() if till.acked < len(till.ops) else []


def journal_seq(till: Till) -> int:
    rows = till.stage.rows(
        "SELECT seq FROM journal WHERE event_id = :e AND node_id = :n AND inc = :i",
        e=till.stream,
        n=till.node_id,
        i=till.incarnation,
    )
    return int(rows[0][0]) if rows else 0


def declare(
    till: Till, *grants: Grant | Declared, done: bool = True, short: str = "0000000b"
) -> bool:
    """Declare these allotments; whether the event still waits."""
    told = tuple(one if isinstance(one, Declared) else as_declared(one) for one in grants)
    answer = till.stage.take(Declare(till.source, short, told, done))
    assert isinstance(answer, Reported), answer
    return answer.quarantined


def as_declared(grant: Grant) -> Declared:
    return Declared(
        grant.id, grant.performance, grant.firm, grant.units, tuple(sorted(grant.counts.items()))
    )


def report(till: Till, *grants: Grant | Declared, short: str = "0000000b") -> bool:
    """Push and declare."""
    push_again(till)
    return declare(till, *grants, short=short)


def give_up(stage: Stage, *tills: Till) -> GivenUp:
    """Two people list nodes as lost."""
    step = ListLost(EVENT, tuple(till.node_id for till in tills), "chen", "wang", "burnt")
    return stage.take(step)


def verdicts(till: Till) -> list[str]:
    """The verdicts that stand now, of every operation."""
    rows = till.stage.rows(
        "SELECT verdict, verdict_code FROM op WHERE event_id = :e AND node_id = :n ORDER BY seq",
        e=till.stream,
        n=till.node_id,
    )
    return [f"{row.verdict} {row.verdict_code}".strip() for row in rows]


def levels(stage: Stage) -> int:
    """The event's level of quarantine."""
    return int(stage.one("SELECT quarantine FROM stream WHERE event_id = :e", e=EVENT))


def sorted_units(stage: Stage, kind: str) -> Sequence[int]:
    """The units of a kind of claim."""
    return sorted(unit for unit, (found, _ref, _node) in stage.claims().items() if found == kind)
