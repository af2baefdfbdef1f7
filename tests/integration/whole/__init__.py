"""The three programs together, as real processes on loopback."""
