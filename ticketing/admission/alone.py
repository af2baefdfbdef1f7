"""What a gate does that would let somebody in, asked the arbiter, and heard nothing in time."""

from __future__ import annotations

from ticketing.admission.decide import Admit, Refuse
from ticketing.admission.facts import LaneFacts
from ticketing.admission.reasons import Miss, MissKind, Reason
from ticketing.admission.rules import UNLISTED_MAX, CutOff, EntryRules, Unlisted


def decide_alone(
    decision: Admit | Refuse, facts: LaneFacts, rules: EntryRules, *, unlisted_count: int
) -> Admit | Refuse:
    """The house's policy laid over a gate's own decision. It only ever refuses more.

    `unlisted_count` is how many tickets of the event were let in so before, of which this gate
    knew neither the sale nor the allotment.
    """
    if isinstance(decision, Refuse):
        return decision
    if rules.when_cut_off is CutOff.DENY:
        return Refuse(Reason.CUT_OFF)
    if rules.when_cut_off is CutOff.HOME_GATE_ONLY and not facts.is_home:
        has_home = facts.home_gate is not None
        miss = Miss(MissKind.OTHER_GATE, gate=facts.home_gate) if has_home else None
        return Refuse(Reason.CUT_OFF, miss=miss)
    if is_unlisted(facts) and (rules.unlisted is Unlisted.DESK or unlisted_count >= UNLISTED_MAX):
        return Refuse(Reason.NOT_IN_ALLOTMENT)
    return decision


def is_unlisted(facts: LaneFacts) -> bool:
    """Whether the code alone speaks for the ticket: no row, and no allotment that vouches."""
    return facts.row is None and facts.allotment is None
