"""What may be wrong in a file that people wrote: a code each, facts, and its sentence.

The command line says the sentence as it stands here. Pages say it in their reader's language: facts
that are words (`what`, `value`, `thing`) are marked where they are named, and translated as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Fault(StrEnum):
    """Why a value of a file is refused."""

    # of any document
    NO_OBJECT = "no_object"
    NO_OBJECT_WITH = "no_object_with"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_KEY_NEAR = "unknown_key_near"
    MISSING_KEY = "missing_key"
    NO_LIST = "no_list"
    LIST_LENGTH = "list_length"
    NO_INTEGER = "no_integer"
    NO_NUMBER = "no_number"
    NO_FLAG = "no_flag"
    NO_TEXT = "no_text"
    NO_MATCH = "no_match"
    NO_WORD = "no_word"
    NO_WORD_NEAR = "no_word_near"
    TWICE = "twice"
    # the venue
    CASH_IS_TAKEN = "cash_is_taken"
    NO_TIME_ZONE = "no_time_zone"
    NO_TIME_ZONE_NEAR = "no_time_zone_near"
    VENUES_OWN_ID = "venues_own_id"
    # times
    NO_CALENDAR_TIME = "no_calendar_time"
    NO_CALENDAR_INSTANT = "no_calendar_instant"
    NO_TIME = "no_time"
    YEARS = "years"
    SKIPPED_TIME = "skipped_time"
    DOUBLE_TIME = "double_time"
    DOORS_START_END = "doors_start_end"
    TOO_LONG = "too_long"
    # plans
    TOO_MANY_PLACES = "too_many_places"
    UNIT_PAST_END = "unit_past_end"
    UNITS_SHARED = "units_shared"
    NO_SEATS = "no_seats"
    TOO_MANY_SEATS = "too_many_seats"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_IN_ROW = "too_many_in_row"
    SEAT_TOO_FAR = "seat_too_far"
    SEAT_NUMBER_TWICE = "seat_number_twice"
    SEAT_POINT_TWICE = "seat_point_twice"
    # price tiers and their places
    NO_ROWS_STANDING = "no_rows_standing"
    FIRST_ABOVE_LAST = "first_above_last"
    UNIT_NOT_IN_PLAN = "unit_not_in_plan"
    TWO_TIERS = "two_tiers"
    NO_TIER = "no_tier"
    # prices and rules
    NO_PERFORMANCE = "no_performance"
    PRICE_TWICE = "price_twice"
    PACKAGE_COUNT = "package_count"
    NO_CAP = "no_cap"
    CAPS_NOT_RISING = "caps_not_rising"
    LIST_IS_TAKEN = "list_is_taken"
    NOT_BEFORE = "not_before"
    POOL_IS_TAKEN = "pool_is_taken"
    ONE_REDUCTION = "one_reduction"
    DECIMALS = "decimals"
    STEPS_ORDER = "steps_order"
    CAP_BELOW = "cap_below"
    FEE_TWICE = "fee_twice"
    # entry rules and papers
    TIMED_WITHOUT = "timed_without"
    SAYS_NOTHING = "says_nothing"
    NUMBER_OR_WORD = "number_or_word"
    NO_LOGO = "no_logo"


RULES: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.NO_OBJECT: N_("must be an object; it is {value}"),
        Fault.NO_OBJECT_WITH: N_("must be an object with {keys}; it is {value}"),
        Fault.UNKNOWN_KEY: N_("is not a key of this object; known here: {known}"),
        Fault.UNKNOWN_KEY_NEAR: N_('is not a key of this object; did you mean "{near}"?'),
        Fault.MISSING_KEY: N_('has no "{key}"; add it (needed here: {keys})'),
        Fault.NO_LIST: N_("must be a list of {what}; it is {value}"),
        Fault.LIST_LENGTH: N_("must hold {low} to {high} {what}; it holds {count}"),
        Fault.NO_INTEGER: N_("must be a whole number from {low} to {high}; it is {value}"),
        Fault.NO_NUMBER: N_("must be a number from {low} to {high}; it is {value}"),
        Fault.NO_FLAG: N_("must be true or false; it is {value}"),
        Fault.NO_TEXT: N_(
            "must be {what}: 1 to {most} printable characters without a space at either end; "
            "it is {value}"
        ),
        Fault.NO_MATCH: N_("must be {what}; it is {value}"),
        Fault.NO_WORD: N_("must be {what} ({known}); it is {value}"),
        Fault.NO_WORD_NEAR: N_('must be {what} ({known}); it is {value}; did you mean "{near}"?'),
        Fault.TWICE: N_("{thing} {key} is already at {place}; each may be used once"),
        Fault.CASH_IS_TAKEN: N_('must not be "cash", which every house has; take another id'),
        Fault.NO_TIME_ZONE: N_('must be an IANA time zone such as "Asia/Shanghai"'),
        Fault.NO_TIME_ZONE_NEAR: N_(
            'must be an IANA time zone such as "Asia/Shanghai"; did you mean "{near}"?'
        ),
        Fault.VENUES_OWN_ID: N_('has the venue\'s own id "{id}"; they must differ'),
        Fault.NO_CALENDAR_TIME: N_("is no time that any calendar has; write {what}"),
        Fault.NO_CALENDAR_INSTANT: N_("must be {what}; no calendar has this one"),
        Fault.NO_TIME: N_("must be {what}"),
        Fault.YEARS: N_("must lie in the years {low} to {high}"),
        Fault.SKIPPED_TIME: N_("{wall} does not exist in {zone}: clocks skip it; move the start"),
        Fault.DOUBLE_TIME: N_(
            "{wall} comes twice in {zone}, when clocks go back; "
            'write the offset too, "{wall}{offset}" for the first of them'
        ),
        Fault.DOORS_START_END: N_(
            "must have doors_at not after starts_at, and starts_at before ends_at"
        ),
        Fault.TOO_LONG: N_("must end within {most} minutes after its doors open"),
        Fault.TOO_MANY_PLACES: N_("must not hold more than {most} places in all"),
        Fault.UNIT_PAST_END: N_("numbers its last place {last}; the highest is {most}"),
        Fault.UNITS_SHARED: N_(
            "numbers its places {first} to {last}, but {other} already goes to {reached}; "
            "every place of a plan needs its own unit number"
        ),
        Fault.NO_SEATS: N_("hold no seat at all"),
        Fault.TOO_MANY_SEATS: N_("must not hold more than {most} seats in all"),
        Fault.TOO_MANY_ROWS: N_("must not hold more than {most} different rows"),
        Fault.TOO_MANY_IN_ROW: N_("must not hold more than {most} seats, with its other parts"),
        Fault.SEAT_TOO_FAR: N_("puts the seat at {x}, {y}; the highest is {most}"),
        Fault.SEAT_NUMBER_TWICE: N_(
            "seat {label} of this row is at {other} already; each may be there once"
        ),
        Fault.SEAT_POINT_TWICE: N_(
            "this very point of this row is at {other} already; each may be there once"
        ),
        Fault.NO_ROWS_STANDING: N_("must be left out: a standing area has no rows"),
        Fault.FIRST_ABOVE_LAST: N_("must be [first, last] with first not above last"),
        Fault.UNIT_NOT_IN_PLAN: N_('holds unit {unit}, which plan "{plan}" does not have'),
        Fault.TWO_TIERS: N_(
            'holds unit {unit}, which is in price tier "{tier}" already (places in all: {count}); '
            "every place has one price tier"
        ),
        Fault.NO_TIER: N_(
            'leaves out unit {unit} ({place}) of area "{area}" (places in all: {count}); '
            "put every place into one price tier"
        ),
        Fault.NO_PERFORMANCE: N_("must be the number of a performance of this event"),
        Fault.PRICE_TWICE: N_(
            'sets the price of "{tier}" for "{type}" at performance {performance} a second time; '
            "keep one of the two"
        ),
        Fault.PACKAGE_COUNT: N_("must be 2 to {most} tickets in all"),
        Fault.NO_CAP: N_("must name at least one role with its cap"),
        Fault.CAPS_NOT_RISING: N_("must give every higher role a higher cap"),
        Fault.LIST_IS_TAKEN: N_('must not be "list", which is the price list itself'),
        Fault.NOT_BEFORE: N_('must have "{first}" before "{second}"'),
        Fault.POOL_IS_TAKEN: N_('names pool "{pool}" of the {thing}; take another one'),
        Fault.ONE_REDUCTION: N_("must have exactly one of {keys}"),
        Fault.DECIMALS: N_("must have at most two decimals"),
        Fault.STEPS_ORDER: N_("must come one after the other: the earliest first, each once"),
        Fault.CAP_BELOW: N_('must not be below "cashier_cap"'),
        Fault.FEE_TWICE: N_(
            'has "fee_percent" and "fee"; a step keeps a part or an amount, not both'
        ),
        Fault.TIMED_WITHOUT: N_('has "passback": "timed"; say by "passback_minutes" for how long'),
        Fault.SAYS_NOTHING: N_("says nothing; give it a rule, such as entries"),
        Fault.NUMBER_OR_WORD: N_(
            'must be a whole number from {low} to {high}, or "{word}"; it is {value}'
        ),
        Fault.NO_LOGO: N_(
            "must be a PNG file in base64, of at most {bytes} bytes and {width} by {height} dots"
        ),
    }
)
WORDS = frozenset({"what", "value", "thing"})
"""Facts that may be words of ours. A value of the file's own has quotation marks around it."""

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: the file, where in it ("$.plans[0].id"), and what is wrong."""

    source: str
    path: str
    fault: Fault
    facts: Facts = ()

    @property
    def rule(self) -> str:
        """The rule with what to do, in English."""
        return RULES[self.fault].format(**dict(self.facts))

    def __str__(self) -> str:
        return f"{self.source}: {self.path}: {self.rule}"
