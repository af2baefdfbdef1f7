"""What each of the three programs has: command line, settings, logs, exit codes, languages."""
