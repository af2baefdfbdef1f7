"""The gate's settings: what is refused, in words that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate_agent.settings import Direction, GateSettings
from hardware.barrier import Wiring
from hardware.qr import SeveralCodes
from program.errors import SettingsError
from program.settings import load_settings


def load(folder: Path, text: str) -> GateSettings:
    file = folder / "gate.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(GateSettings, file)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    [lane] = load(tmp_path, "").all_lanes
    assert (lane.camera, lane.relay) == ("usb:0", "none:")
    assert (lane.pulse_ms, lane.performances) == (700, ())


def test_a_lane_can_be_told_everything(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        'server_url = "https://box.example"\ndata_dir = "data"\nlanguage = "en"\n'
        '[lane]\nname = "东门 1"\ncamera = "folder:frames?watch=1"\npulse_ms = 1000\n'
        'relay = "modbus-rtu:/dev/ttyUSB0"\nperformances = [4, 5]\n'
        'several_codes = "refuse"\n',
    )
    assert settings.data_dir == tmp_path / "data"
    [lane] = settings.all_lanes
    assert lane.name == "东门 1"
    assert lane.performances == (4, 5)
    assert lane.several_codes is SeveralCodes.REFUSE


def test_a_gate_may_have_several_lanes(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[[lanes]]\nname = "In"\nrelay = "modbus-rtu:/dev/x?channels=2&inputs=3"\n'
        "relay_number = 2\npassage_input = 1\nfire_input = 3\nfire_when_open = true\n"
        '[[lanes]]\nname = "Out"\ndirection = "exit"\ncamera = "none:"\n'
        'readers = ["serial-line:/dev/y"]\nrelay = "lcus:/dev/z"\nprivate = true\n',
    )
    way_in, way_out = settings.all_lanes
    assert way_in.wiring == Wiring("modbus-rtu:/dev/x?channels=2&inputs=3", 2, 1, 3, True, False)
    assert (way_in.direction, way_out.direction) == (Direction.ENTRY, Direction.EXIT)
    assert way_out.readers == ("serial-line:/dev/y",)
    assert way_out.wiring.private


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param('server_url = "box.example"', "server_url", id="no address"),
        pytest.param('language = "fr"', "language", id="no such language"),
        pytest.param("[lane]\npulse_ms = 0", "lane.pulse_ms", id="no pulse"),
        pytest.param("[lane]\npulse_ms = 60100", "lane.pulse_ms", id="open for ever"),
        pytest.param("[lane]\npulse_ms = 750", "lane.pulse_ms", id="no whole step of the board"),
        pytest.param('[lane]\nname = ""', "lane.name", id="no name"),
        pytest.param(f'[lane]\nname = "{"x" * 65}"', "lane.name", id="too long a name"),
        pytest.param('[lane]\nname = "a\\nb"', "lane.name", id="a name no server would take"),
        pytest.param('[lane]\ncamera = "none:"', "lane.camera", id="nothing that reads"),
        pytest.param('[lane]\nreaders = ["a:", "a:"]', "lane.readers", id="one reader twice"),
        pytest.param('[lane]\ndirection = "up"', "lane.direction", id="no such direction"),
        pytest.param("[lane]\n[[lanes]]", "lane", id="lanes in both ways of writing"),
        pytest.param("[[lanes]]\n[[lanes]]", "lanes", id="two lanes of one name"),
        pytest.param("[[lanes]]\n" * 17, "lanes", id="too many lanes"),
        pytest.param('[lane]\nseveral_codes = "both"', "lane.several_codes", id="no policy"),
        pytest.param('[lane]\ncamra = "usb:0"', "lane.camra", id="unknown key"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        load(tmp_path, text)
