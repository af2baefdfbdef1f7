"""Devices without cables."""
