"""The board between lanes and their screens."""

from __future__ import annotations

from gate_agent.screen.board import RECENT_MAX, UNTAKEN_MAX, Board


def line(lane: str = "Lane 1", number: int = 0) -> dict[str, object]:
    return {"lane": lane, "decision": "admit", "number": number}


def test_the_bell_is_rung_once_until_it_is_answered() -> None:
    board, rung = Board(["Lane 1"]), list[int]()
    board.listen(lambda: rung.append(1))
    board.decided(line(number=1))
    board.decided(line(number=2))
    assert len(rung) == 1
    decided, changed = board.take()
    assert ([one.line["number"] for one in decided], changed) == ([1, 2], [])
    board.decided(line(number=3))
    assert len(rung) == 2


def test_what_was_said_before_anybody_listened_is_heard() -> None:
    board, rung = Board(["Lane 1"]), list[int]()
    board.status("Lane 1", {"link": "online"})
    board.listen(lambda: rung.append(1))
    assert rung == [1]
    assert board.take() == ([], ["Lane 1"])


def test_a_status_that_says_nothing_new_wakes_nobody() -> None:
    board, rung = Board(["Lane 1"]), list[int]()
    board.listen(lambda: rung.append(1))
    board.status("Lane 1", {"link": "online"})
    board.take()
    board.status("Lane 1", {"link": "online"})
    assert (rung, board.take()) == ([1], ([], []))
    assert board.status_of("Lane 1") == {"link": "online"}


def test_a_screen_that_is_far_behind_gets_the_newest_decisions() -> None:
    board = Board(["Lane 1"])
    for number in range(UNTAKEN_MAX + 5):
        board.decided(line(number=number))
    decided, _changed = board.take()
    assert [one.line["number"] for one in decided] == list(range(5, UNTAKEN_MAX + 5))
    assert len(board.recent()) == RECENT_MAX
    assert board.recent()[0].line["number"] == UNTAKEN_MAX + 4


def test_only_lanes_of_this_gate_are_shown() -> None:
    board = Board(["Lane 1", "Lane 2"])
    board.decided(line("Lane 3"))
    board.status("Lane 3", {"link": "online"})
    assert (board.take(), board.recent(), board.status_of("Lane 3")) == (([], []), [], {})
    board.decided(line("Lane 2"))
    assert board.latest("Lane 1") is None
    assert board.latest("Lane 2") is not None
