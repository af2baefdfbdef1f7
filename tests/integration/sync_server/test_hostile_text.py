"""Whatever somebody types into the console's addresses and forms is text, and nothing else.

Every page is asked by every name that the console's code reads, each time with the same hostile text
in all of them: no fault of the server, nothing of it in a page as it was, no header of its own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient

from sync_server import console
from sync_server.app import all_routes
from tests.integration.sync_server.support import PersonAtTest

Client = TestClient[Any, Any]
MARK = "<img src=x onerror=bx>"
TEXTS = {
    "sql": "' OR '1'='1'; DROP TABLE person; --",
    "html": f"\"'>{MARK}</script><script>bx()</script>",
    "formula": f'=HYPERLINK("http://bx.example"){MARK}',
    "lines": f"a\r\nX-Bx: 1\r\n\r\n{MARK}",
    "nul": f"\0{MARK}",
    "long": "9" * 90,
    "path": "../../../../etc/passwd",
    "digits of others": "²٣\N{RIGHT-TO-LEFT OVERRIDE}",
}
LEFT_OUT = ("/console/logout", "/console/live")
"""The one ends the visit, the other never ends."""


def names() -> list[str]:
    """Every name by which the console's code reads a query or a form."""
    sources = Path(console.__file__).parent.glob("*.py")
    read = re.compile(r'(?:form|query|typed)(?:\.get\(|\[)"([a-z_]+)"')
    found = {name for file in sources for name in read.findall(file.read_text(encoding="utf-8"))}
    return sorted(found - {"form_token", "lang"})


@pytest.mark.parametrize("kind", TEXTS)
async def test_hostile_text_stays_text(client: Client, manager: PersonAtTest, kind: str) -> None:
    text, asked, wrong = TEXTS[kind], dict.fromkeys(names(), TEXTS[kind]), []
    assert len(asked) > 20
    token = await manager.form_token("/console/me")
    for route in all_routes():
        if not route.page or route.path in LEFT_OUT or route.path.startswith("/console/login"):
            continue
        for fills in ("1", quote(text[:200], safe="")):
            path = re.sub(r"\{\w+[^}]*\}", fills, route.path)
            if route.method == "GET":
                answer = await client.get(path, params=asked, allow_redirects=False)
            else:
                answer = await manager.post(path, {**asked, "form_token": token})
            async with answer:
                page = (await answer.read()).decode("utf-8", "replace")
            if answer.status >= 500 or MARK in page or "X-Bx" in answer.headers:
                wrong.append(f"{route.method} {path[:120]}: {answer.status}")
    assert not wrong, "\n".join(wrong)
    async with client.get("/console/", allow_redirects=False) as answer:
        assert answer.status == 200, "somewhere on the way the visit ended"
