"""The box office's use cases."""
