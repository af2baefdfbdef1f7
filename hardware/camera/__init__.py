"""Cameras: always the newest frame, and a camera that vanishes is waited for."""

from __future__ import annotations

from hardware.camera.grabber import Camera, CameraState
from hardware.camera.source import Frame, FrameSource, make_source

__all__ = ["Camera", "CameraState", "Frame", "FrameSource", "make_source"]
