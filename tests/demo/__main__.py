"""`make demo`: one ticket's whole life, step by step, on the real programs.

    python -m tests.demo [--keep] [--folder DIR] [--language zh_CN|en] [--theme light|dark]

Exits non-zero when anything disagrees. Leaves pictures, tickets, logs and summary.json.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.demo.programs import DemoFailed
from tests.demo.stage import Stage
from tests.demo.story import PERFORMANCE, Story

DEFAULT_FOLDER = Path("demo-output")


def main() -> int:
    """Play the story; 0 when every check holds."""
    options = _options()
    for ending in (signal.SIGINT, signal.SIGTERM):  # what was started ends too
        signal.signal(ending, signal.default_int_handler)
    folder: Path = options.folder.absolute()
    if folder.exists():
        shutil.rmtree(folder)
    began_s = time.monotonic()
    with Stage(folder, PERFORMANCE) as stage:
        story = Story(stage, options.language, options.theme)
        try:
            story.play()
        except DemoFailed as failure:
            print(f"\n  FAILED: {failure}\n  Logs: {folder / 'logs'}", flush=True)
            story.write_summary(time.monotonic() - began_s, str(failure))
            story.picture_of_failure()
            return 1
        passed = story.write_summary(time.monotonic() - began_s)
        print(f"\n  {'Everything agrees' if passed else 'SOMETHING DISAGREES'}", end="")
        print(f", after {time.monotonic() - began_s:.0f} s. Look at it: {folder}", flush=True)
        if options.keep:
            _keep(stage)
    return 0 if passed else 1


def _keep(stage: Stage) -> None:
    manager = stage.init["manager"]
    print(f"\n  The manager's page: {stage.url}/console/")
    print(
        f"  Sign in as {manager['login']} with {manager['password']}. Ctrl-C ends it.", flush=True
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server and console running")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--language", choices=("zh_CN", "en"), default="zh_CN")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
