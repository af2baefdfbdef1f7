"""Units of edge."""
