"""Who typed this: a scanner or a person?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.scanner import Burst, Key, KeyKind, Recogniser, WedgeRules

CODE = "BX1A7K2M9QZ"


class Desk:
    """A window with a focus: notes what reaches it and what was scanned."""

    def __init__(self, rules: WedgeRules | None = None) -> None:
        self.recogniser: Recogniser[str] = Recogniser(rules)
        self.typed: list[str] = []
        self.releases: list[int] = []
        self.bursts: list[Burst] = []
        self.now_ms = 1000

    def press(self, text: str, kind: KeyKind = KeyKind.TEXT, *, is_repeat: bool = False) -> None:
        key = Key(kind, self.now_ms, _code(text), text, text, text, is_repeat)
        if kind is not KeyKind.TEXT:
            key = Key(kind, self.now_ms, _code(text), text, "", text, is_repeat)
        judged = self.recogniser.press(key)
        self.typed += [given.key.event for given in judged.given_back]
        self.releases += [given.key.code for given in judged.given_back if given.is_released]
        self.bursts += [judged.burst] if judged.burst else []
        if not judged.takes_key:
            self.typed.append(text)

    def release(self, text: str) -> None:
        if not self.recogniser.release(_code(text)):
            self.releases.append(_code(text))

    def stroke(self, text: str, kind: KeyKind = KeyKind.TEXT) -> None:
        self.press(text, kind)
        self.release(text)

    def wait(self, ms: int) -> None:
        """Time passes, and the window ticks when it is due."""
        self.now_ms += ms
        deadline_ms = self.recogniser.deadline_ms
        if deadline_ms is not None and deadline_ms <= self.now_ms:
            judged = self.recogniser.tick(self.now_ms)
            self.typed += [given.key.event for given in judged.given_back]
            self.releases += [given.key.code for given in judged.given_back if given.is_released]
            self.bursts += [judged.burst] if judged.burst else []

    def scan(self, code: str, *, gap_ms: int = 6, end: str | None = "Return") -> None:
        for char in code:
            if char.isupper():
                self.press("Shift", KeyKind.MODIFIER)
            self.stroke(char)
            self.wait(gap_ms)
        if end:
            self.stroke(end, KeyKind.END)

    def type(self, text: str, *, gap_ms: int = 140) -> None:
        for char in text:
            self.stroke(char)
            self.wait(gap_ms)

    @property
    def text(self) -> str:
        """What reached the focus, without bare Shift keys, which mean nothing to anybody."""
        return "".join(each for each in self.typed if each != "Shift")


def _code(text: str) -> int:
    return hash(text)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_scan_reaches_no_widget(desk: Desk) -> None:
    desk.scan(CODE)
    desk.wait(1000)
    assert desk.bursts == [Burst(CODE)]
    assert desk.text == ""
    assert desk.releases == []


def test_a_scan_with_a_space_presses_no_button(desk: Desk) -> None:
    desk.scan("PAY 12345678")
    desk.wait(1000)
    assert desk.bursts == [Burst("PAY 12345678")]
    assert desk.text == ""


@pytest.mark.parametrize("end", ["Return", "Enter", "Tab", "\n"])
def test_every_end_that_scanners_send_is_one(desk: Desk, end: str) -> None:
    desk.scan(CODE, end=end)
    assert desk.bursts == [Burst(CODE)]


def test_a_line_feed_after_the_return_presses_nothing_either(desk: Desk) -> None:
    desk.scan(CODE)
    desk.wait(6)
    desk.stroke("\n", KeyKind.END)
    assert desk.text == ""
    desk.wait(500)
    desk.stroke("Return", KeyKind.END)
    assert desk.text == "Return"


@pytest.mark.parametrize("gap_ms", [60, 100, 101, 140, 300])
def test_what_a_person_types_comes_through_in_order(desk: Desk, gap_ms: int) -> None:
    desk.type("ordinary typing", gap_ms=gap_ms)
    desk.stroke("Return", KeyKind.END)
    desk.wait(1000)
    assert desk.text == "ordinary typingReturn"
    assert desk.bursts == []


def test_a_person_waits_for_a_letter_no_longer_than_the_gap(desk: Desk) -> None:
    desk.stroke("a")
    assert desk.recogniser.deadline_ms == desk.now_ms + 101
    desk.wait(101)
    assert desk.text == "a"
    assert desk.releases == [_code("a")]


def test_a_key_still_down_when_it_is_given_back_is_released_by_itself_later(desk: Desk) -> None:
    desk.press("a")
    desk.wait(101)
    assert desk.releases == []
    desk.release("a")
    assert desk.releases == [_code("a")]


@pytest.mark.parametrize("name", ["Escape", "F9", "Left", "Ctrl+Z"])
def test_a_key_that_no_scanner_sends_goes_through_behind_what_was_typed(
    desk: Desk, name: str
) -> None:
    desk.stroke("a")
    desk.stroke(name, KeyKind.OTHER)
    assert desk.text == f"a{name}"


def test_return_alone_goes_through_at_once(desk: Desk) -> None:
    desk.stroke("Return", KeyKind.END)
    assert desk.text == "Return"


def test_a_short_run_is_typing_even_when_it_is_quick(desk: Desk) -> None:
    desk.scan("1234567")
    assert desk.text == "1234567Return"


def test_a_busy_machine_may_stretch_some_gaps(desk: Desk) -> None:
    for index, char in enumerate(CODE):
        desk.stroke(char)
        desk.wait(95 if index % 4 == 3 else 12)
    desk.stroke("Return", KeyKind.END)
    assert desk.bursts == [Burst(CODE)]


def test_a_scan_that_stalls_is_told_and_not_typed(desk: Desk) -> None:
    desk.scan(CODE[:9], end=None)
    desk.wait(180)
    desk.scan(CODE[9:])
    desk.wait(1000)
    assert desk.bursts == [Burst(CODE[:9], is_whole=False)]
    assert desk.text == ""


def test_after_a_scan_cut_short_a_person_can_type_again(desk: Desk) -> None:
    desk.scan(CODE, end=None)
    desk.wait(700)
    desk.type("ok")
    desk.wait(500)
    assert desk.text == "ok"


def test_a_scan_of_an_endless_code_is_told_and_not_typed() -> None:
    desk = Desk(WedgeRules(length_max=20))
    desk.scan("9" * 60)
    desk.wait(1000)
    (burst,) = desk.bursts
    assert not burst.is_whole
    assert len(burst.text) <= 21
    assert desk.text == ""


def test_holding_a_key_down_is_a_person(desk: Desk) -> None:
    desk.press("a")
    for _ in range(20):
        desk.wait(30)
        desk.press("a", is_repeat=True)
    desk.stroke("Return", KeyKind.END)
    desk.wait(1000)
    assert desk.text == "a" * 21 + "Return"
    assert desk.bursts == []


def test_two_scans_in_a_row_are_two(desk: Desk) -> None:
    desk.scan(CODE)
    desk.wait(150)
    desk.scan("ZZ99887766")
    assert desk.bursts == [Burst(CODE), Burst("ZZ99887766")]
    assert desk.text == ""


@pytest.mark.parametrize("prefix", ["~", "F12"])
def test_with_a_prefix_time_does_not_matter(prefix: str) -> None:
    desk = Desk(WedgeRules(prefix=prefix))
    desk.press(prefix, KeyKind.TEXT if len(prefix) == 1 else KeyKind.OTHER)
    desk.wait(300)
    for char in "A1 b":
        desk.stroke(char)
        desk.wait(300)
    desk.stroke("Return", KeyKind.END)
    desk.wait(1000)
    assert desk.bursts == [Burst("A1 b")]
    assert desk.text == ""


def test_a_prefix_that_a_person_typed_is_given_back() -> None:
    desk = Desk(WedgeRules(prefix="~"))
    desk.stroke("~")
    desk.wait(600)
    assert desk.text == "~"


@pytest.mark.parametrize(
    "rules", [{"length_min": 1}, {"length_min": 9, "length_max": 8}, {"typical_gap_ms": 200}]
)
def test_rules_that_contradict_themselves_are_refused(rules: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"scan|gap"):
        WedgeRules(**rules)  # type: ignore[arg-type]


def _strokes() -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.lists(st.tuples(st.sampled_from("ab1 "), st.integers(46, 400)), max_size=40)


@given(_strokes())
def test_no_letter_of_a_person_is_lost_doubled_or_moved(strokes: list[tuple[str, int]]) -> None:
    desk = Desk()
    for char, gap_ms in strokes:
        desk.stroke(char)
        desk.wait(gap_ms)
    desk.wait(1000)
    assert desk.text == "".join(char for char, _ in strokes)
    assert len(desk.releases) == len(strokes)


@given(st.text("ABCDEFGHJKMNPQRSTVWXYZ0123456789 ", min_size=8, max_size=200).map(str.strip))
def test_no_letter_of_a_quick_scan_reaches_a_widget(code: str) -> None:
    desk = Desk()
    desk.scan(code, gap_ms=4)
    desk.wait(1000)
    if len(code) >= 8:
        assert desk.bursts == [Burst(code)]
        assert desk.text == ""
