"""Network cameras on loopback: an MJPEG stream over HTTP, and RTSP with JPEG in RTP (RFC 2435).

Each does what its `script` says for one visitor after another: a visit is a list of steps, a
picture (bytes of a JPEG), `STALL` (send nothing more, keep the line open) or `HANG_UP`.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

STALL: Final = "stall"
HANG_UP: Final = "hang up"
Step: TypeAlias = bytes | str
Visit: TypeAlias = Sequence[Step]
_STEP_WAIT_S = 0.02
"""Between pictures: fifty a second."""


def jpeg_of(pixels: NDArray[np.uint8]) -> bytes:
    """`pixels` as the baseline JPEG a camera makes (4:2:0, the standard's Huffman tables)."""
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    return data.tobytes()


class Play:
    """What the visitors of a camera get to see; the last visit repeats."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        self._visits = list(visits)
        self.visits_count = 0
        self.over = threading.Event()
        self.sent = threading.Event()
        """Set when a visit's last step was reached."""

    def next_visit(self) -> Visit:
        """The script for whoever comes now."""
        visit = self._visits[min(self.visits_count, len(self._visits) - 1)]
        self.visits_count += 1
        return visit

    def pictures(self, visit: Visit) -> Iterator[bytes]:
        """The pictures of one visit in their time; ends when the line is to be cut."""
        for step in visit:
            if isinstance(step, str):
                self.sent.set()
            if step == STALL:
                self.over.wait()
            if isinstance(step, str) or self.over.is_set():
                return
            yield step
            self.over.wait(_STEP_WAIT_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor that hangs up is no error here."""


@contextmanager
def mjpeg_camera(
    visits: Sequence[Visit],
    *,
    content_type: str = "multipart/x-mixed-replace; boundary=lane",
    authorised_by: str | None = None,
) -> Iterator[tuple[str, Play]]:
    """An MJPEG camera; its URL without `http://`, and its play. Shut down at the end."""
    play = Play(visits)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if authorised_by is not None and self.headers["Authorization"] != authorised_by:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="lane"')
                self.end_headers()
                return
            visit = play.next_visit()
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            for picture in play.pictures(visit):
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                self.wfile.write(f"--lane\r\n{head}\r\n\r\n".encode() + picture + b"\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        yield from _serve(server, play, "")


@contextmanager
def rtsp_camera(visits: Sequence[Visit]) -> Iterator[tuple[str, Play]]:
    """An RTSP camera for RTP over the same TCP connection; address and play as above."""
    play = Play(visits)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while True:
                request = _read_request(self.rfile)
                if not request:
                    return
                method, cseq = request
                self.wfile.write(_rtsp_answer(method, cseq))
                if method == "PLAY":
                    for number, picture in enumerate(play.pictures(play.next_visit())):
                        self.wfile.write(_interleaved(picture, number))
                    return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A visitor that hangs up is no error here."""

    with Server(("127.0.0.1", 0), Handler) as server:
        yield from _serve(server, play, "/lane")


def _serve(server: socketserver.TCPServer, play: Play, path: str) -> Iterator[tuple[str, Play]]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}{path}", play
    finally:
        play.over.set()
        server.shutdown()
        thread.join()


def _read_request(lines: object) -> tuple[str, str] | None:
    """Method and CSeq of an RTSP request (RFC 2326 section 6); None when the client has gone."""
    method, cseq = "", "0"
    while True:
        line = lines.readline(4096)  # type: ignore[attr-defined]  # a socket's file
        if not line:
            return None
        text = line.decode("ascii", "replace").strip()
        if not text and method:
            return method, cseq
        if not method:
            method = text.partition(" ")[0]
        elif text.lower().startswith("cseq:"):
            cseq = text.partition(":")[2].strip()


_SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=lane\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\na=framerate:50\r\na=control:track1\r\n"
)


def _rtsp_answer(method: str, cseq: str) -> bytes:
    head, body = f"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n", ""
    if method == "OPTIONS":
        head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
    elif method == "DESCRIBE":
        body = _SDP
        head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
    elif method == "SETUP":
        head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
    else:
        head += "Session: 1\r\nRange: npt=0-\r\n"
    return f"{head}\r\n{body}".encode()


_RTP_PAYLOAD_BYTES_MAX: Final = 1_400
_RTP_TICKS_PER_PICTURE: Final = 90_000 // 50


def _interleaved(jpeg: bytes, number: int) -> bytes:
    """One picture as RTP packets, each behind `$`, channel and length (RFC 2326 section 10.12)."""
    tables, scan, width, height = _take_apart(jpeg)
    out = bytearray()
    sequence = number * 1_000
    for offset in range(0, len(scan), _RTP_PAYLOAD_BYTES_MAX):
        piece = scan[offset : offset + _RTP_PAYLOAD_BYTES_MAX]
        last = offset + len(piece) == len(scan)
        # RFC 2435 section 3.1: type 1 is 4:2:0, Q 255 means that the tables come along.
        head = struct.pack(">IBBBB", offset, 1, 255, width // 8, height // 8)
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        rtp = struct.pack(
            ">BBHII",
            0x80,
            26 | (0x80 if last else 0),
            (sequence + offset // _RTP_PAYLOAD_BYTES_MAX) & 0xFFFF,
            number * _RTP_TICKS_PER_PICTURE,
            0x626F7867,
        )
        packet = rtp + head + piece
        out += struct.pack(">cBH", b"$", 0, len(packet)) + packet
    return bytes(out)


def _take_apart(jpeg: bytes) -> tuple[bytes, bytes, int, int]:
    """The quantisation tables, the scan, and the size in pixels of a baseline JPEG."""
    tables, at, width, height = b"", 2, 0, 0
    while True:
        marker = jpeg[at + 1]
        (length,) = struct.unpack_from(">H", jpeg, at + 2)
        body = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDB:
            while body:
                tables, body = tables + body[1:65], body[65:]
        elif marker == 0xC0:
            height, width = struct.unpack_from(">HH", body, 1)
        elif marker == 0xDA:
            return tables, jpeg[at:-2], width, height


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
