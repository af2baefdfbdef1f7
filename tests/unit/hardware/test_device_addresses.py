"""What a configuration may write for a device."""

from __future__ import annotations

import pytest

from hardware.address import parse_address
from hardware.backoff import Backoff
from hardware.camera import make_source
from hardware.errors import BadDeviceAddress, DeviceBusy, DeviceError, DeviceGone
from hardware.relay import make_relay


def test_an_address_is_kind_target_and_options() -> None:
    address = parse_address("modbus-rtu:/dev/ttyUSB0?unit=3&baud=19200")
    assert (address.scheme, address.target) == ("modbus-rtu", "/dev/ttyUSB0")
    assert address.options == {"unit": "3", "baud": "19200"}


def test_a_path_is_kept_as_it_is_typed() -> None:
    assert parse_address("folder:/srv/a b%20c/门").target == "/srv/a b%20c/门"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("", "begins with its kind", id="nothing"),
        pytest.param("/dev/ttyUSB0", "begins with its kind", id="a bare path"),
        pytest.param("rs485:/dev/ttyUSB0", "known are modbus-rtu:, none:", id="an unknown kind"),
        pytest.param("modbus-rtu:", "names no serial port", id="no port"),
        pytest.param("modbus-rtu:/dev/x?unit", "not of the form name=value", id="half an option"),
        pytest.param("modbus-rtu:/dev/x?units=1", "unknown option 'units'", id="a typo"),
        pytest.param("modbus-rtu:/dev/x?unit=1&unit=2", "given twice", id="an option twice"),
        pytest.param("modbus-rtu:/dev/x?unit=0", "from 1 to 247", id="the broadcast address"),
        pytest.param("modbus-rtu:/dev/x?unit=248", "from 1 to 247", id="a unit too high"),
        pytest.param("modbus-rtu:/dev/x?baud=fast", "whole number", id="words for a number"),
        pytest.param("modbus-rtu:/dev/x?unit=１", "whole number", id="a full-width digit"),
        pytest.param("modbus-rtu:/dev/x?unit=" + "9" * 5000, "whole number", id="a huge number"),
        pytest.param("modbus-rtu:/dev/\0x", "no NUL", id="a NUL"),
        pytest.param("none:?unit=1", "none are known here", id="an option where there is none"),
    ],
)
def test_a_bad_relay_address_says_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(BadDeviceAddress, match=part):
        make_relay(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("rtsp://10.0.0.5/live", "known are usb:, file:, folder:", id="unknown kind"),
        pytest.param("usb:", "names no camera", id="no camera"),
        pytest.param("usb:0?fps=30", "unknown option 'fps'", id="an option of another kind"),
        pytest.param("folder:/x?watch=yes", "watch must be a whole number", id="a flag in words"),
        pytest.param("file:/x.mp4?fps=1000", "from 0 to 120", id="too fast"),
    ],
)
def test_a_bad_camera_address_says_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(BadDeviceAddress, match=part):
        make_source(text)


def test_an_error_is_a_sentence_with_the_device_in_front() -> None:
    error = DeviceGone("the board does not answer", "modbus-rtu:/dev/ttyUSB0")
    assert str(error) == "modbus-rtu:/dev/ttyUSB0: the board does not answer"
    assert isinstance(error, DeviceError)
    assert not isinstance(error, DeviceBusy)


def test_delays_grow_to_the_last_and_begin_anew_after_success() -> None:
    backoff = Backoff((1.0, 2.0, 4.0))
    assert [backoff.next_delay_s() for _ in range(5)] == [1.0, 2.0, 4.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.next_delay_s() == 1.0


def test_a_backoff_without_delays_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one delay"):
        Backoff(())
