"""RFID readers over real pseudo-terminals: noise, half frames, pulled plugs, silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.address import parse_address
from hardware.errors import BadDeviceAddress, DeviceGone
from hardware.reader import ReaderState, SeenKind, make_reader
from hardware.rfid.protocol import ID12, RDM6300, FrameShape, encode
from hardware.rfid.simulator import TagSimulator
from hardware.uhf.driver import SILENT_AFTER_S, UhfSource
from hardware.uhf.simulator import UhfSimulator
from tests.fakes.readers import Running, next_of, running_readers
from tests.fakes.waiting import until

CHIP, OTHER = "13005D1DA5", "2A00000001"
EPC, FAR = "E20010710000529B0940B402", "30340000000000000000FFFF"


@pytest.fixture
def running() -> Iterator[Running]:
    with running_readers() as run:
        yield run


@pytest.fixture
def tags(tmp_path: Path) -> Iterator[TagSimulator]:
    with TagSimulator(tmp_path / "rdm") as simulator:
        yield simulator


@pytest.fixture
def module(tmp_path: Path) -> Iterator[UhfSimulator]:
    with UhfSimulator(tmp_path / "uhf") as simulator:
        yield simulator


@pytest.mark.parametrize(("scheme", "shape"), [("rdm6300", RDM6300), ("id12", ID12)])
def test_a_chip_held_up_is_seen_once(
    tmp_path: Path, running: Running, scheme: str, shape: FrameShape
) -> None:
    with TagSimulator(tmp_path / "reader", shape) as tags:
        reader = running(f"{scheme}:{tags.link}?baud=115200")
        tags.hold_up(CHIP, 10)
        tags.hold_up(OTHER, shape.reads_count)
        assert [next_of(reader).value for _ in range(2)] == [CHIP, OTHER]
        assert reader.next_seen(0.0) is None


def test_a_chip_read_once_by_a_reader_that_repeats_is_not_believed(
    tags: TagSimulator, running: Running
) -> None:
    reader = running(f"rdm6300:{tags.link}?id=low")
    tags.hold_up(OTHER, 1)
    tags.hold_up(CHIP, 2)
    seen = next_of(reader)
    assert (seen.kind, seen.value) == (SeenKind.RFID_LF, "005D1DA5")


def test_noise_missing_and_damaged_bytes_cost_only_their_read(
    tags: TagSimulator, running: Running
) -> None:
    reader = running(f"rdm6300:{tags.link}")
    frame = encode(bytes.fromhex(CHIP), RDM6300)
    damaged = frame[:5] + b"7" + frame[6:]
    for piece in (b"\x00\xff\x02\x02", frame[:6] + frame[7:], damaged, frame[:3], frame[3:], frame):
        tags.send(piece)
    assert next_of(reader).value == CHIP
    assert reader.next_seen(0.0) is None
    assert reader.health.bad_frames_count >= 2


def test_a_reader_pulled_out_in_mid_frame_reads_again(tags: TagSimulator, running: Running) -> None:
    reader = running(f"rdm6300:{tags.link}")
    for _ in range(3):
        tags.send(encode(bytes.fromhex(CHIP), RDM6300)[:7])
        tags.unplug()
        until(lambda: reader.health.state is ReaderState.GONE)
        tags.plug_in()
        until(lambda: reader.health.state is ReaderState.LIVE)
    tags.hold_up(OTHER)
    assert next_of(reader).value == OTHER
    assert reader.health.losses_count >= 3


def test_uhf_chips_are_seen_once_and_weak_ones_never(
    module: UhfSimulator, running: Running
) -> None:
    reader = running(f"uhf:{module.link}?rssi_min=-60&power=20&pace_ms=10")
    module.field = {FAR: -61}
    until(lambda: module.power_dbm == 20)
    module.field = {FAR: -61, EPC: -43}
    seen = next_of(reader)
    assert (seen.kind, seen.value, seen.rssi_dbm) == (SeenKind.RFID_UHF, EPC, -43)
    module.field = {FAR: -60}
    assert next_of(reader).value == FAR


def test_a_uhf_module_that_garbles_is_asked_again(module: UhfSimulator, running: Running) -> None:
    module.answers_to_garble_count = 5
    module.noise_before_answer = b"\xbb\x02\x22\x00\x11\x7e"
    module.field = {EPC: -40}
    reader = running(f"uhf:{module.link}?pace_ms=10")
    assert next_of(reader).value == EPC
    assert reader.health.bad_frames_count >= 5


def test_a_uhf_module_that_falls_silent_is_gone(module: UhfSimulator) -> None:
    now = 0.0
    source = UhfSource(parse_address(f"uhf:{module.link}?pace_ms=10"), clock=lambda: now)
    module.is_silent = True
    source.open()
    assert source.read(0.0) == []
    now = SILENT_AFTER_S + 0.1
    with pytest.raises(DeviceGone, match="the module does not answer"):
        source.read(0.0)
    source.close()


def test_a_uhf_module_pulled_out_is_asked_again(module: UhfSimulator, running: Running) -> None:
    reader = running(f"uhf:{module.link}?pace_ms=10")
    module.unplug()
    until(lambda: reader.health.state is ReaderState.GONE)
    module.plug_in()
    module.field = {EPC: -40}
    assert next_of(reader).value == EPC


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("rdm6300:", "names no serial port"),
        ("rdm6300:/dev/x?id=half", "id is full or low"),
        ("rdm6300:/dev/x?reads=0", "reads must be"),
        ("serial-line:/dev/x?form=dots", "form is text or em-decimal"),
        ("uhf:/dev/x?rssi_min=60", "rssi_min must be a whole number from -127 to 0"),
        ("uhf:/dev/x?rssi_min=--6", "rssi_min must be"),
        ("uhf:/dev/x?power=9", "power must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(address: str, part: str) -> None:
    with pytest.raises(BadDeviceAddress, match=part):
        make_reader(address)
