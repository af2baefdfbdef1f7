"""Reading QR codes in pictures: `Eye` for cameras, `decode_image_file` for files."""

from __future__ import annotations

from hardware.qr.cascade import CascadeDecoder
from hardware.qr.choice import Choice, SeveralCodes, choose
from hardware.qr.decoder import Corners, Decoder, Found, Grey, Reading, as_grey
from hardware.qr.eye import Eye, Sight
from hardware.qr.hints import Hint
from hardware.qr.stills import ImageResult, decode_image_file
from hardware.qr.zbar import PyzbarDecoder, load_pyzbar
from hardware.qr.zxing import ZxingDecoder

__all__ = [
    "CascadeDecoder",
    "Choice",
    "Corners",
    "Decoder",
    "Eye",
    "Found",
    "Grey",
    "Hint",
    "ImageResult",
    "PyzbarDecoder",
    "Reading",
    "SeveralCodes",
    "Sight",
    "ZxingDecoder",
    "as_grey",
    "choose",
    "decode_image_file",
    "load_pyzbar",
]
