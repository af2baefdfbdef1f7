"""The parts of an event that have a form each: which fields they have, and where they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from program.i18n import translations
from sync_server.console.event_doors import door_fields, rule_fields
from sync_server.console.event_fields import Field, Kind, Path
from sync_server.console.event_words import ROLES, performances_hint
from ticketing.event import Event, Venue
from ticketing.pricing import Over
from ticketing.pricing.document import PACKAGE_KINDS_MAX
from ticketing.refund_rules import PackageRefund
from ticketing.refund_rules_document import STEPS_MAX

_DEFAULT_REFUNDS = {"steps": [{"minutes_before": 0}]}
"""What an event without refund rules does: all of it goes back until the performance begins."""
_ROWS_SPARE = 2
"""Empty rows of a form's list, for what is added."""


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """What a form is made for: an event of a house, one item of it, in a language."""

    event: Event
    venue: Venue
    language: str
    item: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document that is a list of items with ids.

    `is_one`: it is one item itself, `usual` where the document has none. `is_numbered`: its items
    have no ids, but an order, and are asked for by their number in it. `is_kept`: what was sold by
    it is checked against it, so that it stays once something was sold.
    """

    key: str
    title: str
    path: tuple[str, ...]
    fields: Callable[[Place], list[Field]]
    add: str = ""
    rows: str = ""
    """A list within the item, whose rows are left out where nothing was filled in."""
    is_removed: bool = False
    is_one: bool = False
    usual: Mapping[str, Any] = field(default_factory=dict)
    is_numbered: bool = False
    is_kept: bool = True


def _name(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    heading = _("Name")
    return [
        Field(f"name.{each}", ("name", each), Kind.TEXT, f"{heading} ({each})", group=heading)
        for each in place.venue.languages
    ]


def _where(place: Place, name: str = "", path: Path = (), heading: str = "") -> list[Field]:
    """Which tickets; none ticked means all of them."""
    _ = translations(place.language).gettext
    tiers = tuple(
        (each.id, each.name.in_language(place.language)) for each in place.event.price_tiers
    )
    types = tuple(
        (each.id, each.name.in_language(place.language)) for each in place.event.ticket_types
    )
    all_of = _("None ticked: all of them.")
    return [
        Field(
            f"{name}price_tiers",
            (*path, "price_tiers"),
            Kind.BOXES,
            _("Price tiers"),
            all_of,
            tiers,
            heading,
        ),
        Field(
            f"{name}ticket_types",
            (*path, "ticket_types"),
            Kind.BOXES,
            _("Ticket types"),
            all_of,
            types,
            heading,
        ),
        Field(
            f"{name}performances",
            (*path, "performances"),
            Kind.NUMBERS,
            _("Performances, by number"),
            performances_hint(place.event, place.language),
            group=heading,
        ),
    ]


def _reduction(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    heading = _("How much less: fill in one of the three")
    return [
        Field("percent", ("percent_off",), Kind.PERCENT, _("Percent off"), group=heading),
        Field("off", ("amount_off_minor",), Kind.AMOUNT, _("Amount off"), group=heading),
        Field("price", ("price_minor",), Kind.AMOUNT, _("At this price"), group=heading),
    ]


def _period(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    heading = _("When it holds, by the clock of the house; empty: always")
    return [
        Field("from", ("from_at",), Kind.INSTANT, _("From"), group=heading),
        Field("until", ("until_at",), Kind.INSTANT, _("Until just before"), group=heading),
    ]


def _pool(place: Place, label: str, *, needed: bool) -> Field:
    _ = translations(place.language).gettext
    pools = tuple((each.id, each.id) for each in place.event.price_rules.pools)
    options = pools if needed else (("", _("no quota")), *pools)
    return Field("pool", ("pool",), Kind.CHOICE, label, options=options)


def _tier(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    return [
        *_name(place),
        Field("letter", ("letter",), Kind.TEXT, _("Letter in its seats")),
        Field("colour", ("colour_index",), Kind.COUNT, _("Colour, 0 to 31")),
    ]


def _rate(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    return [
        *_name(place),
        *_reduction(place),
        *_period(place),
        _pool(place, _("Only while this quota lasts"), needed=False),
        *_where(place),
    ]


def _package(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    over = (
        (Over.ONE_PERFORMANCE.value, _("one performance")),
        (Over.DIFFERENT_PERFORMANCES.value, _("each ticket another performance")),
        (Over.ANY_PERFORMANCES.value, _("any performances")),
    )
    fields = [
        *_name(place),
        *_reduction(place),
        *_period(place),
        Field("over", ("over",), Kind.CHOICE, _("Over which performances"), options=over),
        Field("one_tier", ("one_price_tier",), Kind.FLAG, _("All its tickets of one price tier")),
    ]
    rows = min(PACKAGE_KINDS_MAX, len(place.item.get("tickets", ())) + _ROWS_SPARE)
    for at in range(rows):
        heading = _("Tickets in it: kind {n}").format(n=at + 1)
        path: Path = ("tickets", at)
        fields.append(
            Field(f"{at}.count", (*path, "count"), Kind.COUNT, _("How many"), group=heading)
        )
        fields += _where(place, f"{at}.", path, heading)
    return fields


def _house(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    roles = tuple((role.value, _(word)) for role, word in ROLES.items())
    return [
        *_name(place),
        _pool(place, _("Its quota"), needed=True),
        Field("approver", ("approver",), Kind.CHOICE, _("Who lets it be"), options=roles),
        Field("price", ("price_minor",), Kind.AMOUNT, _("Price; empty: free")),
        *_where(place),
    ]


def _quota(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    said = _("In the whole house, over all windows.")
    return [Field("capacity", ("capacity",), Kind.COUNT, _("How many rights"), said)]


def _discount(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    heading = _("Percent of the list price that each role may take off; empty: nothing")
    caps = [
        Field(
            f"cap.{role.value}",
            ("caps_percent", role.value),
            Kind.PERCENT,
            _(word),
            group=heading,
        )
        for role, word in ROLES.items()
    ]
    return [*_name(place), *caps]


def _refunds(place: Place) -> list[Field]:
    _ = translations(place.language).gettext
    packages = (
        (PackageRefund.SHARE.value, _("its share")),
        (PackageRefund.RELIST.value, _("what is left when the others cost their list price")),
        (PackageRefund.WHOLE_ONLY.value, _("not alone, only the whole package")),
    )
    fields: list[Field] = []
    rows = min(STEPS_MAX, len(place.item.get("steps", ())) + _ROWS_SPARE)
    for at in range(rows):
        heading = _("Step {n}: as long as the performance is at least so far away").format(n=at + 1)
        path: Path = ("steps", at)
        fields += [
            Field(
                f"{at}.minutes",
                (*path, "minutes_before"),
                Kind.COUNT,
                _("Minutes before"),
                group=heading,
            ),
            Field(
                f"{at}.percent",
                (*path, "fee_percent"),
                Kind.PERCENT,
                _("Percent kept"),
                group=heading,
            ),
            Field(f"{at}.fee", (*path, "fee"), Kind.AMOUNT, _("or amount kept"), group=heading),
        ]
    amounts = (
        ("minimum_fee", _("Least kept of a ticket")),
        ("exchange_fee", _("Asked for an exchange")),
        ("replacement_fee", _("Asked for a lost ticket")),
        ("cashier_cap", _("A cashier may pay back at most; empty: no cap")),
        ("supervisor_cap", _("A supervisor may pay back at most; empty: no cap")),
    )
    fields += [Field(name, (name,), Kind.AMOUNT, label) for name, label in amounts]
    said = _("0: as long as the shift lasts.")
    return [
        *fields,
        Field("void", ("void_minutes",), Kind.COUNT, _("Minutes in which a sale is undone"), said),
        Field("package", ("package",), Kind.CHOICE, _("One ticket of a package"), options=packages),
        Field(
            "later", ("later_by_manager",), Kind.FLAG, _("A manager may refund after the last step")
        ),
    ]


PARTS = {
    part.key: part
    for part in (
        Part("tiers", N_("Price tier"), ("price_tiers",), _tier),
        Part("types", N_("Ticket type"), ("ticket_types",), _name, N_("Add a ticket type")),
        Part(
            "rates",
            N_("Early bird or other rate"),
            ("price_rules", "rates"),
            _rate,
            N_("Add a rate"),
            is_removed=True,
        ),
        Part(
            "packages",
            N_("Package"),
            ("price_rules", "packages"),
            _package,
            N_("Add a package"),
            "tickets",
            is_removed=True,
        ),
        Part(
            "house",
            N_("Free or house tickets"),
            ("price_rules", "house_tickets"),
            _house,
            N_("Add a kind of house tickets"),
            is_removed=True,
        ),
        Part(
            "quotas",
            N_("Quota"),
            ("price_rules", "pools"),
            _quota,
            N_("Add a quota"),
            is_removed=True,
        ),
        Part(
            "discounts",
            N_("Reason for a discount"),
            ("price_rules", "discounts"),
            _discount,
            N_("Add a reason"),
            is_removed=True,
        ),
        Part(
            "refunds",
            N_("Refunds and exchanges"),
            ("refund_rules",),
            _refunds,
            rows="steps",
            is_one=True,
            usual=_DEFAULT_REFUNDS,
        ),
        Part(
            "entry",
            N_("Entry rule"),
            ("entry_rules", "rules"),
            rule_fields,
            N_("Add an entry rule"),
            is_removed=True,
            is_numbered=True,
            is_kept=False,
        ),
        Part("doors", N_("Gates that are left alone"), ("entry_rules",), door_fields, is_one=True),
    )
}
