"""An event's entry rules in the console: the fields of their forms, and what they say in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from program.i18n import translations
from sync_server.console.event_fields import NO, YES, Field, Kind
from sync_server.console.event_words import PASSBACKS, performances_hint
from ticketing.admission.rules import CutOff, Passback, RuleFor, Unlisted, Unrecorded
from ticketing.event import Event

if TYPE_CHECKING:
    from sync_server.console.event_parts import Place

_MINUTES_A_DAY, _MINUTES_AN_HOUR = 1_440, 60


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


CUT_OFF = {
    CutOff.ALLOW: N_("It decides alone"),
    CutOff.HOME_GATE_ONLY: N_("It lets in only tickets of its own gate"),
    CutOff.DENY: N_("It lets nobody in"),
}
UNLISTED = {
    Unlisted.ALLOW: N_("At most 50 are let in"),
    Unlisted.DESK: N_("Sent to the desk"),
}
UNRECORDED = {
    Unrecorded.DENY: N_("It lets nobody in"),
    Unrecorded.ALLOW: N_("At most 500 people are let in, with an alarm"),
}


def door_fields(place: Place) -> list[Field]:
    """What gates do that are left alone."""
    _ = translations(place.language).gettext
    cut_off = tuple((each.value, _(said)) for each, said in CUT_OFF.items())
    unlisted = tuple((each.value, _(said)) for each, said in UNLISTED.items())
    unrecorded = tuple((each.value, _(said)) for each, said in UNRECORDED.items())
    return [
        Field(
            "cut_off",
            ("when_cut_off",),
            Kind.CHOICE,
            _("A gate that cannot reach the server"),
            options=cut_off,
        ),
        Field(
            "unlisted",
            ("unlisted",),
            Kind.CHOICE,
            _("There, tickets whose sale it never heard of"),
            options=unlisted,
        ),
        Field(
            "unrecorded",
            ("unrecorded",),
            Kind.CHOICE,
            _("A gate that cannot even write down who came"),
            options=unrecorded,
        ),
    ]


def rule_fields(place: Place) -> list[Field]:
    """One rule: for which tickets, and what it says of them. What is left empty it does not say."""
    _ = translations(place.language).gettext
    which, often = _("For which tickets"), _("How often")
    when, back = _("When and where"), _("Going out and coming back")
    types = tuple(
        (each.id, each.name.in_language(place.language)) for each in place.event.ticket_types
    )
    unlimited = _("A number, or “unlimited”; empty: as other rules say.")
    passbacks = tuple((each.value, _(PASSBACKS[each])) for each in Passback)
    return [
        Field(
            "ticket_types",
            ("ticket_types",),
            Kind.BOXES,
            _("Ticket types"),
            _("None ticked: all of them."),
            types,
            which,
        ),
        Field(
            "performances",
            ("performances",),
            Kind.NUMBERS,
            _("Performances, by number"),
            performances_hint(place.event, place.language),
            group=which,
        ),
        Field(
            "entries",
            ("entries",),
            Kind.COUNT_OR_ANY,
            _("How many entries"),
            unlimited,
            group=often,
        ),
        Field(
            "each_day",
            ("each_day",),
            Kind.YES_NO,
            _("Counted anew on every business day"),
            options=(("", _("as other rules say")), (YES, _("yes")), (NO, _("no"))),
            group=often,
        ),
        Field("early", ("early_minutes",), Kind.COUNT, _("Minutes before doors open"), group=when),
        Field("late", ("late_minutes",), Kind.COUNT, _("Minutes after the end"), group=when),
        Field(
            "gates",
            ("gates",),
            Kind.NAMES,
            _("Gates"),
            _("Names with commas between them; “own”: the gate of the ticket's place; “any”: all."),
            group=when,
        ),
        Field(
            "reentry",
            ("reentry_minutes",),
            Kind.COUNT_OR_ANY,
            _("Comes back within so many minutes"),
            unlimited,
            group=back,
        ),
        Field(
            "passback",
            ("passback",),
            Kind.CHOICE,
            _("Shown again while its holder is inside"),
            options=(("", _("as other rules say")), *passbacks),
            group=back,
        ),
        Field(
            "passback_minutes",
            ("passback_minutes",),
            Kind.COUNT,
            _("Minutes for which it is then refused"),
            group=back,
        ),
    ]


def rule_words(each: RuleFor, event: Event, language: str) -> tuple[str, str]:
    """For which tickets, and what it says of them."""
    _ = translations(language).gettext
    types = [event.ticket_type(one) for one in each.ticket_types]
    names = [one.name.in_language(language) for one in types if one is not None]
    if each.performances:
        numbers = ", ".join(map(str, each.performances))
        names.append(_("performances {numbers}").format(numbers=numbers))
    return " · ".join(names) or _("all tickets"), _(", ").join(_said(each, language))


def _said(each: RuleFor, language: str) -> list[str]:
    _ = translations(language).gettext
    rule, given, said = each.rule, each.given, []
    if "entries" in given:
        said.append(
            _("any number of entries")
            if rule.entries is None
            else _("entries: {n}").format(n=rule.entries)
        )
    if "each_day" in given:
        said.append(
            _("counted anew every day") if rule.each_day else _("counted once for all days")
        )
    if "early_minutes" in given:
        early = minutes_words(rule.early_minutes, language)
        said.append(_("{time} before doors").format(time=early))
    if "late_minutes" in given:
        late = minutes_words(rule.late_minutes, language)
        said.append(_("{time} after the end").format(time=late))
    if "own_gate" in given or "gates" in given:
        gates = [*([_("its place's gate")] if rule.own_gate else []), *rule.gates]
        said.append(", ".join(gates) or _("any gate"))
    if "reentry_minutes" in given:
        said.append(_reentry(rule.reentry_minutes, language))
    if "passback" in given:
        back = _(PASSBACKS[rule.passback])
        if rule.passback is Passback.TIMED and "passback_minutes" in given:
            back += f" ({minutes_words(rule.passback_minutes, language)})"
        said.append(back)
    return said


def _reentry(minutes: int | None, language: str) -> str:
    _ = translations(language).gettext
    if minutes is None:
        return _("comes back after an exit, at any time")
    if not minutes:
        return _("does not come back after an exit")
    return _("comes back within {time} after an exit").format(time=minutes_words(minutes, language))


def minutes_words(minutes: int, language: str) -> str:
    """So many minutes in the largest unit that has them whole."""
    _ = translations(language).gettext
    if minutes and minutes % _MINUTES_A_DAY == 0:
        return _("{n} d").format(n=minutes // _MINUTES_A_DAY)
    if minutes and minutes % _MINUTES_AN_HOUR == 0:
        return _("{n} h").format(n=minutes // _MINUTES_AN_HOUR)
    return _("{n} min").format(n=minutes)
