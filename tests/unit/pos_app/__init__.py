"""Units of pos_app."""
