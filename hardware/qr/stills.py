"""Reading the codes of one picture file, with every decoder and without hurry."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from hardware.qr.decoder import Found, Reading
from hardware.qr.imagesize import KNOWN_FORMATS, image_size
from hardware.qr.prepared import (
    PreparedDecoder,
    blur_slightly,
    equalise_locally,
    scaled_by,
    sharpen,
    threshold_locally,
)
from hardware.qr.zbar import load_pyzbar
from hardware.qr.zxing import ZxingDecoder

if TYPE_CHECKING:
    from hardware.qr.decoder import Decoder, Grey

# The largest phone cameras give 50 to 64 megapixels in their usual mode.
IMAGE_PIXELS_MAX: Final = 64_000_000
# An uncompressed picture of that size, four bytes a pixel, and its header.
IMAGE_BYTES_MAX: Final = 4 * IMAGE_PIXELS_MAX + 1_000_000
# The fallbacks look at a picture of a camera frame's size: larger ones cost more and show no more.
FALLBACK_SIDE_PIXELS_MAX: Final = 1600


@dataclass(frozen=True)
class ImageResult:
    """What one picture file held. `error` is a sentence where the file is no readable picture.

    `milliseconds` is the time the decoders took, without reading the file.
    """

    image: str
    codes: tuple[Reading, ...] = ()
    milliseconds: float = 0.0
    error: str | None = None

    @property
    def text(self) -> str | None:
        """The text of the first code, or None without any."""
        return self.codes[0].text if self.codes else None

    @property
    def decoder(self) -> str | None:
        """The decoder that read the first code, or None without any."""
        return self.codes[0].decoder if self.codes else None

    def to_record(self) -> dict[str, Any]:
        """The result as plain values, in the order in which a JSON line shows them."""
        return {
            "image": self.image,
            "text": self.text,
            "decoder": self.decoder,
            "milliseconds": self.milliseconds,
            "codes": [
                {
                    "text": code.text,
                    "decoder": code.decoder,
                    "corners": [[round(x, 1), round(y, 1)] for x, y in code.corners],
                }
                for code in self.codes
            ],
            "error": self.error,
        }


def decode_image_file(path: str | os.PathLike[str]) -> ImageResult:
    """Read every code in the picture at `path`. Total: a bad file is a sentence in `error`."""
    name = os.fspath(path)
    grey = _load_grey(name)
    if isinstance(grey, str):
        return ImageResult(name, error=grey)
    started = time.perf_counter()
    codes = decode_still(grey).readings
    milliseconds = round((time.perf_counter() - started) * 1000, 2)
    return ImageResult(name, codes, milliseconds)


def decode_still(grey: Grey) -> Found:
    """Everything any decoder finds; the fallbacks run unless the first read all that it saw."""
    found = ZxingDecoder().decode(grey)
    if found.readings and not found.suspected:
        return found
    readings = list(found.readings)
    factor = min(1.0, FALLBACK_SIDE_PIXELS_MAX / max(grey.shape))
    for decoder in _still_fallbacks():
        at_working_size = PreparedDecoder(decoder, scaled_by(factor), factor)
        for reading in at_working_size.decode(grey).readings:
            if not any(_same_place(reading, known) for known in readings):
                readings.append(reading)
    return Found(tuple(readings), found.suspected and not readings)


def _still_fallbacks() -> list[Decoder]:
    zxing, pyzbar = ZxingDecoder(), load_pyzbar()
    fallbacks: list[Decoder] = [
        PreparedDecoder(zxing, sharpen),
        PreparedDecoder(zxing, threshold_locally),
        PreparedDecoder(zxing, equalise_locally),
        PreparedDecoder(zxing, blur_slightly),
        PreparedDecoder(zxing, scaled_by(0.5), 0.5),
        PreparedDecoder(zxing, scaled_by(1.5), 1.5),
    ]
    if pyzbar is not None:
        fallbacks += [
            PreparedDecoder(pyzbar, blur_slightly),
            PreparedDecoder(pyzbar, scaled_by(2.0), 2.0),
            PreparedDecoder(pyzbar, threshold_locally),
            pyzbar,
        ]
    return fallbacks


def _same_place(one: Reading, other: Reading) -> bool:
    """Whether the centre of `one` lies in the box around `other`: the same code, read twice."""
    x, y = one.centre
    across = [corner[0] for corner in other.corners]
    down = [corner[1] for corner in other.corners]
    return min(across) <= x <= max(across) and min(down) <= y <= max(down)


def _load_grey(name: str) -> Grey | str:
    """The picture at `name` as one byte a pixel, or a sentence saying why there is none."""
    data = _load_bytes(name)
    if isinstance(data, str):
        return data
    size = image_size(data)
    if size is None:
        return f"this is not a picture in a known format ({KNOWN_FORMATS})"
    width, height = size
    if width * height > IMAGE_PIXELS_MAX:
        limit = f"{IMAGE_PIXELS_MAX // 1_000_000} megapixels are the limit"
        return f"the picture is too large: {width} x {height} pixels; {limit}"
    try:
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        grey = None
    if grey is None or grey.size == 0:
        return "the picture is damaged: nothing in it can be unpacked"
    return np.asarray(grey, np.uint8)


def _load_bytes(name: str) -> bytes | str:
    try:
        path = Path(name)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return "this is a folder, not a picture"
        if not stat.S_ISREG(status.st_mode):
            return "this is not a regular file"
        if status.st_size == 0:
            return "the file is empty"
        if status.st_size > IMAGE_BYTES_MAX:
            return f"the file is too large: {status.st_size} bytes; {IMAGE_BYTES_MAX} are the limit"
        return path.read_bytes()
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"the file cannot be read: {error.strerror or error}"
    except ValueError:
        return "this is not a file name"
