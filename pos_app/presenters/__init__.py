"""What the box office's screens show, as immutable states; no Qt."""
