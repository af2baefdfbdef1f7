"""Which of OpenCV's wheels is installed; see docs/adr/0002-headless-opencv.md."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = "import os, cv2; print(sorted(n for n in os.environ if n.startswith('QT_')))"


def test_importing_opencv_sets_no_variable_of_qt() -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=plain, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
