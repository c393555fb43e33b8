"""`main export`."""
