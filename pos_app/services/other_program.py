"""Starting this program once more, beside the one that runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from program.logs import get_logger

_log = get_logger(__name__)


def start_beside(words: Sequence[str]) -> bool:
    """Start `boxgate-pos WORDS` as a process that lives on its own; False when it can't be."""
    try:
        subprocess.Popen(  # noqa: S603 - our own program, with our own words
            [sys.executable, "-m", "pos_app", *words],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        _log.error("training_not_started", error=str(error))
        return False
    return True
