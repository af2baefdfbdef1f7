"""The heart: what the centre does with a node's word, as plain functions over one transaction.

No clock, no randomness, no threads, no sockets: the shells around it bring the time and the
requests, so the same code runs in the server and in the simulation.
"""
