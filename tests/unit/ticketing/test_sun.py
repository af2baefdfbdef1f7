"""Links that a chip authenticates: NXP's own examples, altered links, counters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.sun import (
    COUNTER_MAX,
    SunFault,
    SunKeys,
    SunLink,
    SunTap,
    check_counter,
    diversified,
    make_sun,
    open_sun,
    parse_sun,
)

TRIAL_KEYS = SunKeys(bytes(16), bytes(16), application=None)
"""As in AN12196's examples: all zeros."""
PICC_DATA, MAC = "EF963FF7828658A599F3041510671E88", "94EED9EE65337086"
EXAMPLE = f"https://ntag.nxp.com/424?e=1&picc_data={PICC_DATA}&cmac={MAC}"
OURS = SunKeys(bytes(range(16)), bytes(range(16, 32)))
UID = bytes.fromhex("04DE5F1EACC040")


def _open(link: str, keys: SunKeys = TRIAL_KEYS) -> SunTap | SunFault:
    parts = parse_sun(link)
    return open_sun(parts, keys) if isinstance(parts, SunLink) else parts


def test_the_makers_example_opens() -> None:
    assert _open(EXAMPLE) == SunTap(UID, 61)


def test_the_makers_example_of_a_key_per_chip() -> None:
    """AN10922 section 2.2.1."""
    master = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    about = bytes.fromhex("04782E21801D80" + "3042F5" + "4E585020416275")
    assert diversified(master, about).hex().upper() == "A8DD63A3B89D54B37CA802473FDA9175"


def test_one_altered_bit_is_a_forgery() -> None:
    for place in range(128 + 64):
        said = bytearray(bytes.fromhex(PICC_DATA + MAC))
        said[place // 8] ^= 1 << place % 8
        link = SunLink(bytes(said[:16]), bytes(said[16:]))
        assert open_sun(link, TRIAL_KEYS) is SunFault.FORGED, place


@given(
    st.binary(min_size=7, max_size=7),
    st.integers(0, COUNTER_MAX),
    st.binary(min_size=5, max_size=5),
)
def test_a_chip_of_ours_is_believed(uid: bytes, counter: int, padding: bytes) -> None:
    link = make_sun(uid, counter, OURS, padding)
    assert open_sun(link, OURS) == SunTap(uid, counter)
    assert open_sun(link, TRIAL_KEYS) is SunFault.FORGED


def test_the_check_is_made_with_a_key_of_the_chips_own() -> None:
    other = bytes.fromhex("04112233445566")
    assert OURS.file_key(UID) != OURS.file_key(other)
    forged = SunLink(make_sun(UID, 5, OURS).picc_data, make_sun(other, 5, OURS).mac)
    assert open_sun(forged, OURS) is SunFault.FORGED


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://x.example/",
        f"https://x.example/?picc_data={PICC_DATA}",
        f"https://x.example/?cmac={MAC}",
        f"https://x.example/?picc_data={PICC_DATA}&cmac={MAC[:-1]}",
        f"https://x.example/?picc_data={PICC_DATA}0&cmac={MAC}",
        f"https://x.example/?picc_data={PICC_DATA}&picc_data={PICC_DATA}&cmac={MAC}",
        f"https://x.example/?apicc_data={PICC_DATA}&cmac={MAC}",
    ],
)
def test_a_link_without_its_parts_is_none_of_these(link: str) -> None:
    assert parse_sun(link) is SunFault.NOT_SUN


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    _open(text)
    _open(f"?picc_data={text}&cmac={MAC}")


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        pytest.param(None, None, id="never seen"),
        pytest.param(60, None, id="the next"),
        pytest.param(3, None, id="taps in between were elsewhere"),
        pytest.param(61, SunFault.REPLAYED, id="the same link once more"),
        pytest.param(62, SunFault.REPLAYED, id="an older link"),
    ],
)
def test_the_counter_must_rise(last: int | None, fault: SunFault | None) -> None:
    assert check_counter(SunTap(UID, 61), last) is fault


def test_keys_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        SunKeys(b"short", bytes(16))
    with pytest.raises(ValueError, match="16 to 31"):
        SunKeys(bytes(16), bytes(16), b"short")
    with pytest.raises(ValueError, match="7 bytes"):
        make_sun(UID[:4], 1, OURS)
