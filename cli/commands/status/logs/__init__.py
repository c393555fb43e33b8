"""`main logs`."""
