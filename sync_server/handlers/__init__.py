"""HTTP in, HTTP out: decode, call a service, encode."""
