"""Runs the measurements: `python -m tests.bench [NAME...]`, or one alone: `-m tests.bench.NAME`.

A measurement is a module here with a `main()` that prints what it found; its last line is one
JSON object. It judges nothing: a busy machine makes no red light.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Run the named measurements, or all; 2 when a name is unknown."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    for name in wanted:
        if name not in known:
            print(f"no measurement {name!r}; there are: {', '.join(known) or 'none'}")
            return 2
    for name in wanted or known:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        importlib.import_module(f"tests.bench.{name}").main()
        print(f"   ({time.monotonic() - began:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
