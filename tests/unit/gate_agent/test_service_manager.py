"""What systemd hears: ready, alive as long as every part lives, stopping."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate_agent.agent import watch_parts
from gate_agent.service_manager import PERIOD_S, ServiceManager
from gate_agent.supervision import SILENT_S, Part
from tests.fakes.service_manager import NotifySocket, notify_socket
from tests.fakes.waiting import until


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[NotifySocket]:
    with notify_socket(tmp_path / "notify") as end:
        yield end


def watched(systemd: NotifySocket, watchdog_s: float = 0.03) -> ServiceManager:
    return ServiceManager(systemd.address, watchdog_s)


@pytest.mark.parametrize("abstract", [False, True])
def test_it_says_what_systemd_wants_to_hear(tmp_path: Path, abstract: bool) -> None:
    place = f"@boxgate-{secrets.token_hex(8)}" if abstract else str(tmp_path / "notify")
    with notify_socket(place) as systemd:
        environ = {"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}
        manager = ServiceManager.from_environment(environ, 7)
        assert (manager.watchdog_s, manager.period_s) == (60.0, PERIOD_S)
        for say in (manager.ready, manager.alive, manager.stopping):
            say()
        assert [systemd.heard() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="started by hand"),
        pytest.param({"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "1"}, id="no socket"),
        pytest.param({"NOTIFY_SOCKET": "vsock:2:1"}, id="a socket of another kind"),
    ],
)
def test_without_a_socket_nobody_is_told(environ: dict[str, str]) -> None:
    manager = ServiceManager.from_environment(environ, 7)
    assert manager == ServiceManager()
    manager.ready()
    manager.alive()


def test_a_watchdog_that_watches_another_process_hears_nothing(systemd: NotifySocket) -> None:
    environ = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}
    manager = ServiceManager.from_environment(environ, 7)
    manager.alive()
    assert systemd.is_silent()
    manager.ready()
    assert systemd.heard() == "READY=1"


def test_it_says_that_it_lives_at_least_twice_while_the_watchdog_waits() -> None:
    assert ServiceManager("@x", 6.0).period_s * 2 < 6.0


def test_nobody_listening_harms_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ServiceManager(str(tmp_path / "gone")).ready()
    assert "service_manager_not_told" in caplog.text


class Work:
    """A part that can be made to hang."""

    def __init__(self) -> None:
        self.turns = 0
        self.hangs = False
        self.is_hung, self.go_on = threading.Event(), threading.Event()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.turns += 1
            if self.hangs:
                self.is_hung.set()
                self.go_on.wait(60)
            stop.wait(0.001)


def go_round(work: Work) -> None:
    """For about as long as the watchdog is fed several times."""
    turns = work.turns
    until(lambda: work.turns > turns + 50)


@pytest.mark.expected_errors("part_hangs")
def test_the_watchdog_is_fed_only_while_every_part_lives(
    systemd: NotifySocket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop, over = threading.Event(), threading.Event()
    works = [Work(), Work()]
    parts = [Part(f"part {at}", work.run, stop) for at, work in enumerate(works)]
    for part in parts:
        part.start()
    watching = threading.Thread(target=watch_parts, args=(parts, watched(systemd), over))
    watching.start()
    try:
        assert systemd.heard() == "WATCHDOG=1"
        works[1].hangs = True
        assert works[1].is_hung.wait(30)
        monkeypatch.setattr("gate_agent.supervision.SILENT_S", 0.05)
        until(lambda: not parts[1].lives(time.monotonic()))
        until(lambda: "part_hangs" in caplog.text)
        go_round(works[0])
        while not systemd.is_silent():  # what was said before
            systemd.heard()
        go_round(works[0])
        assert systemd.is_silent()
        monkeypatch.setattr("gate_agent.supervision.SILENT_S", SILENT_S)
        works[1].hangs = False
        works[1].go_on.set()
        assert systemd.heard() == "WATCHDOG=1"
    finally:
        over.set()
        stop.set()
        works[1].go_on.set()
        watching.join(10)
        assert all(part.join(10) for part in parts)


@pytest.mark.expected_errors("part_crashed")
def test_a_part_that_crashes_and_is_begun_again_lives(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()

    def crash(_stop: threading.Event) -> None:
        raise RuntimeError("a bug")

    part = Part("crashes", crash, stop, delays_s=(60.0,))
    part.start()
    until(lambda: part.crashes_count > 0)
    assert part.lives(time.monotonic())
    stop.set()
    assert part.join(10)
    assert not part.lives(time.monotonic())
    assert "part_crashed" in caplog.text
