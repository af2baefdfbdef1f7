"""How well codes are read: `python -m tests.bench.decode [--images 1400] [--codeless 1050]`.

Our own tickets (paper and phone), spoilt by seed in fourteen ways, half of each so badly that
people would move the ticket; and frames without a code that look as if they had one. Each is read
twice: as a lane reads one frame (`lane_ratio`), and as `boxgate-gate decode` reads a picture
(`decode_ratio`). A reading of any other text counts as false, and so does any in a codeless frame.

`--save FOLDER` writes the frames there too, to look at, or to give to `boxgate-gate decode`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from hardware.qr import CascadeDecoder
from hardware.qr.stills import decode_still
from tests.bench._codeless import CODELESS, codeless
from tests.bench._degraded import KINDS, View, view
from tests.fakes.frames import Pixels

FIRST_SEED = 100_000
"""The seeds below are for tests and for choosing between decoders."""


@dataclass
class Tally:
    """What became of the frames of one kind."""

    shown_count: int = 0
    lane_count: int = 0
    decode_count: int = 0
    false_count: int = 0
    decode_s: float = 0.0
    by: Counter[str] = field(default_factory=Counter)

    def count(self, seen: View) -> None:
        """Read one frame both ways and note the outcome."""
        self.shown_count += 1
        lane = CascadeDecoder().decode(seen.grey).readings
        began = time.perf_counter()
        still = decode_still(seen.grey).readings
        self.decode_s += time.perf_counter() - began
        wrong = [one for one in (*lane, *still) if one.text not in seen.texts]
        self.false_count += bool(wrong)
        self.lane_count += bool(lane)
        self.decode_count += bool(still)
        self.by.update(reading.decoder for reading in still[:1])


def tally(kind: str, seeds: range) -> Tally:
    """Read the frames of `kind` that belong to `seeds`."""
    found = Tally()
    for seed in seeds:
        found.count(view(kind, seed))
    return found


def tally_codeless(kind: str, seeds: range) -> Tally:
    """Read the codeless frames of `kind` that belong to `seeds`."""
    found = Tally()
    for seed in seeds:
        found.count(View(codeless(kind, seed), ()))
    return found


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.decode")
    parser.add_argument("--images", type=int, default=1_400, help="tickets over all kinds")
    parser.add_argument("--codeless", type=int, default=1_050, help="frames without a code")
    parser.add_argument("--save", type=Path, metavar="FOLDER")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    each = range(FIRST_SEED, FIRST_SEED + -(-options.images // len(KINDS)))
    empty = range(FIRST_SEED, FIRST_SEED + -(-options.codeless // len(CODELESS)))
    if options.save is not None:
        _save(options.save, each, empty)
    print(f"   {'':<16}{'shown':>7}{'lane':>8}{'decode':>8}{'false':>7}{'ms':>8}  read by")
    tickets = {kind: _reported(kind, tally(kind, each)) for kind in KINDS}
    none = {kind: _reported(kind, tally_codeless(kind, empty)) for kind in CODELESS}
    print(json.dumps(_summary(tickets, none)))


def _reported(kind: str, found: Tally) -> Tally:
    shown = found.shown_count
    rates = "".join(f"{count / shown:>8.3f}" for count in (found.lane_count, found.decode_count))
    by = ", ".join(f"{name} {count}" for name, count in found.by.most_common())
    took_ms = found.decode_s * 1000 / shown
    print(f"   {kind:<16}{shown:>7}{rates}{found.false_count:>7}{took_ms:>8.1f}  {by}", flush=True)
    return found


def _summary(tickets: dict[str, Tally], none: dict[str, Tally]) -> dict[str, object]:
    shown = sum(each.shown_count for each in tickets.values())
    return {
        "images": shown,
        "lane_ratio": round(sum(each.lane_count for each in tickets.values()) / shown, 4),
        "decode_ratio": round(sum(each.decode_count for each in tickets.values()) / shown, 4),
        "kinds": {
            kind: round(each.decode_count / each.shown_count, 4) for kind, each in tickets.items()
        },
        "wrong_reads": sum(each.false_count for each in tickets.values()),
        "codeless_images": sum(each.shown_count for each in none.values()),
        "false_reads": sum(each.false_count for each in none.values()),
    }


def _save(folder: Path, seeds: range, empty: range) -> None:
    for kind in KINDS:
        for seed in seeds:
            _write(folder / f"{kind}-{seed}.png", view(kind, seed).grey)
    for kind in CODELESS:
        for seed in empty:
            _write(folder / f"no-code-{kind}-{seed}.png", codeless(kind, seed))


def _write(path: Path, grey: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), grey), path


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
