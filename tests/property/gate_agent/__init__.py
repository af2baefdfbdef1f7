"""Lanes under any order of events."""
