"""`main alerts`."""
