"""`main report`."""
