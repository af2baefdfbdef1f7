"""Forgetting what is over: buyers of past events, logins, codes, tokens. The books stay whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from program.exit_codes import ExitCode
from sync_server.commands import opened_house
from sync_server.forgetting import Forgetter
from sync_server.handlers.state import CENTRE
from sync_server.heart.buyers import PutBuyers, ToldBuyer
from sync_server.services import retention
from sync_server.services.audit import UNKNOWN
from sync_server.services.clients import RefreshRefusal, add_client, refresh
from sync_server.services.enrolment import add_code
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.retention import Counts, Terms
from sync_server.services.scopes import WHOLE_VENUE
from sync_server.services.sessions import SessionLimits, begin_session, find_session
from sync_server.store import schema
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.integration.sync_server.console_forms import deeds
from tests.integration.sync_server.stage import EVENT, Stage, Till
from tests.integration.sync_server.support import HouseOnDisk, app_of
from tests.integration.sync_server.test_people_cli import Commands
from tests.integration.sync_server.test_people_cli import run as run  # noqa: PLC0414 - a fixture

Client = TestClient[Any, Any]
TERMS = Terms(buyers_days=180, codes_days=30)
FOR_EVER = Terms(buyers_days=0, codes_days=0)
HOUR_MS = 3_600_000


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


def put(till: Till, *order_ids: str) -> None:
    """The till tells who bought these."""
    told = tuple(ToldBuyer(each, 1, "ab" * 40, ("a" * 24,), 1) for each in order_ids)
    till.stage.take(PutBuyers(till.source, told))


def end_of(stage: Stage) -> int:
    """When the last performance of the event ends, Unix milliseconds."""
    return int(stage.one("SELECT max(ends_ms) FROM performance WHERE event_id = :e", e=EVENT))


def pass_days(stage: Stage, days: float, since_ms: int) -> None:
    stage.now += timedelta(milliseconds=since_ms - stage.now_ms) + timedelta(days=days)


def due(stage: Stage, terms: Terms = TERMS) -> Counts:
    with read_only(stage.engine).connect() as connection:
        return retention.count_due(connection, terms, stage.now_ms)


def forget(stage: Stage, terms: Terms = TERMS) -> Counts:
    """A whole run, as the command does it."""
    with read_only(stage.engine).connect() as connection:
        todo = retention.pieces(connection, terms, stage.now_ms)
    for piece in todo:
        after, is_last = "", False
        while not is_last:
            done = stage.do(partial(retention.do_piece, piece=piece, after=after))
            after, is_last = done.after, done.is_last
    return stage.do(lambda tx: retention.close_run(tx, terms, UNKNOWN))


def noted(stage: Stage) -> list[dict[str, Any]]:
    bodies = [json.loads(row[0]) for row in stage.rows("SELECT body FROM audit_outbox ORDER BY id")]
    return [each["after"] for each in bodies if each["deed"] == "retention_run"]


def books(stage: Stage) -> dict[str, list[Any]]:
    """Every row of the tables that say who sold what for how much, and who went in."""
    return {
        table.name: stage.rows(str(select(table).order_by(*table.primary_key.columns)))
        for table in (schema.orders, schema.ticket, schema.ledger, schema.op, schema.claim)
    }


# --- buyers


def test_buyers_are_forgotten_only_once_the_last_performance_is_long_over(
    stage: Stage, till: Till
) -> None:
    put(till, "f1")
    ended = end_of(stage)
    assert stage.one("SELECT min(ends_ms) FROM performance WHERE event_id = :e", e=EVENT) < ended
    pass_days(stage, 179.99, ended)
    assert due(stage).buyers == forget(stage).buyers == 0
    pass_days(stage, 180, ended)
    assert due(stage) == Counts(buyers=1, events=1)
    assert forget(stage) == Counts(buyers=1, events=1)
    assert stage.rows("SELECT key_no, sealed, tokens FROM buyer") == [(0, "", "[]")]
    assert due(stage) == forget(stage) == Counts()


def test_the_books_stay_as_they_are_and_the_windows_are_told(stage: Stage, till: Till) -> None:
    sale = till.sell(till.borrow(1, 2), 1, 2)
    till.push()
    put(till, sale.order_id)
    before = books(stage)
    pass_days(stage, 181, end_of(stage))
    assert forget(stage).buyers == 1
    assert books(stage) == before
    page = stage.pull(till, EVENT)
    assert page is not None
    [body] = [row[2] for row in page.rows if row[0] == "buyer"]
    assert isinstance(body, dict)
    assert (body["order"], body["sealed"], body["tokens"]) == (sale.order_id, "", [])
    put(till, sale.order_id)
    assert due(stage).buyers == 0, "what a window that was long away tells of them is not taken"


def test_an_event_that_is_moved_meanwhile_keeps_its_buyers(stage: Stage, till: Till) -> None:
    put(till, "f1")
    pass_days(stage, 181, end_of(stage))
    with read_only(stage.engine).connect() as connection:
        piece, *_ = retention.pieces(connection, TERMS, stage.now_ms)
    stage.do(lambda tx: tx.run("UPDATE performance SET ends_ms = :n", n=tx.now_ms))
    assert stage.do(lambda tx: piece(tx, "")) == retention.Done(Counts(), is_last=True)


def test_nought_keeps_for_ever_and_says_so(stage: Stage, till: Till) -> None:
    put(till, "f1")
    stage.do(code("A", 5))
    pass_days(stage, 3_650, end_of(stage))
    assert due(stage, FOR_EVER) == forget(stage, FOR_EVER) == Counts()
    assert all("for ever" in sentence for sentence in FOR_EVER.in_words)
    assert not any("for ever" in sentence for sentence in TERMS.in_words)


def test_many_are_forgotten_in_bounded_pieces(
    stage: Stage, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_BATCH_MAX", 3)
    put(till, *(f"f{n}" for n in range(7)))
    pass_days(stage, 181, end_of(stage))
    with read_only(stage.engine).connect() as connection:
        piece, *_ = retention.pieces(connection, TERMS, stage.now_ms)
    first = stage.do(lambda tx: retention.do_piece(tx, piece, ""))
    assert first == retention.Done(Counts(buyers=3, events=1), is_last=False, after="f2")
    assert forget(stage) == Counts(buyers=7, events=2), "the piece before was not noted yet"
    assert due(stage) == Counts()


# --- logins, tokens, codes


def test_an_ended_login_is_forgotten_and_a_living_one_stays(stage: Stage) -> None:
    def begin(hours: int) -> Callable[[Transaction], str]:
        return lambda tx: begin_session(tx, "p", SessionLimits(hours * HOUR_MS, hours * HOUR_MS))

    stage.do(begin(1))
    stage.do(begin(3))
    stage.now += timedelta(hours=2)
    assert due(stage) == forget(stage) == Counts(logins=1)
    assert stage.one("SELECT count(*) FROM console_session") == 1


def test_a_used_refresh_token_stays_as_long_as_it_can_tell_of_a_copy(stage: Stage) -> None:
    made = stage.do(lambda tx: add_client(tx, "accounts", PersonRole.AUDITOR, WHOLE_VENUE))
    assert made is not None
    client_id, first = made
    later = stage.do(lambda tx: refresh(tx, client_id, first, UNKNOWN))
    assert forget(stage).tokens == 0
    stage.now += timedelta(days=2)
    assert forget(stage) == Counts(tokens=1), "the first would have ended after a day"
    newest = stage.do(lambda tx: refresh(tx, client_id, str(later), UNKNOWN))
    assert not isinstance(newest, RefreshRefusal)
    stage.now += timedelta(days=1)
    assert forget(stage).tokens == 0
    reused = stage.do(lambda tx: refresh(tx, client_id, str(later), UNKNOWN))
    assert reused is RefreshRefusal.REUSED


def code(letter: str, minutes: int) -> Callable[[Transaction], object]:
    return lambda tx: add_code(tx, letter * 16, NodeRole.TILL, "Window 9", minutes)


def test_codes_are_forgotten_a_while_after_they_were_used_or_ended(stage: Stage) -> None:
    for letter, minutes in (("A", 5), ("B", 5), ("C", 60 * 24)):
        stage.do(code(letter, minutes))
    used = "UPDATE enrolment SET used_ms = :now WHERE secret_hash = :hash"
    newest = stage.one(
        "SELECT max(secret_hash) FROM enrolment WHERE expires_ms < :n", n=stage.now_ms + HOUR_MS
    )
    stage.now += timedelta(days=1, minutes=6)
    stage.do(lambda tx: tx.run(used, now=tx.now_ms, hash=newest))
    stage.now += timedelta(days=29)
    assert due(stage) == forget(stage) == Counts(codes=1)
    stage.now += timedelta(days=1)
    assert forget(stage) == Counts(codes=2)


# --- a run and its line in the audit


def test_a_run_is_one_line_of_the_audit_also_when_it_was_broken_off(
    stage: Stage, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_PER_BATCH_MAX", 1)
    put(till, "f1", "f2")
    pass_days(stage, 181, end_of(stage))
    with read_only(stage.engine).connect() as connection:
        piece, *_ = retention.pieces(connection, TERMS, stage.now_ms)
    stage.do(lambda tx: retention.do_piece(tx, piece, ""))
    assert noted(stage) == [], "it was killed here"
    forget(stage)
    nothing_else = {"logins": 0, "codes": 0, "tokens": 0}
    kept = {"kept_days": {"buyers": 180, "codes": 30}}
    assert noted(stage) == [{"buyers": 2, "events": 2, **nothing_else, **kept}]
    forget(stage)
    assert noted(stage)[1] == {"buyers": 0, "events": 0, **nothing_else, **kept}


def test_what_fails_is_neither_forgotten_nor_counted(
    stage: Stage, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(till, "f1")
    pass_days(stage, 181, end_of(stage))

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(retention, "_put_record", fail)
        with pytest.raises(OSError, match="full"):
            forget(stage)
    assert due(stage).buyers == 1
    assert forget(stage).buyers == 1


def test_a_day_has_one_run_whoever_asks_and_a_wrong_clock_stops_none(stage: Stage) -> None:
    assert stage.do(retention.claim_run)
    stage.now += timedelta(hours=23)
    assert not stage.do(retention.claim_run)
    stage.now += timedelta(hours=1)
    assert stage.do(retention.claim_run)
    stage.now += timedelta(days=4_000)
    assert stage.do(retention.claim_run)
    stage.now -= timedelta(days=4_000)
    assert stage.do(retention.claim_run), "the clock was put right"


# --- beside a server, and by the command


async def test_a_server_forgets_once_a_day(client: Client, house: HouseOnDisk) -> None:
    centre = client.app[CENTRE]
    live = SessionLimits(HOUR_MS, HOUR_MS)
    over = await centre.write(lambda tx: begin_session(tx, "p", live))
    await centre.write(lambda tx: tx.run("UPDATE console_session SET expires_ms = 1"))
    forgetter = Forgetter(centre, TERMS)
    assert await forgetter.run_if_due() == Counts(logins=1)
    assert await forgetter.run_if_due() is None
    assert await centre.read(lambda c: find_session(c, over, 0)) is None
    (told,) = await deeds(client, house, "retention_run")
    assert (told["actor"], told["about"]) == ({"kind": "server", "id": "retention"}, "house")
    assert told["after"]["logins"] == 1


async def test_a_server_runs_by_itself_when_a_run_is_due(
    house: HouseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_server.forgetting.FIRST_LOOK_S", 0)
    ran = asyncio.Event()

    async def run_if_due(_: Forgetter) -> None:
        ran.set()

    monkeypatch.setattr(Forgetter, "run_if_due", run_if_due)
    async with TestClient(TestServer(app_of(house))), asyncio.timeout(30):
        await ran.wait()


async def test_a_server_that_stops_ends_its_run_and_leaves_the_count_to_the_next(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = client.app[CENTRE]
    await centre.write(lambda tx: begin_session(tx, "p", SessionLimits(1, 1)))
    forgetter = Forgetter(centre, TERMS)

    def stopped(tx: Transaction, piece: retention.Piece, after: str) -> retention.Done:
        forgetter._is_ending.set()
        return retention.do_piece(tx, piece, after)

    monkeypatch.setattr("sync_server.forgetting.do_piece", stopped)
    assert await forgetter.run_if_due() is None
    await forgetter.stop()
    count = await centre.write(lambda tx: retention.close_run(tx, TERMS, UNKNOWN))
    assert count == Counts(logins=1)


def a_past_event(run: Commands) -> str:
    """The id of an event that was over long ago, and has a buyer."""
    (event_id,) = run.rows("SELECT min(event_id) FROM performance")[0]

    def change(tx: Transaction) -> None:
        tx.run("UPDATE performance SET starts_ms = 1, ends_ms = 2 WHERE event_id = :e", e=event_id)
        tx.run(
            "INSERT INTO buyer (event_id, order_id, key_no, sealed, tokens, node_id, at_ms, rev) "
            "VALUES (:e, 'f1', 1, 'abcd', '[]', 'n', 1, 1)",
            e=event_id,
        )

    with opened_house(run.house.settings) as opened:
        transact(opened.engine, change)
    return str(event_id)


def test_the_command_counts_or_forgets(run: Commands) -> None:
    event_id = a_past_event(run)
    assert run("forget-old", "--dry-run") == ExitCode.OK
    assert run.out.splitlines() == [
        "what is known of buyers is kept for 180 days after the event's last performance",
        "enrolment codes are kept for 30 days after they were used or ended",
        f"{event_id}  1",
        "would be forgotten: buyers of 1 orders in 1 events, 0 logins, 0 tokens, 0 codes",
    ]
    assert run.rows("SELECT sealed FROM buyer") == [("abcd",)]
    assert run("forget-old") == ExitCode.OK
    assert "\nforgotten: buyers of 1 orders in 1 events" in run.out
    assert run.rows("SELECT sealed FROM buyer") == [("",)]
