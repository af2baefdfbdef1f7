"""The suites, from pure units to whole processes."""
