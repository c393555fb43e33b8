"""`main import-actions`."""
