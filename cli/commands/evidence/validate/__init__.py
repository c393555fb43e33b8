"""`main validate`."""
