"""`main prices`."""
