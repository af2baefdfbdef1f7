"""One ticket's whole life, shown on real processes."""
