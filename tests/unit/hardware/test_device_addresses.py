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
        pytest.param(
            "rs485:/dev/ttyUSB0",
            "known are modbus-rtu:, modbus-tcp:, lcus:, none:",
            id="an unknown kind",
        ),
        pytest.param("modbus-rtu:", "names no serial port", id="no port"),
        pytest.param("modbus-tcp:", "of the form modbus-tcp:HOST:PORT", id="no host"),
        pytest.param("modbus-tcp:10.0.0.5:0", "of the form modbus-tcp", id="no port's number"),
        pytest.param("modbus-tcp:10.0.0.5:99999", "of the form modbus-tcp", id="no such port"),
        pytest.param("modbus-tcp:10.0.0.5?baud=9600", "unknown option 'baud'", id="no speed there"),
        pytest.param("modbus-rtu:/dev/x?inputs=33", "from 0 to 32", id="too many inputs"),
        pytest.param("lcus:/dev/x?channels=9", "from 1 to 8", id="too many relays"),
        pytest.param("lcus:", "names no serial port", id="no port of a small board"),
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
        pytest.param("rtp://10.0.0.5/live", "known are usb:, file:, folder:, http:", id="unknown"),
        pytest.param("rtsp:", "names no camera", id="no host"),
        pytest.param("http:///video", "names no camera", id="a path alone"),
        pytest.param("http://10.0.0.5:x/", "no URL", id="a port in words"),
        pytest.param("http://[::1/video", "no URL", id="half an address"),
        pytest.param("http://10.0.0.5/a b", "holds no spaces", id="a space in a URL"),
        pytest.param("rtsp://10.0.0.5/\r\nTEARDOWN", "holds no spaces", id="a line end"),
        pytest.param("usb:0?exposure=-1", "from 0 to 10000", id="an exposure below nothing"),
        pytest.param("usb:", "names no camera", id="no camera"),
        pytest.param("usb:0?loop=1", "unknown option 'loop'", id="an option of another kind"),
        pytest.param("folder:/x?watch=yes", "watch must be a whole number", id="a flag in words"),
        pytest.param("file:/x.mp4?fps=1000", "from 0 to 120", id="too fast"),
    ],
)
def test_a_bad_camera_address_says_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(BadDeviceAddress, match=part):
        make_source(text)


@pytest.mark.parametrize(
    "text", ["http://10.0.0.5/video?res=720&fps=30", "rtsp://10.0.0.5:8554/live?a", "HTTPS://cam/"]
)
def test_the_query_of_a_network_camera_is_its_own(text: str) -> None:
    assert make_source(text).address == text


def test_the_password_of_a_camera_is_in_no_message() -> None:
    for scheme in ("http", "rtsp"):
        source = make_source(f"{scheme}://ann:se%40cret@10.0.0.5:8080/live?x=1")
        assert source.address == f"{scheme}://***@10.0.0.5:8080/live?x=1"
    for bad in (
        "http://ann:secret@10.0.0.5:x/",
        "http://ann:secret@[::1/",
        "rtsp://ann:secret@c/ ",
    ):
        with pytest.raises(BadDeviceAddress) as refused:
            make_source(bad)
        assert "secret" not in str(refused.value)


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
