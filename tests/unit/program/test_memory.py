"""How a program that runs for weeks keeps its memory."""

from __future__ import annotations

import gc
import subprocess
import sys

from program.memory import give_back, modules_left_alone

_GATE = """
import gate_agent.agent
from program.memory import modules_left_alone
with modules_left_alone():
    pass
"""


def test_modules_are_left_alone_only_meanwhile() -> None:
    before = gc.get_freeze_count()
    with modules_left_alone():
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() == 0


def test_a_gate_that_ends_says_nothing_of_what_was_left_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GATE], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""


def test_giving_memory_back_harms_nothing() -> None:
    give_back()
