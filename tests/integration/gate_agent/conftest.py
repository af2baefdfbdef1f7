"""A gate of the sample theatre, fresh for each test; the doors of the first evening are open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.hall import SetEnv
from tests.integration.gate_agent.lane_stage import Stage


@pytest.fixture
def env() -> SetEnv:
    return SetEnv()


@pytest.fixture
def gate(tmp_path: Path, env: SetEnv) -> Iterator[Stage]:
    """A gate that is cut off and knows one till's key."""
    with closing(Stage(tmp_path, env)) as stage:
        yield stage
