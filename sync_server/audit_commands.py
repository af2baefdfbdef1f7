"""The command `audit`: what was done in the house, as a file, and whether any of it was changed."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.auditing import fault_of, move, records
from sync_server.commands import OpenHouse, opened_house
from sync_server.services.audit import Record, broken_at, from_line, head_message, to_line
from sync_server.services.house import read_meta
from sync_server.settings import Settings
from sync_server.store.audit import AuditStore
from sync_server.store.database import read_only
from sync_server.terminal import say
from ticketing.keys import is_signed, sign

LINE_CHARS_MAX = 64 * 1024


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the command; gives the parsers of its two parts."""
    audit = parsers.add_parser(
        "audit",
        help="what was done in the house: export it, verify that nothing of it was changed",
        description="The record of who did what: signed in, enrolled, revoked, wrote off, changed.",
    )
    parts = audit.add_subparsers(title="parts", metavar="PART", required=True)
    export = parts.add_parser(
        "export",
        help="write all of it to a new file, signed by the server's key",
        description="One JSON object a line; the last one has the server's signature.",
    )
    export.add_argument("file", type=Path, metavar="FILE")
    export.set_defaults(command=_export)
    verify = parts.add_parser(
        "verify",
        help="whether every record follows the one before and none is gone",
        description="Check the audit itself, or an exported FILE of this house.",
    )
    verify.add_argument("file", type=Path, metavar="FILE", nargs="?")
    verify.set_defaults(command=_verify)
    return [audit, export, verify]


def _export(settings: Settings, options: argparse.Namespace) -> int:
    with opened_house(settings) as opened:
        store = AuditStore(settings.database)
        try:
            move(opened.engine, store)
            count = _write(opened, store, options.file)
        finally:
            store.close()
    say(f"{options.file}: {count} records, signed by key {opened.keys.fingerprints()['node']}")
    return ExitCode.OK


def _write(opened: OpenHouse, store: AuditStore, file: Path) -> int:
    seq, head_hash = 0, ""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ProgramError(
            f"{file} exists already; nothing was written", ExitCode.REFUSED
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as target:
        for record in records(store):
            target.write(json.dumps(to_line(record), ensure_ascii=False) + "\n")
            seq, head_hash = record.seq, record.hash
        signature = sign(opened.keys.node, head_message(seq, head_hash))
        end = {"head": seq, "hash": head_hash, "signature": signature.hex()}
        target.write(json.dumps(end) + "\n")
        target.flush()
        os.fsync(target.fileno())
    return seq


def _verify(settings: Settings, options: argparse.Namespace) -> int:
    with opened_house(settings) as opened:
        fault = _fault_of_house(opened, settings) if options.file is None else ""
        if options.file is not None:
            fault = _fault_of_file(options.file, opened.keys.node_public)
    if fault:
        raise ProgramError(f"the audit is not what it was: {fault}", ExitCode.UNWELL)
    say("every record follows the one before it, and none is gone")
    return ExitCode.OK


def _fault_of_house(opened: OpenHouse, settings: Settings) -> str:
    store = AuditStore(settings.database)
    try:
        move(opened.engine, store)
        with read_only(opened.engine).connect() as connection:
            meta = read_meta(connection)
        return fault_of(store, meta)
    finally:
        store.close()


def _fault_of_file(file: Path, server_public: bytes) -> str:
    end: dict[str, object] = {}

    def lines() -> Iterator[Record]:
        with file.open(encoding="utf-8") as source:
            while line := source.readline(LINE_CHARS_MAX):
                said = json.loads(line)
                if not isinstance(said, dict) or end:
                    raise ValueError
                record = from_line(said)
                if record is None:
                    end.update(said)
                else:
                    yield record

    try:
        broken, (seq, head_hash) = broken_at(lines())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no export of an audit"
        raise ProgramError(f"{file}: {reason}", ExitCode.INPUT) from error
    if broken is not None:
        return f"record {broken} does not follow the one before it, or was changed"
    message = head_message(seq, head_hash if seq else "")
    if end.get("head") != seq or not is_signed(server_public, _signature(end), message):
        return "its end is not signed by this server: records may be missing"
    return ""


def _signature(end: dict[str, object]) -> bytes:
    given = end.get("signature")
    try:
        return bytes.fromhex(given) if isinstance(given, str) else b""
    except ValueError:
        return b""
