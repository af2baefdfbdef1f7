"""A code that is held up is answered once."""

from __future__ import annotations

from gate_agent.debounce import SAME_CODE_BLOCKED_S, Debounce

A, B = "BXG1A", "BXG1B"


def answered(debounce: Debounce, texts: list[str], now_s: float) -> bool:
    """Show codes; the first is answered where it is to be. Whether it was."""
    if texts[0] in debounce.see(texts, now_s):
        return False
    debounce.block([texts[0]], now_s)
    return True


def test_a_code_held_up_for_a_minute_is_answered_once() -> None:
    debounce = Debounce()
    shown = [answered(debounce, [A], frame / 10) for frame in range(600)]
    assert shown == [True] + [False] * 599


def test_a_code_that_goes_and_comes_back_is_answered_again() -> None:
    debounce = Debounce()
    assert answered(debounce, [A], 0)
    assert not answered(debounce, [A], 1.4)
    assert not answered(debounce, [A], 1.4 + SAME_CODE_BLOCKED_S - 0.01), "from when it was seen"
    assert answered(debounce, [A], 5 + SAME_CODE_BLOCKED_S)


def test_frames_that_could_not_be_read_do_not_count_as_away() -> None:
    debounce = Debounce()
    times = [0, 1.2, 2.4, 3.6, 4.8]
    assert [answered(debounce, [A], now_s) for now_s in times] == [True] + [False] * 4


def test_another_code_is_answered_at_once() -> None:
    debounce = Debounce()
    assert answered(debounce, [A], 0)
    assert answered(debounce, [B], 0.1)
    assert not answered(debounce, [A], 0.2)


def test_a_code_that_was_answered_stays_so_behind_another_one() -> None:
    debounce = Debounce()
    assert answered(debounce, [A], 0)
    for frame in range(1, 40):
        answered(debounce, [B, A], frame / 10)
    assert not answered(debounce, [A], 4.0)


def test_a_code_that_was_only_in_view_is_still_answered_when_it_is_held_up() -> None:
    debounce = Debounce()
    assert answered(debounce, [A, B], 0)
    assert answered(debounce, [B, A], 0.1)


def test_what_is_remembered_is_forgotten_again() -> None:
    debounce = Debounce()
    for number in range(10_000):
        answered(debounce, [f"BXG1{number}"], number / 100)
    assert len(debounce._seen_s) <= SAME_CODE_BLOCKED_S * 100 + 1
