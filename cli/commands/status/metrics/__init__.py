"""`main metrics`."""
