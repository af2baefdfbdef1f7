"""A chip may say anything: reading it ends, is bounded, and says nothing that is not there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import ndef
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.nfc.chip import ChipLeft, read_type2, read_type3, read_type4
from hardware.nfc.ndef import (
    MESSAGE_BYTES_MAX,
    RECORDS_COUNT_MAX,
    Said,
    first_said,
    link_message,
    read_records,
    text_message,
)
from hardware.nfc.simchips import NtagChip, Type4Chip, crc_a
from hardware.nfc.taps import seen_of
from hardware.reader import SeenKind
from tests.fakes.examples import examples

UID = bytes.fromhex("04E10CDA993C80")
texts = st.text(min_size=1, max_size=80)
payloads = st.binary(max_size=40)
READS_COUNT_MAX = 2 + MESSAGE_BYTES_MAX // 16 + 40


def test_a_text_and_a_link_are_said_as_written() -> None:
    assert first_said(text_message("BXG1ABC")) == Said("BXG1ABC", is_link=False)
    link = "https://www.house.example/t?a=1&b=%3D#BXG1"
    assert first_said(link_message(link)) == Said(link, is_link=True)


@given(texts, st.sampled_from(["en", "zh-Hans"]), st.booleans())
def test_texts_are_read_as_others_write_them(text: str, language: str, is_wide: bool) -> None:
    encoding = "UTF-16" if is_wide else "UTF-8"
    message = b"".join(ndef.message_encoder([ndef.TextRecord(text, language, encoding)]))
    assert first_said(message) == Said(text, is_link=False)


@given(texts, st.sampled_from(["en", "zh-Hans"]))
def test_texts_are_written_as_others_read_them(text: str, language: str) -> None:
    (record,) = ndef.message_decoder(text_message(text, language))
    assert (record.text, record.language) == (text, language)


@pytest.mark.parametrize("start", ["https://www.", "https://", "http://", "urn:nfc:", "x-own:"])
def test_links_are_read_as_others_write_them(start: str) -> None:
    link = start + "house.example/t?e=1&picc_data=EF96&cmac=94EE#x"
    message = b"".join(ndef.message_encoder([ndef.UriRecord(link)]))
    assert first_said(message) == Said(link, is_link=True)
    (record,) = ndef.message_decoder(link_message(link))
    assert record.iri == link


def test_a_link_within_a_poster_counts() -> None:
    records = [ndef.Record("text/vcard", "", b"x"), ndef.SmartposterRecord("https://a.example/")]
    message = b"".join(ndef.message_encoder(records))
    assert first_said(message) == Said("https://a.example/", is_link=True)


@given(st.lists(st.builds(ndef.Record, st.just("text/plain"), st.text("ab", max_size=3), payloads)))
@settings(max_examples=examples(40))
def test_records_are_those_that_others_write(records: list[ndef.Record]) -> None:
    read = read_records(b"".join(ndef.message_encoder(records)))
    if len(records) > RECORDS_COUNT_MAX:
        assert read is None
    else:
        assert read is not None
        assert [each.payload for each in read] == [each.data for each in records]


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(message: bytes) -> None:
    said = first_said(message)
    assert said is None or said.text
    assert seen_of(UID, message, "x:", 0.0).value


@given(texts, st.integers(0, 2**16))
def test_a_damaged_message_has_an_answer(text: str, place: int) -> None:
    message = bytearray(text_message(text) + link_message("https://a.example/" + text))
    message[place // 8 % len(message)] ^= 1 << place % 8
    first_said(bytes(message))
    first_said(bytes(message[: place % len(message)]))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xd1",
        b"\xd1\x01\x05T\x02enA",  # shorter than it says
        b"\xc1\x01\xff\xff\xff\xffT\x02enA",  # four gigabytes
        b"\xf1\x01\x04T\x02enA",  # in chunks
        b"\xd1\x01\x00T",  # a text without anything
        b"\xd1\x01\x03T\x02en",  # a text that is empty
        b"\xd1\x01\x02T\x00\xff",  # not UTF-8
        b"\xd1\x01\x02U\x24x",  # a prefix nobody knows
        b"\xd2\x01\x04T\x02enA",  # not of the forum's types
        text_message("A" * MESSAGE_BYTES_MAX),
        text_message("")[:-1] * RECORDS_COUNT_MAX + text_message("A"),
    ],
    ids=range(12),
)
def test_a_message_that_says_nothing_is_a_chip_alone(message: bytes) -> None:
    seen = seen_of(UID, message, "x:", 0.0)
    assert (seen.kind, seen.value) == (SeenKind.NFC_UID, "04E10CDA993C80")


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("https://a.example/?picc_data=00&cmac=11", SeenKind.NFC_SUN),
        ("https://a.example/?cmac=11", SeenKind.NFC_NDEF),
        ("https://a.example/", SeenKind.NFC_NDEF),
    ],
)
def test_a_link_that_the_chip_authenticates_is_told_apart(link: str, kind: SeenKind) -> None:
    seen = seen_of(UID, link_message(link), "x:", 0.0)
    assert (seen.kind, seen.value, seen.uid) == (kind, link, "04E10CDA993C80")
    assert seen_of(UID, text_message(link), "x:", 0.0).kind is SeenKind.NFC_NDEF


# ------------------------------------------------------------------------------ reading chips


class Counting:
    """Counts the commands that reading costs."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self.reads_count = 0

    def pages(self, page: int) -> bytes | None:
        return self.raw(bytes((0x30, page & 0xFF)))

    def block(self, number: int) -> bytes:
        return self.raw(number.to_bytes(2, "big")) or b""

    def apdu(self, apdu: bytes) -> bytes:
        return self.raw(apdu) or b""

    def raw(self, command: bytes) -> bytes | None:
        self.reads_count += 1
        assert self.reads_count <= READS_COUNT_MAX
        return self._answer(command)


@given(st.binary(max_size=480))
def test_a_type_2_chip_says_its_message(message: bytes) -> None:
    chip = Counting(NtagChip(UID, message).answer)
    assert read_type2(chip.pages) == (message or None)


@given(st.binary(min_size=1, max_size=MESSAGE_BYTES_MAX))
@settings(max_examples=examples(40))
def test_a_type_4_chip_says_its_message(message: bytes) -> None:
    assert read_type4(Type4Chip(UID, lambda _tap: message).command) == message


@given(st.binary(min_size=1, max_size=MESSAGE_BYTES_MAX))
@settings(max_examples=examples(40))
def test_a_type_3_chip_says_its_message(message: bytes) -> None:
    assert read_type3(_felica(message)) == message


def _felica(message: bytes) -> Callable[[int], bytes]:
    about = bytes.fromhex("100401002000000000000F") + len(message).to_bytes(3, "big")
    memory = about + sum(about).to_bytes(2, "big") + message + bytes(15)
    return lambda number: memory[16 * number : 16 * number + 16]


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        pytest.param(12, b"\x00", id="never formatted"),
        pytest.param(13, b"\x20", id="of a later kind"),
        pytest.param(15, b"\xf0", id="not to be read"),
        pytest.param(21, b"\xfe", id="without a message"),
        pytest.param(22, b"\xff\xff\xff", id="longer than itself"),
        pytest.param(16, b"\x00" * 480, id="nothing but zeros"),
        pytest.param(16, b"\xfd\xf0" * 240, id="others' blocks"),
    ],
)
def test_a_type_2_chip_without_a_message_has_none(at: int, wrong: bytes) -> None:
    chip = NtagChip(UID, text_message("A"))
    chip.memory[at : at + len(wrong)] = wrong
    assert read_type2(Counting(chip.answer).pages) is None


@pytest.mark.parametrize(("blocks_count", "is_read"), [(31, True), (32, False)])
def test_so_many_blocks_of_a_type_2_chip_are_looked_through(
    blocks_count: int, is_read: bool
) -> None:
    chip = NtagChip(UID, b"")
    message = text_message("A")
    area = bytes(blocks_count) + b"\x03" + bytes((len(message),)) + message
    chip.memory[16 : 16 + len(area)] = area
    assert read_type2(chip_pages(chip)) == (message if is_read else None)


def chip_pages(chip: NtagChip) -> Callable[[int], bytes | None]:
    return lambda page: chip.answer(bytes((0x30, page)))


@pytest.mark.parametrize("count", [RECORDS_COUNT_MAX, RECORDS_COUNT_MAX + 1])
def test_so_many_records_are_read(count: int) -> None:
    message = b"".join(ndef.message_encoder([ndef.TextRecord("A")] * count))
    assert (read_records(message) is not None) == (count <= RECORDS_COUNT_MAX)


def test_a_type_4_chip_whose_file_is_locked_is_not_read() -> None:
    chip = Type4Chip(UID, lambda _tap: text_message("A"))

    def locked(apdu: bytes) -> bytes:
        answer = chip.command(apdu)
        return answer[:13] + b"\x80" + answer[14:] if len(answer) == 17 else answer

    assert read_type4(chip.command) is not None
    assert read_type4(locked) is None


def test_a_type_3_chip_whose_sum_is_wrong_is_not_read() -> None:
    read = _felica(text_message("A"))
    about = bytearray(read(0))
    about[1] ^= 0x01
    assert read_type3(lambda number: read(number) if number else bytes(about)) is None


def test_a_type_4_chip_without_a_message_has_none() -> None:
    assert read_type4(Type4Chip(UID, lambda _tap: None).command) is None
    assert read_type4(Type4Chip(UID, lambda _tap: b"").command) is None
    assert read_type4(Type4Chip(UID, lambda _tap: b"A" * (MESSAGE_BYTES_MAX + 1)).command) is None


@pytest.mark.parametrize("wrong", [b"", b"\x00" * 16, b"\xff" * 16])
def test_a_type_3_chip_without_a_message_has_none(wrong: bytes) -> None:
    if wrong:
        assert read_type3(lambda _number: wrong) is None
    else:
        with pytest.raises(ChipLeft):
            read_type3(lambda _number: wrong)


def test_a_chip_taken_away_in_between_has_not_said_that_it_has_no_message() -> None:
    """Else a ticket held up too briefly would be refused as a chip nobody knows."""
    for answers_count in range(1, 6):
        with pytest.raises(ChipLeft):
            read_type2(_leaving(NtagChip(UID, text_message("A" * 200)), answers_count))


def test_an_answer_without_a_status_is_no_answer() -> None:
    """As pcscd gives it, without an error, for a chip that was taken away."""
    chip = Type4Chip(UID, lambda _tap: text_message("A" * 300))
    for answers_count in range(7):
        chip.wake()
        left = iter(range(answers_count))
        with pytest.raises(ChipLeft):
            read_type4(_silenced(chip, left))


def _silenced(chip: Type4Chip, left: Iterator[int]) -> Callable[[bytes], bytes]:
    return lambda apdu: chip.command(apdu) if next(left, None) is not None else b""


def _leaving(chip: NtagChip, answers_count: int) -> Callable[[int], bytes | None]:
    left = iter(range(answers_count))
    return lambda page: chip.answer(bytes((0x30, page))) if next(left, None) is not None else None


answers = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.binary(min_size=16, max_size=16),
    st.binary(max_size=18).map(lambda data: data + b"\x90\x00"),
)


READINGS: dict[str, Callable[[Counting], bytes | None]] = {
    "type 2": lambda chip: read_type2(chip.pages),
    "type 3": lambda chip: read_type3(chip.block),
    "type 4": lambda chip: read_type4(chip.apdu),
}


@pytest.mark.parametrize("kind", READINGS)
@given(st.lists(answers, min_size=1, max_size=12))
@settings(max_examples=examples(60))
def test_reading_any_chip_ends(kind: str, script: list[bytes | None]) -> None:
    try:
        message = READINGS[kind](Counting(_playing(script)))
    except ChipLeft:
        return
    assert message is None or len(message) <= MESSAGE_BYTES_MAX


def _playing(script: list[bytes | None]) -> Callable[[bytes], bytes | None]:
    turns = itertools.cycle(script)
    return lambda _command: next(turns)


def test_the_check_of_type_a_frames() -> None:
    """ISO/IEC 14443-3 annex B's own examples."""
    assert crc_a(bytes(2)) == bytes.fromhex("A01E")
    assert crc_a(bytes.fromhex("1234")) == bytes.fromhex("26CF")
