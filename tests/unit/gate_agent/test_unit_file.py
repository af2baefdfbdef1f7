"""The systemd unit: what it starts, and when it starts it again."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from gate_agent.__main__ import main
from gate_agent.supervision import SILENT_S
from gate_agent.unit_file import unit_file
from program.exit_codes import ExitCode


def read(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_it_starts_this_gate_with_these_settings_and_again_unless_that_mends_nothing() -> None:
    service = read(unit_file(Path("/etc/boxgate/gate.toml"), "/opt/boxgate/bin/python3"))["Service"]
    run = "/opt/boxgate/bin/python3 -m gate_agent run --config /etc/boxgate/gate.toml"
    assert service["ExecStart"] == run
    assert service["Restart"] == "always"
    final = [ExitCode(int(code)) for code in service["RestartPreventExitStatus"].split()]
    assert ExitCode.SETTINGS in final
    assert not {ExitCode.FAILED, ExitCode.BUSY} & set(final)
    assert service["SupplementaryGroups"].split() == ["video", "dialout"]


def test_systemd_starts_it_again_when_it_hangs_and_lets_it_reach_its_devices() -> None:
    service = read(unit_file(Path("/etc/boxgate/gate.toml"), "/opt/boxgate/bin/python3"))["Service"]
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert float(service["WatchdogSec"]) >= 2 * SILENT_S, "what stalls for a while hangs not yet"
    devices_away = {"PrivateDevices", "DeviceAllow", "DevicePolicy", "ProtectClock"}
    assert not devices_away & set(service)
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_understands_every_line_of_it(tmp_path: Path) -> None:
    file = tmp_path / "boxgate-gate.service"
    file.write_text(unit_file(Path("/etc/boxgate/gate.toml"), "/bin/true"), encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(file)],
        check=False,
        capture_output=True,
        text=True,
    )
    about_ours = [line for line in checked.stderr.splitlines() if file.name in line]
    assert about_ours == []


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["unit", "--config", str(tmp_path / "gate.toml")]) == ExitCode.OK
    text = capsys.readouterr().out
    assert f"--config {tmp_path / 'gate.toml'}" in read(text)["Service"]["ExecStart"]


def test_a_name_that_systemd_would_read_otherwise_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["unit", "--config", "/srv/our gate.toml"]) == ExitCode.SETTINGS
    assert "systemd would not take" in capsys.readouterr().err
