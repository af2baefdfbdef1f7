"""Units of hardware."""
