"""The decision at the door: one pure, total engine for gate, server and till.

Order of the checks, the same everywhere:

    1 is it our code   2 training   3 key known   4 signature   5 key not revoked
    6 not cancelled   7 this performance   8 void   9 blocked   10 disputed   11 unit version
    12 gate   13 time   14 the allotment   15 entries left   16 not inside already

Before them, of a chip: not blocked, bound, no less than what was bound, its own ticket, a tap later
than the last (`chips`).

The ticket's row wins over the code: with a row, its performance, state and version count, the
time of its performance is the catalogue's, and neither a revoked key nor the allotment is held
against it. docs/admission.md gives the table.

Idempotency comes before all of them: a caller who already has an answer for the same operation
replays that answer and does not ask again.
"""

from __future__ import annotations

from ticketing.admission.alone import decide_alone, is_unlisted
from ticketing.admission.by_hand import CAN_BE_SET_ASIDE, ByHand, NotByHand, not_by_hand
from ticketing.admission.chips import Chip, code_of_row, decide_chip, refused_for
from ticketing.admission.decide import (
    Admit,
    LetOut,
    Note,
    Refuse,
    decide_entry,
    decide_exit,
    decide_known,
    valid_windows,
)
from ticketing.admission.facts import (
    AllotmentFacts,
    AllotmentState,
    Entry,
    IssuerKey,
    KeyState,
    LaneFacts,
    Window,
)
from ticketing.admission.reasons import Miss, MissKind, Reason, Step, next_step
from ticketing.admission.rules import (
    NO_ENTRY_RULES,
    UNLISTED_MAX,
    UNRECORDED_MAX,
    USUAL_RULE,
    Calendar,
    CutOff,
    EntryRule,
    EntryRules,
    Passback,
    RuleFor,
    Unlisted,
    Unrecorded,
)
from ticketing.admission.twice import Cause, GateEntry, causes_of
from ticketing.admission.visits import Visits, is_more_than_allowed, visits_of
from ticketing.admission.wire import entry_to_wire, instant_of, miss_from_wire, miss_to_wire

__all__ = [
    "CAN_BE_SET_ASIDE",
    "NO_ENTRY_RULES",
    "UNLISTED_MAX",
    "UNRECORDED_MAX",
    "USUAL_RULE",
    "Admit",
    "AllotmentFacts",
    "AllotmentState",
    "ByHand",
    "Calendar",
    "Cause",
    "Chip",
    "CutOff",
    "Entry",
    "EntryRule",
    "EntryRules",
    "GateEntry",
    "IssuerKey",
    "KeyState",
    "LaneFacts",
    "LetOut",
    "Miss",
    "MissKind",
    "NotByHand",
    "Note",
    "Passback",
    "Reason",
    "Refuse",
    "RuleFor",
    "Step",
    "Unlisted",
    "Unrecorded",
    "Visits",
    "Window",
    "causes_of",
    "code_of_row",
    "decide_alone",
    "decide_chip",
    "decide_entry",
    "decide_exit",
    "decide_known",
    "entry_to_wire",
    "instant_of",
    "is_more_than_allowed",
    "is_unlisted",
    "miss_from_wire",
    "miss_to_wire",
    "next_step",
    "not_by_hand",
    "refused_for",
    "valid_windows",
    "visits_of",
]
