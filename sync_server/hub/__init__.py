"""A server on a venue's own network: a node to the centre, the server to the gates below it."""
