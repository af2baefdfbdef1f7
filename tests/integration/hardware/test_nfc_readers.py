"""NFC by nfcpy's real drivers: over UDP between two processes, and on an emulated PN532."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import serial

from hardware.nfc.ndef import link_message, text_message
from hardware.nfc.simchips import NtagChip, Type4Chip
from hardware.nfc.simulator import Pn532Simulator, UdpChip
from hardware.reader import ReaderState, SeenKind, make_reader
from tests.fakes.nfcpy_card import IDM
from tests.fakes.readers import Running, next_of, running_readers
from tests.fakes.waiting import PATIENCE_S, until
from ticketing.code import TicketCode, TicketFacts, make_code, parse_code
from ticketing.ids import AllotmentId, KeyId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.sun import (
    SunFault,
    SunKeys,
    SunLink,
    SunTap,
    check_counter,
    make_sun,
    open_sun,
    parse_sun,
)
from ticketing.tags import BoundTicket, bind, parse_tag

UID, OTHER = bytes.fromhex("04E10CDA993C80"), bytes.fromhex("04AABBCCDDEE80")
PRIVATE = bytes(range(32))
PUBLIC = public_of(PRIVATE)


def _ticket_for(uid: bytes) -> str:
    """The text of a ticket bound to a chip."""
    facts = TicketFacts(
        KeyId(key_id(PUBLIC)),
        TicketId("00112233445566ff"),
        7,
        42,
        1,
        0,
        AllotmentId("0a0b0c0d", 3),
        datetime(2026, 11, 23, 18, tzinfo=UTC),
        240,
    )
    code = parse_code(make_code(facts, PRIVATE))
    assert isinstance(code, TicketCode)
    return bind(code, uid, PRIVATE)


@pytest.fixture
def running() -> Iterator[Running]:
    with running_readers() as run:
        yield run


@pytest.fixture
def pn532(tmp_path: Path) -> Iterator[Pn532Simulator]:
    with Pn532Simulator(tmp_path / "pn532") as simulator:
        yield simulator


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_bound_ticket_is_read_from_another_process(running: Running) -> None:
    text = _ticket_for(UID)
    link = f"https://house.example/t#{text}"
    with _process("hardware.nfc.simulator", "--uid", UID.hex(), "--link", link) as process:
        reader = running(f"nfc:udp:127.0.0.1:{_first_line(process)}")
        seen = next_of(reader)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert (seen.kind, seen.value, seen.uid) == (SeenKind.NFC_NDEF, link, UID.hex().upper())
    bound = parse_tag(seen.value)
    assert isinstance(bound, BoundTicket)
    assert bound.is_bound_to(bytes.fromhex(seen.uid), PUBLIC)
    assert not bound.is_bound_to(OTHER, PUBLIC)


def test_a_felica_chip_that_nfcpy_plays_is_read_from_another_process(running: Running) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _process("tests.fakes.nfcpy_card", str(port), "A chip's text") as process:
        assert _first_line(process) == "listening"
        seen = next_of(running(f"nfc:udp:127.0.0.1:{port}?felica=1"))
    assert (seen.kind, seen.value) == (SeenKind.NFC_NDEF, "A chip's text")
    assert seen.uid == IDM.hex().upper()


def test_chips_in_the_air_of_udp_change(running: Running) -> None:
    with UdpChip(NtagChip(UID, text_message("ONE"))) as air:
        reader = running(f"nfc:udp:127.0.0.1:{air.port}")
        assert next_of(reader).value == "ONE"
        air.chip = Type4Chip(OTHER[:4], lambda _tap: text_message("TWO"))
        assert next_of(reader).value == "TWO"
        air.chip = NtagChip(bytes(range(1, 11)), text_message("THREE"))
        assert next_of(reader).value == "THREE"


def test_a_chip_exchanged_in_the_middle_of_its_selection_is_silent() -> None:
    with UdpChip(NtagChip(UID)) as air:
        assert air.answer(b"106A 9320") == b"106A 8804e10c61"
        air.chip = NtagChip(UID[:4])
        assert air.answer(b"106A 9520") is None
        assert air.answer(b"106A 9320") == b"106A 04e10cda33"


def test_a_chip_held_up_to_a_pn532_is_seen_once(pn532: Pn532Simulator, running: Running) -> None:
    reader = running(f"nfc:pn532:{pn532.link}?again_ms=200")
    text = _ticket_for(UID)
    pn532.module.chip = NtagChip(UID, text_message(text))
    assert next_of(reader).value == text
    pn532.module.chip = NtagChip(OTHER, None)
    seen = next_of(reader)
    assert (seen.kind, seen.value) == (SeenKind.NFC_UID, OTHER.hex().upper())


def test_a_chip_that_authenticates_its_link_counts_its_taps(
    pn532: Pn532Simulator, running: Running
) -> None:
    keys = SunKeys(bytes(range(16)), bytes(range(16, 32)))

    def said(tap: int) -> bytes:
        sun = make_sun(UID, tap, keys)
        query = f"picc_data={sun.picc_data.hex().upper()}&cmac={sun.mac.hex().upper()}"
        return link_message(f"https://house.example/t?{query}")

    chip = Type4Chip(UID, said)
    reader = running(f"nfc:pn532:{pn532.link}?again_ms=200")
    taps: list[SunTap] = []
    for _ in range(2):
        pn532.module.chip = chip
        seen = next_of(reader)
        assert seen.kind is SeenKind.NFC_SUN
        parts = parse_sun(seen.value)
        assert isinstance(parts, SunLink)
        tap = open_sun(parts, keys)
        assert isinstance(tap, SunTap)
        taps.append(tap)
        # Another chip and back again: it was away.
        pn532.module.chip = NtagChip(OTHER, text_message(f"AWAY{len(taps)}"))
        assert next_of(reader).value.startswith("AWAY")
        pn532.module.chip = None
        until(lambda: reader.next_seen(0.25) is None)
    assert [tap.uid for tap in taps] == [UID, UID]
    assert check_counter(taps[1], taps[0].counter) is None
    assert check_counter(taps[0], taps[1].counter) is SunFault.REPLAYED


def test_a_chip_taken_away_too_soon_is_read_when_it_is_back(
    pn532: Pn532Simulator, running: Running
) -> None:
    reader = running(f"nfc:pn532:{pn532.link}")
    chip = NtagChip(UID, text_message("A" * 200))
    pn532.module.frames_until_gone = 4
    pn532.module.chip = chip
    until(lambda: reader.health.bad_frames_count > 0)
    assert reader.next_seen(0.0) is None
    pn532.module.chip = chip
    assert next_of(reader).value == "A" * 200


@pytest.mark.parametrize("sel_res", [0x08, 0x18])
def test_a_chip_that_cannot_be_read_without_keys_is_its_number_alone(
    pn532: Pn532Simulator, running: Running, sel_res: int
) -> None:
    chip = NtagChip(UID, text_message("NOT FOR US"))
    chip.sel_res = sel_res
    pn532.module.chip = chip
    seen = next_of(running(f"nfc:pn532:{pn532.link}"))
    assert (seen.kind, seen.value) == (SeenKind.NFC_UID, UID.hex().upper())


def test_a_telephone_that_makes_up_its_number_is_seen_once(
    pn532: Pn532Simulator, running: Running
) -> None:
    numbers = iter(range(1, 1_000_000))

    class Telephone(Type4Chip):
        def wake(self) -> None:
            super().wake()
            self.uid = b"\x08" + next(numbers).to_bytes(3, "big")

    pn532.module.chip = Telephone(b"\x08\x00\x00\x00", lambda _tap: None)
    reader = running(f"nfc:pn532:{pn532.link}")
    assert next_of(reader).kind is SeenKind.NFC_UID
    first = next(numbers)
    until(lambda: next(numbers) > first + 4)
    assert reader.next_seen(0.0) is None


@pytest.mark.parametrize("fault", ["answers_to_garble_count", "answers_to_cut_count"])
def test_a_pn532_that_garbles_is_opened_again(
    pn532: Pn532Simulator, running: Running, fault: str
) -> None:
    reader = running(f"nfc:pn532:{pn532.link}")
    setattr(pn532.module, fault, 1)
    until(lambda: reader.health.losses_count > 0)
    pn532.module.chip = NtagChip(UID, text_message("BACK"))
    assert next_of(reader).value == "BACK"


def test_a_pn532_that_is_silent_or_pulled_out_is_found_again(
    pn532: Pn532Simulator, running: Running
) -> None:
    reader = running(f"nfc:pn532:{pn532.link}")
    pn532.module.is_silent = True
    until(lambda: reader.health.state is ReaderState.GONE)
    assert reader.health.fault
    pn532.module.is_silent = False
    until(lambda: reader.health.state is ReaderState.LIVE)
    pn532.unplug()
    until(lambda: reader.health.state is ReaderState.GONE)
    until(lambda: "no such port" in reader.health.fault)
    pn532.plug_in()
    pn532.module.chip = NtagChip(UID, text_message("BACK"))
    assert next_of(reader).value == "BACK"


def test_a_port_in_use_is_said_to_be(pn532: Pn532Simulator) -> None:
    with serial.Serial(str(pn532.link), exclusive=True):
        reader = make_reader(f"nfc:pn532:{pn532.link}")
        reader.start()
        until(lambda: "another program" in reader.health.fault)
        assert reader.stop(PATIENCE_S)


def test_a_usb_reader_that_is_not_there_is_said_to_be() -> None:
    reader = make_reader("nfc:usb:054c:06c3")
    reader.start()
    until(lambda: reader.health.state is ReaderState.GONE)
    assert reader.health.fault
    assert reader.stop(PATIENCE_S)


def test_without_nfcpy_a_reader_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hardware.nfc.frontend", None)
    reader = make_reader("nfc:usb")
    reader.start()
    until(lambda: "nfcpy is not installed" in reader.health.fault)
    assert reader.stop(PATIENCE_S)
