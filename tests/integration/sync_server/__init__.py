"""The server over real HTTP on loopback, with a real SQLite file."""
