"""The picture files that a person means by naming files and folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".pbm", ".pgm", ".ppm", ".pnm"}
)
# Somebody who names the root of a disk by mistake is to hear of it within a minute.
FILES_COUNT_MAX: Final = 200_000


def picture_paths(named: Iterable[Path]) -> Iterator[Path]:
    """Each file as it is named, and of each folder all pictures in it and below, in name order.

    In a folder, names that begin with a dot and those without a picture's suffix are passed over,
    and links to folders are not followed. A folder in which there is no picture comes as itself:
    it is no picture, and whoever reads it says so.
    """
    for path in named:
        if not path.is_dir():
            yield path
            continue
        found = _pictures_below(path)
        yield from sorted(found) or [path]


def _pictures_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    seen_count = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        seen_count += len(files)
        found += [Path(parent, name) for name in files if _is_picture(name)]
        if seen_count > FILES_COUNT_MAX:
            break
    return found


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
