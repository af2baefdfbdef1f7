"""Personal data: found however it is written, opened by its own key and order only, never shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ticketing.personal import (
    NONCE_BYTES,
    Buyer,
    data_key,
    exchange_public,
    index_tokens,
    is_sealed,
    is_token,
    masked_name,
    masked_phone,
    normal_buyer,
    normal_name,
    normal_phone,
    query_tokens,
    seal,
    unseal,
    unwrap_keys,
    wrap_keys,
)

KEY, OTHER = data_key(bytes(32), 1), data_key(bytes(32), 2)
NONCE = bytes(range(NONCE_BYTES))
NAMES = st.text(max_size=70)
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
GAPS = st.sampled_from(["", " ", "-", " - ", "–", "　"])
BUYERS = st.builds(
    lambda name, phone: Buyer(normal_name(name), phone), NAMES, st.one_of(st.just(""), MOBILES)
)


@given(text=NAMES)
def test_a_name_that_was_made_normal_stays_as_it_is(text: str) -> None:
    assert normal_name(normal_name(text)) == normal_name(text)


@given(text=st.text(alphabet="0123456789+-() 　０８", max_size=36))
def test_a_number_that_was_made_normal_stays_as_it_is(text: str) -> None:
    assert normal_phone(normal_phone(text)) in (normal_phone(text), "") or text.startswith("86")
    assert normal_phone(text).removeprefix("+").isdigit() or normal_phone(text) == ""


@given(mobile=MOBILES, gap=GAPS, code=st.sampled_from(["", "+86", "0086", "86", "＋86 "]))
def test_a_mobile_number_is_the_same_however_it_is_written(
    mobile: str, gap: str, code: str
) -> None:
    written = code + gap + gap.join((mobile[:3], mobile[3:7], mobile[7:]))
    assert normal_phone(written) == mobile
    assert query_tokens(written, [KEY]) == query_tokens(mobile, [KEY])


@given(buyer=BUYERS, event=st.text(max_size=9), order=st.text(max_size=9))
def test_what_was_sealed_opens_with_its_key_for_its_order_and_no_other(
    buyer: Buyer, event: str, order: str
) -> None:
    sealed = seal(buyer, KEY, event, order, NONCE)
    assert is_sealed(sealed)
    assert unseal(sealed, KEY, event, order) == buyer
    assert unseal(sealed, OTHER, event, order) is None
    assert unseal(sealed, KEY, event, order + "x") is None
    assert unseal(sealed, KEY, event + "x", order) is None


@given(buyer=BUYERS, at=st.integers(0, 200), flip=st.integers(1, 255))
def test_a_changed_byte_opens_nothing(buyer: Buyer, at: int, flip: int) -> None:
    raw = bytearray.fromhex(seal(buyer, KEY, "e", "o", NONCE))
    raw[at % len(raw)] ^= flip
    assert unseal(raw.hex(), KEY, "e", "o") is None


@given(buyer=BUYERS)
def test_an_order_is_found_by_name_by_number_and_by_its_last_four_digits(buyer: Buyer) -> None:
    tokens = index_tokens(buyer, KEY)
    assert all(map(is_token, tokens))
    if buyer.phone:
        assert set(query_tokens(buyer.phone, [KEY])) <= set(tokens)
        assert set(query_tokens(buyer.phone[-4:], [OTHER, KEY])) & set(tokens)
        assert not set(query_tokens(buyer.phone, [OTHER])) & set(tokens)


@given(family=st.sampled_from("张王李赵"), given=st.sampled_from(["三", "小明", "Li Na"]), gap=GAPS)
def test_a_name_is_found_whatever_its_case_and_blanks(family: str, given: str, gap: str) -> None:
    blank = " " if gap.strip() else gap
    buyer = normal_buyer(family + given, "")
    assert buyer is not None
    asked = query_tokens(f"  {family}{blank}{given.upper()} ", [KEY])
    assert set(asked) == set(index_tokens(buyer, KEY))


@given(buyer=BUYERS)
def test_nothing_of_it_shows_in_a_log_and_little_under_the_mask(buyer: Buyer) -> None:
    assert buyer.name not in repr(buyer) or buyer.name in object.__repr__(buyer)
    assert buyer.phone == "" or buyer.phone not in repr(buyer)
    assert buyer.masked.name.count("*") >= min(1, len(buyer.name))
    if buyer.phone:
        assert buyer.masked.phone == f"{buyer.phone[:3]}****{buyer.phone[-4:]}"


@given(phone=st.from_regex(r"\+?[0-9]{5,15}", fullmatch=True), name=st.text(min_size=1, max_size=9))
def test_a_mask_hides_something_of_everything(phone: str, name: str) -> None:
    assert masked_phone(phone) != phone
    assert masked_name(name) != name or set(name) <= {"*"} or name.endswith("*")


@given(
    ours=st.binary(min_size=32, max_size=32),
    theirs=st.binary(min_size=32, max_size=32),
    other=st.binary(min_size=32, max_size=32),
)
def test_keys_handed_over_open_for_who_asked_and_nobody_else(
    ours: bytes, theirs: bytes, other: bytes
) -> None:
    wrapped = wrap_keys([KEY, OTHER], exchange_public(ours), theirs)
    assert wrapped is not None
    assert unwrap_keys(wrapped, ours) == (OTHER, KEY)
    if exchange_public(other) != exchange_public(ours):
        assert unwrap_keys(wrapped, other) is None
    assert KEY.sealing not in wrapped


@given(raw=st.binary(max_size=120))
def test_hostile_bytes_are_no_keys(raw: bytes) -> None:
    assert unwrap_keys(raw, bytes(range(32))) is None


def test_what_is_given_and_is_none_is_refused() -> None:
    assert normal_buyer("", "") == Buyer()
    assert normal_buyer("张三", "call me") is None
    assert normal_buyer("x" * 65, "") is None
    assert normal_phone("+44 20 7946 0000") == "+442079460000"
    assert normal_phone("010-6552 5555") == "01065525555"
    assert normal_phone("12") == ""
