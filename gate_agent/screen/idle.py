"""A lane's status in words: what its screen shows between two visitors, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial

from edge.admission_words import N_
from gate_agent.screen.places import LANGUAGES, Places, Words, in_both
from program.i18n import format_count, format_time, translations

Idle = dict[str, object]
"""What is sent to a screen: plain JSON."""

LEVEL_ICONS = {"ok": "cloud-check", "warn": "cloud-alert", "danger": "cloud-off"}

FRESH_S = 60
"""Data that is older than this is a warning even while the link is said to be up."""
_FAULTS = {
    "reader": N_("The reader does not answer"),
    "camera": N_("The camera gives no picture"),
    "relay": N_("The barrier's board does not answer"),
    "barrier": N_("The barrier's board does not answer"),
    "passage": N_("The passage contact does not answer"),
    "disk": N_("The disk takes nothing: entries cannot be recorded"),
    "clock": N_("This machine's clock was changed"),
    "program": N_("A part of the program has crashed and is begun again: {name}"),
}
_OTHER_FAULT = N_("A device is out of order: {name}")
_LINKS = {
    "online": N_("Online"),
    "connecting": N_("Connecting"),
    "offline": N_("Offline since {time}"),
    "locked": N_("This gate is barred: it must be enrolled again"),
}


STANDS = {"fire": "fire", "open": "open"}
"""States of a lane in which nobody needs a ticket to pass, as its screen knows them."""
_UNTIL = N_("until {time}")


def idle_of(lane: str, status: Mapping[str, object], places: Places) -> Idle:
    """A status as a screen shows it. Total: what is missing or strange is left out."""
    zone = places.zone()
    level = _level(status)
    return {
        "lane": lane,
        "gate": str(status.get("gate") or ""),
        "event": _event(status, places),
        "counts": in_both(lambda language: _counts(status, language)),
        "link": in_both(lambda language: _link(status, language, zone)),
        "data": in_both(lambda language: _data(status, language)),
        "faults": [in_both(fault) for fault in faults_of(status)],
        "stands": STANDS.get(str(status.get("state")), ""),
        "until": in_both(lambda language: until(status, language, zone)),
        "level": level,
        "icon": LEVEL_ICONS[level],
    }


def until(status: Mapping[str, object], language: str, zone: tzinfo) -> str:
    """Until when a lane that was opened by hand stands open; "" for any other."""
    at_ms = _number(status.get("open_until_ms"))
    if status.get("state") != "open" or at_ms is None:
        return ""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    text = translations(language).gettext(_UNTIL)
    return text.format(time=format_time(at, language, zone=zone))


def _level(status: Mapping[str, object]) -> str:
    """How much the link is worth a look: "ok", "warn" or "danger". No status yet: "warn"."""
    link, age_s = status.get("link"), _number(status.get("data_age_s"))
    if link == "locked":
        return "danger"
    if link != "online" or age_s is None or age_s > FRESH_S:
        return "warn"
    return "ok"


def _event(status: Mapping[str, object], places: Places) -> Words:
    """The performances that are let in; two by name, of more how many there are."""
    numbers = [one for one in _list(status.get("performances")) if isinstance(one, int)]
    shown = [when for number in numbers if (when := places.when(number)) is not None]
    if not shown:
        return in_both(lambda language: translations(language).gettext("No doors are open"))
    if len(shown) <= 2:
        return {short: " / ".join(when[short] for when in shown) for short in LANGUAGES}
    rest = len(shown) - 1

    def say(short: str, language: str) -> str:
        ngettext = translations(language).ngettext
        said = ngettext("{first} and {n} more", "{first} and {n} more", rest)
        return said.format(first=shown[0][short], n=rest)

    return {short: say(short, language) for short, language in LANGUAGES.items()}


def _counts(status: Mapping[str, object], language: str) -> str:
    entered, total = _number(status.get("entered")), _number(status.get("total"))
    if entered is None:
        return ""
    inside = format_count(int(entered), language)
    return f"{inside} / {format_count(int(total), language)}" if total else inside


def _link(status: Mapping[str, object], language: str, zone: tzinfo) -> str:
    _ = translations(language).gettext
    link = status.get("link")
    text = _LINKS.get(str(link), _LINKS["connecting"])
    since_ms = _number(status.get("offline_since_ms"))
    if link == "offline" and since_ms is None:
        return _("Offline")
    since = datetime.fromtimestamp((since_ms or 0) / 1000, UTC)
    return _(text).format(time=format_time(since, language, zone=zone))


def _data(status: Mapping[str, object], language: str) -> str:
    """How old the data is, and where a copy of a ticket could go in because of that."""
    _, ngettext = translations(language).gettext, translations(language).ngettext
    age_s, lanes = _number(status.get("data_age_s")), _number(status.get("exposed_lanes"))
    if age_s is None:
        return _("No data yet")
    age = _age(int(age_s), language)
    if not lanes:
        return _("Data {age} old").format(age=age)
    said = ngettext(
        "Data {age} old; a copy could enter at {n} other lane",
        "Data {age} old; a copy could enter at {n} other lanes",
        int(lanes),
    )
    return said.format(age=age, n=int(lanes))


def _age(seconds: int, language: str) -> str:
    _ = translations(language).gettext
    if seconds < 100:
        return _("{n} s").format(n=seconds)
    if seconds < 6_000:
        return _("{n} min").format(n=seconds // 60)
    return _("{n} h").format(n=seconds // 3_600)


def faults_of(status: Mapping[str, object]) -> list[Callable[[str], str]]:
    """What is wrong, each as what says it in a language; double entries come first."""
    told: list[Callable[[str], str]] = []
    if cases := int(_number(status.get("double_entries")) or 0):
        told.append(partial(_double_entries, cases))
    if unrecorded := int(_number(status.get("unrecorded")) or 0):
        told.append(partial(_unrecorded, unrecorded))
    return told + [
        partial(_fault, str(device.get("part", "")), str(device.get("name", "")))
        for device in _list(status.get("devices"))
        if isinstance(device, Mapping) and device.get("state") != "ok"
    ]


def _fault(part: str, name: str, language: str) -> str:
    """A device that is out of order."""
    text = translations(language).gettext(_FAULTS.get(part, _OTHER_FAULT))
    return text.format(name=name or part)


def _double_entries(n: int, language: str) -> str:
    ngettext = translations(language).ngettext
    return ngettext(
        "Staff: {n} ticket went in twice; see the handheld page",
        "Staff: {n} tickets went in twice; see the handheld page",
        n,
    ).format(n=n)


def _unrecorded(n: int, language: str) -> str:
    ngettext = translations(language).ngettext
    return ngettext(
        "{n} person was let in without any record",
        "{n} people were let in without any record",
        n,
    ).format(n=n)


def _list(raw: object) -> Sequence[object]:
    return raw if isinstance(raw, list | tuple) else ()


def _number(raw: object) -> float | None:
    """A number from 0; None for anything else."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not raw >= 0:
        return None
    return raw
