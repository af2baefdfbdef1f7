"""Addresses of network cameras: URLs, whose own queries and passwords are theirs."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from hardware.errors import BadDeviceAddress


def check_url(text: str) -> None:
    """Refuse what is no URL of a host, with BadDeviceAddress; the password is not repeated."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise BadDeviceAddress("the address is no URL", without_password(text)) from error
    if not parts.hostname:
        raise BadDeviceAddress("the address names no camera after the colon", text)
    if any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in text):
        shown = repr(without_password(text))
        raise BadDeviceAddress("an address of a network camera holds no spaces", shown)


def without_password(url: str) -> str:
    """`url` for messages and logs: a name and password in it become `***`."""
    _head, at, _tail = url.rpartition("@")
    if not at:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition(':')[0]}://***"
    _user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"***@{host}")) if at else url
