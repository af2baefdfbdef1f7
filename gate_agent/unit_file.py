"""The systemd unit of a gate, as `boxgate-gate unit` prints it."""

from __future__ import annotations

import sys
from pathlib import Path

from program.exit_codes import ExitCode

# A restart cannot mend these; each has its sentence in the log.
_FINAL = (
    ExitCode.USAGE,
    ExitCode.SETTINGS,
    ExitCode.STORAGE,
    ExitCode.REFUSED,
)
_UNIT = """\
# Lets people in: reads tickets, decides, opens barriers. See boxgate-gate --help.
#   boxgate-gate unit --config {config} >/etc/systemd/system/boxgate-gate.service
#   systemctl daemon-reload && systemctl enable --now boxgate-gate
[Unit]
Description=Boxgate gate
Wants=network-online.target
# After the network, but without waiting for it: a gate decides alone.
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart={python} -m gate_agent run --config {config}
User=boxgate
# Cameras, and serial ports for readers and relays.
SupplementaryGroups=video dialout
# Made and owned for it: its witness lies there, and so must data_dir (or name it in
# ReadWritePaths=): data_dir = "/var/lib/boxgate/gate".
StateDirectory=boxgate
StateDirectoryMode=0700
WorkingDirectory=/var/lib/boxgate
KillSignal=SIGTERM
TimeoutStopSec=20
Restart=always
RestartSec=2
RestartPreventExitStatus={final}
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=true
PrivateTmp=true
ProtectKernelTunables=true
ProtectControlGroups=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
# Before whatever else runs on this machine: people are waiting.
Nice=-5

[Install]
WantedBy=multi-user.target
"""


def unit_file(config: Path, python: str = sys.executable) -> str:
    """The unit of the gate that has these settings. Raises ValueError for a name with spaces."""
    file = str(config.absolute())
    for name in (file, python):
        if any(char.isspace() or char in '%"\\' for char in name):
            raise ValueError(f"systemd would not take {name!r} as it is")
    final = " ".join(str(int(code)) for code in _FINAL)
    return _UNIT.format(config=file, python=python, final=final)
