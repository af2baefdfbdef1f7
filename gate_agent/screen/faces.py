"""A decision as a visitor sees it: one word, a colour, an icon, a sound, and where to go.

In both languages, whatever the gate's own is: who reads it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from edge.admission_looks import Kind, kind_of
from edge.admission_words import N_, Told, tell_note, tell_refusal
from gate_agent.lane_book import TAILGATE
from gate_agent.screen.places import Places, Words, in_both
from program.i18n import translations
from ticketing.admission import (
    Entry,
    MissKind,
    Note,
    Reason,
    Step,
    instant_of,
    miss_from_wire,
)
from ticketing.ids import OpId

Face = dict[str, object]
"""What is sent to a screen: plain JSON."""


@dataclass(frozen=True, slots=True)
class _Look:
    word: str
    icon: str
    sound: str
    for_ms: int


_LOOKS = {
    Kind.ADMIT: _Look(N_("ENTER"), "check", "admit", 1_500),
    Kind.REFUSE: _Look(N_("NO ENTRY"), "x", "refuse", 4_000),
    Kind.ASK: _Look(N_("TO THE DESK"), "triangle-alert", "attention", 5_000),
    Kind.WAIT: _Look(N_("PLEASE WAIT"), "clock", "attention", 4_000),
    Kind.AGAIN: _Look(N_("SHOW AGAIN"), "scan-line", "attention", 2_500),
    Kind.OUT: _Look(N_("GOODBYE"), "check", "admit", 1_500),
    Kind.ALARM: _Look(N_("ONE BY ONE"), "users", "attention", 5_000),
}

_HINTS = {
    "hold_still": N_("Hold it still"),
    "brighter": N_("Make the screen brighter"),
    "closer": N_("Hold it closer"),
    "whole_code": N_("Show the whole code, flat"),
    "one_at_a_time": N_("One ticket at a time"),
}
_OUT = ("leave", "let_out", "out", "exit")
_STUCK = N_("The ticket is good, the barrier does not move")
_STAFF_COMES = N_("Please wait, somebody is coming")
_SLIPPED = N_("Somebody went through without a ticket")
_STAFF_LOOKS = N_("Staff: please have a look")
_IT_IS_FOR = N_("It is for {when}")


def face_of(line: Mapping[str, object], places: Places) -> Face | None:
    """A decision's line as a face; None for a line that is not about a visitor."""
    if "hint" in line:
        return _hinted(line)
    if line.get("event") == TAILGATE:
        return _face(
            Kind.ALARM,
            line,
            reason=in_both(lambda language: translations(language).gettext(_SLIPPED)),
            step=in_both(lambda language: translations(language).gettext(_STAFF_LOOKS)),
        )
    match line.get("decision"):
        case "admit":
            return _admitted(line, places)
        case "refuse":
            return _refused(line, places)
        case decision if decision in _OUT:
            return _face(Kind.OUT, line)
        case _:
            return None


def _hinted(line: Mapping[str, object]) -> Face:
    """Advice to a visitor whose code is seen and cannot be read: in amber, and without a sound."""
    hint = _HINTS.get(str(line.get("hint")), _HINTS["hold_still"])
    reason = in_both(lambda language: translations(language).gettext(hint))
    return {**_face(Kind.AGAIN, line, reason=reason), "sound": ""}


def kind_of_line(line: Mapping[str, object]) -> Kind:
    """How a refusal's line looks."""
    reason, step = _known_reason(line.get("reason")), _known_step(line.get("next"))
    return kind_of(reason, step, miss_from_wire(line.get("miss")), _instant(line.get("at")))


def refusal_in(
    line: Mapping[str, object], language: str, zone: tzinfo
) -> tuple[Reason, Step, Told]:
    """A refusal's line in words of one language. A reason of a later version is "not recorded"."""
    reason = _known_reason(line.get("reason"))
    step = _known_step(line.get("next"))
    told = tell_refusal(
        reason,
        first_entry=_entry(line.get("first_entry")),
        miss=miss_from_wire(line.get("miss")),
        step=step,
        at=_instant(line.get("at")),
        zone=zone,
        language=language,
    )
    return reason, step, told


def _admitted(line: Mapping[str, object], places: Places) -> Face:
    place, gate = _place(line, places)
    if line.get("barrier") == "failed":
        return _face(
            Kind.ASK,
            line,
            reason=in_both(lambda language: translations(language).gettext(_STUCK)),
            step=in_both(lambda language: translations(language).gettext(_STAFF_COMES)),
        )
    notes = line.get("notes")
    known = [Note(one) for one in notes if one in tuple(Note)] if isinstance(notes, list) else []
    more = in_both(lambda language: " · ".join(tell_note(note, language) for note in known))
    return _face(Kind.ADMIT, line, reason=place, step=gate, more=more)


def _refused(line: Mapping[str, object], places: Places) -> Face:
    zone = places.zone()
    reason, step, _told = refusal_in(line, "en", zone)
    told = {
        short: refusal_in(line, language, zone)[2]
        for short, language in (("zh", "zh_CN"), ("en", "en"))
    }
    words = {short: " ".join(filter(None, (one.word, one.seen))) for short, one in told.items()}
    more = {short: one.miss or one.sentence for short, one in told.items()}
    when = _when(line, places) if reason is Reason.WRONG_PERFORMANCE else None
    miss = miss_from_wire(line.get("miss"))
    if when and (miss is None or miss.kind is not MissKind.OTHER_LANE):
        more = when
    steps = {short: one.step for short, one in told.items()}
    kind = kind_of_line(line)
    if step is Step.WAIT:  # until when is what matters
        steps, more = more, {}
    return _face(kind, line, reason=words, more=more, step=steps)


def _face(
    kind: Kind,
    line: Mapping[str, object],
    *,
    reason: Words | None = None,
    more: Words | None = None,
    step: Words | None = None,
) -> Face:
    look = _LOOKS[kind]
    return {
        "kind": kind.value,
        "icon": look.icon,
        "sound": look.sound,
        "for_ms": look.for_ms,
        "word": in_both(lambda language: translations(language).gettext(look.word)),
        "reason": reason or {},
        "more": more or {},
        "step": step or {},
        "offline": line.get("offline") is True,
    }


def _place(line: Mapping[str, object], places: Places) -> tuple[Words, Words]:
    """The seat and its gate; what the line itself says where the catalogue does not know it."""
    performance, unit = line.get("performance"), line.get("unit")
    if isinstance(performance, int) and isinstance(unit, int):
        place, gate = places.place(performance, unit), places.gate(performance, unit)
        if place is not None:
            return place, gate or {}
    said = str(line.get("place") or "")
    return {"zh": said, "en": said}, {}


def _when(line: Mapping[str, object], places: Places) -> Words | None:
    performance = line.get("performance")
    when = places.when(performance) if isinstance(performance, int) else None
    if when is None:
        return None
    shown = when
    return {
        short: translations(language).gettext(_IT_IS_FOR).format(when=shown[short])
        for short, language in (("zh", "zh_CN"), ("en", "en"))
    }


def _known_reason(raw: object) -> Reason:
    return Reason(str(raw)) if raw in tuple(Reason) else Reason.NOT_RECORDED


def _known_step(raw: object) -> Step:
    return Step(str(raw)) if raw in tuple(Step) else Step.BOX_OFFICE


def _entry(raw: object) -> Entry | None:
    if not isinstance(raw, Mapping):
        return None
    at_ms = raw.get("at_ms")
    if isinstance(at_ms, bool) or not isinstance(at_ms, int) or at_ms < 0:
        return None
    lane = str(raw.get("lane", ""))
    return Entry(OpId(str(raw.get("op", ""))), str(raw.get("node", "")), lane, instant_of(at_ms))


def _instant(raw: object) -> datetime:
    """When the line was said; a broken one's is long ago, which only makes its times longer."""
    try:
        at = datetime.fromisoformat(str(raw))
    except ValueError:
        return instant_of(0)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
