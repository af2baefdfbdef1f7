"""What a venue may decide per event; safety never rests on it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum


class Resell(StrEnum):
    """When a returned seat may be sold again."""

    NOW = "now"
    WHEN_GATES_ACKED = "when_gates_acked"  # once every active gate knows the old ticket is void


@dataclass(frozen=True, slots=True)
class Policy:
    """Terms of allotments and returns. `rho` is the drift that clocks are trusted with."""

    soft_s: int = 4 * 3600
    hard_s: int = 24 * 3600
    rho: float = 0.01
    margin_s: int = 60
    limited_tickets: int = 50  # a till cut off beyond `soft_s` sells at most so many
    limited_minor: int = 2_000_000
    offline_cover_min: int = 120
    resell_seats: Resell = Resell.WHEN_GATES_ACKED
    resell_standing: Resell = Resell.NOW
    gate_silent_s: int = 15 * 60


def policy_from_json(text: str) -> Policy:
    """The policy a document holds; what it does not name has its default. ValueError when wrong."""
    raw = json.loads(text)
    kinds = {field.name: field for field in fields(Policy)}
    if not isinstance(raw, dict) or not set(raw) <= set(kinds):
        raise ValueError(f"a policy has only these: {', '.join(sorted(kinds))}")
    for name in ("resell_seats", "resell_standing"):
        if name in raw:
            raw[name] = Resell(raw[name])
    policy = Policy(**raw)
    if not 0 < policy.rho < 0.5 or not 0 <= policy.soft_s <= policy.hard_s:
        raise ValueError("a policy needs 0 < rho < 0.5 and 0 <= soft_s <= hard_s")
    return policy


def policy_to_json(policy: Policy) -> str:
    """The policy as its document."""
    return json.dumps(asdict(policy), sort_keys=True)
