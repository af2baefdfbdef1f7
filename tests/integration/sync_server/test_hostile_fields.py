"""One hostile text at a time, in a form that is right but for it: what is taken is shown as text.

`test_hostile_text` fills every field with the same nonsense, which most forms refuse at the first
of them. Here each field has its turn, so that the text reaches the database and every page, table
and paper that shows it.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pypdf
import pytest
from aiohttp.test_utils import TestClient
from markupsafe import escape

from sync_server.console.figures import FIGURES
from sync_server.console.performance_paths import NEW_EVENT_PATH
from sync_server.handlers.state import CENTRE
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.source import run_in
from sync_server.heart.work import Work
from sync_server.services.agencies import read_agencies
from sync_server.services.catalogue import PlanShelf
from tests.integration.sync_server.console_forms import deeds
from tests.integration.sync_server.stage import Doing
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, PersonAtTest

Client = TestClient[Any, Any]
EVENT = "swan-lake"
MARK = "<img src=x onerror=bx>"
EVENTS, SEATS = "/console/events", "/console/performances/1/seats"
PARTS = f"{EVENTS}/{EVENT}/parts"
AGENCY = "/console/agencies/one"
CASE = f"/console/cases/one?of={EVENT}&case={quote('pool:order:early')}"
BOOKS = f"/console/accounts?by=performance&of={EVENT}/1"
PEOPLE, NODES = "/console/people", "/console/nodes"
NAMES = {"name.zh": "名", "name.en": "Name"}


NOT_TEXT = {"own_password", "agency", "until_date", "until_time"}


def hostile(number: int) -> str:
    """At most 40 characters, no two alike: a formula, an end of an attribute, and a picture."""
    return f"=1+{number}\"'>{MARK}"


@dataclass(frozen=True)
class Form:
    """A form: where it is, what is right in it, and which of its fields take any text.

    `shows`: pages that show what was taken. A `#` in what is right becomes a number, where two of
    the same may not be. The other fields refuse the text.
    """

    path: str
    page: str
    right: dict[str, str]
    takes: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


FORMS = (
    Form("/console/agencies/add", "/console/agencies", {"name": "N#"}, ("name",), (NODES, PEOPLE)),
    Form(f"{AGENCY}/rename", f"{AGENCY}?id=AGENCY", {"name": "N#"}, ("name",), (NODES,)),
    Form(f"{AGENCY}/limit", f"{AGENCY}?id=AGENCY", {"event": EVENT, "most": "9"}),
    Form(
        f"{NODES}/enrol",
        NODES,
        {"name": "N#", "role": "till", "minutes": "60", "agency": "", "own_password": "PASSWORD"},
        ("name",),
        (NODES,),
    ),
    Form(f"{NODES}/min-version", NODES, {"version": "0.0.1", "own_password": "PASSWORD"}),
    Form(
        f"{NODES}/one/gone",
        f"{NODES}/one?id=NODE",
        {"how": "lost", "reason": "x", "own_password": "PASSWORD"},
        ("reason",),
    ),
    Form(
        f"{PEOPLE}/add",
        PEOPLE,
        {
            "login": "l#",
            "name": "N",
            "role": "auditor",
            "scope": "venue",
            "own_password": "PASSWORD",
        },
        ("name",),
        (PEOPLE,),
    ),
    Form(
        f"{SEATS}/block",
        SEATS,
        {
            "area": "stalls-left",
            "rows": "1",
            "seats": "#",
            "owner": "O",
            "reason": "house",
            "note": "n",
            "until_date": "2031-01-01",
            "until_time": "10:00",
        },
        ("owner", "note"),
        (SEATS,),
    ),
    Form(
        f"{SEATS}/change",
        f"{SEATS}?change=BLOCK",
        {"owner": "O", "reason": "house", "note": "n"},
        ("owner", "note"),
        (SEATS,),
    ),
    Form(
        "/console/performances/1/move",
        "/console/performances/1/move?date=2031-01-01&time=19:30&doors=60&runs=120",
        {"date": "2031-01-0#", "time": "19:30", "doors": "60", "runs": "120", "reason": "r"},
        ("reason",),
        ("/console/performances/1",),
    ),
    Form(
        f"{PARTS}/tiers",
        f"{PARTS}/tiers?id=vip",
        NAMES | {"letter": "V", "colour": "1"},
        tuple(NAMES),
        (f"{EVENTS}/{EVENT}/history", f"{EVENTS}/{EVENT}?lang=zh", f"{EVENTS}/{EVENT}?lang=en"),
    ),
    Form(
        f"{PARTS}/entry",
        f"{PARTS}/entry",
        {"entries": "2", "gates": "G", "performances": "1", "reentry": "5"},
        ("gates",),
        (f"{EVENTS}/{EVENT}",),
    ),
    Form(
        f"{EVENTS}/{EVENT}/places",
        f"{EVENTS}/{EVENT}/places",
        {"tier": "vip", "area": "stalls-left", "rows": "1", "seats": "1"},
    ),
    Form(f"{PARTS}/quotas", f"{PARTS}/quotas", {"new_id": "q#", "capacity": "5"}),
    Form(
        NEW_EVENT_PATH,
        f"{NEW_EVENT_PATH}?first=2031-03-01&times=19:30&source={EVENT}&new_id=e0&name.zh=x"
        "&name.en=x&doors=60&runs=120",
        NAMES
        | {
            "new_id": "new#",
            "source": EVENT,
            "first": "2031-03-01",
            "times": "19:30",
            "doors": "60",
            "runs": "120",
        },
        tuple(NAMES),
        (f"{EVENTS}?lang=zh", f"{EVENTS}?lang=en"),
    ),
    Form("/console/cases/one/note", CASE, {"kind": "comment", "value": "v"}, ("value",), (CASE,)),
    Form(
        "/console/cases/one/settle",
        CASE,
        {"disposition": "explained", "why": "w"},
        ("why",),
        (CASE,),
    ),
    Form("/console/accounts/sign", BOOKS, {"note": "n"}, ("note",), (BOOKS,)),
)
"""Case and books at the end: what came before moves their figures."""


@pytest.fixture
async def known(
    client: Client, manager: PersonAtTest, house: HouseOnDisk, till: NodeAtTest
) -> dict[str, str]:
    """The ids that forms name, by their words above."""

    def open_one(work: Work) -> None:
        open_case(work, CaseKind.POOL, "order:early", {"order": "o", "node": "n"})

    await client.app[CENTRE].write(lambda tx: run_in(tx, Doing(EVENT, open_one), PlanShelf()))
    found = {"NODE": till.id, "PASSWORD": house.password}
    agency = Form("/console/agencies/add", "/console/agencies", {"name": "North"})
    hidden = await hidden_fields(client, found, agency)
    assert (await send(manager, found, agency.path, hidden | agency.right))[0] == 303
    (made,) = await client.app[CENTRE].read(read_agencies)
    found["AGENCY"] = made.id
    block = next(each for each in FORMS if each.path == f"{SEATS}/block")
    hidden = await hidden_fields(client, found, block)
    right = block.right | {"rows": "2", "seats": "1"}
    assert (await send(manager, found, block.path, hidden | right))[0] == 303
    async with client.get(SEATS) as response:
        found["BLOCK"] = (await response.text()).partition('name="block" value="')[2][:24]
    found["BLOCK"] = found["BLOCK"].partition('"')[0]
    assert all(found.values())
    return found


async def hidden_fields(client: Client, known: dict[str, str], form: Form) -> dict[str, str]:
    """What the form brings along, as its page has it."""
    async with client.get(with_ids(form.page, known)) as response:
        page = await response.text()
        assert response.status == 200, form.page
    inner = page.partition(f'method="post" action="{form.path}"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', inner))
    assert "form_token" in found, form.page
    return {name: html.unescape(value) for name, value in found.items()}


async def send(
    manager: PersonAtTest, known: dict[str, str], path: str, fields: dict[str, str]
) -> tuple[int, str]:
    """Status and body."""
    filled = {name: with_ids(value, known) for name, value in fields.items()}
    async with await manager.post(path, filled) as response:
        return response.status, await response.text()


def with_ids(text: str, known: dict[str, str]) -> str:
    return re.sub("|".join(known), lambda found: known[found[0]], text) if known else text


async def test_each_field_alone_takes_a_hostile_text_as_text_or_refuses_it(
    client: Client, manager: PersonAtTest, known: dict[str, str], house: HouseOnDisk
) -> None:
    turn, wrong = 0, []
    for form in FORMS:
        hidden: dict[str, str] = {}
        for field in sorted(form.right.keys() - NOT_TEXT):
            turn += 1
            text = hostile(turn)
            right = {k: v.replace("#", str(turn % 9 + 1)) for k, v in form.right.items()}
            hidden = hidden or await hidden_fields(client, known, form)
            fields = hidden | right | {field: text}
            status, page = await send(manager, known, form.path, fields)
            hidden = hidden if status >= 400 else {}  # it is another version now
            said = await shown_otherwise(client, known, form, field, text) if status < 400 else []
            if (status < 400) is not (field in form.takes) or MARK in page or said:
                wrong.append(f"{form.path} {field}: {status} {said}")
    assert not wrong, "\n".join(wrong)
    await look_at_files(client, house)


async def shown_otherwise(
    client: Client, known: dict[str, str], form: Form, field: str, text: str
) -> list[str]:
    """The pages that have not this text as text."""
    found = []
    for path in form.shows:
        if "lang=" in path and field.startswith("name.") and not path.endswith(field[5:]):
            continue
        async with client.get(with_ids(path, known)) as response:
            page = await response.text()
        if MARK in page or str(escape(text)) not in page:
            found.append(path)
    return found


async def look_at_files(client: Client, house: HouseOnDisk) -> None:
    """What tables, papers and the audit have of the event whose name is such a text."""
    books = (await client.app[FIGURES].house()).performances()
    event_id, number = next(each for each in books if each[0].startswith("new"))
    made = {}
    for kind in ("csv", "xlsx", "pdf"):
        path = f"/console/accounts/report.{kind}?by=performance&of={event_id}/{number}&lang=en"
        async with client.get(path) as response:
            made[kind] = await response.read()
    rows = csv.reader(io.StringIO(made["csv"].decode("utf-8-sig")))
    cells = [cell for row in rows for cell in row]
    assert any(MARK in cell for cell in cells)
    assert [cell for cell in cells if cell.startswith("=")] == []
    with zipfile.ZipFile(io.BytesIO(made["xlsx"])) as book:
        sheets = {name: book.read(name).decode() for name in book.namelist()}
    assert MARK in html.unescape(sheets["xl/sharedStrings.xml"])
    assert [name for name, sheet in sheets.items() if MARK in sheet or "<f>" in sheet] == []
    paper = pypdf.PdfReader(io.BytesIO(made["pdf"]))
    assert MARK in "".join(page.extract_text() for page in paper.pages)
    root = str(paper.trailer["/Root"].get_object())
    assert [name for name in ("/JavaScript", "/OpenAction", "/AA") if name in root] == []
    for deed in ("agency_renamed", "places_blocked", "event_changed", "performance_moved"):
        assert MARK in json.dumps(await deeds(client, house, deed))
