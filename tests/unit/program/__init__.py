"""Command line, settings, logs, exit codes and languages."""
