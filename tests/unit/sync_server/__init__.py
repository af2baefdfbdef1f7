"""Units of sync_server."""
