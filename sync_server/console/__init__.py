"""The managers' web pages."""
