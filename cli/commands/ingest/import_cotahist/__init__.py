"""`main import-cotahist`."""
