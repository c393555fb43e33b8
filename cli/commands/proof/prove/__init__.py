"""`main prove`."""
