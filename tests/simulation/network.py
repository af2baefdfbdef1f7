"""The network: every message may be lost, doubled, late, or out of order, each way for itself."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.fibers import Clockwork
from tests.simulation.mix import Mix

Link = tuple[str, str]
SERVER = "server"


class Network:
    """Directed links between named machines."""

    def __init__(self, works: Clockwork, mix: Mix) -> None:
        self._works, self._mix = works, mix
        self.cut: dict[Link, int] = {}
        self.healed = False

    def send(self, source: str, target: str, deliver: Callable[[], object]) -> None:
        """Have a message arrive, perhaps."""
        rng, mix = self._works.rng, self._mix
        if self.cut.get((source, target)):
            return
        copies = 1
        if not self.healed:
            if rng.random() < mix.drop:
                return
            copies += rng.random() < mix.duplicate
        for _copy in range(copies):
            self._works.after(self._delay_s(), lambda: self._arrive((source, target), deliver))

    def _delay_s(self) -> float:
        rng, mix = self._works.rng, self._mix
        if self.healed:
            return 0.01
        if rng.random() < mix.straggle:
            return rng.expovariate(1 / 8)
        return rng.expovariate(1 / mix.latency_s)

    def _arrive(self, link: Link, deliver: Callable[[], object]) -> None:
        if not self.cut.get(link):
            deliver()

    def part(self, links: tuple[Link, ...], seconds: float) -> None:
        """Cut links for a while."""
        for link in links:
            self.cut[link] = self.cut.get(link, 0) + 1
        self._works.after(seconds, lambda: self._mend(links))

    def _mend(self, links: tuple[Link, ...]) -> None:
        for link in links:
            self.cut[link] = max(0, self.cut[link] - 1)

    def heal(self) -> None:
        """From now on everything arrives."""
        self.healed = True
        self.cut = dict.fromkeys(self.cut, 0)
