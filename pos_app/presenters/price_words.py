"""Prices in words: which rule made one, what a package saves, why something is not given."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pos_app.presenters import language as words
from pos_app.presenters.giving import Denied
from pos_app.presenters.language import _, ngettext
from pos_app.presenters.sentences import sign_in_refusal
from ticketing.pricing import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pos_app.presenters.giving import Offer
    from pos_app.services.basket import Basket, BasketLine
    from pos_app.services.model import SignInRefused
    from ticketing.event import Event
    from ticketing.pricing import FoundPackage


def rule_name(event: Event, rule_id: str) -> str:
    """What people call a rule; "" for the list, and for a rule that is not known."""
    rules = event.price_rules
    rule = (
        rules.rate(rule_id)
        or rules.package(rule_id)
        or rules.house_rate(rule_id)
        or rules.discount(rule_id)
    )
    return words.name(rule.name) if rule is not None else ""


def why_cheaper(event: Event, line: BasketLine) -> str:
    """The rule that made a line's price and what was given on top; "" at the list price."""
    if line.priced is None:
        return ""
    names = [rule_name(event, line.priced.rule_id), rule_name(event, line.priced.discount_id)]
    return " + ".join(name for name in names if name)


def package_lines(event: Event, found: Sequence[FoundPackage], most: int) -> list[tuple[str, str]]:
    """Packages found in the basket and what each saves, in at most so many lines."""
    if len(found) <= most:
        return [_package_line(event, each) for each in found]
    rest = found[most - 1 :]
    more = ngettext("{n} more package", "{n} more packages", len(rest)).format(n=len(rest))
    saved = words.money(sum(each.saving_minor for each in rest), event.currency, compact=True)
    last = more, _("saves {amount}").format(amount=saved)
    return [*(_package_line(event, each) for each in found[: most - 1]), last]


def _package_line(event: Event, package: FoundPackage) -> tuple[str, str]:
    count = ngettext("{n} ticket", "{n} tickets", len(package.keys)).format(n=len(package.keys))
    saved = words.money(package.saving_minor, event.currency, compact=True)
    return f"{rule_name(event, package.rule_id)} · {count}", _("saves {amount}").format(
        amount=saved
    )


def basket_sums(basket: Basket, event: Event, most: int) -> list[tuple[str, str]]:
    """What makes the total, in at most so many lines: the list and what is saved, else by kind."""
    if basket.saving_minor:
        count = len(basket.lines)
        listed = ngettext("List price, {n} ticket", "List price, {n} tickets", count)
        saved = words.money(basket.saving_minor, event.currency)
        return [
            (
                listed.format(n=count),
                words.money(basket.total_minor + basket.saving_minor, event.currency),
            ),
            (_("Saved"), f"\N{MINUS SIGN}{saved}"),
        ]
    sums: dict[str, tuple[int, int]] = {}
    for line in basket.lines:
        count, minor = sums.get(line.ticket_type_id, (0, 0))
        sums[line.ticket_type_id] = (count + 1, minor + line.price_minor)
    shown = list(sums.items())
    if len(shown) > most:
        counts, amounts = zip(*(each for _kind, each in shown[most - 1 :]), strict=True)
        shown = [*shown[: most - 1], ("", (sum(counts), sum(amounts)))]
    return [
        (f"{_kind_name(event, kind_id)} × {count}", words.money(minor, event.currency))
        for kind_id, (count, minor) in shown
    ]


def _kind_name(event: Event, ticket_type_id: str) -> str:
    kind = event.ticket_type(ticket_type_id)
    return words.name(kind.name) if kind else _("Others")


def role_name(role: Role) -> str:
    """What people call somebody who may decide so much."""
    match role:
        case Role.CASHIER:
            return _("Cashier")
        case Role.SUPERVISOR:
            return _("Supervisor")
        case Role.MANAGER:
            return _("Manager")
        case _:
            assert_never(role)


def offer_detail(offer: Offer, currency: str) -> str:
    """What may be given for a reason."""
    if offer.price_minor is not None:
        return words.money(offer.price_minor, currency, compact=True)
    if not offer.own_percent:
        return _("with approval up to {most} %").format(most=offer.most_percent)
    if offer.own_percent == offer.most_percent:
        return _("up to {own} %").format(own=offer.own_percent)
    return _("up to {own} %, with approval {most} %").format(
        own=offer.own_percent, most=offer.most_percent
    )


def denied(refused: SignInRefused | Denied) -> str:
    """Why an approval did not count."""
    if refused is Denied.SAME_PERSON:
        return _("Whoever sells cannot approve. Please ask a colleague.")
    if isinstance(refused, Denied):
        return _("This person may not approve so much. Please ask somebody else.")
    return sign_in_refusal(refused)
