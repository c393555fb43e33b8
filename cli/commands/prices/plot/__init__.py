"""`main plot`."""
