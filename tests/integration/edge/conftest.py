"""A node's folder and its replica, fresh for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.identity import NodeKey, load_key
from edge.replica import Replica
from tests.fakes.edge_node import NODE, VENUE, TurnedEnv, enrolled_folder
from tests.fakes.server import FakeServer
from tests.integration.edge.engine_room import Room


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "node"


@pytest.fixture(scope="session")
def enrolled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What enrolling and a first start leave; each test that needs a node gets a copy."""
    folder = tmp_path_factory.mktemp("enrolled") / "node"
    enrolled_folder(folder)
    Replica(folder).close()
    return folder


@pytest.fixture
def key(enrolled_once: Path, folder: Path) -> NodeKey:
    shutil.copytree(enrolled_once, folder)
    return load_key(folder)


@pytest.fixture
def replica(folder: Path, key: NodeKey) -> Iterator[Replica]:
    assert key.private
    with closing(Replica(folder)) as replica:
        yield replica


@pytest.fixture
def env() -> TurnedEnv:
    return TurnedEnv()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(NODE, VENUE) as server:
        yield server


@pytest.fixture
def room(server: FakeServer, replica: Replica, key: NodeKey, env: TurnedEnv) -> Room:
    return Room(server, replica, key, env)
