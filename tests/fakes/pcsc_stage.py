"""pcscd with a virtual reader, away from the machine's own: to be run by `unshare`.

`unshare --net --mount ... python -m tests.fakes.pcsc_stage FOLDER` acts a play of chips that come
and go and prints one JSON line for each thing that the reader saw and for each of its states. Inside
these namespaces the loopback and /run are the play's alone: vpcd listens on every address, and
pcscd's socket has one name for a machine.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from pkgutil import resolve_name

from hardware.nfc.ndef import link_message, text_message
from hardware.nfc.simchips import NtagChip, Type4Chip
from hardware.nfc.vpcd import PORT, VirtualChip
from hardware.reader import ReaderState, SupervisedReader, make_source
from tests.fakes.waiting import PATIENCE_S, until

UID, OTHER = bytes.fromhex("04E10CDA993C80"), bytes.fromhex("04DE5F1EACC040")
TEXT = "BXG1" + "A" * 272
PCSCD, DRIVER = Path("/usr/sbin/pcscd"), Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_CONFIG = f"""
FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:{PORT:#x}
LIBPATH {DRIVER}
CHANNELID {PORT:#x}
"""
# linux/sockios.h and linux/if.h
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def link(tap: int) -> str:
    """What the second chip says at each tap."""
    return f"https://house.example/t?picc_data={tap:032X}&cmac=94EED9EE65337086"


def main(folder: Path) -> None:
    """Act the play."""
    _raise_loopback()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    config = folder / "readers"
    config.mkdir()
    (config / "vpcd").write_text(_CONFIG)
    reader = SupervisedReader(make_source("pcsc:Virtual?again_ms=200"), retry_delays_s=(0.05,))
    reader.start()
    until(lambda: reader.health.state is ReaderState.GONE)
    _say(fault=reader.health.fault)
    with _pcscd(config):
        until(lambda: reader.health.state is ReaderState.LIVE)
        with _laid_on(VirtualChip(NtagChip(UID, text_message(TEXT)))):
            _show_next(reader)
        chip = Type4Chip(OTHER, lambda tap: link_message(link(tap)))
        with _laid_on(VirtualChip(chip)):
            _show_next(reader)
        _say(bad_frames_count=reader.health.bad_frames_count)
        leaving = VirtualChip(Type4Chip(UID[:4], lambda _tap: text_message("TOO SOON")))
        leaving.apdus_until_gone = 4
        with _laid_on(leaving):
            until(lambda: reader.health.bad_frames_count > 0)
        with _laid_on(VirtualChip(chip)):
            _show_next(reader)
        with _laid_on(VirtualChip(NtagChip(bytes.fromhex("04AABBCCDDEE80"), None))):
            _show_next(reader)
    until(lambda: reader.health.state is ReaderState.GONE)
    with _pcscd(config):
        until(lambda: reader.health.state is ReaderState.LIVE)
        with _laid_on(VirtualChip(NtagChip(UID, text_message("BACK")))):
            _show_next(reader)
    _say(stopped=reader.stop(PATIENCE_S))


@contextmanager
def _laid_on(chip: VirtualChip) -> Iterator[None]:
    """A chip on the reader; afterwards until pcscd, which looks twice a second, has seen it go."""
    with chip:
        yield
    # Late: who only asks whether the play can be acted here may lack pyscard.
    slot = resolve_name("hardware.nfc.smartcards:Slot")("Virtual", "pcsc:")
    until(lambda: slot.wait(0.05) is False)
    slot.close()


def _show_next(reader: SupervisedReader) -> None:
    seen = reader.next_seen(PATIENCE_S)
    assert seen is not None, reader.health
    _say(**asdict(seen))


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - whoever started us reads it


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


@contextmanager
def _pcscd(config: Path) -> Iterator[None]:
    Path("/run/pcscd").mkdir(exist_ok=True)
    process = subprocess.Popen([PCSCD, "--foreground", "--config", config], stdout=sys.stderr)
    try:
        until(_is_listening)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _is_listening() -> bool:
    """Whether vpcd waits for a chip."""
    sockets = Path("/proc/net/tcp").read_text().splitlines()
    time.sleep(0.01)
    return any(f":{PORT:04X} 00000000:0000 0A" in line for line in sockets)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
