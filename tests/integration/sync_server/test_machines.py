"""Lost, stolen and outdated machines: shut out, with new PINs, told nothing; what they send is taken."""

from __future__ import annotations

import getpass
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from sqlalchemy import Connection, text

from program.exit_codes import ExitCode
from sync_server.handlers.state import CENTRE
from sync_server.services.audit import at_command_line
from sync_server.services.machines import Gone, put_min_version, read_machines, report_gone
from sync_server.services.nodes import is_older
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.conftest import Enrol
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest
from tests.integration.sync_server.test_people_cli import Commands
from tests.integration.sync_server.test_people_cli import run as run  # noqa: PLC0414 - a fixture

Client = TestClient[Any, Any]
ME = at_command_line()
HELLO = {"journals": [], "proto": [1], "now_ms": 0, "unsynced": 0}


async def gone(client: Client, name: str, how: Gone) -> Any:
    centre = client.app[CENTRE]
    return await centre.write(lambda tx: report_gone(tx, centre.venue_id, name, how, ME, "why"))


def pin_hashes(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT login, pin_hash FROM person WHERE pin_hash <> ''"))
    return {str(row[0]): str(row[1]) for row in rows}


async def set_least(client: Client, version: str) -> None:
    centre = client.app[CENTRE]
    await centre.write(lambda tx: put_min_version(tx, centre.venue_id, version, ME))


async def hello(node: NodeAtTest, version: str) -> int:
    status, _ = await node.call("POST", "/v1/hello", {**HELLO, "program_version": version})
    return status


async def pull(node: NodeAtTest) -> tuple[int, str]:
    status, said = await node.call("GET", "/v1/pull?after=seaview:0")
    return status, said.get("code", "")


# --- lost and stolen


async def test_a_lost_machine_is_out_and_nobody_needs_a_new_pin(
    client: Client, till: NodeAtTest
) -> None:
    before = await client.app[CENTRE].read(pin_hashes)
    assert await gone(client, "Window 1", Gone.LOST) == ()
    assert await pull(till) == (401, "node_revoked")
    assert await client.app[CENTRE].read(pin_hashes) == before


async def test_the_people_of_a_stolen_till_get_new_pins_that_others_hear_of(
    client: Client, till: NodeAtTest, enrol: Enrol
) -> None:
    before = await client.app[CENTRE].read(pin_hashes)
    other = await enrol(NodeRole.TILL, "Window 3")
    pins = await gone(client, "Window 1", Gone.STOLEN)
    assert {each.login for each in pins} == set(before)
    after = await client.app[CENTRE].read(pin_hashes)
    for each in pins:
        assert PasswordHasher().verify(after[each.login], each.pin)
        assert after[each.login] != before[each.login]
    assert len({each.pin for each in pins}) == len(pins)
    _, said = await other.call("GET", "/v1/pull?after=seaview:0")
    told = [row[2] for row in said["streams"]["seaview"]["rows"] if row[0] == "person"]
    assert {each["pin"] for each in told} == set(after.values())
    assert (await pull(till))[0] == 401


async def test_a_stolen_gate_leaves_the_cashiers_their_pins(
    client: Client, gate: NodeAtTest
) -> None:
    pins = await gone(client, "Gate 1", Gone.STOLEN)
    assert [each.login for each in pins] == ["manager"]
    assert (await pull(gate))[0] == 401


async def test_a_machine_is_shut_out_once(client: Client, till: NodeAtTest) -> None:
    assert till.id
    assert await gone(client, "Window 1", Gone.LOST) == ()
    assert await gone(client, "Window 1", Gone.STOLEN) is None
    assert await gone(client, "Window 9", Gone.STOLEN) is None


# --- versions, clocks, and who knows whom


async def test_a_too_old_program_is_told_and_lent_nothing_and_may_send(
    client: Client, till: NodeAtTest
) -> None:
    assert await hello(till, "0.9.0") == 200
    await set_least(client, "0.10")
    assert await pull(till) == (426, "program_too_old")
    status, said = await till.call("POST", "/v1/e/hamlet/acquire", {})
    assert (status, said["code"]) == (426, "program_too_old")
    status, said = await till.call("POST", "/v1/e/hamlet/push", {})
    assert (status, said["code"]) == (400, "malformed"), "a push is looked at as ever"
    assert await hello(till, "0.10.1") == 200
    assert (await pull(till))[0] == 200


@pytest.mark.parametrize(
    ("version", "least", "expected"),
    [
        ("0.9.0", "0.10.0", True),
        ("0.10", "0.10.0", False),
        ("1.2.0rc1", "1.2", False),
        ("", "0.0.1", True),
        ("new", "0.1", True),
        ("", "", False),
        ("2", "10", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, least: str, *, expected: bool) -> None:
    assert is_older(version, least) is expected


@pytest.mark.usefixtures("nothing_by_itself")
async def test_a_gate_knows_a_till_once_it_has_read_of_it(
    client: Client, till: NodeAtTest, gate: NodeAtTest
) -> None:
    async def unknown_at() -> tuple[str, ...]:
        await client.app[CENTRE]._note_heard()
        found = await client.app[CENTRE].read(lambda c: read_machines(c, frozenset()))
        return next(each.unknown_at for each in found if each.id == till.id)

    assert await unknown_at() == ("Gate 1",)
    _, said = await gate.call("GET", "/v1/pull?after=seaview:0")
    read_to = said["streams"]["seaview"]["next"]
    await gate.call("GET", f"/v1/pull?gen={said['gen']}&after=seaview:{read_to}")
    assert await unknown_at() == ()


# --- the commands


def test_the_commands_list_revoke_and_set_the_least_version(
    run: Commands, house: HouseOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: house.password)
    assert run("nodes", "--json") == ExitCode.OK
    assert [each["name"] for each in json.loads(run.out)] == ["Window 2"]
    assert run("min-version", "new") == ExitCode.USAGE
    assert run("min-version", "1.0") == ExitCode.OK
    assert run("nodes") == ExitCode.OK
    assert "too old" in run.out
    words = ("revoke-node", "Window 2", "--stolen", "--by", "manager", "--reason", "a break-in")
    assert run(*words) == ExitCode.OK
    assert len([line for line in run.out.splitlines() if line[-6:].isdigit()]) == 3
    assert run(*words) == ExitCode.REFUSED
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "guess")
    assert run(*words) == ExitCode.REFUSED
    assert run("audit", "verify") == ExitCode.OK


def test_the_commands_help_with_accounts_and_clients(run: Commands) -> None:
    assert run("account", "new-password", "manager") == ExitCode.OK
    assert "password  " in run.out
    assert run("account", "logins", "manager") == run("account", "end-logins", "manager") == 0
    assert run("account", "end-second-factor", "manager") == ExitCode.REFUSED
    assert run("account", "logins", "nobody") == ExitCode.REFUSED
    words = ("client", "add", "reports", "--role", "auditor")
    assert run(*words) == ExitCode.OK
    assert "refresh_token  " in run.out
    assert run(*words) == ExitCode.REFUSED
    assert run("client", "list") == ExitCode.OK
    assert "reports" in run.out
    assert run("client", "end", "reports") == ExitCode.OK
    assert run("client", "end", "reports") == ExitCode.REFUSED
