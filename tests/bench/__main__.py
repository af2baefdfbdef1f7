"""Runs the measurements: `python -m tests.bench [NAME...]`.

A measurement is a module `bench_NAME.py` here with a function `measure() -> Iterable[str]` that
yields what it found, line by line. It judges nothing: a busy machine makes no red light.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Run the named measurements, or all; 2 when a name is unknown."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    for name in wanted:
        if name not in known:
            print(f"no measurement {name!r}; there are: {', '.join(known) or 'none'}")
            return 2
    for name in wanted or known:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        for line in importlib.import_module(f"tests.bench.bench_{name}").measure():
            print(f"   {line}", flush=True)
        print(f"   ({time.monotonic() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
