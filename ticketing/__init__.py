"""What a ticket means: pure rules and values, the same code on every node."""
