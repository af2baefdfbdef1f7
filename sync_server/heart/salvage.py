"""Salvage: the whole log of a journal that was fenced or closed."""

from __future__ import annotations

from dataclasses import replace

from sync_server.heart.effects import Kind
from ticketing.operations import Exchange, Sale


def on_branch(kind: Kind | str, branch: str) -> Kind | str:
    """The body as a branch's: its receipts are numbered like the trunk's, and are told apart."""
    if branch and isinstance(kind, Sale | Exchange):
        return replace(kind, receipt_no=f"{kind.receipt_no}~{branch[:8]}")
    return kind
