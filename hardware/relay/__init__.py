"""Relays that open a barrier for a moment. The board times the moment, never the program."""

from __future__ import annotations

from hardware.relay.driver import Relay, make_relay

__all__ = ["Relay", "make_relay"]
