"""The shape of a lane's readers: one thread, a bounded queue, and no device ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.errors import BadDeviceAddress, DeviceGone
from hardware.reader import (
    VALUE_CHARS_MAX,
    WAITING_COUNT_MAX,
    ReaderState,
    Seen,
    SeenKind,
    SupervisedReader,
    as_value,
    make_reader,
)
from hardware.reader.repeats import Repeats

QUICK_S = (0.001, 0.001)
PATIENCE_S = 20.0

Step = list[Seen] | Exception


class ScriptedSource:
    """A device that plays its script and then is quiet until the reader stops."""

    address = "scripted:"

    def __init__(self, *script: Step) -> None:
        self._script = list(script)
        self.done = threading.Event()
        self.opened_count = 0
        self.closed_count = 0
        self.bad_frames_count = 0

    def open(self) -> None:
        self.opened_count += 1

    def read(self, timeout_s: float) -> list[Seen]:
        if not self._script:
            self.done.set()
            threading.Event().wait(min(timeout_s, 0.005))
            return []
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed_count += 1


def _seen(value: str) -> Seen:
    return Seen(SeenKind.LINE, value, "scripted:", 1.0)


Make = Callable[..., SupervisedReader]


@pytest.fixture
def make() -> Iterator[Make]:
    readers: list[SupervisedReader] = []

    def start(source: ScriptedSource, **more: Callable[..., None]) -> SupervisedReader:
        readers.append(SupervisedReader(source, retry_delays_s=QUICK_S, **more))
        readers[-1].start()
        return readers[-1]

    yield start
    for reader in readers:
        assert reader.stop(PATIENCE_S)


def _values(reader: SupervisedReader) -> list[str]:
    values: list[str] = []
    while (seen := reader.next_seen(0.0)) is not None:
        values.append(seen.value)
    return values


def test_what_is_seen_comes_in_order(make: Make) -> None:
    source = ScriptedSource([_seen("A"), _seen("B")], [_seen("C")])
    reader = make(source)
    assert source.done.wait(PATIENCE_S)
    assert _values(reader) == ["A", "B", "C"]
    assert reader.next_seen(0.0) is None
    assert reader.health.seen_count == 3


def test_of_what_nobody_fetches_the_newest_is_kept(make: Make) -> None:
    source = ScriptedSource([_seen(str(number)) for number in range(WAITING_COUNT_MAX + 5)])
    reader = make(source)
    assert source.done.wait(PATIENCE_S)
    assert _values(reader) == [str(number) for number in range(5, WAITING_COUNT_MAX + 5)]
    assert reader.health.dropped_count == 5


@pytest.mark.expected_errors("failed and is opened again")
def test_neither_a_lost_device_nor_a_bug_ends_a_reader(make: Make) -> None:
    source = ScriptedSource(
        [_seen("A")],
        DeviceGone("the device was unplugged", "scripted:"),
        [_seen("B")],
        ZeroDivisionError("a bug"),
        [_seen("C")],
    )
    states: list[ReaderState] = []
    reader = make(source, on_state=states.append)
    assert source.done.wait(PATIENCE_S)
    assert _values(reader) == ["A", "B", "C"]
    live, gone = ReaderState.LIVE, ReaderState.GONE
    assert states == [live, gone, live, gone, live]
    assert source.opened_count == 3
    assert source.closed_count == 2
    assert reader.health.losses_count == 2
    assert reader.health.fault == ""


@pytest.mark.expected_errors("whoever waits", "whoever watches", "failed and is opened again")
def test_a_bug_around_a_reader_does_not_end_it(make: Make) -> None:
    class Clinging(ScriptedSource):
        def close(self) -> None:
            super().close()
            if self.closed_count == 1:
                raise ZeroDivisionError("a bug while it lets go")

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug in the lane")

    source = Clinging([_seen("A")], DeviceGone("it was unplugged", "scripted:"), [_seen("B")])
    reader = make(source, arrived=fail, on_state=fail)
    assert source.done.wait(PATIENCE_S)
    assert _values(reader) == ["A", "B"]
    assert reader.health.state is ReaderState.LIVE


def test_a_reader_that_is_gone_says_why(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    gone = threading.Event()

    class Absent(ScriptedSource):
        def open(self) -> None:
            super().open()
            if self.opened_count == 5:
                gone.set()
            raise DeviceGone(f"no such port, try {min(self.opened_count, 5)}", self.address)

    reader = make(Absent())
    assert gone.wait(PATIENCE_S)
    health = reader.health
    assert health.state is ReaderState.GONE
    assert health.fault.startswith("no such port, try")
    assert sum("is gone" in record.getMessage() for record in caplog.records) == 1


def test_a_lane_is_told_when_something_came(make: Make) -> None:
    came = threading.Event()
    reader = make(ScriptedSource([_seen("A")]), arrived=came.set)
    assert came.wait(PATIENCE_S)
    assert reader.next_seen(0.0) == _seen("A")


def test_whoever_waits_is_released_when_the_reader_stops(make: Make) -> None:
    reader = make(ScriptedSource())
    answers: list[Seen | None] = []
    waiting = threading.Thread(target=lambda: answers.append(reader.next_seen(PATIENCE_S)))
    waiting.start()
    assert reader.stop(PATIENCE_S)
    waiting.join(PATIENCE_S)
    assert answers == [None]
    assert reader.health.state is ReaderState.STOPPED


def test_a_reader_is_started_once(make: Make) -> None:
    reader = make(ScriptedSource())
    with pytest.raises(RuntimeError, match="once"):
        reader.start()


def test_a_reader_that_never_started_stops() -> None:
    assert SupervisedReader(ScriptedSource()).stop()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("crystal-ball:", "no reader is of kind 'crystal-ball'; known are serial-line:"),
        ("serial-line:", "names no serial port"),
        ("serial-line:/dev/x?bauds=1", "unknown option 'bauds'"),
        ("serial-line:/dev/x?again_ms=1", "again_ms must be a whole number from 200"),
        ("serial-line:/dev/x?suffix=dot", "suffix is one of"),
        ("nfc:", "an NFC reader is pn532:PATH"),
        ("nfc:pn532:", "an NFC reader is pn532:PATH"),
        ("nfc:pn532:/dev/x;reboot", "an NFC reader is pn532:PATH"),
        ("nfc:usb:somewhere", "an NFC reader is pn532:PATH"),
        ("nfc:udp:127.0.0.1", "an NFC reader is pn532:PATH"),
    ],
)
def test_an_address_that_means_nothing_is_refused(text: str, part: str) -> None:
    with pytest.raises(BadDeviceAddress, match=part):
        make_reader(text)


@pytest.mark.parametrize(
    "text",
    [
        "serial-line:/dev/x",
        "rdm6300:/dev/x",
        "id12:/dev/x",
        "uhf:/dev/x",
        "nfc:pn532:/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0",
        "nfc:usb",
        "nfc:usb:054c:06c3",
        "nfc:udp:127.0.0.1:54321?felica=1",
        "pcsc:",
        "pcsc:ACS ACR1252 1S CL Reader?again_ms=2000",
    ],
)
def test_each_kind_of_reader_is_made_without_its_device(text: str) -> None:
    reader = make_reader(text)
    assert reader.address == text
    assert reader.health.state is ReaderState.STARTING


@given(st.text(max_size=VALUE_CHARS_MAX + 10))
def test_any_text_becomes_a_value(text: str) -> None:
    value = as_value(text)
    assert value.isascii()
    assert value.isprintable()
    assert len(value) <= VALUE_CHARS_MAX
    if text:
        _seen(value)


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_texts_never_become_one_value(one: str, other: str) -> None:
    assert (as_value(one) == as_value(other)) == (one == other)


@pytest.mark.parametrize("value", ["", "票", "A" * (VALUE_CHARS_MAX + 1)])
def test_what_is_no_value_is_not_seen(value: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        _seen(value)


def test_a_chip_is_new_again_after_it_was_away() -> None:
    repeats = Repeats(1.5)
    held = [repeats.is_new("A", at / 10) for at in range(40)]
    assert held == [True] + [False] * 39
    assert repeats.is_new("B", 4.0)
    assert not repeats.is_new("A", 5.3)
    assert repeats.is_new("A", 6.8)


def test_the_memory_of_repeats_is_bounded() -> None:
    repeats = Repeats(1000.0)
    assert all(repeats.is_new(str(number), 0.0) for number in range(5000))
    assert not repeats.is_new("4999", 1.0)
    assert repeats.is_new("0", 1.0)
