"""`boxgate-gate decode`: files and folders, a line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gate_agent.__main__ import main
from hardware.qr.picture_paths import picture_paths
from program.exit_codes import ExitCode
from tests.fakes.frames import render_code, write_frame

TEXT = "BXG1" + "A7" * 40


def decoded(capsys: pytest.CaptureFixture[str], *named: Path) -> tuple[int, list[dict[str, Any]]]:
    code = main(["decode", *map(str, named)])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_folder_is_read_picture_by_picture_in_name_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deeper").mkdir()
    write_frame(tmp_path / "b.png", render_code(TEXT))
    write_frame(tmp_path / "a.jpg", np.full((90, 120), 128, np.uint8))
    write_frame(tmp_path / "deeper" / "c.png", render_code(TEXT))
    code, lines = decoded(capsys, tmp_path)
    assert code == ExitCode.OK
    assert [Path(line["image"]).name for line in lines] == ["a.jpg", "b.png", "c.png"]
    assert [line["text"] for line in lines] == [None, TEXT, TEXT]
    assert [line["decoder"] for line in lines] == [None, "zxing-cpp", "zxing-cpp"]
    assert all(line["milliseconds"] > 0 for line in lines)


def test_what_is_no_picture_has_a_line_and_an_exit_code_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    write_frame(tmp_path / "b.png", render_code(TEXT))
    code, lines = decoded(capsys, tmp_path / "gone.png", tmp_path / "empty", tmp_path / "b.png")
    assert code == ExitCode.INPUT
    assert [line["error"] for line in lines] == [
        "there is no such file",
        "this is a folder, not a picture",
        None,
    ]


def test_only_pictures_of_a_folder_are_meant(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    for name in ("notes.txt", ".thumb.png", ".hidden/x.png", "b.PNG", "a.pgm"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "round").symlink_to(tmp_path)
    assert list(picture_paths([tmp_path])) == [tmp_path / "a.pgm", tmp_path / "b.PNG"]
    named = tmp_path / "notes.txt"
    assert list(picture_paths([named, named])) == [named, named]
