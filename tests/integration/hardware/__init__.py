"""Devices over pseudo-terminals, files and folders."""
