"""Real files, real databases, real HTTP on loopback, simulated devices."""
