"""Exit codes: stable numbers, each explained."""

from __future__ import annotations

from program.exit_codes import ExitCode, explain


def test_the_numbers_never_change() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "SETTINGS": 3,
        "STORAGE": 4,
        "UNREACHABLE": 5,
        "REFUSED": 6,
        "ALREADY": 7,
        "INPUT": 8,
        "DEVICE": 9,
        "BUSY": 10,
        "UNWELL": 11,
        "INTERRUPTED": 130,
        "PIPE_CLOSED": 141,
    }


def test_every_code_is_explained_on_a_line_of_its_own() -> None:
    lines = explain().splitlines()
    assert len(lines) == 1 + len(ExitCode)
    for code, line in zip(ExitCode, lines[1:], strict=True):
        assert line.split(maxsplit=1) == [str(int(code)), code.meaning]
