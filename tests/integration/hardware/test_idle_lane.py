"""Tickets held up to a lane in which nothing moved before: none is passed over."""

from __future__ import annotations

from hardware.camera import Frame
from hardware.qr import Eye
from tests.bench._camera import code_frames, empty_frames, passed_over


def test_a_ticket_is_read_in_the_same_frame_as_by_a_decoder_of_every_frame() -> None:
    fared = passed_over(3)
    assert (fared.read_count, fared.missed_count, fared.delay_frames_max) == (3, 0, 0)


def test_packed_frames_of_a_camera_are_read() -> None:
    now_s = [0.0]
    eye = Eye(clock=lambda: now_s[0])
    texts = list[str]()
    for number, packed in enumerate([*empty_frames()[:2], *code_frames()[:2]]):
        now_s[0] += 1 / 30
        readings = eye.look(Frame(packed, number, now_s[0])).found.readings
        texts += [reading.text[:4] for reading in readings]
    assert texts == ["BXG1", "BXG1"]
