"""What can go wrong with a device.

DeviceError                the device did not do what it was asked
├── DeviceGone             unplugged, switched off, deleted, silent: worth trying again later
├── DeviceBusy             another program holds it: worth trying again later
├── DeviceRefused          it answered and said no: trying again will not help by itself
└── BadDeviceAddress       the configured address means nothing: somebody must edit it
"""

from __future__ import annotations


class DeviceError(Exception):
    """A device failed; `reason` is a plain sentence part, `device` the address it was opened by."""

    def __init__(self, reason: str, device: str) -> None:
        super().__init__(reason, device)
        self.reason = reason
        self.device = device

    def __str__(self) -> str:
        return f"{self.device}: {self.reason}"


class DeviceGone(DeviceError):
    """The device is not there or does not answer."""


class DeviceBusy(DeviceError):
    """Another program holds the device."""


class DeviceRefused(DeviceError):
    """The device answered and declined."""


class BadDeviceAddress(DeviceError):
    """The address in the configuration cannot be understood."""
