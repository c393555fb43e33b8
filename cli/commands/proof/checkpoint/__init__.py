"""`main checkpoint`."""
