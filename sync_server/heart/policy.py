"""What a venue may decide per event; safety never rests on it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from ticketing.returns import ResellPolicy
from ticketing.sizing import OFFLINE_COVER_MIN
from ticketing.terms import (
    DEFAULT_CAPS,
    DEFAULT_TERMS,
    DRIFT_MAX,
    WRITE_OFF_MARGIN_S,
    Terms,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Terms of allotments and returns. `rho` is the drift that clocks are trusted with."""

    soft_s: int = DEFAULT_TERMS.soft_s
    hard_s: int = DEFAULT_TERMS.hard_s
    rho: float = DRIFT_MAX
    margin_s: int = WRITE_OFF_MARGIN_S
    limited_tickets: int = DEFAULT_CAPS.tickets_max  # a till cut off beyond `soft_s` sells at most
    limited_minor: int = DEFAULT_CAPS.amount_max_minor
    offline_cover_min: int = OFFLINE_COVER_MIN
    resell_seats: ResellPolicy = ResellPolicy.WHEN_GATES_ACKED
    resell_standing: ResellPolicy = ResellPolicy.NOW

    def resell(self, *, standing: bool) -> ResellPolicy:
        """When a returned place may be sold again."""
        return self.resell_standing if standing else self.resell_seats


def policy_from_json(text: str) -> Policy:
    """The policy a document holds; what it does not name has its default. ValueError when wrong."""
    raw = json.loads(text)
    kinds = {field.name: field for field in fields(Policy)}
    if not isinstance(raw, dict) or not set(raw) <= set(kinds):
        raise ValueError(f"a policy has only these: {', '.join(sorted(kinds))}")
    for name in ("resell_seats", "resell_standing"):
        if name in raw:
            raw[name] = ResellPolicy(raw[name])
    policy = Policy(**raw)
    Terms(policy.soft_s, policy.hard_s)  # refuses what are no terms
    if not 0 < policy.rho < 0.5 or policy.margin_s < 0 or policy.offline_cover_min < 1:
        raise ValueError("a policy needs 0 < rho < 0.5, margin_s >= 0 and offline_cover_min >= 1")
    return policy


def policy_to_json(policy: Policy) -> str:
    """The policy as its document."""
    return json.dumps(asdict(policy), sort_keys=True)
