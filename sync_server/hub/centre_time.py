"""What the centre's clock shows, as far as a hub can tell; rather too late than too early.

Tills below count by it how long they may sell what the centre granted before the hub passed it on.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field

from edge.env import Env
from ticketing.terms import DRIFT_MAX, Anchor, elapsed_s


@dataclass(slots=True)
class CentreTime:
    """Kept by the last greeting, also over a restart. Any thread may ask."""

    env: Env
    _told: tuple[Anchor, int] | None = field(default=None)

    def moment(self) -> Anchor:
        """Now, by all that we can measure time with."""
        return Anchor(self.env.monotonic_s(), self.env.boot_id(), self.env.wall_ms(), 0)

    def note(self, sent: Anchor, told_ms: int) -> None:
        """The centre said that it is `told_ms`, in answer to what was sent then."""
        self._told = (sent, told_ms)

    def now_ms(self) -> int:
        """At least what its clock shows; 0 when that is not known."""
        if self._told is None:
            return 0
        anchor, told_ms = self._told
        passed_s = elapsed_s(anchor, self.moment())
        if passed_s is None:
            return 0
        return told_ms + math.ceil(passed_s * 1000 * (1 + DRIFT_MAX) / (1 - DRIFT_MAX))

    def to_text(self) -> str:
        """As it is kept."""
        return json.dumps([asdict(self._told[0]), self._told[1]] if self._told else [])

    def restore(self, text: str) -> None:
        """Take up what was kept."""
        kept = json.loads(text)
        self._told = (Anchor(**kept[0]), kept[1]) if kept else None
