"""What pages load: styles, scripts and the icon.

Pages name them with a mark of their content. So a browser keeps them and asks for them once,
instead of with every page and before it paints anything; another content has another address.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from program.web_look import theme_css

LOADED_PATH = "/console/static"
_KIND_BY_NAME = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "keys.js": "text/javascript",
    "choose.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
    "theme.css": "text/css",
}
KINDS = tuple(dict.fromkeys(_KIND_BY_NAME.values()))
_KEPT = "public, max-age=31536000, immutable"
_ASKED_FOR = "no-cache"


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file's bytes, its content type, and a mark that changes when they do."""

    data: bytes
    kind: str
    mark: str

    @property
    def tag(self) -> str:
        """The mark as an ETag."""
        return f'"{self.mark}"'

    def kept_by_browsers(self, query: str) -> str:
        """Its Cache-Control where it was asked for by this query: for ever by its own mark."""
        return _KEPT if query == self.mark else _ASKED_FOR


def loaded_file(name: str) -> LoadedFile | None:
    """The file of this name; None when there is none."""
    return _read(name) if name in _KIND_BY_NAME else None


@cache
def _read(name: str) -> LoadedFile:
    if name == "theme.css":
        data = theme_css()
    else:
        data = (resources.files("sync_server.console") / "static" / name).read_bytes()
    return LoadedFile(data, _KIND_BY_NAME[name], hashlib.sha256(data).hexdigest()[:16])


def loaded(name: str) -> str:
    """Where pages load a file from; one of those that there are."""
    return f"{LOADED_PATH}/{name}?{_read(name).mark}"
