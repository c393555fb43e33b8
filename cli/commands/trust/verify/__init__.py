"""`main verify`."""
