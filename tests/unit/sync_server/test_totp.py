"""One-time codes: RFC 6238's own numbers, and each code once."""

from __future__ import annotations

import pytest

from sync_server.services.passwords import PasswordFault, fault_of_password
from sync_server.services.totp import STEP_S, app_uri, as_text, code_at, matching_step

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(at_s: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1: the last six of its eight digits."""
    assert code_at(RFC_SECRET, at_s // STEP_S) == code


@pytest.mark.parametrize(
    ("late_s", "expected"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)]
)
def test_a_clock_may_be_off_by_one_step(late_s: int, *, expected: bool) -> None:
    code = code_at(RFC_SECRET, 1_000)
    found = matching_step(RFC_SECRET, code, 1_000 * STEP_S + late_s, after=0)
    assert (found == 1_000) is expected


@pytest.mark.parametrize("after", [1_000, 1_001])
def test_a_code_works_once(after: int) -> None:
    code = code_at(RFC_SECRET, 1_000)
    assert matching_step(RFC_SECRET, code, 1_000 * STEP_S, after=after) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert matching_step(RFC_SECRET, code, 30_000, after=0) is None


def test_the_key_is_shown_as_apps_take_it() -> None:
    assert as_text(RFC_SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert app_uri(RFC_SECRET, "li.na", "sea view").startswith(
        "otpauth://totp/Boxgate%20sea%20view%3Ali.na?secret=GEZD"
    )


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param("x" * 11 + "y", PasswordFault.GUESSABLE, id="few characters"),
        pytest.param("eleven char", PasswordFault.LENGTH, id="too short"),
        pytest.param("correct horse" * 20, PasswordFault.LENGTH, id="too long"),
        pytest.param("my LI.NA secret", PasswordFault.GUESSABLE, id="the login in it"),
        pytest.param("the old password", PasswordFault.SAME, id="the old one"),
        pytest.param("correct horse battery", None, id="a sentence"),
        pytest.param("三岁看大七岁看老人生路长", None, id="in Chinese"),
    ],
)
def test_a_password_is_long_and_not_the_login(new: str, expected: PasswordFault | None) -> None:
    assert fault_of_password(new, login="li.na", old="the old password") == expected
