"""`main health`."""
