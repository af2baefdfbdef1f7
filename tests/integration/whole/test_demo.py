"""The demo is the suite's main path: what a newcomer runs first must never be red."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ticketing.code import TicketCode, parse_code


@pytest.mark.timeout(300)
def test_one_tickets_whole_life_ends_in_agreement(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "--folder", str(folder), "--theme", "dark"],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["passed"]
    assert len(summary["checks"]) >= 15
    admitted = [line["ticket"] for line in summary["decisions"] if line["decision"] == "admit"]
    assert len(set(admitted)) == len(admitted) == 7
    papers = [path.read_text("utf-8") for path in (folder / "tickets").glob("*.txt")]
    printed = [_ticket_on(paper) for paper in papers if "[QR " in paper]
    assert len(set(printed)) == len(printed) == 8, "a paper for each ticket"
    assert set(admitted) < set(printed), "the gate lets in what was printed, and nothing else"
    assert len([paper for paper in papers if "Z 报表" in paper]) == 1
    assert len(list((folder / "screens").glob("*.png"))) >= 7


def _ticket_on(paper: str) -> str:
    """The ticket whose code stands on a paper."""
    (text,) = re.findall(r"\[QR (\S+)\]", paper)
    code = parse_code(text)
    assert isinstance(code, TicketCode), code
    return str(code.facts.ticket_id)
