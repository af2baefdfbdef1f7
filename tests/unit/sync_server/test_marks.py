"""What a gate has read of a hub's feed says what it has of the centre's."""

from __future__ import annotations

from sync_server.hub.marks import MARKS_MAX, Marks


def test_a_reader_has_what_was_shown_up_to_where_it_is() -> None:
    marks = Marks()
    assert marks.read_to(9) == 0
    marks.note(10, 100)
    marks.note(20, 200)
    assert [marks.read_to(at) for at in (9, 10, 19, 20, 99)] == [0, 100, 100, 200, 200]


def test_a_revision_that_showed_nothing_new_stands_for_more() -> None:
    marks = Marks()
    marks.note(10, 100)
    marks.note(10, 150)
    assert marks.read_to(10) == 150


def test_the_oldest_are_forgotten_and_nothing_is_said_then() -> None:
    marks = Marks()
    for number in range(1, MARKS_MAX + 3):
        marks.note(number, number)
    assert marks.read_to(2) == 0
    assert marks.read_to(3) == 3
