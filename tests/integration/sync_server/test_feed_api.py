"""Snapshot files over HTTP: what a node that takes one in holds is what a pull would have brought.

And digests over HTTP. The nodes here use the edge's own functions.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from edge import replies
from edge.digest import digest_request, mend, read_digest, read_rows, rows_request
from edge.mirror import Mirror
from edge.snapshot import (
    Download,
    Header,
    PieceReply,
    PieceRequest,
    import_file,
    own_request,
    read_header,
    read_own,
)
from sync_server.handlers.feed_api import DESK, REVISION_HEADER
from sync_server.handlers.state import CENTRE
from sync_server.services import snapshot
from sync_server.services.generations import Reason, mint
from sync_server.services.house import Generation
from sync_server.services.permissions import NodeRole
from sync_server.services.snapshot import FOLDER_NAME
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.integration.sync_server.conftest import Enrol
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from ticketing.digest import BUCKET_COUNT, FORM

Client = TestClient[Any, Any]
STANDING = 1_201
"""The first standing place of the sample house."""
TABLES = ("doc", "claim", "allot", "ticket", "entry", "orders", "case_file", "cursor")


@pytest.fixture
def event(house: HouseOnDisk) -> str:
    assert house.made.second_window is not None
    return house.made.second_window.event_id


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files for a few rows already, and pieces of a few hundred bytes."""
    monkeypatch.setattr(snapshot, "ROWS_MIN", 1)
    monkeypatch.setattr(snapshot, "ROWS_PER_LINE", 3)
    monkeypatch.setattr("edge.snapshot.PIECE_BYTES", 300)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with closing(Mirror(tmp_path / "mirror.db")) as mirror:
        yield mirror


@pytest.fixture
def other_mirror(tmp_path: Path) -> Iterator[Mirror]:
    with closing(Mirror(tmp_path / "other.db")) as mirror:
        yield mirror


async def ask(node: NodeAtTest, asked: PieceRequest) -> PieceReply:
    headers = {**node.bearer, **asked.headers}
    async with node.client.get(asked.path, headers=headers) as response:
        found = {name.lower(): value for name, value in response.headers.items()}
        return PieceReply(response.status, found, await response.read())


async def fetch(node: NodeAtTest, download: Download) -> list[int]:
    statuses = []
    while asked := download.next_request():
        reply = await ask(node, asked)
        statuses.append(reply.status)
        download.take(reply)
        assert len(statuses) < 1_000
    return statuses


async def own_rows(node: NodeAtTest, header: Header) -> list[Any]:
    found: list[Any] = []
    after, more = 0, True
    while more:
        path, query = own_request(header, after)
        async with node.client.get(path, params=query, headers=node.bearer) as response:
            page = read_own(header, after, await response.json())
        found.extend(page.changes)
        after, more = page.next, page.more
    return found


async def pull_into(node: NodeAtTest, mirror: Mirror, event: str) -> None:
    after = mirror.cursors().get(event, 0)
    status, reply = await node.call("GET", f"/v1/pull?after={event}:{after}")
    assert status == 200
    page = reply["streams"][event]
    mirror.apply(event, reply["gen"], replies.changes(page), page["next"])


def contents(mirror: Mirror) -> dict[str, set[tuple[Any, ...]]]:
    with mirror.reading() as connection:
        return {
            table: {tuple(row) for row in connection.execute(f"SELECT * FROM {table}")}  # noqa: S608
            for table in TABLES
        }


async def lend(till: NodeAtTest, event: str, first: int, count: int) -> None:
    """Lend a till places of the standing area."""
    units = list(range(STANDING + first, STANDING + first + count))
    body = {"req": os.urandom(16).hex(), "performance": 1, "units": units}
    status, reply = await till.call("POST", f"/v1/e/{event}/acquire", body)
    assert status == 200, reply


# --- a file is as good as a pull


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("role", ["till", "gate"])
async def test_a_file_and_the_nodes_own_part_are_what_a_pull_gives(
    till: NodeAtTest,
    gate: NodeAtTest,
    enrol: Enrol,
    event: str,
    mirror: Mirror,
    other_mirror: Mirror,
    tmp_path: Path,
    role: str,
) -> None:
    node = till if role == "till" else gate
    await lend(till, event, 0, 40)
    await lend(till, event, 40, 5)
    await lend(await enrol(NodeRole.TILL, "Window 7"), event, 45, 2)
    download = Download(tmp_path / "parts", event, role)
    statuses = await fetch(node, download)
    assert set(statuses) == {206}
    assert len(statuses) > 2
    header = read_header(download.file)
    await lend(till, event, 47, 3)  # meanwhile the feed goes on
    own = await own_rows(node, header)
    assert import_file(mirror, download.file, header, own) == header.rev
    await pull_into(node, mirror, event)
    await pull_into(node, other_mirror, event)
    assert contents(mirror) == contents(other_mirror)
    with mirror.reading() as connection:
        owners = {row[0] for row in connection.execute("SELECT node_id FROM allot")}
    assert (owners == {till.id}) is (role == "till")


@pytest.mark.usefixtures("small_files")
async def test_a_download_goes_on_after_a_kill_and_starts_anew_with_another_file(
    gate: NodeAtTest,
    till: NodeAtTest,
    event: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    download = Download(tmp_path / "parts", event, "gate")
    first = download.next_request()
    assert first is not None
    download.take(await ask(gate, first))
    again = Download(tmp_path / "parts", event, "gate")
    resumed = again.next_request()
    assert resumed is not None
    assert resumed.headers["Range"].startswith("bytes=300-")
    again.take(await ask(gate, resumed))
    assert again.file.stat().st_size == 600
    # Two more files: the one that we have a part of is not kept any more.
    monkeypatch.setattr(snapshot, "BUILD_PERIOD_S", 0.0)
    monkeypatch.setattr(snapshot, "BEHIND_MAX", 0)
    newest = 0
    for place in (0, 10):
        await lend(till, event, place, 3)
        async with gate.client.get(resumed.path, headers=gate.bearer) as response:
            newest = int(response.headers[REVISION_HEADER])
    statuses = await fetch(gate, again)
    assert statuses[0] == 200
    assert read_header(again.file).rev == newest
    assert len(list((tmp_path / "parts").iterdir())) == 1


@pytest.mark.usefixtures("small_files")
async def test_who_is_in_the_middle_of_the_file_before_may_finish_it(
    gate: NodeAtTest,
    till: NodeAtTest,
    event: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    download = Download(tmp_path / "parts", event, "gate")
    first = download.next_request()
    assert first is not None
    reply = await ask(gate, first)
    download.take(reply)
    monkeypatch.setattr(snapshot, "BUILD_PERIOD_S", 0.0)
    monkeypatch.setattr(snapshot, "BEHIND_MAX", 0)
    await lend(till, event, 0, 3)
    async with gate.client.get(first.path, headers=gate.bearer) as response:
        newest = int(response.headers[REVISION_HEADER])
    assert set(await fetch(gate, download)) == {206}
    assert read_header(download.file).rev == int(reply.headers["boxgate-revision"]) < newest


# --- the files


@pytest.mark.usefixtures("small_files")
async def test_a_file_serves_everybody_until_it_is_a_page_behind_and_a_minute_old(
    client: Client, gate: NodeAtTest, till: NodeAtTest, event: str, house: HouseOnDisk
) -> None:
    async def revision() -> int:
        path = f"/v1/e/{event}/snapshot/gate"
        async with client.get(path, headers=gate.bearer) as response:
            assert response.status == 200
            return int(response.headers[REVISION_HEADER])

    first = await revision()
    await lend(till, event, 0, 3)
    assert await revision() == first
    folder = house.settings.data_dir / FOLDER_NAME
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shelf = client.app[DESK].shelf
    which = snapshot.Which(event, "gate")
    kept = shelf.usable(which, first, 0, 0.0)
    assert kept is not None
    late_s = kept.built_s + snapshot.BUILD_PERIOD_S
    behind = first + snapshot.BEHIND_MAX + 1
    assert shelf.usable(which, behind, 0, late_s - 1) is kept
    assert shelf.usable(which, behind - 1, 0, late_s) is kept
    assert shelf.usable(which, behind, 0, late_s) is None
    assert shelf.usable(which, first, first + 1, 0.0) is None, "what follows it has been purged"


@pytest.mark.usefixtures("small_files")
async def test_a_scope_of_another_role_is_refused_and_an_unknown_stream_is_unknown(
    till: NodeAtTest, event: str
) -> None:
    assert (await till.call("GET", f"/v1/e/{event}/snapshot/gate"))[0] == 403
    assert (await till.call("GET", f"/v1/e/{event}/snapshot/manager"))[0] == 403
    assert (await till.call("GET", "/v1/e/no-such-event/snapshot/till"))[0] == 404
    assert (await till.call("GET", "/v1/e/no_stream/snapshot/till"))[0] == 404


async def test_few_rows_are_pulled(till: NodeAtTest, event: str, house: HouseOnDisk) -> None:
    status, reply = await till.call("GET", f"/v1/e/{event}/snapshot/till")
    assert (status, reply["code"]) == (409, "just_pull")
    assert not (house.settings.data_dir / FOLDER_NAME).exists()


@pytest.mark.usefixtures("small_files")
@pytest.mark.expected_errors("snapshot_not_written")
async def test_a_disk_that_takes_no_file_is_a_busy_server_and_leaves_nothing(
    till: NodeAtTest, event: str, house: HouseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "_line", full)
    status, reply = await till.call("GET", f"/v1/e/{event}/snapshot/till")
    assert (status, reply["code"]) == (503, "no_snapshot")
    assert list((house.settings.data_dir / FOLDER_NAME).iterdir()) == []


@pytest.mark.usefixtures("small_files")
async def test_files_of_an_earlier_run_are_cleared_away(
    till: NodeAtTest, event: str, house: HouseOnDisk
) -> None:
    folder = house.settings.data_dir / FOLDER_NAME
    folder.mkdir()
    (folder / "old.gate.0a1b2c3d-1.ndjson.gz").write_bytes(b"old")
    (folder / "old.gate.0a1b2c3d-1.ndjson.gz.part").write_bytes(b"half")
    async with till.client.get(f"/v1/e/{event}/snapshot/till", headers=till.bearer) as response:
        assert response.status == 200
    assert [file.name.split(".")[0] for file in folder.iterdir()] == [event]


@pytest.mark.usefixtures("small_files")
async def test_another_history_has_files_and_digests_of_its_own(
    client: Client, gate: NodeAtTest, event: str, tmp_path: Path, mirror: Mirror
) -> None:
    """Its revisions begin again below those of the old one: the same numbers mean other rows."""
    centre = client.app[CENTRE]
    old = Download(tmp_path / "parts", event, "gate")
    first = old.next_request()
    assert first is not None
    old.take(await ask(gate, first))
    await pull_into(gate, mirror, event)
    asked = digest_request(mirror, event)
    assert asked is not None
    assert (await gate.call("POST", asked.path, asked.body))[1]["buckets"] == []

    def lose(tx: Transaction) -> Generation:
        tx.run("DELETE FROM allot WHERE event_id = :e", e=event)
        return mint(tx, Reason.RESTORE)

    made = await centre.write(lose)
    centre.adopt(made)
    again = old.next_request()
    assert again is not None
    reply = await ask(gate, again)
    assert (reply.status, reply.headers["boxgate-generation"]) == (200, made.short)
    with gzip.open(io.BytesIO(reply.content)) as file:
        assert json.loads(file.readline())["gen"] == made.short
    answer = await gate.call("POST", asked.path, {**asked.body, "gen": made.short})
    assert answer[1]["buckets"] != [], "counted anew"


@pytest.mark.usefixtures("small_files")
async def test_a_file_is_of_the_history_that_its_rows_are_of(
    client: Client, gate: NodeAtTest, event: str
) -> None:
    """Another server has begun it, and the news of that is still on its way to this one."""
    engine = client.app[CENTRE].engine
    made = transact(engine, lambda tx: mint(tx, Reason.RESTORE))
    path = f"/v1/e/{event}/snapshot/gate"
    async with client.get(path, headers=gate.bearer) as response:
        assert response.headers["boxgate-generation"] == made.short


# --- digests


@pytest.mark.expected_errors("mirror_diverged")
async def test_a_row_that_was_lost_comes_back_and_a_case_tells_of_it(
    client: Client, till: NodeAtTest, event: str, mirror: Mirror
) -> None:
    await lend(till, event, 0, 20)
    await pull_into(till, mirror, event)
    asked = digest_request(mirror, event)
    assert asked is not None
    status, reply = await till.call("POST", asked.path, asked.body)
    assert status == 200
    assert read_digest(mirror, asked, reply) == ()
    before = contents(mirror)
    with mirror._transaction() as connection:
        connection.execute("DELETE FROM claim WHERE unit = (SELECT max(unit) FROM claim)")
        connection.execute("UPDATE claim SET kind = 'free' WHERE unit % 2 = 0")
    asked = digest_request(mirror, event)
    assert asked is not None
    buckets = read_digest(mirror, asked, (await till.call("POST", asked.path, asked.body))[1])
    assert buckets
    question = rows_request(asked, buckets)
    status, reply = await till.call("POST", question.path, question.body)
    assert status == 200
    mend(mirror, event, read_rows(question, reply))
    assert contents(mirror) == before
    cases = await client.app[CENTRE].read(
        lambda c: c.exec_driver_sql("SELECT id FROM case_file").fetchall()
    )
    assert [tuple(case) for case in cases] == [(f"divergence:{till.id}",)]


async def test_what_cannot_be_compared_is_refused_with_a_reason(
    client: Client, till: NodeAtTest, event: str, mirror: Mirror
) -> None:
    await pull_into(till, mirror, event)
    asked = digest_request(mirror, event)
    assert asked is not None

    async def refused(path: str = asked.path, **changes: object) -> tuple[int, str]:
        status, reply = await till.call("POST", path, {**asked.body, **changes})
        return status, reply["code"]

    assert await refused(gen="ffffffff") == (409, "generation_changed")
    assert await refused(rev=2**40) == (409, "generation_changed")
    assert await refused(form=2) == (409, "digest_form")
    assert await refused(buckets=[[0, 0]] * 255) == (400, "malformed")
    assert await refused(buckets=[[0, -1]] * 256) == (400, "malformed")
    assert await refused(rev=-1) == (400, "malformed")
    assert await refused(f"{asked.path}/rows", buckets=[256]) == (400, "malformed")
    assert await refused(f"{asked.path}/rows", buckets=[]) == (400, "malformed")
    assert await refused("/v1/e/no-such-event/digest") == (404, "unknown_stream")
    await client.app[CENTRE].write(
        lambda tx: tx.run("UPDATE stream SET min_rev = :r WHERE event_id = :e", e=event, r=10**6)
    )
    assert await refused(rev=1) == (410, "refetch")


async def test_rows_that_do_not_count_are_neither_compared_nor_given(
    enrol: Enrol, event: str
) -> None:
    """A hub's are of such a kind. Found by calls that schemathesis made up: it was an error."""
    hub = await enrol(NodeRole.HUB, "Hub")
    _, hello = await hub.call("GET", f"/v1/pull?after={event}:0&limit=1")
    asked = {"gen": hello["gen"], "form": FORM, "rev": 0}
    status, rows = await hub.call(
        "POST", f"/v1/e/{event}/digest/rows", asked | {"buckets": list(range(BUCKET_COUNT))}
    )
    assert (status, rows["rows"]) == (200, [])
    just_before = hello["streams"][event]["head"] - 1
    others = asked | {"rev": just_before, "buckets": [[1, 1]] * BUCKET_COUNT}
    status, told = await hub.call("POST", f"/v1/e/{event}/digest", others)
    assert (status, told["changed"]) == (200, [])
