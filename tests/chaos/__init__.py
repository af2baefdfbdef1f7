"""Real processes that are killed, cut off and starved of disk under load; then the books are read."""
