"""Every code of the door has words in every language, and they say what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from edge.admission_words import Told, tell_causes, tell_not_by_hand, tell_note, tell_refusal
from program.i18n import LANGUAGES
from ticketing.admission import (
    Cause,
    Entry,
    Miss,
    MissKind,
    NotByHand,
    Note,
    Reason,
    Step,
    next_step,
)
from ticketing.ids import OpId
from ticketing.tags import TagFault
from ticketing.text import Text

AT = datetime(2026, 11, 28, 5, 35, tzinfo=UTC)  # 13:35 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
GATE = Text.from_names({"en": "Gate C, level 2", "zh": "2 层丙门"})
ENTRY = Entry(OpId("0" * 32), "00000000000000aa", "3 号门", AT - timedelta(minutes=33))


def tell(
    reason: Reason,
    language: str,
    *,
    miss: Miss | None = None,
    entry: Entry | None = None,
    step: Step | None = None,
) -> Told:
    return tell_refusal(
        reason,
        first_entry=entry,
        miss=miss,
        step=step or next_step(reason, miss),
        at=AT,
        zone=ZONE,
        language=language,
    )


@pytest.mark.parametrize(("reason", "language"), list(product(list(Reason), LANGUAGES)))
def test_every_reason_has_a_word_a_sentence_and_a_next_step(reason: Reason, language: str) -> None:
    told = tell(reason, language)
    assert told.word
    assert told.sentence
    assert told.step
    assert (told.seen, told.miss) == ("", "")
    if language == "zh_CN":
        assert all(_is_chinese(text) for text in (told.word, told.sentence, told.step))


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize(("kind", "language"), list(product(list(MissKind), LANGUAGES)))
def test_every_miss_has_a_sentence(kind: MissKind, language: str) -> None:
    timed = {
        MissKind.OPENS_AT,
        MissKind.CLOSED_AT,
        MissKind.LEFT_AT,
        MissKind.REENTRY_ENDED,
        MissKind.AGAIN_AT,
    }
    note = TagFault.DAMAGED if kind is MissKind.CHIP else "stolen"
    miss = Miss(kind, AT if kind in timed else None, GATE, note)
    told = tell(Reason.ALREADY_USED, language, miss=miss).miss
    assert told
    assert language == "en" or _is_chinese(told)


@pytest.mark.parametrize(("step", "language"), list(product(list(Step), LANGUAGES)))
def test_every_step_is_said(step: Step, language: str) -> None:
    assert tell(Reason.FORGED, language, step=step).step


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_and_what_two_people_may_not_do_are_said(language: str) -> None:
    said = [tell_note(note, language) for note in Note]
    said += [tell_not_by_hand(why, language) for why in NotByHand]
    assert all(said)
    assert language == "en" or all(map(_is_chinese, said))


def test_a_used_ticket_says_when_and_where() -> None:
    assert tell(Reason.ALREADY_USED, "en", entry=ENTRY).seen == "13:02 · 3 号门"
    yesterday = Entry(ENTRY.op_id, ENTRY.node_id, ENTRY.lane, AT - timedelta(days=1))
    assert tell(Reason.ALREADY_USED, "en", entry=yesterday).seen == "Fri 27 Nov 13:35 · 3 号门"


@pytest.mark.parametrize(
    ("ahead", "english", "chinese"),
    [
        pytest.param(
            timedelta(minutes=25), "Valid from 14:00, in 25 minutes", "14:00 起有效，还有 25 分钟"
        ),
        pytest.param(
            timedelta(seconds=59), "Valid from 13:35, in 1 minute", "13:35 起有效，还有 1 分钟"
        ),
        pytest.param(timedelta(days=1), "Valid from Sun 29 Nov 13:35", "11月29日周日 13:35 起有效"),
    ],
    ids=["soon", "in a moment", "tomorrow"],
)
def test_how_far_off_it_was_is_said(ahead: timedelta, english: str, chinese: str) -> None:
    miss = Miss(MissKind.OPENS_AT, AT + ahead)
    assert tell(Reason.TOO_EARLY, "en", miss=miss).miss == english
    assert tell(Reason.TOO_EARLY, "zh_CN", miss=miss).miss == chinese


def test_the_other_gate_is_named() -> None:
    miss = Miss(MissKind.OTHER_GATE, gate=GATE)
    told = tell(Reason.WRONG_GATE, "en", miss=miss)
    assert (told.step, told.miss) == ("To Gate C, level 2", "Its gate is Gate C, level 2")
    assert tell(Reason.WRONG_GATE, "zh_CN", miss=miss).step == "请走2 层丙门"
    by_name = Miss(MissKind.OTHER_GATE, note="VIP")
    assert tell(Reason.WRONG_GATE, "en", miss=by_name).step == "To VIP"
    unnamed = Miss(MissKind.OTHER_GATE)
    assert tell(Reason.WRONG_GATE, "en", miss=unnamed).step == "To another gate"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_of_a_double_entry_has_a_sentence(language: str) -> None:
    told = tell_causes(Cause, language)
    assert len(set(told)) == len(Cause)
    if language == "zh_CN":
        assert all(map(_is_chinese, told))
