"""`main backup`."""
