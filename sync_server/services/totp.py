"""One-time codes by time (RFC 6238, with RFC 4226's truncation): six digits every 30 seconds. Pure.

SHA-1, since that is what every authenticator app knows; HMAC does not rest on its weakness.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote

SECRET_BYTES = 20
STEP_S = 30
DIGITS = 6
STEPS_AROUND = 1
"""A phone's clock may be off by so many steps."""


def code_at(secret: bytes, step: int) -> str:
    """The code of a step (Unix seconds // STEP_S)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, code: str, now_s: float, *, after: int) -> int | None:
    """The step that a code is of, around now and later than `after`: a code works once."""
    present = int(now_s) // STEP_S
    found = None
    for step in range(present - STEPS_AROUND, present + STEPS_AROUND + 1):
        is_right = hmac.compare_digest(code_at(secret, step).encode(), code.encode())
        if is_right and step > after:
            found = step
    return found


def as_text(secret: bytes) -> str:
    """The secret as people type it into an app: base32."""
    return base64.b32encode(secret).decode().rstrip("=")


def app_uri(secret: bytes, login: str, house: str) -> str:
    """What apps open, or read as a QR code (Google's "Key URI Format")."""
    label = quote(f"Boxgate {house}:{login}")
    return f"otpauth://totp/{label}?secret={as_text(secret)}&issuer={quote(f'Boxgate {house}')}"
