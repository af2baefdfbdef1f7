"""What a node says to its server and what it makes of the answers, as plain functions.

Each call has a function that makes the request from the node's files and one that takes the
answer into them, in a transaction that the caller began. No clock, no chance, no threads and no
sockets: the sync engine moves the bytes, and a simulation may do it instead.
"""
