"""Which names hold secrets: their values are never logged or shown in a message."""

from __future__ import annotations

from collections.abc import Mapping

HIDDEN = "(hidden)"

_NAMES = frozenset(
    {
        "assertion",
        "authorization",
        "code",
        "cookie",
        "enrol_code",
        "key",
        "key_pem",
        "passphrase",
        "password",
        "passwords",
        "pin",
        "pins",
        "secret",
        "signature",
        "ticket_code",
        "token",
    }
)
_ENDINGS = (
    "_assertion",
    "_cookie",
    "_passphrase",
    "_password",
    "_pin",
    "_private_key",
    "_secret",
    "_token",
)
# A hash of a password can be tried offline, so everything about one is hidden.
_BEGINNINGS = ("password_", "pin_")


def is_secret(name: str) -> bool:
    """Whether a field of this name holds something that opens a door.

    `exit_code` and `reason_code` are no secrets; `code`, which may be a ticket's or an
    enrolment's, is one.
    """
    plain = name.lower().replace("-", "_")
    return plain in _NAMES or plain.endswith(_ENDINGS) or plain.startswith(_BEGINNINGS)


def redact(value: object) -> object:
    """The value with every secret inside nested mappings and lists replaced by '(hidden)'."""
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if is_secret(str(key)) else redact(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(inner) for inner in value]
    return value
