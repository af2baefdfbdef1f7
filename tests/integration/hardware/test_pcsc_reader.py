"""PC/SC: the real pcscd with a virtual chip, in namespaces of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hardware.nfc.simchips import NtagChip, Type4Chip
from hardware.nfc.vpcd import VirtualChip
from hardware.reader import ReaderState, make_reader
from tests.fakes.pcsc_stage import DRIVER, OTHER, PCSCD, TEXT, UID, link
from tests.fakes.waiting import PATIENCE_S, until

UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
if os.geteuid() != 0:
    UNSHARE += ["--map-root-user"]


def _why_not_here() -> str:
    """Why the play cannot be acted on this machine; empty when it can."""
    tried = subprocess.run(
        [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else f"no namespace can be made: {tried.stderr.decode()}"


def _what_is_missing() -> str:
    """What scripts/setup would have installed; empty when all is there."""
    for name, path in (("pcscd", PCSCD), ("vsmartcard-vpcd", DRIVER)):
        if not path.exists():
            return f"Debian's {name} is not installed"
    return "" if importlib.util.find_spec("smartcard") else "pyscard is not built, see make setup"


def test_chips_laid_on_a_reader_of_pcscd_are_seen(tmp_path: Path) -> None:
    why_not = _why_not_here()
    if why_not:
        pytest.skip(why_not)
    missing = _what_is_missing()
    if missing:
        # In continuous integration a machine that could act the play must.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    command = [*UNSHARE, sys.executable, "-m", "tests.fakes.pcsc_stage", str(tmp_path)]
    played = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert played.returncode == 0, played.stderr
    before, *seen, after = map(json.loads, played.stdout.splitlines())
    assert seen.pop(2) == {"bad_frames_count": 0}
    assert "pcscd does not run" in before["fault"]
    number = OTHER.hex().upper()
    assert [(each["kind"], each["value"], each["uid"]) for each in seen] == [
        ("nfc_ndef", TEXT, UID.hex().upper()),
        ("nfc_sun", link(1), number),
        ("nfc_sun", link(2), number),
        ("nfc_uid", "04AABBCCDDEE80", "04AABBCCDDEE80"),
        ("nfc_ndef", "BACK", UID.hex().upper()),
    ]
    assert after == {"stopped": True}


def test_without_pyscard_a_reader_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hardware.nfc.smartcards", None)
    reader = make_reader("pcsc:")
    reader.start()
    until(lambda: reader.health.state is ReaderState.GONE)
    assert "pyscard is not installed" in reader.health.fault
    assert reader.stop(PATIENCE_S)


def test_a_virtual_chip_answers_as_a_reader_does() -> None:
    ntag = VirtualChip(NtagChip(UID, b"\xd0\x00\x00"))
    assert ntag.answer(bytes.fromhex("FFCA000000")) == UID + b"\x90\x00"
    assert ntag.answer(bytes.fromhex("FFB0000404")) == bytes.fromhex("0103A00C9000")
    assert ntag.answer(bytes.fromhex("FFB000FF10")) == b"\x69\x81"
    assert ntag.answer(bytes.fromhex("00A4040007D276000085010100")) == b"\x6d\x00"
    type4 = VirtualChip(Type4Chip(UID, lambda _tap: b"\xd0\x00\x00"))
    assert type4.answer(bytes.fromhex("00A4040007D276000085010100")) == b"\x90\x00"
    assert type4.answer(b"\x00") is None
