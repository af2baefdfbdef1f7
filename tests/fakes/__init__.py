"""Fake cables and clocks."""
