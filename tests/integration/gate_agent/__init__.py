"""Lanes on real files, real sockets and a real replica."""
