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
# Ready once the lanes are open. The gate says every few seconds that all its parts live; one that
# hangs is not worth waiting for: the barrier is shut at the start, and what was recorded is there.
Type=notify
NotifyAccess=main
TimeoutStartSec=300
WatchdogSec=60
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
# It needs files of its own, the network, and devices by their groups; nothing else.
# No PrivateDevices=, ProtectClock= or DeviceAllow=: they would take cameras and ports away. No
# MemoryDenyWriteExecute=: libraries that call back need it.
NoNewPrivileges=true
CapabilityBoundingSet=
UMask=0077
ProtectSystem=strict
ProtectHome=true
ProtectProc=invisible
ProtectHostname=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectKernelLogs=true
ProtectControlGroups=true
PrivateTmp=true
KeyringMode=private
LockPersonality=true
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
# AF_NETLINK: USB readers are found by it.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
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
