"""What a camera lane costs: `python -m tests.bench.camera [--seconds 10] [--shown 60]`.

Frames of 1280 x 720 come packed (JPEG, about 100 KB) at 30 a second, as from a USB camera, through
the gate's own camera thread and eye; barrier and decision are not part of it.

- `empty_cpu_ratio`: the share of one core while nobody is there; `busy_cpu_ratio`, while something
  without a code moves in every frame; `code_cpu_ratio`, while a ticket is held up all the time.
- `frame_ms`, `code_frame_ms`: processor time to unpack and decode one frame without, with a code.
- `missed_count`, `delay_frames_max`: of tickets held up to an idle lane, small and dim, how many
  were missed and how many frames later at most they were read than by a decoder of every frame.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from tests.bench._camera import (
    busy_frames,
    code_frames,
    cpu_ratios,
    empty_frames,
    milliseconds_a_frame,
    passed_over,
    watch,
)


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.camera")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--shown", type=int, default=60)
    options = parser.parse_args(argv)
    found = cpu_ratios(options.seconds)
    found["busy_cpu_ratio"] = watch(busy_frames(), options.seconds).cpu_ratio
    found["frame_ms"] = milliseconds_a_frame(empty_frames() * 5)
    found["code_frame_ms"] = milliseconds_a_frame(code_frames() * 5)
    found.update(asdict(passed_over(options.shown)))
    for name, value in found.items():
        print(f"   {name:<20} {value:>8.3f}")
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
