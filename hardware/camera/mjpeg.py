"""A network camera that sends MJPEG over HTTP."""

from __future__ import annotations

import http.client
import itertools
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from hardware.camera.frame import Frame
from hardware.camera.multipart import MultipartParser, NotMotionJpeg, boundary_of
from hardware.camera.url import without_password
from hardware.errors import DeviceGone, DeviceRefused

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_TIMEOUT_S: Final = 3.0
# The watchdog says after a second that a camera is gone; this lets its reader try again.
READ_TIMEOUT_S: Final = 2.0
_READ_BYTES_MAX: Final = 256 * 1024


class MjpegSource:
    """Reads `http://...` or `https://...`; of pictures that came together only the newest counts.

    A name and password in the URL are used for Basic or Digest access. Proxies of the environment
    are not asked: a camera stands in the house.
    """

    quiet_is_normal: Final = False

    def __init__(self, url: str, *, read_timeout_s: float = READ_TIMEOUT_S) -> None:
        """`url` as `hardware.camera.url` takes it."""
        self.address: Final = without_password(url)
        self._url: Final = _without_user(url)
        self._opener: Final = _make_opener(url, read_timeout_s)
        self._numbers = itertools.count()
        self._answer: http.client.HTTPResponse | None = None
        self._parser = MultipartParser(b"")

    def open(self) -> None:
        """Ask for the stream. DeviceGone without an answer, DeviceRefused where it says no."""
        self.close()
        try:
            self._answer = self._opener.open(self._url, timeout=CONNECT_TIMEOUT_S)
            self._parser = MultipartParser(boundary_of(self._answer.headers["Content-Type"] or ""))
        except urllib.error.HTTPError as error:
            error.close()
            raise DeviceRefused(f"the camera answers {error.code}", self.address) from error
        except NotMotionJpeg as error:
            self.close()
            raise DeviceRefused(str(error), self.address) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise DeviceGone("the camera does not answer", self.address) from error

    def read(self) -> Frame | None:
        """The newest picture among the bytes that came; None when none is whole yet."""
        if self._answer is None:
            raise DeviceGone("the camera is not open", self.address)
        try:
            data = self._answer.read1(_READ_BYTES_MAX)
        except TimeoutError as error:
            raise DeviceGone("no frame comes any more", self.address) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DeviceGone("the connection broke", self.address) from error
        if not data:
            raise DeviceGone("the stream ended", self.address)
        taken = time.monotonic()
        try:
            pictures = self._parser.feed(data)
        except NotMotionJpeg as error:
            raise DeviceGone(str(error), self.address) from error
        return Frame(pictures[-1], next(self._numbers), taken) if pictures else None

    def close(self) -> None:
        """Hang up."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None


def _make_opener(url: str, read_timeout_s: float) -> urllib.request.OpenerDirector:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    parts = urlsplit(url)
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        passwords.add_password(None, _without_user(url), user, password)
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPBasicAuthHandler(passwords),
        urllib.request.HTTPDigestAuthHandler(passwords),
        _Http(read_timeout_s),
        _Https(read_timeout_s),
    )


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _reading_for(
    kind: type[http.client.HTTPConnection], read_timeout_s: float
) -> Callable[..., http.client.HTTPConnection]:
    """Connections of `kind` that wait shorter for bytes than they waited for the connection."""

    class Connection(kind):  # type: ignore[misc, valid-type]  # chosen by the scheme
        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(read_timeout_s)

    return Connection


class _Http(urllib.request.HTTPHandler):
    def __init__(self, read_timeout_s: float) -> None:
        super().__init__()
        self._connection = _reading_for(http.client.HTTPConnection, read_timeout_s)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, read_timeout_s: float) -> None:
        super().__init__()
        self._connection = _reading_for(http.client.HTTPSConnection, read_timeout_s)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)
