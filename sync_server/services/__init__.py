"""The centre's use cases."""
