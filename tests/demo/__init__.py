"""One ticket's whole life, played on the real programs: `make demo`."""
