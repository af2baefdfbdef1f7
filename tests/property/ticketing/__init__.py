"""Properties of ticketing."""
