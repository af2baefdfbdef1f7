"""A till of the sample theatre, fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.hall import SetEnv
from tests.integration.pos_app.window_stage import Stage


@pytest.fixture
def env() -> SetEnv:
    return SetEnv()


@pytest.fixture
def stage(tmp_path: Path, env: SetEnv) -> Iterator[Stage]:
    """A window that is not signed in, offline, with nothing lent."""
    with closing(Stage(tmp_path, env)) as stage:
        yield stage


@pytest.fixture
def till(stage: Stage) -> Stage:
    """A window with a cashier at it."""
    stage.sign_in()
    stage.heard()
    return stage
