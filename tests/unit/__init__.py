"""Pure code and small parts, alone."""
