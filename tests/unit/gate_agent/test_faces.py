"""Every decision has a face, in both languages; and what a strange line becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from edge.admission_looks import Kind
from gate_agent.screen.faces import Face, face_of
from gate_agent.screen.idle import idle_of
from gate_agent.screen.places import Places, Words
from hardware.qr.hints import Hint
from ticketing.admission import Reason, Step, next_step

NOW = datetime(2026, 11, 22, 6, 5, tzinfo=UTC)  # 14:05 in Shanghai
USED_MS = round((NOW - timedelta(minutes=3)).timestamp() * 1000)


class House:
    """A house with one seat and two performances."""

    def zone(self) -> timezone:
        return timezone(timedelta(hours=8))

    def place(self, _performance: int, unit: int) -> Words | None:
        return {"zh": "池座 8排10座", "en": "Stalls · Row 8 Seat 10"} if unit == 10 else None

    def gate(self, _performance: int, unit: int) -> Words | None:
        return {"zh": "1 号门", "en": "Gate 1"} if unit == 10 else None

    def when(self, performance: int) -> Words | None:
        return (
            {"zh": f"场次{performance}", "en": f"Show {performance}"} if performance < 5 else None
        )


HOUSE = cast("Places", House())


def face(**line: Any) -> Face:
    usual = {"lane": "Lane 1", "at": NOW.isoformat(), "decision": "refuse", "performance": 1}
    found = face_of({**usual, "unit": 10, **line}, HOUSE)
    assert found is not None
    return found


def words(face: Face, name: str) -> Words:
    return cast("Words", face[name])


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_has_a_word_and_a_next_step_in_both_languages(reason: Reason) -> None:
    shown = face(reason=reason.value, next=next_step(reason, None).value)
    assert shown["kind"] in (Kind.REFUSE, Kind.ASK, Kind.WAIT, Kind.AGAIN)
    assert (shown["icon"] == "x", shown["sound"] == "refuse") == (
        (True, True) if shown["kind"] == "refuse" else (False, False)
    )
    for name in ("word", "reason", "step"):
        zh, en = words(shown, name)["zh"], words(shown, name)["en"]
        assert zh != en
        assert not zh.isascii()
        assert en.isascii()


def test_an_admission_shows_place_and_gate() -> None:
    shown = face(decision="admit", reason="", barrier="opened")
    assert (shown["kind"], shown["sound"]) == ("admit", "admit")
    assert words(shown, "word") == {"zh": "请进", "en": "ENTER"}
    assert words(shown, "reason")["zh"] == "池座 8排10座"
    assert words(shown, "step") == {"zh": "1 号门", "en": "Gate 1"}


def test_a_used_ticket_says_when_and_where_it_was_used() -> None:
    entry = {"op": "0" * 32, "node": "", "lane": "3 号门", "at_ms": USED_MS}
    shown = face(reason="already_used", next="box_office", first_entry=entry)
    assert words(shown, "word") == {"zh": "拒绝", "en": "NO ENTRY"}
    assert words(shown, "reason")["zh"] == "已使用 14:02 · 3 号门"


def test_a_ticket_of_another_day_says_which() -> None:
    shown = face(reason="wrong_performance", next="box_office", performance=2)
    assert words(shown, "more") == {"zh": "此票为：场次2", "en": "It is for Show 2"}


def test_whoever_is_too_early_reads_from_when() -> None:
    miss = {"kind": "opens_at", "at_ms": round((NOW + timedelta(minutes=25)).timestamp() * 1000)}
    shown = face(reason="too_early", next=Step.WAIT.value, miss=miss)
    assert shown["kind"] == "wait"
    assert words(shown, "step")["en"] == "Valid from 14:30, in 25 minutes"


def test_nobody_is_told_to_wait_until_tomorrow() -> None:
    miss = {"kind": "opens_at", "at_ms": round((NOW + timedelta(days=1)).timestamp() * 1000)}
    shown = face(reason="wrong_performance", next=Step.WAIT.value, miss=miss, performance=2)
    assert (shown["kind"], shown["icon"]) == ("refuse", "x")
    assert words(shown, "step")["en"] == "It is for Show 2"


def test_a_barrier_that_does_not_move_is_no_green() -> None:
    shown = face(decision="admit", reason="", barrier="failed")
    assert (shown["kind"], shown["icon"], shown["sound"]) == ("ask", "triangle-alert", "attention")


def test_a_soft_passback_is_said_beside_the_green() -> None:
    shown = face(decision="admit", reason="", barrier="opened", notes=["still_inside", "newer"])
    assert "already" in words(shown, "more")["en"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"reason": "of_a_later_version"}, id="unknown reason"),
        pytest.param({"reason": "forged", "next": "of_a_later_version"}, id="unknown step"),
        pytest.param({"reason": "already_used", "first_entry": {"at_ms": "x"}}, id="no instant"),
        pytest.param({"reason": "already_used", "first_entry": 4}, id="no entry"),
        pytest.param({"reason": "too_early", "at": "never", "miss": {"kind": 4}}, id="no clock"),
        pytest.param({"reason": ["forged"], "performance": "x", "unit": None}, id="no types"),
    ],
)
def test_a_strange_line_is_still_a_no(line: dict[str, Any]) -> None:
    assert face(**line)["kind"] in ("refuse", "ask", "wait")


@pytest.mark.parametrize("hint", [*Hint, "of_a_later_version"])
def test_every_hint_is_advice_in_both_languages_and_makes_no_sound(hint: str) -> None:
    shown = face_of({"lane": "Lane 1", "hint": str(hint)}, HOUSE)
    assert shown is not None
    assert (shown["kind"], shown["sound"]) == ("again", "")
    assert words(shown, "reason")["zh"] != words(shown, "reason")["en"]


def test_what_is_no_decision_has_no_face() -> None:
    assert face_of({"lane": "Lane 1", "decision": "tailgate"}, HOUSE) is None


# --- between two visitors


def idle(**status: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", idle_of("Lane 1", status, HOUSE))


def test_a_gate_in_contact_says_so() -> None:
    shown = idle(link="online", data_age_s=4, entered=318, total=1200, performances=[1])
    assert (shown["level"], shown["event"]["en"]) == ("ok", "Show 1")
    assert shown["counts"]["en"] == "318 / 1,200"
    assert (shown["link"]["zh"], shown["data"]["en"]) == ("在线", "Data 4 s old")


def test_a_gate_cut_off_says_since_when_and_what_it_costs() -> None:
    shown = idle(link="offline", offline_since_ms=USED_MS, data_age_s=180, exposed_lanes=3)
    assert (shown["level"], shown["link"]["en"]) == ("warn", "Offline since 14:02")
    assert shown["data"]["en"] == "Data 3 min old; a copy could enter at 3 other lanes"
    assert shown["data"]["zh"] == "数据 3 分钟前；复制的票可能在另外 3 个通道入场"


def test_devices_out_of_order_are_said_in_plain_words() -> None:
    devices = [
        {"part": "barrier", "state": "gone"},
        {"part": "reader", "state": "ok"},
        {"part": "lamp", "name": "lamp:7", "state": "gone"},
    ]
    found = idle(devices=devices)["faults"]
    assert [one["en"] for one in found] == [
        "The barrier's board does not answer",
        "A device is out of order: lamp:7",
    ]


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"link": 4, "data_age_s": "x", "entered": -1, "devices": 3}, id="nonsense"),
        pytest.param({"performances": ["x", 77], "devices": [None, {}]}, id="unknown"),
        pytest.param({"data_age_s": float("nan"), "exposed_lanes": True}, id="no number"),
    ],
)
def test_a_status_that_says_nothing_is_a_warning_and_no_crash(status: dict[str, Any]) -> None:
    assert idle(**status)["level"] == "warn"


def test_many_performances_are_counted() -> None:
    assert idle(performances=[1, 2, 3])["event"]["en"] == "Show 1 and 2 more"
