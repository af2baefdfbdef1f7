"""Keys that the server does not tell: the link stands, and it is not asked all the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge.chip_keys import KEYS_PERIOD_S, ChipKeyring
from edge.link import Link, LinkState
from edge.sync import HELLO_PERIOD_S, Call, SyncEngine
from tests.fakes.edge_node import wait_until
from tests.fakes.server import Answer, Reset, Say, problem
from tests.integration.edge.engine_room import Room, wait_online

_GREETINGS = 4
_MORE_THAN_ENOUGH = 50
NOT_KNOWN = [
    pytest.param(problem(404, "not_found"), id="an older server"),
    pytest.param(Say(b"404: Not Found", status=404), id="an older server without a code"),
    pytest.param(problem(410, "gone"), id="gone"),
]
NOT_TOLD = [
    pytest.param(Say({}, status=500), id="a defect"),
    pytest.param(problem(503, "busy"), id="busy"),
    pytest.param(problem(429, "slow_down"), id="too many calls"),
    pytest.param(problem(401, "token_expired"), id="a token that is not taken"),
    pytest.param(problem(403, "forbidden"), id="not for this node"),
    pytest.param(Say(b"<html>hotel wifi</html>"), id="a captive portal"),
    pytest.param(Say({}), id="JSON without its members"),
    pytest.param(Say({"keys": "zz", "signature": ""}), id="no hex"),
    pytest.param(Say({"keys": "00", "signature": "00" * 64}), id="somebody else's"),
]


@dataclass
class Asked:
    """A node that asks for keys, as a window does: when the link changes and at each greeting."""

    room: Room
    engine: SyncEngine
    greetings: list[float]
    """What time had been added when each of them began."""

    def start(self) -> None:
        """Until it is greeted in the server's own history: the next greeting is a minute away."""
        self.engine.start()
        wait_until(lambda: self.engine._hello_due_s > self.room.env.monotonic_s())
        wait_until(lambda: self.count)
        self.settle()

    @property
    def count(self) -> int:
        """How often the server was asked."""
        return len(self.room.server.called("chip-keys"))

    def greet(self, after_s: float = HELLO_PERIOD_S + 1) -> None:
        """Time passes until the next greeting; all that it brings about is done."""
        self.room.env.monotonic_added_s += after_s
        self.engine.nudge()
        wait_until(lambda: self.greetings[-1] >= self.room.env.monotonic_added_s)
        self.settle()

    def settle(self) -> None:
        """Whatever was asked for until now has had its answer: questions wait in one line."""
        done: list[object] = []
        last = Call(lambda _client: None, done.append)
        wait_until(lambda: self.engine.wish(last))
        wait_until(lambda: done)


@pytest.fixture
def asked(room: Room, folder: Path) -> Iterator[Asked]:
    """Not started yet."""
    engine = room.new_engine()
    keyring = ChipKeyring(folder, engine, room.env)
    greetings: list[float] = []

    def on_link(link: Link) -> None:
        room.told.links.append(link)
        if link.state is LinkState.ONLINE:
            keyring.on_link()

    def on_greeted() -> None:
        at = room.env.monotonic_added_s
        keyring.on_link()
        greetings.append(at)

    engine.listeners = replace(engine.listeners, link=on_link, greeted=on_greeted)
    yield Asked(room, engine, greetings)
    room.server.release()
    engine.stop()


@pytest.mark.parametrize("answer", NOT_TOLD)
def test_a_failure_leaves_the_link_alone_and_is_waited_after_longer_each_time(
    asked: Asked, answer: Answer
) -> None:
    asked.room.server.script("chip-keys", *[answer] * _MORE_THAN_ENOUGH)
    asked.start()
    counts = [asked.count]
    for _greeting in range(_GREETINGS):
        asked.greet()
        counts.append(asked.count)
    assert counts == [1, 2, 3, 3, 4], "after 30 seconds, 60, 120"
    assert asked.room.told.states() == [LinkState.ONLINE]


@pytest.mark.parametrize("answer", NOT_KNOWN)
def test_a_server_that_is_too_old_is_asked_once_an_hour(asked: Asked, answer: Answer) -> None:
    asked.room.server.script("chip-keys", *[answer] * _MORE_THAN_ENOUGH)
    asked.start()
    for _greeting in range(_GREETINGS):
        asked.greet()
    assert asked.count == 1
    asked.greet(KEYS_PERIOD_S)
    assert asked.count == 2
    assert asked.room.told.states() == [LinkState.ONLINE]


def test_a_question_that_breaks_the_link_is_not_the_first_thing_on_the_next_one(
    asked: Asked,
) -> None:
    asked.room.server.script("chip-keys", Reset())
    asked.engine.start()
    wait_until(lambda: LinkState.OFFLINE in asked.room.told.states())
    wait_until(lambda: asked.engine._hello_due_s > asked.room.env.monotonic_s())
    wait_online(asked.engine)
    asked.settle()
    assert asked.count == 1
    asked.greet()
    assert asked.count == 2
    assert asked.room.told.states().count(LinkState.OFFLINE) == 1
