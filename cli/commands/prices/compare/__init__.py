"""`main compare`."""
