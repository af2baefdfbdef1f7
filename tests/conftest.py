"""What holds for every test: no screen needed, no chance in property tests, no unexpected errors."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import hypothesis.configuration
import pytest

from tests.fakes.postgres import OPT_OUT_VARIABLE, URL_VARIABLE, is_opted_out, private_cluster

if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# What hypothesis keeps belongs with the other caches.
hypothesis.configuration.set_hypothesis_home_dir(Path(__file__).parents[1] / ".cache/hypothesis")
# "ci": the same examples on every run and no clock, so a red test is red for everyone. "full": more of
# them, by hand: `HYPOTHESIS_PROFILE=full make test ONLY=property`. `tests/fakes/examples.py` follows.
for _profile, _count in (("ci", 40), ("full", 100)):
    hypothesis.settings.register_profile(
        _profile, max_examples=_count, derandomize=True, deadline=None, database=None
    )
# "explore": new examples on every run; `HYPOTHESIS_PROFILE=explore make test`, by hand.
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# Each byte that httpcore moves, told with every failing test, and paid for by every passing one.
logging.getLogger("httpcore").setLevel(logging.INFO)


class _ErrorRecords(logging.Handler):
    """Keeps what was logged at ERROR or above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        trace = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self.texts.append(f"{record.name}: {record.getMessage()}{trace}")


@pytest.fixture(autouse=True)
def _state_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The witnesses of nodes go nowhere outside of the tests' own folders, and no two meet."""
    place = tmp_path_factory.getbasetemp() / "state" / os.urandom(8).hex()
    monkeypatch.setenv("XDG_STATE_HOME", str(place))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL that everything may be done to. Without one the test fails, see CONTRIBUTING."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    if is_opted_out():
        pytest.skip(f"{OPT_OUT_VARIABLE} is set")
    with private_cluster(durable=False) as cluster:
        yield cluster.url


@pytest.fixture(autouse=True)
def no_unexpected_error_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that logs an error, unless `@pytest.mark.expected_errors("text", ...)` names it.

    Every text of the marker must be in some record: an expected error that never came is a
    failure too. Handlers that the test put on the root logger are taken off again.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    records = _ErrorRecords()
    root.addHandler(records)
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
    root.setLevel(level)
    marker = request.node.get_closest_marker("expected_errors")
    expected: tuple[str, ...] = marker.args if marker else ()
    unexpected = [text for text in records.texts if not any(each in text for each in expected)]
    missing = [each for each in expected if not any(each in text for text in records.texts)]
    if unexpected:
        pytest.fail("logged an error that no marker expects:\n" + "\n".join(unexpected))
    if missing:
        pytest.fail(f"these errors were expected in the log and never came: {missing}")
