"""The first decoder: zxing-cpp, on every frame.

On 1204 codes in public photographs it read 71.6 %, pyzbar 33.6 % and OpenCV's own detectors at
most 32.5 %, at a ninth of pyzbar's cost for a 720p frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import zxingcpp

from hardware.qr.decoder import NOTHING, Found, Reading

if TYPE_CHECKING:
    from hardware.qr.decoder import Corners, Grey

# Micro and rectangular codes are in this family. They are not taken, but what looks like one that
# is damaged is most often a ticket that is: of 12 thumbs on codes, 12 are suspected so, else 2.
_QR_CODES: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


class ZxingDecoder:
    """zxing-cpp, restricted to QR codes; a code with errors in it is reported as suspected."""

    name: Final = "zxing-cpp"

    def __init__(self) -> None:
        self.failures_count = 0

    def decode(self, grey: Grey) -> Found:
        """Everything zxing-cpp finds in `grey`; its exceptions are counted and mean nothing found.

        A visitor chooses what the camera sees, so whatever the library raises must not stop a lane.
        """
        try:
            return self._decode(grey)
        except Exception:  # noqa: BLE001 - see above: the picture is hostile input to foreign code
            self.failures_count += 1
            return NOTHING

    def _decode(self, grey: Grey) -> Found:
        # Downscaling is what reads phones held close (10 of 40 without it); inverting reads dark
        # mode for 0.3 ms; other symbologies would cost 12 times the time and read till receipts.
        results = zxingcpp.read_barcodes(
            grey,
            formats=_QR_CODES,
            text_mode=zxingcpp.TextMode.Plain,
            try_downscale=True,
            try_invert=True,
            return_errors=True,
        )
        readings = tuple(
            Reading(result.text, self.name, _corners(result.position))
            for result in results
            if result.valid and result.text and result.format == zxingcpp.BarcodeFormat.QRCode
        )
        return Found(readings, suspected=any(result.error is not None for result in results))


def _corners(position: zxingcpp.Position) -> Corners:
    round_the_code = (
        position.top_left,
        position.top_right,
        position.bottom_right,
        position.bottom_left,
    )
    a, b, c, d = ((float(point.x), float(point.y)) for point in round_the_code)
    return a, b, c, d
