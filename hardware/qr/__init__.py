"""Reading QR codes in pictures: `CascadeDecoder` for cameras, `decode_image_file` for files."""

from __future__ import annotations

from hardware.qr.cascade import CascadeDecoder
from hardware.qr.decoder import Corners, Decoder, Found, Grey, Reading, as_grey
from hardware.qr.stills import ImageResult, decode_image_file
from hardware.qr.zbar import PyzbarDecoder, load_pyzbar
from hardware.qr.zxing import ZxingDecoder

__all__ = [
    "CascadeDecoder",
    "Corners",
    "Decoder",
    "Found",
    "Grey",
    "ImageResult",
    "PyzbarDecoder",
    "Reading",
    "ZxingDecoder",
    "as_grey",
    "decode_image_file",
    "load_pyzbar",
]
