"""Fixtures: a fresh sample house per test, a server over it, an enrolled till and gate."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from sync_server import centre as centre_module
from sync_server import commands, ownership
from sync_server.auditing import AuditKeeper
from sync_server.services import people
from sync_server.services.initialise import NewHouse, finish
from sync_server.services.permissions import NodeRole
from sync_server.services.sample import Sample
from tests.fakes.databases import Template, is_on_postgresql
from tests.integration.sync_server.stage import Stage, open_stage
from tests.integration.sync_server.support import (
    HouseOnDisk,
    NodeAtTest,
    PersonAtTest,
    app_of,
    settings_in,
)

Client = TestClient[Any, Any]
Enrol = Callable[[NodeRole, str], Awaitable[NodeAtTest]]


@dataclass(frozen=True)
class SampleHouse:
    """The sample house, to be copied: hashing its passwords takes longer than a test should."""

    keys_dir: Path
    made: NewHouse
    database: Template


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """As weak as argon2 goes: how dear it is in earnest is asked in tests/unit."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_PASSWORDS", cheap)
        patch.setattr(people, "_PINS", cheap)
        yield


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, _cheap_hashes: None) -> SampleHouse:
    data_dir = tmp_path_factory.mktemp("sample") / "data"
    made: list[NewHouse] = []

    def build(url: str) -> None:
        settings = settings_in(data_dir, database_url=url)
        made.append(commands.init(settings, Sample.THEATRE))
        finish(settings)

    database = Template(build)
    return SampleHouse(settings_in(data_dir).keys_dir, made[0], database)


@pytest.fixture
def house(sample: SampleHouse, tmp_path: Path) -> Iterator[HouseOnDisk]:
    """A sample house of the test's own."""
    settings = settings_in(tmp_path / "data")
    settings.data_dir.mkdir(mode=0o700)
    shutil.copytree(sample.keys_dir, settings.keys_dir)
    with sample.database.copy(settings.data_dir) as url:
        if is_on_postgresql():
            settings = replace(settings, database_url=url)
        yield HouseOnDisk(settings, sample.made)


@pytest.fixture
def nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that starts after this does nothing that nobody asked for.

    Any of its rounds may make answers or nodes be read anew, or be writing down what a test is
    about to.
    """
    monkeypatch.setattr(AuditKeeper, "start", lambda _: None)
    heard = centre_module.Centre._on_bell

    def heard_of_others(centre: centre_module.Centre, streams: frozenset[str]) -> None:
        if streams:  # without any, the bell has only begun to listen
            heard(centre, streams)

    monkeypatch.setattr(centre_module.Centre, "_on_bell", heard_of_others)
    for module, name in (
        (centre_module, "HEARD_PERIOD_S"),
        (centre_module, "SWEEP_PERIOD_S"),
        (centre_module, "WATCH_PERIOD_S"),
        (ownership, "RENEW_PERIOD_S"),
    ):
        monkeypatch.setattr(module, name, 3_600)


@pytest.fixture
async def client(house: HouseOnDisk) -> AsyncIterator[Client]:
    """A client of a running server over `house`; keeps cookies as a browser does."""
    server = TestServer(app_of(house))
    # Cookies for an address without a name, which a jar refuses otherwise.
    jar = aiohttp.CookieJar(unsafe=True)
    async with TestClient(server, cookie_jar=jar) as client:
        yield client


@pytest.fixture
def enrol(client: Client) -> Enrol:
    """Make nodes that have a token."""

    async def make(role: NodeRole, name: str) -> NodeAtTest:
        node = await NodeAtTest(client).enrol(role, name)
        return await node.sign_in()

    return make


@pytest.fixture
async def till(enrol: Enrol) -> NodeAtTest:
    return await enrol(NodeRole.TILL, "Window 1")


@pytest.fixture
async def gate(enrol: Enrol) -> NodeAtTest:
    return await enrol(NodeRole.GATE, "Gate 1")


@pytest.fixture
def visitor(client: Client) -> PersonAtTest:
    """Somebody at a browser who has not signed in."""
    return PersonAtTest(client)


@pytest.fixture
async def manager(visitor: PersonAtTest, house: HouseOnDisk) -> PersonAtTest:
    async with await visitor.sign_in("manager", house.password) as response:
        assert response.status == 303
    return visitor


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A small house for the use cases themselves, without HTTP."""
    with open_stage(tmp_path) as stage:
        yield stage
