"""Units of ticketing."""
