"""What was done is in the audit, once and unchanged, whatever was killed on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from program.exit_codes import ExitCode
from sync_server import commands
from sync_server.auditing import append, fault_of, move, noted_first, records
from sync_server.commands import OpenHouse
from sync_server.handlers.state import AUDIT
from sync_server.services.audit import Actor, Deed, audited, note
from sync_server.services.house import read_meta
from sync_server.services.permissions import NodeRole
from sync_server.store.audit import SCHEMA, AuditStore, audit_url
from sync_server.store.database import open_engine
from sync_server.store.transact import transact
from tests.fakes.databases import is_on_postgresql
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest
from tests.integration.sync_server.test_people_cli import Commands
from tests.integration.sync_server.test_people_cli import run as run  # noqa: PLC0414 - a fixture

SOMEBODY = Actor("person", "0123456789abcdef", "192.0.2.7", "request-1")


@dataclass(frozen=True)
class Books:
    """An open house and its audit."""

    opened: OpenHouse
    store: AuditStore

    def do(self, job: Callable[[Any], Any]) -> Any:
        return transact(self.opened.engine, job)

    def deed(self, about: str) -> None:
        self.do(lambda tx: note(tx, Deed.TICKET_BLOCKED, about, SOMEBODY))

    def waiting(self) -> list[Any]:
        with self.opened.engine.connect() as connection:
            return noted_first(connection)

    def move(self) -> int:
        return move(self.opened.engine, self.store)

    def abouts(self) -> list[str]:
        return [json.loads(record.noted.body)["about"] for record in records(self.store)]

    def fault(self) -> str:
        with self.opened.engine.connect() as connection:
            meta = read_meta(connection)
        return fault_of(self.store, meta)


@pytest.fixture
def books(house: HouseOnDisk) -> Iterator[Books]:
    opened = commands.open_house(house.settings)
    found = Books(opened, AuditStore(house.settings.database))
    found.move()  # what `init` did
    yield found
    found.store.close()
    opened.engine.dispose()


def behind_its_back(house: HouseOnDisk, *statements: str) -> None:
    """As somebody would who has the file, or the database's superuser."""
    engine = open_engine(audit_url(house.settings.database))
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def without_guard(statement: str) -> tuple[str, ...]:
    if is_on_postgresql():
        return (f"DROP TRIGGER no_change ON {SCHEMA}.record", statement.format(f"{SCHEMA}.record"))
    return ("DROP TRIGGER no_update", "DROP TRIGGER no_delete", statement.format("record"))


# --- nothing is lost and nothing is told that did not happen


def test_a_deed_that_is_taken_back_leaves_no_record(books: Books) -> None:
    def fails(tx: Any) -> None:
        note(tx, Deed.TICKET_BLOCKED, "ticket:1", SOMEBODY)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        books.do(fails)
    assert books.waiting() == []


def test_a_deed_that_was_refused_leaves_no_record(books: Books) -> None:
    job = audited(lambda _tx: False, Deed.TICKET_BLOCKED, "ticket:1", SOMEBODY)
    assert books.do(job) is False
    assert books.waiting() == []


def test_a_deed_whose_record_was_not_moved_is_moved_later(books: Books) -> None:
    books.deed("ticket:1")
    books.deed("ticket:2")
    assert books.move() == 2
    assert books.abouts()[-2:] == ["ticket:1", "ticket:2"]
    assert books.waiting() == []


def test_killed_between_the_record_and_its_note_it_is_recorded_once(books: Books) -> None:
    books.deed("ticket:1")
    append(books.store, books.waiting())  # and here it was killed
    books.deed("ticket:2")
    assert books.move() == 2
    assert books.abouts()[-2:] == ["ticket:1", "ticket:2"]
    assert books.fault() == ""


def test_two_who_move_at_once_record_each_deed_once(books: Books, house: HouseOnDisk) -> None:
    books.deed("ticket:1")
    seen_by_both = books.waiting()
    other = AuditStore(house.settings.database)
    append(other, seen_by_both)
    append(books.store, seen_by_both)
    other.close()
    assert books.abouts().count("ticket:1") == 1


# --- nothing is changed


@pytest.mark.parametrize("statement", ["UPDATE {} SET body = '{{}}'", "DELETE FROM {}"])
def test_a_record_can_be_neither_changed_nor_removed(
    books: Books, house: HouseOnDisk, statement: str
) -> None:
    table = f"{SCHEMA}.record" if is_on_postgresql() else "record"
    with pytest.raises(DatabaseError, match="the audit only grows"):
        behind_its_back(house, statement.format(table))
    assert books.abouts() == ["house"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("UPDATE {} SET body = '{{}}' WHERE seq = 2", "record 2 ", id="a body"),
        pytest.param("UPDATE {} SET at_ms = 1 WHERE seq = 2", "record 2 ", id="a time"),
        pytest.param("DELETE FROM {} WHERE seq = 2", "record 2 ", id="one from the middle"),
        pytest.param("DELETE FROM {} WHERE seq = 3", "the end is gone", id="the last one"),
        pytest.param("DELETE FROM {}", "the end is gone", id="all"),
    ],
)
def test_what_gets_around_the_guard_is_found(
    books: Books, house: HouseOnDisk, statement: str, expected: str
) -> None:
    books.deed("ticket:1")
    books.deed("ticket:2")
    books.move()
    assert books.fault() == ""
    behind_its_back(house, *without_guard(statement))
    assert expected in books.fault()


def test_a_chain_written_anew_from_the_beginning_is_found(books: Books, house: HouseOnDisk) -> None:
    books.deed("ticket:1")
    books.move()
    kept = [record.noted for record in records(books.store)][:1]
    behind_its_back(house, *without_guard("DELETE FROM {}"))
    append(books.store, kept)
    books.deed("ticket:of another story")
    books_head = books.waiting()
    append(books.store, books_head)
    assert books.fault() == "record 2 is not the one it was"


# --- the commands


def test_what_commands_do_is_in_the_export(run: Commands, tmp_path: Path) -> None:
    assert run("add-person", "zhao.lei", "--name", "Z", "--role", "auditor") == ExitCode.OK
    assert run("enrol-code", "--role", "till", "--name", "Window 7") == ExitCode.OK
    assert run("new-data-key") == ExitCode.OK
    assert run("audit", "export", tmp_path / "audit.ndjson") == ExitCode.OK
    *lines, end = (tmp_path / "audit.ndjson").read_text(encoding="utf-8").splitlines()
    told = [json.loads(json.loads(line)["body"]) for line in lines]
    deeds = [each["deed"] for each in told]
    assert deeds == ["house_made", "person_added", "enrol_code_made", "data_key_begun"]
    assert all(each["actor"]["kind"] == "command" for each in told)
    assert told[1]["after"]["login"] == "zhao.lei"
    assert json.loads(end)["head"] == 4
    assert run("audit", "verify", tmp_path / "audit.ndjson") == ExitCode.OK
    assert run("audit", "verify") == ExitCode.OK
    assert run("audit", "export", tmp_path / "audit.ndjson") == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(lambda lines: lines[1:], "record 1 ", id="without its first line"),
        pytest.param(lambda lines: [lines[0], *lines[2:]], "record 2 ", id="without its second"),
        pytest.param(lambda lines: lines[:-1], "not signed", id="without its end"),
        pytest.param(lambda lines: [*lines[:-2], lines[-1]], "not signed", id="without its last"),
    ],
)
def test_an_export_that_was_cut_is_found(
    run: Commands, tmp_path: Path, spoil: Callable[[list[str]], list[str]], expected: str
) -> None:
    file = tmp_path / "audit.ndjson"
    assert run("new-data-key") == run("new-data-key") == ExitCode.OK
    assert run("audit", "export", file) == ExitCode.OK
    file.write_text("\n".join(spoil(file.read_text().splitlines())) + "\n")
    assert run("audit", "verify", file) == ExitCode.UNWELL
    assert expected in run.err


@pytest.mark.parametrize("content", ["", "x", "[]\n", '{"seq": 1}\n{"seq": 2}\n'])
def test_a_file_that_is_no_export_is_refused(run: Commands, tmp_path: Path, content: str) -> None:
    file = tmp_path / "audit.ndjson"
    file.write_text(content)
    assert run("audit", "verify", file) in (ExitCode.INPUT, ExitCode.UNWELL)


# --- the server


async def test_a_sign_in_an_enrolment_and_a_sign_out_are_recorded_with_who_and_whence(
    client: TestClient[Any, Any],
    house: HouseOnDisk,
    manager: PersonAtTest,
    till: NodeAtTest,
) -> None:
    token = await manager.form_token("/console/")
    async with await manager.post("/console/logout", {"form_token": token}) as response:
        assert response.status == 303
    await client.app[AUDIT].move()
    store = AuditStore(house.settings.database)
    told = [json.loads(record.noted.body) for record in records(store)]
    store.close()
    by_deed = {each["deed"]: each for each in told}
    assert by_deed["node_enrolled"]["about"] == f"node:{till.id}"
    assert by_deed["node_enrolled"]["after"]["role"] == NodeRole.TILL
    signed_in = by_deed["signed_in"]
    assert signed_in["actor"]["kind"] == "person"
    assert signed_in["about"] == f"person:{signed_in['actor']['id']}"
    assert signed_in["from"] == "127.0.0.1"
    assert by_deed["signed_out"]["actor"] == signed_in["actor"]
    assert len(signed_in["request"]) >= 8
